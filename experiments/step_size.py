"""The theorem's step is the best one against an adversary; on kinder data it costs a factor that only hindsight knows.

Regret at T over the step size, with the theorem's step as a star: D / (G sqrt(T)) for gradient descent (Zinkevich 2003;
Orabona 1912.13213, Theorem 2.13), D / sqrt(2) for AdaGrad (Duchi, Hazan and Singer 2011, Theorem 5). Left:
a greedy adversary on the unit ball, against which gradient descent at its step has the regret of the minimax learner,
G sqrt(T), and any other step more; AdaGrad's step, which is the same for every horizon, is not the best one there.
Right: sparse text on the box. The ratio in the table is the price of not knowing the best step.
"""

from pathlib import Path
from typing import Any

import numpy as np

import oco
from oco import figures
from oco.record import aligned
from oco.statistics import mean_band, samples

SMALL = {"rounds": 2000, "seeds": 3, "seed": 0, "d": 100, "steps": 13}
FULL = {"rounds": 100_000, "seeds": 20, "seed": 0, "d": 1000, "steps": 25}


def studies(rounds: int, seeds: int, seed: int, d: int, steps: int) -> dict[str, oco.Study]:
    """Gradient descent and AdaGrad x steps, in two games; the adversary draws only where to start looking."""
    etas = [None, *(float(f"{eta:.2g}") for eta in np.geomspace(1e-3, 1e3, steps))]
    learners = oco.grid(oco.OGD, eta=etas) | oco.grid(oco.AdaGrad, eta=etas)
    return {
        "greedy": oco.Study(learners, oco.Greedy(3), min(rounds, 10_000), seeds, seed, oco.Ball()),
        "text": oco.Study(learners, oco.ZipfText(d=d, words=5, exponent=1.5), rounds, seeds, seed, oco.Box()),
    }


@figures.paper
def main(folder: Path, size: dict[str, Any]) -> str:
    """A row a stream and learner: what not knowing the best step costs."""
    figure, axes = figures.panels(1, 2, width=figures.PAGE, height=2.6)
    rows = [("stream", "learner", "theorem's step", "regret", "best step", "regret there", "ratio")]
    for ax, (stream, study) in zip(axes, studies(**size).items(), strict=True):
        part = study.run(folder / stream)
        figures.sensitivity(part, ax, legend=False).set_title(stream)
        for name in part.unique("learner.name"):
            found = samples(part.where({"learner.name": name}))
            ends = [mean_band(sample).middle[-1] for sample in found]
            steps = [sample.parameters["learner.eta"] for sample in found]
            theory = next(i for i, sample in enumerate(found) if sample.theory)
            best = int(np.argmin(ends))
            cells = (f"{steps[theory]:.3g}", f"{ends[theory]:.4g}", f"{steps[best]:.3g}", f"{ends[best]:.4g}")
            rows.append((stream, name, *cells, f"{ends[theory] / ends[best]:.2f}"))
    figures.save(figures.below(figure, columns=5), folder, Path(__file__).stem)
    return aligned(rows)
