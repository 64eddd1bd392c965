"""A best expert is found: weights follow gaps, and AdaHedge needs neither the gap nor the horizon.

Ten experts with losses 0 and 1. Left: the weights of AdaHedge where one expert is better by a gap. Middle: regret there
of AdaHedge (de Rooij, van Erven, Grunwald and Koolen 2014, Theorem 8), which soon stops paying, and of Hedge with the
step sqrt(8 ln N / T) for the worst case (Cesa-Bianchi and Lugosi 2006, Theorem 2.2), which pays longer. Right: fair
coins, on which no learner has less mean regret than the dash-dotted line.
"""

from pathlib import Path
from typing import Any

import oco
from oco import figures
from oco.record import aligned
from oco.statistics import summary
from oco.study.kept import Arrays, kept

SMALL = {"rounds": 3000, "seeds": 10, "seed": 0, "experts": 10, "gap": 0.1}
FULL = {"rounds": 300_000, "seeds": 100, "seed": 0, "experts": 10, "gap": 0.02}
SHOWN = 500  # rounds of weights


def study(rounds: int, seeds: int, seed: int, experts: int, gap: float) -> oco.Study:
    """Two learners, with and without a best expert."""
    learners = {"hedge": oco.Hedge(), "adahedge": oco.AdaHedge()}
    streams = {"gap": oco.Experts(experts, gap), "fair coins": oco.ExpertsGame(experts)}
    return oco.Study(learners, streams, rounds, seeds, seed, oco.Simplex())


def weights(experts: int, gap: float, rounds: int, seed: int) -> Arrays:
    """AdaHedge's decisions."""
    stream, domain = oco.Experts(experts, gap), oco.Simplex()
    return {"x": oco.play(stream, oco.AdaHedge(), domain=domain, rounds=rounds, seed=seed, audit=True)[0].history.x}


@figures.paper
def main(folder: Path, size: dict[str, Any]) -> str:
    """The usual table: regret, ratio, exponent."""
    table = study(**size).run(folder / "study")
    figure, axes = figures.panels(1, 3, width=figures.PAGE, height=2.8)
    game = {name: size[name] for name in ("experts", "gap", "seed")} | {"rounds": min(SHOWN, size["rounds"])}
    figures.weights(kept(weights, folder / "weights.npz", **game)[0]["x"], axes[0], most=3)
    for ax, (stream, part) in zip(axes[1:], table.groups("stream"), strict=True):
        figures.regret(part, ax, legend=False).set_title(stream)
    figures.save(figures.below(figure, 4, axes[1:]), folder, Path(__file__).stem)
    return aligned(summary(table))
