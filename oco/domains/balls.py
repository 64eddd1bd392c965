"""Balls of the 2-norm and the 1-norm."""

from typing import NamedTuple

import numpy as np

from oco.domains.intervals import SLACK
from oco.projections import corner, norm, shorten, to_simplex, weighted_ball
from oco.protocols import Matrix, Vector, declare


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
