"""Closed convex sets: projections stated as argmins, widths, support function, linear minimiser.

Methods named clip, project* and vertex are called by compiled kernels and change their argument (d,) in place; the
others are NumPy. vertex(c) turns c into a point of argmin_{u in X} <c, u>, as minimiser(c) returns one.
A metric is given by h (d,) >= 0, or by h and an orthogonal Q (d, d) as Q diag(h) Q^T. Where h_i = 0 every value
of that coordinate costs nothing, and a nearest admissible one is taken.
"""

import math
from typing import Any, NamedTuple

import numpy as np

from oco._jit import kernel, specialise
from oco.projections import (
    compose,
    corner,
    dot,
    largest,
    newton_direction,
    norm,
    quadratic_form,
    same,
    scale,
    shorten,
    to_simplex,
    weighted_ball,
)
from oco.protocols import Matrix, Vector, declare
from oco.quadratic import quadratic_on_simplex

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


@declare(separable=False, bounded=True, positive=("radius",))
class Ball(NamedTuple):
    """|x|_2 <= radius."""

    radius: float = 1.0

    def clip(self, i: int, v: float) -> float:
        return v

    def holds(self, x: Vector) -> bool:
        return norm(x) <= self.radius

    def project(self, x: Vector) -> None:
        shorten(x, self.radius)

    def project_diagonal(self, x: Vector, h: Vector) -> None:
        weighted_ball(x, h, self.radius)

    def project_metric(self, x: Vector, h: Vector, q: Matrix) -> None:
        if not self.holds(x):
            c = np.zeros(len(x))
            for j in range(len(x)):
                for i in range(len(x)):
                    c[j] += q[i, j] * x[i]
            weighted_ball(c, h, self.radius)
            for i in range(len(x)):
                x[i] = 0.0
                for j in range(len(x)):
                    x[i] += q[i, j] * c[j]

    def ball_radius(self) -> float:
        return self.radius

    def contains(self, x: Vector) -> bool:
        return bool(np.linalg.norm(x) <= self.radius * (1.0 + SLACK))

    def centre(self, d: int) -> Vector:
        return np.zeros(d)

    def widths(self, d: int) -> Vector:
        return np.full(d, 2.0 * self.radius)

    def diameter(self, d: int) -> float:
        return 2.0 * self.radius

    def reach(self, x: Vector) -> float:
        return float(self.radius + np.linalg.norm(x))

    def vertex(self, c: Vector) -> None:
        size = norm(c)
        if size > 0.0:
            for i in range(len(c)):
                c[i] = -self.radius * (c[i] / size)

    def support(self, c: Vector) -> float:
        return float(self.radius * np.linalg.norm(c))

    def minimiser(self, c: Vector) -> Vector:
        size = np.linalg.norm(c)
        return -self.radius / size * c if size > 0 else np.zeros_like(c)


@declare(separable=False, bounded=True, positive=("radius",))
class L1Ball(NamedTuple):
    """|x|_1 <= radius."""

    radius: float = 1.0

    def clip(self, i: int, v: float) -> float:
        return v

    def holds(self, x: Vector) -> bool:
        total = 0.0
        for i in range(len(x)):
            total += abs(x[i])
        return total <= self.radius

    def project(self, x: Vector) -> None:
        self.project_diagonal(x, np.ones(len(x)))

    def project_diagonal(self, x: Vector, h: Vector) -> None:
        if not self.holds(x):
            size = np.abs(x)
            to_simplex(size, h, self.radius)
            for i in range(len(x)):
                x[i] = size[i] if x[i] > 0.0 else -size[i]

    def contains(self, x: Vector) -> bool:
        return bool(np.abs(x).sum() <= self.radius * (1.0 + SLACK))

    def centre(self, d: int) -> Vector:
        return np.zeros(d)

    def widths(self, d: int) -> Vector:
        return np.full(d, 2.0 * self.radius)

    def diameter(self, d: int) -> float:
        return 2.0 * self.radius

    def reach(self, x: Vector) -> float:
        # The farthest point is a vertex +-radius e_i; |x -+ r e_i|^2 = |x|^2 +- 2 r x_i + r^2.
        return float(np.sqrt(x @ x + 2.0 * self.radius * np.abs(x).max() + self.radius**2))

    def vertex(self, c: Vector) -> None:
        best = 0
        for i in range(len(c)):
            best = i if abs(c[i]) > abs(c[best]) else best
        value = -self.radius if c[best] > 0.0 else self.radius if c[best] < 0.0 else 0.0
        corner(c, best, value)

    def support(self, c: Vector) -> float:
        return float(self.radius * np.abs(c).max())

    def minimiser(self, c: Vector) -> Vector:
        x = np.zeros(len(c))
        i = np.abs(c).argmax()
        x[i] = -self.radius * np.sign(c[i])
        return x


@declare(separable=False, bounded=True)
class Simplex(NamedTuple):
    """x >= 0, sum x = 1."""

    def clip(self, i: int, v: float) -> float:
        return v

    def holds(self, x: Vector) -> bool:
        return False  # every step leaves the hyperplane

    def project(self, x: Vector) -> None:
        to_simplex(x, np.ones(len(x)), 1.0)

    def project_diagonal(self, x: Vector, h: Vector) -> None:
        to_simplex(x, h, 1.0)

    def project_metric(self, x: Vector, h: Vector, q: Matrix) -> None:
        """argmin_{u in simplex} (u - x)^T Q diag(h) Q^T (u - x), by an active set."""
        d = len(x)
        y = x.copy()
        self.project(x)
        top = largest(h)
        if top > 0.0 and not same(x, y):
            scaled = h.copy()
            scale(scaled, 1.0 / top)
            metric = np.zeros((d, d))
            compose(scaled, q, metric)
            b = np.empty(d)
            for i in range(d):
                b[i] = dot(metric[i], y)
            quadratic_on_simplex(metric, b, x)

    def contains(self, x: Vector) -> bool:
        return bool(np.all(x >= -SLACK) and abs(x.sum() - 1.0) <= SLACK)

    def centre(self, d: int) -> Vector:
        return np.full(d, 1.0 / d)

    def widths(self, d: int) -> Vector:
        return np.full(d, 1.0 if d > 1 else 0.0)

    def diameter(self, d: int) -> float:
        return math.sqrt(2.0) if d > 1 else 0.0

    def reach(self, x: Vector) -> float:
        return float(np.sqrt(x @ x - 2.0 * x.min() + 1.0))

    def vertex(self, c: Vector) -> None:
        best = 0
        for i in range(len(c)):
            best = i if c[i] < c[best] else best
        corner(c, best, 1.0)

    def support(self, c: Vector) -> float:
        return float(c.max())

    def minimiser(self, c: Vector) -> Vector:
        x = np.zeros(len(c))
        x[c.argmin()] = 1.0
        return x


@kernel
def _project(domain: Any, x: Vector) -> None:
    domain.project(x)


def nearest(domain: Any, x: Vector) -> Vector:
    """The point of the domain nearest to x, a new array."""
    u = np.array(x, dtype=float)
    if not isinstance(domain, Space):
        _project(domain, u)
    return u


DOMAINS = {"space": Space, "box": Box, "ball": Ball, "l1": L1Ball, "simplex": Simplex}
