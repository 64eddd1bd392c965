"""Your own learner, stream and loss: a few lines each, then compiled play, certified regret and the figure.

python -m experiments.own_parts [FOLDER]
"""

import math
import sys
from pathlib import Path
from typing import NamedTuple

import oco
from oco import figures
from oco.conformance import check


class Normalised(NamedTuple):
    """A learner: one coordinate's new decision and memory (here the largest gradient) from its gradient."""

    eta: float = 0.5

    def rule(self, now, g, x, s):
        s = max(s, abs(g))
        step = self.eta / math.sqrt(now.t)
        return (x - step * g / s if s > 0.0 else x), s


class HeavyTails(NamedTuple):
    """A stream: block after block of rounds, in NumPy; regression with noise of Student's t."""

    d: int = 5
    freedom: float = 3.0

    def examples(self, rng, t, target):
        a = rng.uniform(-1.0, 1.0, (len(t), self.d))
        return a, 0.9 * a[:, 0] - 0.4 * a[:, 1] + rng.standard_t(self.freedom, len(t))


class Huber(NamedTuple):
    """A loss of the margin z: its value and a slope."""

    width: float = 0.5

    def value(self, z, y):
        r = abs(z - y)
        return 0.5 * r * r if r < self.width else self.width * (r - 0.5 * self.width)

    def slope(self, z, y):
        return min(max(z - y, -self.width), self.width)


def main(folder: str = "oco-play") -> None:
    """Check the three parts, play them, print the regret and draw it."""
    from matplotlib.figure import Figure

    for part in (Normalised(), HeavyTails(), Huber()):
        check(part)
    runs = oco.play(HeavyTails(), [Normalised(), oco.AdaGrad()], loss=Huber(), domain=oco.Box(), rounds=5000)
    for run in runs:
        print(f"{run.name}: regret after {run.rounds} rounds in [{run.regret.low[-1]:.4f}, {run.regret.high[-1]:.4f}]")
    figure = Figure(figsize=(3.4, 2.4), layout="constrained")
    figures.regret(runs, figure.subplots())
    Path(folder).mkdir(parents=True, exist_ok=True)
    figures.save(figure, Path(folder), "own_parts")


if __name__ == "__main__":
    main(*sys.argv[1:])
