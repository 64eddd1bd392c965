"""Sparse features favour AdaGrad: rates of their own let rare words move far.

Documents of five words with Zipf frequencies; every word, rare or frequent, has a weight of +-1 (logistic loss on the
box [-1, 1]^d, all steps by theorem). AdaGrad's bound sqrt(2) max_i D_i sum_i |g_{1:T,i}|_2 (Duchi, Hazan and Singer
2011, Theorem 5) is small where features are rare; the bounds of gradient descent, sqrt(2) D G sqrt(T) (Zinkevich 2003,
Theorem 1) and sqrt(2) D |g_{1:T}|_F (AdaGradNorm; Orabona 1912.13213, Theorem 4.14), are not. Right: loss less that of
AdaGrad on the same documents.
"""

from pathlib import Path
from typing import Any

import oco
from oco import figures
from oco.record import aligned
from oco.statistics import paired_band, samples, summary

SMALL = {"rounds": 4000, "seeds": 8, "seed": 0, "d": 1000}
FULL = {"rounds": 300_000, "seeds": 50, "seed": 0, "d": 50_000}


def study(rounds: int, seeds: int, seed: int, d: int) -> oco.Study:
    """Three learners, one stream."""
    learners = {"ogd-sqrt": oco.OGDSqrt(), "adagrad-norm": oco.AdaGradNorm(), "adagrad": oco.AdaGrad()}
    streams = oco.grid(oco.ZipfText, d=d, words=5, exponent=1.5, noise=0.0)
    return oco.Study(learners, streams, rounds, seeds, seed, oco.Box())


@figures.paper
def main(folder: Path, size: dict[str, Any]) -> str:
    """The claim: the loss of gradient descent less that of AdaGrad is above 0, with confidence."""
    table = study(**size).run(folder / "study")
    figure, axes = figures.panels(1, 3, width=figures.PAGE, height=2.6)
    figures.regret(table, axes[0], legend=False)
    figures.ratio(table, axes[1])
    figures.difference(table, axes[2], "adagrad", legend=False)
    figures.save(figures.below(figure, columns=4), folder, Path(__file__).stem)
    found = {sample.learner: sample for sample in samples(table)}
    lines = [aligned(summary(table)), ""]
    for name in ("ogd-sqrt", "adagrad-norm"):
        band = paired_band(found[name], found["adagrad"])
        word = "holds" if band.low[-1] > 0.0 else "does not hold"
        lines.append(
            f"loss of {name} - loss of adagrad at T: {band.middle[-1]:.1f} [{band.low[-1]:.1f}, {band.high[-1]:.1f}]: "
            f"the claim {word}"
        )
    return "\n".join(lines)
