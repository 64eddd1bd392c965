"""Linear losses whose best decision moves. No lower bound is stated for them: they are attacks, not theorems."""

import math
from typing import Any, NamedTuple

import numpy as np

from oco.losses import Linear
from oco.protocols import Matrix, Vector, declare


@declare(loss=Linear(), positive=("d",), nonnegative=("decades",))
class DoublingPhases(NamedTuple):
    """Oblivious: phases of doubling length, each on the next coordinate with the other sign; sizes over `decades`."""

    d: int = 10
    decades: float = 6.0

    @property
    def norm(self) -> float:
        return float(10.0 ** (self.decades / 2.0))

    def examples(self, rng: np.random.Generator, t: Any, target: Any) -> tuple[Any, Vector]:
        phase = np.floor(np.log2(t)).astype(int)
        a = np.zeros((len(t), self.d))
        size = 10.0 ** (self.decades * (rng.random(len(t)) - 0.5))
        a[np.arange(len(t)), phase % self.d] = (-1.0) ** phase * size
        return a, np.zeros(len(t))


@declare(loss=Linear(), positive=("d", "period", "scale"), nonnegative=("noise",))
class Drift(NamedTuple):
    """Oblivious: a_t turns once in `period` rounds in a random plane; noise is added and a_t cut to |a_t| <= scale."""

    d: int = 10
    period: float = 100.0
    noise: float = 0.0
    scale: float = 1.0

    @property
    def norm(self) -> float:
        return self.scale

    def target(self, rng: np.random.Generator) -> Matrix:
        return np.linalg.qr(rng.standard_normal((self.d, 2)))[0] if self.d > 1 else np.eye(1, 2)

    def examples(self, rng: np.random.Generator, t: Any, target: Matrix) -> tuple[Any, Vector]:
        angle = 2.0 * math.pi * t / self.period
        a = np.stack([np.cos(angle), np.sin(angle)], axis=1) @ target.T
        a += self.noise / math.sqrt(self.d) * rng.standard_normal(a.shape)
        return a * (self.scale / np.maximum(1.0, np.linalg.norm(a, axis=1, keepdims=True))), np.zeros(len(t))
