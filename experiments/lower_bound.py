"""The bound is tight: an adversary forces sqrt(T) on every learner, and one learner pays not a bit more.

Left: losses orthogonal to x_t and to all before. On a ball of radius R every regret is exactly R G sqrt(t) (Abernethy,
Bartlett, Rakhlin and Tewari 2008), which is the minimax learner's bound: a ratio of 1. For the others, whose bounds
hold beyond this game, it is 1 / (2 sqrt 2) (Zinkevich 2003, Theorem 1) and 1 / (2 sqrt(2 d)) (Duchi, Hazan and Singer
2011, Theorem 5, where all d coordinates take part). Right: fair signs in one dimension. In the mean over seeds no
learner has less regret than D G E|S_t| / 2 (dash-dotted), S_t a random walk, and none here has more.
"""

from pathlib import Path
from typing import Any

import oco
from oco import figures
from oco.record import aligned
from oco.statistics import mean_band, samples, summary

SMALL = {"rounds": 3000, "seeds": 40, "seed": 0, "d": 5}
FULL = {"rounds": 300_000, "seeds": 2000, "seed": 0, "d": 20}


def studies(rounds: int, seeds: int, seed: int, d: int) -> dict[str, oco.Study]:
    """The two games; the first has the same regret for every seed up to rounding."""
    learners = {"ogd-sqrt": oco.OGDSqrt(), "adagrad": oco.AdaGrad()}
    on_ball = learners | {"minimax-ball": oco.MinimaxBall()}
    return {
        "orthogonal": oco.Study(on_ball, oco.Orthogonal(d), rounds, seeds, seed, oco.Ball()),
        "signs": oco.Study(learners, oco.RandomSigns(1), rounds, seeds, seed, oco.Box()),
    }


@figures.paper
def main(folder: Path, size: dict[str, Any]) -> str:
    """The claims: minimax ratio 1 to rounding; mean regret of signs not below the lower bound, within its error."""
    tables = {name: study.run(folder / name) for name, study in studies(**size).items()}
    figure, axes = figures.panels(1, 2, width=figures.PAGE, height=2.6)
    figures.ratio(tables["orthogonal"], axes[0]).set_title("orthogonal losses, unit ball")
    figures.regret(tables["signs"], axes[1], legend=False).set_title("fair signs, [-1, 1]")
    figures.save(figures.below(figure, columns=4), folder, Path(__file__).stem)
    lines = [aligned([*summary(tables["orthogonal"]), *summary(tables["signs"])[1:]]), ""]
    for sample in samples(tables["signs"]):
        band, forced = mean_band(sample), max(value[0, -1] for value in sample.lower.values())
        word = "consistent" if band.low[-1] <= forced <= band.high[-1] else "not consistent"
        interval = f"{band.middle[-1]:.2f} [{band.low[-1]:.2f}, {band.high[-1]:.2f}]"
        lines.append(f"signs, {sample.learner}: mean regret {interval}, forced {forced:.2f}: {word} with equality")
    return "\n".join(lines)
