"""Projection onto a ball in the metric H = delta + sqrt G, from resolvents."""

import math

from oco.projections import norm, scale
from oco.protocols import Matrix, Vector
from oco.roots.block import combine, solve
from oco.roots.root import Root


def onto_ball(root: Root, delta: float, radius: float, y: Vector) -> Root:
    """argmin_{|u| <= radius} |u - y|_H in place of the rotated y: (H + mu)^{-1} H y = y - mu (H + mu)^{-1} y."""
    if not norm(y) > radius:
        return root
    width = root.block.v.shape[1]
    v = y[:width].copy()
    u, _ = solve(root.block, v)
    return on_sphere(root, delta, radius, y, y.copy(), 0.0, -1.0, v, u)


def on_sphere(
    root: Root, delta: float, radius: float, x: Vector, base: Vector, gain: float, slope: float, v: Vector, u: Matrix
) -> Root:
    """x(mu) = base + (gain + slope mu) (H + mu)^{-1} v with |x(mu)| = radius in place of x = x(0), |x| > radius.

    u = solve(v). The root mu > 0 of radius / |x(mu)| - 1, concave and increasing, by secants inside a bracket.
    """
    rank = root.rank
    if delta == 0.0 and norm(x[:rank]) <= radius:
        # Outside the span a step costs nothing.
        room = math.sqrt(max(0.0, radius * radius - norm(x[:rank]) ** 2))
        scale(x[rank:], room / norm(x[rank:]))
        return root
    low, high = 0.0, math.inf
    before, error = 0.0, radius / norm(x) - 1.0
    mu = root.multiplier if root.multiplier > 0.0 else -error * (delta + math.sqrt(root.block.rule.low))
    for k in range(100):
        part = combine(root.block, delta + mu, v, u)
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
    return Root(root.unit, root.basis, root.values, root.turned, rank, mu, root.block)
