"""What L1 does to one coordinate: the soft threshold, and sums of shrunk decisions over idle rounds in closed form.

A coordinate is idle while its gradient is zero. It then only shrinks, so that |x| where the idling began stands for
whatever bound a box may put on it, and it need not be touched: the sums below cost O(1), however long it idles. Numbers
of rounds are whole and held in floats.
"""

import math

DIRECT = 64.0  # terms 1, 2, ... added one by one: from there on the Euler-Maclaurin remainder is below rounding


def soft(v: float, by: float) -> float:
    """argmin_x (x - v)^2 / 2 + by |x|."""
    return math.copysign(max(abs(v) - by, 0.0), v)


def falling_sum(start: float, step: float, cap: float, n: float) -> float:
    """sum_{0 <= j < n} min(cap, (start - j step)_+), with start > 0, step >= 0."""
    capped = n if start >= cap else 0.0
    alive = n
    if step > 0.0:
        if start >= cap:
            capped = float(math.floor(min(n - 1.0, (start - cap) / step))) + 1.0
        alive = float(math.ceil(min(n, start / step)))
    # An arithmetic series: the mean of its first and last term, times their number.
    return capped * cap + (alive - capped) * (start - step * (0.5 * (capped + alive - 1.0)))


def root_sum(c: float, w: float, first: float, last: float) -> float:
    """sum_{first <= r <= last} (c - w r) / sqrt(r), with first >= 1, w >= 0 and c >= w last; zero if first > last."""
    total = 0.0
    while first <= min(last, DIRECT):
        total += (c - w * first) / math.sqrt(first)
        first += 1.0
    if first > last:
        return total
    p = math.sqrt(first)
    q = math.sqrt(last)
    rest = c - w * last
    # Differences of powers of p and q are written as (q - p) times sums: nothing cancels for short sums far out.
    integral = (last - first) / (p + q) * (2.0 * rest + 2.0 / 3.0 * w * (last - first) / (p + q) * (2.0 * q + p))
    ends = 0.5 * ((c - w * first) / p + rest / q)
    return total + integral + ends + _correction(c, w, last) - _correction(c, w, first)


def _correction(c: float, w: float, r: float) -> float:
    """f'/12 - f'''/720 + f'''''/30240 of f(r) = (c - w r) / sqrt(r)."""
    y = 1.0 / r
    c = c * y
    squares = y * y
    series = (c + w) / 24.0 - squares * ((5.0 * c + w) / 1920.0 - squares * (9.0 * c + w) / 9216.0)
    return -math.sqrt(y) * series


def rounds_within(budget: float, first: float, last: float) -> float:
    """The largest m <= last with sum_{first <= r <= m} 1 / sqrt(r) < budget; first - 1 if there is none."""
    if root_sum(1.0, 0.0, first, last) < budget:
        return last
    m = first - 1.0
    for _ in range(2):
        # The midpoint rule: the sum over m < r <= n is about 2 sqrt(n + 1/2) - 2 sqrt(m + 1/2).
        root = math.sqrt(m + 0.5) + 0.5 * (budget - root_sum(1.0, 0.0, first, m))
        m = max(first - 1.0, float(math.floor(root * root - 0.5)))
    while m >= first and root_sum(1.0, 0.0, first, m) >= budget:
        m -= 1.0
    while root_sum(1.0, 0.0, first, m + 1.0) < budget:
        m += 1.0
    return m
