"""Linear losses of adversaries that see x_t. |a_t|_2 = scale in every round."""

import math
from typing import Any, NamedTuple

import numpy as np

from oco.bounds import bound, minimax
from oco.domains import Ball
from oco.losses import Linear
from oco.lowlevel.numbers import signed
from oco.projections import norm
from oco.protocols import Vector, declare
from oco.streams.signs import is_linear


@declare(loss=Linear(), positive=("d", "scale"))
class SignFlip(NamedTuple):
    """Adaptive: a_t = sign(x_t) / sqrt(d), so that every coordinate that left zero pays; sign(0) = +1."""

    d: int = 10
    scale: float = 1.0

    @property
    def norm(self) -> float:
        return self.scale

    def reveal(self, t: int, x: Vector, rng: np.random.Generator, memory: Vector, a: Vector) -> float:
        size = self.scale / math.sqrt(len(x))
        for i in range(len(x)):
            a[i] = signed(size, x[i], len(x))
        return 0.0


@declare(loss=Linear(), positive=("scale",), limits={"d": (3, math.inf)})
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
        sound = isinstance(run.domain, Ball) and is_linear(run)
        return self.scale * run.domain.radius * np.sqrt(run.t) if sound else run.t * math.nan

    @bound("minimax-lower", "lower", "Orabona 1912.13213, Theorem 5.1: D G sqrt(T) / (2 sqrt 2)")
    def general(self, run: Any) -> Vector:
        return minimax(run) if isinstance(run.domain, Ball) and is_linear(run) else run.t * math.nan


@declare(loss=Linear(), positive=("d", "scale"))
class Greedy(NamedTuple):
    """Adaptive: the a_t, |a_t| = scale, after which the regret on `domain` is largest.

    That regret is a constant plus max_u (<a, x_t - u> - <A, u>), A = a_1 + ... + a_{t-1}, convex in a: u in
    argmin <A + a, u> and a along x_t - u are taken in turn, which never lessens it (as in the generalised power method
    of Journee, Nesterov, Richtarik and Sepulchre 2010), from A, x_t, a random direction and one orthogonal to both:
    on a ball, d >= 3, a round raises the regret by at least what Orthogonal's would. More is not guaranteed.
    """

    d: int = 10
    domain: Any = Ball()
    scale: float = 1.0

    @property
    def norm(self) -> float:
        return self.scale

    def reveal(self, t: int, x: Vector, rng: np.random.Generator, memory: Vector, a: Vector) -> float:
        trial, span = np.empty(len(a)), x.copy()
        _remove(span, memory)
        most = -math.inf
        for start in range(4):
            for i in range(len(a)):
                trial[i] = memory[i] if start == 0 else x[i] if start == 1 else rng.standard_normal()
            for _ in range(2 if start == 3 else 0):
                _remove(trial, memory)
                _remove(trial, span)
            gain = self._climb(x, memory, trial)
            if gain > most:
                most = gain
                for i in range(len(a)):
                    a[i] = trial[i]
        for i in range(len(a)):
            memory[i] += a[i]
        return 0.0

    def _climb(self, x: Vector, total: Vector, a: Vector) -> float:
        """From the direction of `a`, in place; returns the value there."""
        u, last = np.empty(len(a)), np.empty(len(a))
        gain = -math.inf
        for _ in range(50):
            size = norm(a)
            for i in range(len(a)):
                # Where there is no direction, all gain alike.
                a[i] = self.scale * (a[i] / size if size > 0.0 else 1.0 / math.sqrt(len(a)))
                u[i] = total[i] + a[i]
            self.domain.vertex(u)
            value = 0.0
            for i in range(len(a)):
                value += a[i] * (x[i] - u[i]) - total[i] * u[i]
            if value <= gain:
                break
            gain = value
            for i in range(len(a)):
                last[i] = a[i]
                a[i] = x[i] - u[i]
        for i in range(len(a)):
            a[i] = last[i]
        return gain


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
