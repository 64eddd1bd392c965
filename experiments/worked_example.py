"""The worked example of introductory texts: AdaGrad's effective rate alpha / (sqrt(S_t) + eps) by round.

alpha = 0.1, eps = 1e-8. The frequent feature's gradients 10, 9, 11, 10, 10 take its rate from .01 to .0045; the rare
feature's gradients 0, 0, 0, 0.1, 0 leave it without a rate until round 4, where it makes a full step of 0.1.

    python -m experiments.worked_example [FOLDER]
"""

import sys
from pathlib import Path

import numpy as np

import oco
from oco import figures

FEATURES = {"frequent": [10.0, 9.0, 11.0, 10.0, 10.0], "rare": [0.0, 0.0, 0.0, 0.1, 0.0]}


def follow(gradients: list[float]) -> tuple[list[float], list[float]]:
    """Effective rates and step lengths, round by round; the rate is NaN until a gradient was seen."""
    player = oco.Player(oco.AdaGrad(0.1, delta=1e-8), d=1)
    rates, steps = [], []
    for t, g in enumerate(gradients, 1):
        before = player.x[0]
        player.update(np.array([g]))
        rates.append(float(player.rates()[0]) if any(gradients[:t]) else float("nan"))
        steps.append(abs(float(player.x[0] - before)))
    return rates, steps


def main(folder: str = "oco-play") -> None:
    """Print the table and write worked_example.pdf and .png to `folder`."""
    from matplotlib.figure import Figure

    Path(folder).mkdir(parents=True, exist_ok=True)
    figure = Figure(figsize=(3.4, 2.0), layout="constrained")
    ax = figure.subplots()
    for (name, gradients), style in zip(FEATURES.items(), ("-", "--"), strict=True):
        rates, steps = follow(gradients)
        figures.rates(rates, ax, f"{name} feature").lines[-1].set_linestyle(style)
        for t, (g, rate, step) in enumerate(zip(gradients, rates, steps, strict=True), 1):
            print(f"{name:9} t={t}  g={g:<5g} effective rate {rate:.6f}  step {step:.4f}")
    ax.set_yscale("log")
    ax.legend(frameon=False)
    figures.save(figure, Path(folder), "worked_example")


if __name__ == "__main__":
    main(*sys.argv[1:])
