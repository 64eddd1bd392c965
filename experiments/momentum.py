"""Momentum gains nothing against an adversary: gradient descent, heavy ball and Nesterov on the same streams.

Regret at T over the step size on the unit ball. With the steps of their theorems (gradient descent: D G sqrt(T),
Orabona 1912.13213, Theorem 2.13; momentum: sqrt((1 + beta) / (1 - beta)) times that and a constant, derived in
oco.learners.momentum) both momentum methods have the larger bounds; whether also the larger regret, the first table of
ranks says. In the second each has its best step in hindsight: what is left on data is next to nothing, and against the
greedy adversary momentum is far behind at any step.
"""

from pathlib import Path
from typing import Any

import numpy as np

import oco
from oco import figures
from oco.record import aligned
from oco.statistics import mean_band, rank_rows, ranks, samples

SMALL = {"rounds": 1500, "seeds": 3, "seed": 0, "d": 10, "steps": 10}
FULL = {"rounds": 100_000, "seeds": 20, "seed": 0, "d": 50, "steps": 17}


def study(rounds: int, seeds: int, seed: int, d: int, steps: int) -> oco.Study:
    """Three learners x steps, on four streams."""
    etas = [None, *(float(f"{eta:.2g}") for eta in np.geomspace(1e-4, 3.0, steps))]
    kinds = (oco.OGD, oco.Momentum, oco.Nesterov)
    learners = {label: part for kind in kinds for label, part in oco.grid(kind, eta=etas).items()}
    streams = {
        "regression": oco.Regression(d, condition=10.0),
        "turning": oco.Drift(d, period=200.0),
        "fair signs": oco.RandomSigns(d),
        "greedy": oco.Greedy(d),
    }
    return oco.Study(learners, streams, rounds, seeds, seed, oco.Ball())


@figures.paper
def main(folder: Path, size: dict[str, Any]) -> str:
    """Theorem's and best steps on every stream, and mean ranks of each."""
    table = study(**size).run(folder / "study")
    figure, axes = figures.panels(1, 4, width=figures.PAGE, height=2.4)
    rows = [("stream", "learner", "at theorem's step", "bound", "best step", "regret there")]
    theory, best = [], []
    for ax, (stream, part) in zip(axes, table.groups("stream"), strict=True):
        figures.sensitivity(part, ax, legend=False).set_title(stream)
        for name in part.unique("learner.name"):
            found = samples(part.where({"learner.name": name}))
            theory.append(next(sample for sample in found if sample.theory)._replace(learner=name))
            grid = [sample for sample in found if not sample.theory]
            best.append(min(grid, key=lambda sample: mean_band(sample).middle[-1])._replace(learner=name))
            bound = min(value[:, -1].mean() for value in theory[-1].bounds.values())
            first, then = (f"{mean_band(sample).middle[-1]:.1f}" for sample in (theory[-1], best[-1]))
            rows.append((stream, name, first, f"{bound:.1f}", f"{best[-1].parameters['learner.eta']:g}", then))
    for ax in axes[1:]:
        ax.set_ylabel("")
    figures.save(figures.below(figure, columns=6), folder, Path(__file__).stem)
    tables = (aligned(rows), "by theorem:", aligned(rank_rows(ranks(theory))), "best:", aligned(rank_rows(ranks(best))))
    return "\n\n".join(tables)
