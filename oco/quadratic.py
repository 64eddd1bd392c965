"""Quadratic minimisation over the simplex, in scalar loops that kernels call."""

from typing import Any

import numpy as np

from oco.projections import cholesky_solve, dot, largest
from oco.protocols import Matrix, Vector

RIDGE = 1e-13  # relative to the trace: defines the step where the metric is only semi-definite


def quadratic_on_simplex(metric: Matrix, b: Vector, x: Vector) -> None:
    """argmin_{u >= 0, sum u = 1} u^T metric u / 2 - <b, u> in place of x, a point of the simplex to start from.

    A primal active set (Gill, Murray and Wright 1981, section 5.2): the minimiser on the face of the free coordinates,
    cut at the first wall; where the face's minimiser is reached, the coordinate with the steepest descent is set free.
    Finite: the value falls from face to face.
    """
    n = len(x)
    gradient = np.empty(n)
    target = np.empty(n)
    free = np.empty(n, np.int64)
    is_free = np.empty(n, np.bool_)
    for i in range(n):
        is_free[i] = x[i] > 0.0
    trace = 0.0
    for i in range(n):
        trace += metric[i, i]
    for _ in range(20 * n):
        k = 0
        for i in range(n):
            gradient[i] = dot(metric[i], x) - b[i]
            if is_free[i]:
                free[k] = i
                k += 1
        r = _face_minimiser(metric, gradient, x, free[:k], RIDGE * trace, target)
        blocked = _advance(x, target, free[:k])
        if blocked >= 0:
            is_free[blocked] = False
            continue
        steepest = -1
        least = -1e-14 * (trace + largest(b))
        for i in range(n):
            gradient[i] = dot(metric[i], x) - b[i]
        for i in range(n):
            if not is_free[i] and gradient[i] - gradient[r] < least:
                steepest = i
                least = gradient[i] - gradient[r]
        if steepest < 0:
            break
        is_free[steepest] = True


def _face_minimiser(metric: Matrix, gradient: Vector, x: Vector, free: Any, ridge: float, target: Vector) -> int:
    """Writes the minimiser over sum u = 1 on the free coordinates to `target`; returns the largest of these, r.

    Newton's step in the other coordinates, u_r = 1 - sum of theirs: differences of the gradient alone enter.
    """
    r = free[0]
    for i in free:
        r = i if x[i] > x[r] else r
    k = len(free) - 1
    block = np.empty((k, k))
    step = np.empty(k)
    others = np.empty(k, np.int64)
    k = 0
    for i in free:
        if i != r:
            others[k] = i
            k += 1
    for a in range(k):
        i = others[a]
        step[a] = gradient[i] - gradient[r]
        for c in range(a + 1):
            j = others[c]
            block[a, c] = metric[i, j] - metric[i, r] - metric[r, j] + metric[r, r]
        block[a, a] += ridge
    cholesky_solve(block, step)
    rest = 1.0
    for a in range(k):
        target[others[a]] = x[others[a]] - step[a]
        rest -= target[others[a]]
    target[r] = rest
    return r


def _advance(x: Vector, target: Vector, free: Any) -> int:
    """Go from x towards `target` on the free coordinates up to the first wall, whose coordinate is returned, or -1."""
    blocked = -1
    length = 1.0
    for a in range(len(free)):
        i = free[a]
        if target[i] < 0.0 and x[i] < length * (x[i] - target[i]):
            blocked = i
            length = x[i] / (x[i] - target[i])
    for a in range(len(free)):
        i = free[a]
        x[i] = target[i] if length == 1.0 else max(0.0, x[i] + length * (target[i] - x[i]))
    if blocked >= 0:
        x[blocked] = 0.0
    return blocked
