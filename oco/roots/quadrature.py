"""1 / (delta + sqrt z) as a sum of few simple fractions, the same poles for all delta >= 0 that are asked for.

With w^2 = s = low sc^2(u | 1 - low/high) the integral z^{-1/2} = (2/pi) int_0^inf dw / (z + w^2) becomes that of a
periodic function, and n equal steps give r(z) = sum_j c_j / (z + s_j) with a relative error on [low, high] of about
4 exp(-2 pi^2 n / log(16 high/low)) (Hale, Higham and Trefethen 2008, method 3; Zolotarev 1877). Since
1 / (delta + sqrt z) = (z z^{-1/2} - delta) / (z - delta^2), the same nodes give, with p = delta^2,

    (z r(z) - delta) / (z - p) = sum_j c_j s_j / ((s_j + p) (z + s_j)) + delta (delta r(p) - 1) / (z - p).

Where p lies in [low, high] the last term is at rounding level. Elsewhere 1 / (z - p) is interpolated in Zolotarev's
points z_i, with nodes for an interval a little wider than [low, high]: where omega(z) = prod_i (z - z_i) / (z + s_i),
the fraction (1 - omega(z)/omega(p)) / (z - p) has the poles -s_j alone, and omega(z)/omega(p) is small. So it is for p
above `high` in z (1 - omega(z)/omega(p)) / (z - p) - 1, which stands for p / (z - p).
"""

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from oco.protocols import Matrix, Vector

MOST = 200  # nodes, for high / low = 1e44
ENOUGH = 2e-12  # relative error that nodes for a single delta may have
FAINTEST = 20  # delta <= 4^-20 sqrt(low) is as good as 0
TERMS = 8  # of theta series on each side: e^-60 is left for high >= 16 low


class Quadrature(NamedTuple):
    """sum_j w_j / (z + s_j) + w_inf on low <= z <= high, to 4e-12 relative at most."""

    nodes: Matrix  # (4, n), n even: s_j ascending, c_j s_j, the residues of omega at -s_j, and z_j
    low: float
    high: float


def quadrature(low: float, high: float, delta: float) -> Quadrature:
    """For 0 < low <= high and this delta >= 0, or for every delta where it is NaN, with up to a third more of nodes."""
    halves = max(6, math.ceil(2.0 * math.log2(high / low)))
    scale = np.array([low, low * math.sqrt(low), low, low])
    return Quadrature(
        _nodes(halves, _tier(delta / math.sqrt(low), halves)) * scale[:, None], low, low * 2.0 ** (halves / 2)
    )


def _tier(delta: float, halves: int) -> int | None:
    """k > 0 for 0 <= delta <= 4^-k, k < 0 for delta >= 4^-k sqrt(high), where low = 1; 0 between, None for NaN."""
    if math.isnan(delta):
        return None
    below = math.floor(-math.log(max(delta, 4.0**-FAINTEST), 4.0))
    return max(0, below) or min(0, math.ceil(halves / 8 - math.log(max(delta, 1.0), 4.0)))


@lru_cache(maxsize=4096)
def _nodes(halves: int, tier: int | None) -> Matrix:
    """The nodes for low = 1, high = 2^(halves/2): the fewest that will do for the delta of a tier; None: for all."""
    high = 2.0 ** (halves / 2)
    least = 2 * math.ceil((halves / 2 + 4.0) * math.log(2.0) * 14.2 / (2.0 * math.pi**2))
    if tier is not None and tier >= FAINTEST:
        return np.vstack([_shifts(1.0, high, least), np.zeros((2, least))])
    most, wide = 2 * math.ceil(4.0 + 0.325 * halves), 3.0 if halves < 20 else 5.0
    for n in range(least, most, 2):
        for wider in (1.0, 1.5, wide):
            nodes = _with_zeros(high, n, wider)
            if tier is not None and _error(Quadrature(nodes, 1.0, high), tier) <= ENOUGH:
                return nodes
    return _with_zeros(high, most, wide)


def _error(rule: Quadrature, tier: int) -> float:
    """The largest relative error for some delta of a tier, its ends among them."""
    z = np.geomspace(1.0, rule.high, 100)
    fractions, worst = 1.0 / (z + rule.nodes[0][:, None]), 0.0
    first = 4.0 ** -(tier + 1) if tier >= 0 else 4.0**-tier * math.sqrt(rule.high)
    last = 4.0**-tier if tier > 0 else 4.0 ** (1 - tier) * math.sqrt(rule.high)
    for delta in np.geomspace(first, last, 3 if tier else 15):
        w, rest = weights(rule, delta)
        worst = max(worst, float(np.abs((w @ fractions + rest) * (delta + np.sqrt(z)) - 1.0).max()))
    return worst


def _with_zeros(high: float, n: int, wider: float) -> Matrix:
    """Nodes for an interval wider than [1, high] by this factor at both ends, and Zolotarev's points of [1, high]."""
    shifts, strengths = _shifts(1.0 / wider, wider * high, n)
    zeros = _theta(1.0 / high, n)[2] ** -2.0
    gaps = shifts - shifts[:, None]
    np.fill_diagonal(gaps, -1.0)
    residues = -np.prod(-(shifts[:, None] + zeros) / gaps, axis=1)
    return np.array([shifts, strengths, residues, zeros])


def weights(rule: Quadrature, delta: float) -> tuple[Vector, float]:
    """w (n,) for this delta, and w_inf."""
    shifts, strengths, residues, zeros = rule.nodes[0], rule.nodes[1], rule.nodes[2], rule.nodes[3]
    p = delta * delta
    gain = 0.0
    if delta > 0.0 and zeros[0] > 0.0 and not rule.low <= p <= rule.high:
        r = 0.0
        omega = 1.0
        for j in range(len(shifts)):
            r += strengths[j] / (shifts[j] * (shifts[j] + p))
            omega *= (p - zeros[j]) / (p + shifts[j])
        gain = (delta * r - 1.0) / omega
    w = np.empty(len(shifts))
    for j in range(len(w)):
        ends = delta * gain if p < rule.low else -gain / delta * shifts[j] if p > rule.high else 0.0
        w[j] = (strengths[j] + ends * residues[j]) / (shifts[j] + p)
    return w, -gain / delta if p > rule.high else 0.0


def _shifts(low: float, high: float, n: int) -> Matrix:
    """s_j = low sc^2((j - 1/2) K / n), of which s_j s_{n+1-j} = low high, and c_j s_j."""
    sine, cosine, _ = _theta(low / high, n)
    half = low * (sine / cosine)[: n // 2] ** 2
    s = np.concatenate([half, (low / half * high)[::-1]])
    step = 2.0 * _quarter_period(math.sqrt(low / high)) / (math.pi * n)
    return np.array([s, step * math.sqrt(low) * s * np.sqrt((1.0 + s / low) * (1.0 + s / high))])


def _theta(ratio: float, n: int) -> tuple[Vector, Vector, Vector]:
    """sn, cn and dn at u = (j - 1/2) K / n for the parameter 1 - ratio; sn and cn up to the same factor, for u <= K/2.

    sn: sum (-1)^i tanh t_i, cn: sum (-1)^i sech t_i, dn = (pi / 2K') sum sech t_i, t_i = pi (u - 2 i K) / 2K'.
    """
    period, other = _quarter_period(math.sqrt(ratio)), _quarter_period(math.sqrt(1.0 - ratio))
    i = np.arange(-TERMS, TERMS + 1)
    t = 0.5 * math.pi * period / other * ((np.arange(n)[:, None] + 0.5) / n - 2.0 * i)
    e = np.exp(-np.abs(t))
    sech, sign = 2.0 * e / (1.0 + e * e), 1.0 - 2.0 * (i % 2)
    return np.tanh(t) @ sign, sech @ sign, 0.5 * math.pi / other * sech.sum(axis=1)


def _quarter_period(b: float) -> float:
    """The complete elliptic integral K of the complementary modulus b, by the arithmetic-geometric mean."""
    a = 1.0
    while abs(a - b) > 1e-15 * a:
        a, b = 0.5 * (a + b), math.sqrt(a * b)
    return math.pi / (2.0 * a)
