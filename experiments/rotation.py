"""Rotation favours the full matrix, once steps are right: a diagonal cannot see turned axes.

Classification with features whose variances fall over four decades, along the coordinates or along random axes (ball
of radius 20). Regret at T over the step size; stars: the steps of the theorems (Duchi, Hazan and Singer 2011, Theorems
5 and 7; Zinkevich 2003, Theorem 1). On turned axes the best step of the full matrix beats the best steps of the others;
along the coordinates the diagonal does as well. What does not hold: at the theorems' steps, which protect against the
worst case, OGD is first on both, and its bound is the smallest: the target is long, and both AdaGrads pay for D^2.
"""

from pathlib import Path
from typing import Any

import numpy as np

import oco
from oco import figures
from oco.record import aligned
from oco.statistics import mean_band, samples

SMALL = {"rounds": 1500, "seeds": 3, "seed": 0, "d": 20, "steps": 8}
FULL = {"rounds": 20_000, "seeds": 20, "seed": 0, "d": 50, "steps": 17}


def study(rounds: int, seeds: int, seed: int, d: int, steps: int) -> oco.Study:
    """Three learners x steps, on two streams."""
    etas = [None, *(float(f"{eta:.2g}") for eta in np.geomspace(0.1, 200.0, steps))]
    kinds = (oco.OGDSqrt, oco.AdaGrad, oco.FullMatrixAdaGrad)
    learners = {label: part for kind in kinds for label, part in oco.grid(kind, eta=etas).items()}
    streams = {name: oco.Classification(d, condition=1e4, rotated=name == "rotated") for name in ("axes", "rotated")}
    return oco.Study(learners, streams, rounds, seeds, seed, oco.Ball(20.0))


@figures.paper
def main(folder: Path, size: dict[str, Any]) -> str:
    """A row a stream and learner: the regret with the theorem's step and with the best one."""
    table = study(**size).run(folder / "study")
    figure, axes = figures.panels(1, 2, width=figures.PAGE, height=2.6, sharey=True)
    rows = [("stream", "learner", "at theorem's step", "bound there", "best step", "regret there")]
    best: dict[tuple[str, str], float] = {}
    for ax, (stream, part) in zip(axes, table.groups("stream"), strict=True):
        figures.sensitivity(part, ax, legend=False).set_title(stream)
        for name in part.unique("learner.name"):
            theory, grid = [], []
            for sample in samples(part.where({"learner.name": name})):
                (theory if sample.theory else grid).append(sample)
            ends = [mean_band(sample).middle[-1] for sample in grid]
            chosen = grid[int(np.argmin(ends))]
            best[stream, name] = min(ends)
            limit = min(value[:, -1].mean() for value in theory[0].bounds.values())
            at_theory = mean_band(theory[0]).middle[-1]
            step = f"{chosen.parameters['learner.eta']:g}"
            rows.append((stream, name, f"{at_theory:.1f}", f"{limit:.0f}", step, f"{min(ends):.1f}"))
    axes[1].set_ylabel("")
    figures.save(figures.below(figure, columns=6), folder, Path(__file__).stem)
    full, rival = best["rotated", "full-matrix"], min(best["rotated", name] for name in ("ogd-sqrt", "adagrad"))
    word = "holds" if full < rival else "does not hold"
    return f"{aligned(rows)}\n\nrotated, best steps: full matrix {full:.1f}, best of the others {rival:.1f}: {word}"
