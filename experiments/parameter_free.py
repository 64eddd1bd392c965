"""Parameter-free against tuned: nobody knows how far the target is, and coin betting does not ask.

Absolute loss about a linear model whose target is near or far; the whole space. Gradient descent with eta / sqrt(t) has
regret of about D^2 sqrt(T) / (2 eta) + eta sqrt(T), D its distance from a target of which it must guess eta ~ |u|
(Zinkevich 2003, Theorem 1); Krichevsky-Trofimov betting has |u| sqrt(T ln(1 + 24 T^2 |u|^2)) + 1 for all u at once
(Orabona and Pal 2016, Corollary 5), a logarithm more than the best guess. The table says what the best guess would have
gained, and what a guess ten times too small or large would have lost.
"""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import oco
from oco import figures
from oco.protocols import declare
from oco.record import aligned
from oco.statistics import mean_band, samples

SMALL = {"rounds": 3000, "seeds": 4, "seed": 0, "distances": [0.1, 10.0], "steps": 9}
FULL = {"rounds": 100_000, "seeds": 20, "seed": 0, "distances": [0.01, 1.0, 100.0], "steps": 17}


@declare(loss=oco.Absolute(), norm=1.0, positive=("d", "distance"), nonnegative=("noise",))
class Far(NamedTuple):
    """y = <a, target> + noise, |a| = 1, |target| = distance; noise in proportion."""

    distance: float = 1.0
    noise: float = 0.1
    d: int = 5

    def target(self, rng: np.random.Generator) -> Any:
        u = rng.standard_normal(self.d)
        return self.distance * u / np.linalg.norm(u)

    def examples(self, rng: np.random.Generator, t: Any, target: Any) -> tuple[Any, Any]:
        a = rng.standard_normal((len(t), self.d))
        a /= np.linalg.norm(a, axis=1, keepdims=True)
        return a, a @ target + self.noise * self.distance * rng.standard_normal(len(t))


def study(rounds: int, seeds: int, seed: int, distances: list[float], steps: int) -> oco.Study:
    """Two learners without a step and gradient descent with many, on targets near and far."""
    etas = [float(f"{eta:.2g}") for eta in np.geomspace(1e-3, 1e3, steps)]
    learners = {"kt": oco.KT(), "cocob": oco.COCOB()} | oco.grid(oco.OGDSqrt, eta=etas)
    return oco.Study(learners, oco.grid(Far, "far", distance=distances), rounds, seeds, seed, oco.Space())


@figures.paper
def main(folder: Path, size: dict[str, Any]) -> str:
    """A row a target: betting, the best step in hindsight, and steps ten times off."""
    table = study(**size).run(folder / "study")
    figure, axes = figures.panels(1, len(size["distances"]), width=figures.PAGE, height=2.6)
    rows = [("|u|", "kt", "its bound", "cocob", "best step", "ogd there", "10 times less", "10 times more")]
    for ax, (distance, part) in zip(axes, table.groups("stream.distance"), strict=True):
        figures.sensitivity(part, ax, legend=False).set_title(f"$|u|$ about {distance:g}")
        found = {sample.learner: sample for sample in samples(part)}
        ends = {name: mean_band(sample).middle[-1] for name, sample in found.items()}
        tuned = {found[name].parameters["learner.eta"]: end for name, end in ends.items() if name.startswith("ogd")}
        steps, regrets = np.array(list(tuned)), np.array(list(tuned.values()))
        best = steps[regrets.argmin()]
        off = [regrets[np.abs(np.log(steps / (best * factor))).argmin()] for factor in (0.1, 10.0)]
        bound = min(value[:, -1].mean() for value in found["kt"].bounds.values())
        cells = [ends["kt"], bound, ends["cocob"], best, regrets.min(), *off]
        rows.append((f"{distance:g}", *(f"{cell:.3g}" for cell in cells)))
    for ax in axes[1:]:
        ax.set_ylabel("")
    figures.save(figures.below(figure, columns=5), folder, Path(__file__).stem)
    return aligned(rows)
