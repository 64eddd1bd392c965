"""Projection onto a ball in the metric H = delta + sqrt G, from resolvents."""

import math

import numpy as np

from oco._back import apart
from oco.projections import norm, scale
from oco.protocols import Matrix, Vector
from oco.roots.block import LOW, MULTIPLIER, RANK, block_in, combine, solve
from oco.roots.root import Root


def onto_ball(root: Root, delta: float, radius: float, y: Vector) -> None:
    """argmin_{|u| <= radius} |u - y|_H in place of the rotated y: (H + mu)^{-1} H y = y - mu (H + mu)^{-1} y."""
    if norm(y) > radius:
        on_sphere(root, delta, radius, y, y, 0.0, -1.0, y, False)


def on_sphere(
    root: Root,
    delta: float,
    radius: float,
    x: Vector,
    base: Vector,
    gain: float,
    slope: float,
    v: Vector,
    solved: bool,
) -> None:
    """x(mu) = base + (gain + slope mu) (H + mu)^{-1} v with |x(mu)| = radius in place of x = x(0), |x| > radius.

    solved: whether v is what times_inverse was just asked for.
    """
    vectors = np.empty((4, len(x)))
    numbers = np.empty((1, 4))
    for i in range(len(x)):
        vectors[0, i] = x[i]
        vectors[1, i] = base[i]
        vectors[2, i] = v[i]
    numbers[0, 0], numbers[0, 1], numbers[0, 2], numbers[0, 3] = delta, radius, gain, slope
    if not solved:
        solve((root.room, vectors[2:3]))
    _on_sphere((root.room, vectors, numbers))
    for i in range(len(x)):
        x[i] = vectors[0, i]


@apart
def _on_sphere(arrays: tuple[Matrix, ...]) -> None:
    """For `on_sphere`: the root mu > 0 of radius / |x(mu)| - 1, concave and increasing, by secants in a bracket."""
    room, vectors, numbers = arrays
    x, base, part = vectors[0], vectors[1], vectors[3]
    delta, radius, gain, slope = numbers[0, 0], numbers[0, 1], numbers[0, 2], numbers[0, 3]
    each = np.empty((1, 1))
    block = block_in(room, len(x))
    rank = int(block.facts[RANK])
    if delta == 0.0 and norm(x[:rank]) <= radius:
        # Outside the span a step costs nothing.
        left = math.sqrt(max(0.0, radius * radius - norm(x[:rank]) ** 2))
        scale(x[rank:], left / norm(x[rank:]))
        return
    low, high = 0.0, math.inf
    before, error = 0.0, radius / norm(x) - 1.0
    mu = block.facts[MULTIPLIER]
    if not mu > 0.0:
        mu = -error * (delta + math.sqrt(block.facts[LOW]))
    for k in range(100):
        each[0, 0] = delta + mu
        combine((room, each, vectors[2:3], vectors[3:]))
        for i in range(rank):
            x[i] = base[i] + (gain + slope * mu) * part[i]
        for i in range(rank, len(x)):
            x[i] = base[i] * (delta / (delta + mu))
        last, error = error, radius / norm(x) - 1.0
        if abs(error) <= 1e-14 or high <= (1.0 + 1e-15) * low:
            break
        if error < 0.0:
            low = mu
        else:
            high = mu
        following = mu - error * (mu - before) / (error - last) if error != last else math.nan
        if not low < following < high or k % 8 == 7:
            following = 16.0 * mu if high == math.inf else math.sqrt(low * high) if low > 0.0 else high / 16.0
        before, mu = mu, following
    scale(x, radius / norm(x))
    block.facts[MULTIPLIER] = mu
