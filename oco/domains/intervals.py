"""Products of intervals: R^d and boxes."""

import math
from typing import Any, NamedTuple

import numpy as np

from oco._jit import specialise
from oco.projections import compose, largest, newton_direction, quadratic_form, same
from oco.protocols import Matrix, Vector, declare

SLACK = 1e-9  # feasibility is judged relative to the size of the set, to this precision


def pick(value: Any, i: int) -> float:
    """Entry i of a bound given by coordinate, or the one number that bounds all."""
    return float(value[i]) if np.ndim(value) else float(value)


@specialise(pick)
def _pick(value: Any, i: Any) -> Any:
    if getattr(value, "ndim", 0):
        return lambda value, i: value[i]
    return lambda value, i: value


@declare(separable=True, bounded=False)
class Space(NamedTuple):
    """All of R^d."""

    def clip(self, i: int, v: float) -> float:
        return v

    def project(self, x: Vector) -> None:
        return

    def project_diagonal(self, x: Vector, h: Vector) -> None:
        return

    def project_metric(self, x: Vector, h: Vector, q: Matrix) -> None:
        return

    def ball_radius(self) -> float:
        return math.inf

    def contains(self, x: Vector) -> bool:
        return math.isfinite(x.sum()) or bool(np.isfinite(x).all())

    def centre(self, d: int) -> Vector:
        return np.zeros(d)

    def widths(self, d: int) -> Vector:
        return np.full(d, np.inf)

    def diameter(self, d: int) -> float:
        return math.inf

    def reach(self, x: Vector) -> float:
        return math.inf

    def support(self, c: Vector) -> float:
        return math.inf if np.any(c) else 0.0

    def minimiser(self, c: Vector) -> Vector:
        raise ValueError("a linear function has no minimiser on Space: choose a bounded domain")


@declare(separable=True, bounded=True)
class Box(NamedTuple):
    """Product of the intervals [lower_i, upper_i]; each bound a number or an array (d,)."""

    lower: Any = -1.0
    upper: Any = 1.0

    def clip(self, i: int, v: float) -> float:
        return min(max(v, pick(self.lower, i)), pick(self.upper, i))

    def project(self, x: Vector) -> None:
        for i in range(len(x)):
            x[i] = self.clip(i, x[i])

    def project_diagonal(self, x: Vector, h: Vector) -> None:
        self.project(x)

    def project_metric(self, x: Vector, h: Vector, q: Matrix) -> None:
        """argmin_{u in box} (u - x)^T Q diag(h) Q^T (u - x), by Bertsekas's projected Newton method (1982)."""
        d = len(x)
        y = x.copy()
        self.project(x)
        metric = np.zeros((d, d))
        gradient = np.zeros(d)
        direction = np.empty(d)
        trial = np.empty(d)
        free = np.empty(d, np.int64)
        before = 0.0
        if not same(x, y):
            compose(h, q, metric)
            before = quadratic_form(metric, x, y, gradient)
        for _ in range(100 if before > 0.0 else 0):
            k = self._free(x, gradient, free)
            if largest(gradient[free[:k]]) <= 1e-13 * largest(h) * (1.0 + largest(y)):
                break
            newton_direction(metric, gradient, free[:k], direction)
            step = 1.0
            after = math.inf
            while after >= before and step > 1e-12:
                for i in range(d):
                    trial[i] = self.clip(i, x[i] - step * direction[i])
                after = quadratic_form(metric, trial, y, gradient)
                step *= 0.5
            if after >= before:
                break
            before = after
            for i in range(d):
                x[i] = trial[i]

    def _free(self, x: Vector, gradient: Vector, free: Any) -> int:
        """The coordinates that no bound holds back against the gradient; their number is returned."""
        k = 0
        for i in range(len(x)):
            pushed_down = x[i] <= pick(self.lower, i) and gradient[i] > 0.0
            pushed_up = x[i] >= pick(self.upper, i) and gradient[i] < 0.0
            if not (pushed_down or pushed_up):
                free[k] = i
                k += 1
        return k

    def contains(self, x: Vector) -> bool:
        room = SLACK * (1.0 + np.maximum(np.abs(self.lower), np.abs(self.upper)))
        return bool(np.all(x >= self.lower - room) and np.all(x <= self.upper + room))

    def centre(self, d: int) -> Vector:
        return np.broadcast_to((np.asarray(self.lower) + self.upper) / 2.0, d).astype(float)

    def widths(self, d: int) -> Vector:
        return np.broadcast_to(np.asarray(self.upper) - self.lower, d).astype(float)

    def diameter(self, d: int) -> float:
        return float(np.linalg.norm(self.widths(d)))

    def reach(self, x: Vector) -> float:
        return float(np.linalg.norm(np.maximum(self.upper - x, x - self.lower)))

    def vertex(self, c: Vector) -> None:
        for i in range(len(c)):
            low, high = pick(self.lower, i), pick(self.upper, i)
            # Where c_i = 0 every value will do; the middle keeps ties symmetric.
            c[i] = low if c[i] > 0.0 else high if c[i] < 0.0 else 0.5 * (low + high)

    def support(self, c: Vector) -> float:
        return float(np.sum(np.where(c > 0, c * self.upper, c * self.lower)))

    def minimiser(self, c: Vector) -> Vector:
        return np.where(c > 0, self.lower, np.where(c < 0, self.upper, self.centre(len(c))))
