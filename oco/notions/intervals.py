"""Regret in an interval of rounds and in all of them: adaptive and strongly adaptive regret.

For a point v let f_t(u) >= f_t(v) + <g_t, u - v>. With sums over the rounds of an interval I and G = sum g_t,

    sum f_t(x_t) - f_t(v)  <=  regret in I  <=  sum f_t(x_t) - f_t(v) + <G, v> + sigma_X(-G),

and sigma_X the support function. For linear losses the right-hand side is the regret, whatever v; for others several v
are tried, and v = x_t in the upper end. Prefix sums give all intervals in O(T^2 d).
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from oco._threads import one_blas_thread
from oco._twins import settled
from oco.bounds import bounds_of
from oco.notions.rounds import Against, Rounds, against, rounds_of, supports, theorems
from oco.protocols import Matrix, Vector
from oco.regret import SUM_SLACK, Run


class Intervals(NamedTuple):
    """low <= regret in the rounds first .. last <= high for the best fixed decision of each interval; all (n,)."""

    first: NDArray[np.int64]  # from 1
    last: NDArray[np.int64]  # included
    low: Vector
    high: Vector
    run: Run

    @property
    def bounds(self) -> dict[str, Vector]:
        """The learner's "interval" bounds by name, each (n,): one call an interval, at every reading."""
        pairs = list(zip(self.first.tolist(), self.last.tolist(), strict=True))
        promised = [b for b in bounds_of(self.run.learner) if b.kind == "interval"]
        return {b.name: np.array([b.value(self.run.learner, self.run, *pair) for pair in pairs]) for b in promised}

    def longest(self) -> tuple[NDArray[np.int64], Vector, Vector]:
        """Lengths tau and ends of the largest regret in an interval of that length: the strongly adaptive regret."""
        lengths = self.last - self.first + 1
        each = np.unique(lengths)
        low, high = (np.array([end[lengths == n].max() for n in each]) for end in (self.low, self.high))
        return each, low, high


def interval_regret(run: Run, first: int, last: int, precision: float = 1e-7) -> Against:
    """Regret in the rounds first .. last (from 1, both included) against their own best fixed decision.

    Certified as run.regret is: to `precision` of the loss. On an unbounded domain the upper end may hold only near 0.
    """
    if not 1 <= first <= last <= run.rounds:
        raise ValueError(f"rounds {first} .. {last}: need 1 <= first <= last <= {run.rounds}")
    rounds = rounds_of(run)
    with settled(), one_blas_thread():
        best = rounds.best(first, last, precision=precision)
    paid = rounds.paid[first - 1 : last]
    return against(paid, best.upper, best.lower, best.x, theorems(run, "interval", first, last))


def interval_regrets(run: Run, cover: str = "all", pieces: int = 8) -> Intervals:
    """Regret in all T (T + 1) / 2 intervals, or in the O(T) of the "geometric" cover [i 2^k, (i + 1) 2^k - 1].

    Exact for linear losses on a bounded domain, otherwise enclosed by the best points of all rounds, of their halves,
    quarters, .., 1 / pieces; `interval_regret` solves one interval. On an unbounded domain upper ends are infinite.
    """
    if cover not in ("all", "geometric"):
        raise ValueError(f"cover {cover!r}: need 'all' or 'geometric'")
    rounds = rounds_of(run)
    first, last = _all(run.rounds) if cover == "all" else _geometric(run.rounds)
    with settled(), one_blas_thread():
        low, high = _exact(rounds, first, last) if rounds.linear else _enclosed(rounds, first, last, pieces)
    return Intervals(first, last, low, high, run)


def _all(rounds: int) -> tuple[Any, Any]:
    first, last = np.triu_indices(rounds)
    return first + 1, last + 1


def _geometric(rounds: int) -> tuple[Any, Any]:
    pairs = [
        (start, start + size - 1)
        for k in range(rounds.bit_length())
        for size in [1 << k]
        for start in range(size, rounds - size + 2, size)
    ]
    first, last = np.array(pairs).T
    return first, last


def _prefix(rows: Any) -> Any:
    """p with p[last] - p[first - 1] the sum over an interval."""
    return np.concatenate([np.zeros_like(rows[:1]), np.cumsum(rows, axis=0)])


def _slack(rounds: Rounds, values: Vector, g: Matrix) -> float:
    """Rounding: differences of prefix sums err as the longest of them does."""
    domain = rounds.domain
    radius = float(domain.reach(np.zeros(g.shape[1]))) if domain.bounded else float(np.abs(rounds.x).max())
    return SUM_SLACK * float(np.abs(rounds.paid).sum() + np.abs(values).sum() + radius * np.abs(g).sum())


def _chunks(n: int, d: int) -> Iterator[slice]:
    size = max(1, (1 << 22) // d)
    yield from (slice(start, start + size) for start in range(0, n, size))


def _widest(rounds: Rounds, paid: Vector, g: Matrix, first: Any, last: Any) -> Vector:
    """sum paid_t + sigma_X(-sum g_t) over each interval."""
    p, q = _prefix(paid), _prefix(g)
    parts = [supports(rounds.domain, q[first[s] - 1] - q[last[s]]) for s in _chunks(len(first), g.shape[1])]
    return np.asarray(p[last] - p[first - 1] + np.concatenate(parts))


def _exact(rounds: Rounds, first: Any, last: Any) -> tuple[Vector, Vector]:
    regret, slack = _widest(rounds, rounds.paid, rounds.a, first, last), _slack(rounds, rounds.paid, rounds.a)
    return regret - slack, regret + slack


def _enclosed(rounds: Rounds, first: Any, last: Any, pieces: int) -> tuple[Vector, Vector]:
    g = rounds.gradients(rounds.x)
    low = np.full(len(first), -np.inf)
    slack = _slack(rounds, rounds.paid, g)
    high = _widest(rounds, np.einsum("td,td->t", g, rounds.x), g, first, last) + slack
    for v in _candidates(rounds, pieces):
        values, g = rounds.values(v), rounds.gradients(v)
        if not np.isfinite(values).all():
            continue
        slack = _slack(rounds, values, g)
        p = _prefix(rounds.paid - values)
        low = np.maximum(low, p[last] - p[first - 1] - slack)
        high = np.minimum(high, _widest(rounds, rounds.paid - values + g @ v, g, first, last) + slack)
    return low, high


def _candidates(rounds: Rounds, most: int) -> Iterator[Vector]:
    """The best points of all rounds, of their halves, quarters, ..."""
    total, pieces = len(rounds.paid), 1
    while pieces <= min(most, total):
        edges = np.linspace(0, total, pieces + 1).astype(int)
        for start, stop in pairwise(edges):
            yield rounds.best(int(start) + 1, int(stop), precision=1e-4).x
        pieces *= 2
