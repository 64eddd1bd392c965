"""The probability simplex."""

import math
from typing import NamedTuple

import numpy as np

from oco.domains.intervals import SLACK
from oco.projections import compose, corner, dot, largest, same, scale, to_simplex
from oco.protocols import Matrix, Vector, declare
from oco.quadratic import quadratic_on_simplex


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
        return bool(x.min() >= -SLACK and abs(x.sum() - 1.0) <= SLACK)

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
