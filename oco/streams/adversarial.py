"""Linear losses: random signs, and adversaries that see x_t. |a_t|_2 = scale in every round."""

import math
from typing import Any, NamedTuple

import numpy as np

from oco.bounds import bound, minimax
from oco.domains import Ball
from oco.losses import Linear
from oco.protocols import Vector, declare


@declare(loss=Linear(), positive=("d", "scale"))
class RandomSigns(NamedTuple):
    """Oblivious: a_t has independent signs, each +1 with probability (1 + bias) / 2, over sqrt(d)."""

    d: int = 10
    bias: float = 0.0
    scale: float = 1.0

    @property
    def norm(self) -> float:
        return self.scale

    def examples(self, rng: np.random.Generator, t: Any, target: Any) -> tuple[Any, Vector]:
        up = rng.random((len(t), self.d)) < (1.0 + self.bias) / 2.0
        return np.where(up, 1.0, -1.0) * (self.scale / math.sqrt(self.d)), np.zeros(len(t))


@declare(loss=Linear(), positive=("d", "scale"))
class SignFlip(NamedTuple):
    """Adaptive: a_t = sign(x_t) / sqrt(d), so that every coordinate that left zero pays; sign(0) = +1."""

    d: int = 10
    scale: float = 1.0

    @property
    def norm(self) -> float:
        return self.scale

    def reveal(self, t: int, x: Vector, rng: np.random.Generator, memory: Vector, a: Vector) -> float:
        for i in range(len(x)):
            a[i] = (1.0 if x[i] >= 0.0 else -1.0) * self.scale / math.sqrt(len(x))
        return 0.0


@declare(loss=Linear(), positive=("d", "scale"))
class Orthogonal(NamedTuple):
    """Adaptive, d >= 3: |a_t| = 1, orthogonal to x_t and to a_1 + ... + a_{t-1}.

    The learner loses nothing in any round and |sum a| = sqrt(t): on a ball of radius R about 0 every learner's
    regret is exactly R sqrt(t), the value of the game (Abernethy, Bartlett, Rakhlin and Tewari 2008).
    """

    d: int = 10
    scale: float = 1.0

    @property
    def norm(self) -> float:
        return self.scale

    def reveal(self, t: int, x: Vector, rng: np.random.Generator, memory: Vector, a: Vector) -> float:
        d = len(x)
        # x without its part along the sum, so that a is cleaned of two orthogonal directions. Gradient descent keeps x
        # parallel to the sum: what is left is rounding error, and is made orthogonal in its turn.
        rest = x.copy()
        for _ in range(3):
            _remove(rest, memory)
        size = 0.0
        while size < 1e-3:  # a draw almost inside their span would lose digits
            for i in range(d):
                a[i] = rng.standard_normal()
            for _ in range(2):  # once leaves rounding errors of the size of what was removed
                _remove(a, memory)
                _remove(a, rest)
            size = math.sqrt(_inner(a, a))
        for i in range(d):
            a[i] *= self.scale / size
            memory[i] += a[i]
        return 0.0

    @bound("orthogonal-lower", "lower", "Abernethy, Bartlett, Rakhlin, Tewari 2008: R G sqrt(T)")
    def value(self, run: Any) -> Vector:
        return self.scale * run.domain.radius * np.sqrt(run.t) if isinstance(run.domain, Ball) else run.t * math.nan

    @bound("minimax-lower", "lower", "Orabona 1912.13213, Theorem 5.1: D G sqrt(T) / (2 sqrt 2)")
    def general(self, run: Any) -> Vector:
        return minimax(run) if isinstance(run.domain, Ball) else run.t * math.nan


def _inner(u: Vector, v: Vector) -> float:
    total = 0.0
    for i in range(len(u)):
        total += u[i] * v[i]
    return total


def _remove(a: Vector, v: Vector) -> None:
    """a - <a, v> / <v, v> v in place."""
    square = _inner(v, v)
    if square > 0.0:
        along = _inner(a, v) / square
        for i in range(len(a)):
            a[i] -= along * v[i]
