"""Projections onto balls and simplices in a diagonal metric, in scalar loops that compile in a moment."""

import math
from typing import Any

import numpy as np

from oco._jit import SUMS
from oco.lowlevel.numbers import order, unordered
from oco.protocols import Matrix, Vector


def scale(x: Vector, factor: float) -> None:
    for i in range(len(x)):
        x[i] *= factor


def corner(x: Vector, i: int, value: float) -> None:
    """x = value e_i."""
    scale(x, 0.0)
    x[i] = value


def largest(x: Vector) -> float:
    """max_i |x_i|, NaN where there is one."""
    peak = order(x.dtype.type(0.0))
    for i in range(len(x)):
        peak = max(peak, order(x[i]))
    return np.float64(unordered(peak))


@SUMS
def _squares(x: Vector) -> float:
    total = 0.0
    for i in range(len(x)):
        total += x[i] * x[i]
    return total


def norm(x: Vector) -> float:
    """|x|_2 of numbers of any size."""
    total = _squares(x)
    if 1e-280 < total < 1e300:
        return math.sqrt(total)
    peak = largest(x)
    total = 0.0
    for i in range(len(x)):
        # Scaled by the largest entry: squares neither overflow nor vanish.
        total += (x[i] / peak) ** 2 if peak > 0.0 else 0.0
    return peak * math.sqrt(total)


def shorten(x: Vector, length: float) -> None:
    """argmin_{|u|_2 <= length} |u - x|_2 in place."""
    if 1e-140 < length < 1e150 and _squares(x) < length * length:
        return  # most rounds: no root, and the next one need not wait for this
    size = norm(x)
    if size > length:
        scale(x, length / size)


def weighted_ball(c: Vector, h: Vector, radius: float) -> None:
    """argmin_{|u|_2 <= radius} sum_i h_i (u_i - c_i)^2 in place: u = h c / (h + mu), |u(mu)| = radius."""
    if norm(c) <= radius:
        return
    held = c.copy()
    free = c.copy()
    top = largest(h)
    for i in range(len(c)):
        if h[i] > 1e-300 * top:  # less costs nothing, to any precision
            free[i] = 0.0
        else:
            held[i] = 0.0
    if norm(held) <= radius:
        # On the sphere two sums of the same squares may fall to its two sides: then nothing need be free.
        size = norm(free)
        room = math.sqrt(max(0.0, radius * radius - norm(held) ** 2)) / size if size > 0.0 else 0.0
        for i in range(len(c)):
            c[i] = held[i] + room * free[i]
        return
    mu = 0.0
    for _ in range(200):
        # Newton on 1 / |u(mu)|, concave and increasing: iterates approach the root from the left, never past it.
        for i in range(len(c)):
            c[i] = held[i] / radius * (h[i] / top) / (h[i] / top + mu) if held[i] != 0.0 else 0.0
        size = norm(c)
        slope = 0.0  # of log |u|, in which no square of a large number occurs
        for i in range(len(c)):
            if c[i] != 0.0:
                slope += (c[i] / size) ** 2 / (h[i] / top + mu)
        step = (size - 1.0) / slope
        mu += step
        if step <= 1e-16 * mu:
            break
    for i in range(len(c)):
        c[i] = held[i] * (h[i] / top) / (h[i] / top + mu) if held[i] != 0.0 else 0.0
    scale(c, min(1.0, radius / norm(c)))


def to_simplex(y: Vector, h: Vector, mass: float) -> None:
    """argmin_{u >= 0, sum u = mass} sum_i h_i (u_i - y_i)^2 in place, where h_i = 0 costs nothing."""
    held = 0.0
    some_free = False
    for i in range(len(y)):
        if h[i] > 0.0:
            held += max(y[i], 0.0)
        else:
            some_free = True
    if some_free and held <= mass:
        part = np.zeros(len(y))
        for i in range(len(y)):
            if h[i] > 0.0:
                y[i] = max(y[i], 0.0)
            else:
                part[i] = 1.0
        shift_to_mass(y, part, mass - held)
    else:
        part = h.copy()
        for i in range(len(y)):
            if h[i] == 0.0:
                y[i] = 0.0
        shift_to_mass(y, part, mass)


def shift_to_mass(y: Vector, h: Vector, mass: float) -> None:
    """u = (y - nu / h)_+ with sum u = mass over the entries with h > 0; Michelot's active set (1986), finite.

    `h` is used up: an entry leaves the active set by becoming negative.
    """
    j = 0
    shift = 0.0
    removed = True
    while removed:
        # nu = h_j (y_j + shift), j the active entry of least h: entries that dwarf the mass do not swallow it in
        # y_i - (h_j / h_i) y_j, nor do those of tiny h swallow others in sums of 1 / h.
        j = least_positive(h)
        total = -mass
        room = 0.0
        for i in range(len(y)):
            if h[i] > 0.0:
                total += y[i] - h[j] / h[i] * y[j]
                room += h[j] / h[i]
        shift = total / room
        removed = False
        least = h[j]
        for i in range(len(y)):
            if h[i] > 0.0 and y[i] - least / h[i] * y[j] < least / h[i] * shift:
                h[i] = -1.0
                removed = True
    least = h[j]
    middle = y[j]
    total = 0.0
    for i in range(len(y)):
        if h[i] > 0.0:
            y[i] = y[i] - least / h[i] * middle - least / h[i] * shift
            total += y[i]
        elif h[i] < 0.0:
            y[i] = 0.0
    for i in range(len(y)):
        if h[i] > 0.0 and total > 0.0 and abs(total - mass) > 1e-12 * mass:
            y[i] *= mass / total  # what rounding errors of large entries left


def least_positive(h: Vector) -> int:
    """argmin of h_i over h_i > 0."""
    j = -1
    for i in range(len(h)):
        if h[i] > 0.0 and (j < 0 or h[i] < h[j]):
            j = i
    return j


def cholesky_solve(a: Matrix, b: Vector) -> None:
    """a^{-1} b in place of b for a symmetric positive definite; its lower triangle is overwritten by the factor."""
    n = len(b)
    for i in range(n):
        for j in range(i):
            a[i, j] = (a[i, j] - dot(a[i, :j], a[j, :j])) / a[j, j]
        a[i, i] = math.sqrt(a[i, i] - dot(a[i, :i], a[i, :i]))
        b[i] = (b[i] - dot(a[i, :i], b[:i])) / a[i, i]
    for i in range(n - 1, -1, -1):
        b[i] /= a[i, i]
        add_multiple(b[:i], -b[i], a[i, :i])


def same(x: Vector, y: Vector) -> bool:
    """Whether x = y, entry by entry."""
    equal = True
    for i in range(len(x)):
        equal = equal and x[i] == y[i]
    return equal


def compose(h: Vector, q: Matrix, metric: Matrix) -> None:
    """metric += Q diag(h) Q^T, row by row so that the inner loop is contiguous."""
    column = np.empty(len(h))
    for j in range(len(h)):
        for i in range(len(h)):
            column[i] = q[i, j]
        for i in range(len(h)):
            add_multiple(metric[i], h[j] * column[i], column)


def add_multiple(x: Vector, factor: float, y: Vector) -> None:
    """x += factor y."""
    for i in range(len(x)):
        x[i] += factor * y[i]


@SUMS
def dot(x: Vector, y: Vector) -> float:
    """<x, y>."""
    total = 0.0
    for i in range(len(x)):
        total += x[i] * y[i]
    return total


def quadratic_form(metric: Matrix, x: Vector, y: Vector, gradient: Vector) -> float:
    """(x - y)^T metric (x - y); metric (x - y) is written to `gradient`."""
    gap = np.empty(len(x))
    for i in range(len(x)):
        gap[i] = x[i] - y[i]
    for i in range(len(x)):
        gradient[i] = dot(metric[i], gap)
    return dot(gradient, gap)


def newton_direction(metric: Matrix, gradient: Vector, free: Any, direction: Vector) -> None:
    """The solution on the free coordinates of metric_FF direction_F = gradient_F, zero elsewhere."""
    block = np.empty((len(free), len(free)))
    right = np.empty(len(free))
    ridge = 0.0
    for i in range(len(metric)):
        direction[i] = 0.0
        ridge = max(ridge, 1e-14 * metric[i, i])  # defines the step where the metric is only semi-definite
    for a in range(len(free)):
        right[a] = gradient[free[a]]
        for b in range(a + 1):
            block[a, b] = metric[free[a], free[b]]
        block[a, a] += ridge
    cholesky_solve(block, right)
    for a in range(len(free)):
        direction[free[a]] = right[a]
