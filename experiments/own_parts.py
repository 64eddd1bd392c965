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


SMALL, FULL = {"rounds": 5000, "seed": 0}, {"rounds": 1_000_000, "seed": 0}


@figures.paper
def main(folder: Path, size: dict[str, int]) -> str:
    """Check the three parts, play them, draw the regret; a line a learner."""
    for part in (Normalised(), HeavyTails(), Huber()):
        check(part)
    runs = oco.play(HeavyTails(), [Normalised(), oco.AdaGrad()], loss=Huber(), domain=oco.Box(), **size)
    figure, ax = figures.panels()
    figures.regret(runs, ax)
    figures.save(figure, folder, "own_parts")
    ends = [(run.name, run.rounds, run.regret.low[-1], run.regret.high[-1]) for run in runs]
    return "\n".join(f"{name}: regret after {t} rounds in [{low:.4f}, {high:.4f}]" for name, t, low, high in ends)


if __name__ == "__main__":
    folder = Path(*(sys.argv[1:] or ["oco-play"]))
    folder.mkdir(parents=True, exist_ok=True)
    print(main(folder, SMALL))
