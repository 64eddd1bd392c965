"""Cover's universal portfolio (1991): the wealth of all constant rebalanced portfolios together."""

import math
from typing import Any, NamedTuple

import numpy as np

from oco.bounds import bound, provided
from oco.learners.experts import extent, log, weigh_or_prior
from oco.protocols import Matrix, Round, Vector, declare


class UniversalState(NamedTuple):
    x: Vector  # (N,)
    prior: Vector  # two assets: the Beta prior's parameters; else (M,): uniform weights
    logs: Vector  # ln of the wealth at every point, or of the urn's masses, day + 1 of them
    points: Matrix  # (M, N) portfolios; none for two assets
    day: int


@declare(domains=("Simplex",), losses=("NegativeLog",), positive=("prior", "points"))
class UniversalPortfolio(NamedTuple):
    """x_t = E[b], the mean of portfolios b weighted by what they have earned: prior(b) prod_{s < t} <b, a_s>.

    Two assets: exact, for the Beta prior with parameters 2 prior x_1. The wealth of b = (b, 1 - b) is a polynomial with
    positive coefficients c_j of b^j (1 - b)^{t-j}; with m_j = c_j E[b^j (1 - b)^{t-j}], x is the mean of
    (j + alpha_1) / (t + alpha_1 + alpha_2) by the weights m_j, and a day makes them
    a_1 m_{j-1} (j - 1 + alpha_1) + a_2 m_j (t - j + alpha_2), up to a factor: O(t) a day. Whatever the relatives,
    regret <= max_j ln [(j/t)^j (1 - j/t)^{t-j} / E[b^j (1 - b)^{t-j}]], an equality for a sequence of horse races;
    from the uniform x_1 it is <= ln(t + 1) for prior = 1 and <= ln(t + 1) / 2 + ln 2 for prior = 1/2 (Cover and
    Ordentlich 1996).

    More assets: the uniform mixture of the M portfolios with coordinates in {0, 1/K, ..., 1}, K the largest with
    M = C(K + N - 1, N - 1) <= points, and at least 1. Regret <= ln M + what the best of them loses to the best
    portfolio; the latter is the method's error, read from the run.
    """

    prior: float = 0.5
    points: int = 1000

    def init(self, x: Vector) -> UniversalState:
        if len(x) == 2:
            return UniversalState(x.copy(), 2.0 * self.prior * x, np.zeros(64), np.zeros((0, 2)), 0)
        grid = simplex_grid(len(x), self.points)
        return UniversalState(x.copy(), np.full(len(grid), 1.0 / len(grid)), np.zeros(len(grid)), grid, 0)

    def update(self, now: Round, g: Vector, state: UniversalState, domain: Any) -> UniversalState:
        if extent(now, g) == 0.0:
            return state
        return draw(state, g) if len(g) == 2 else mix(state, g)

    def tally(self, state: UniversalState, domain: Any) -> dict[str, float]:
        return {"ahead": float(state.logs.max()), "portfolios": float(len(state.points))}

    @bound("universal-data", "data", "Cover 1991; Cover and Ordentlich 1996", assumes="for more assets, x_1 uniform")
    def data(self, run: Any) -> Vector:
        if run.d == 2:
            return np.array([worst_race(int(t), 2.0 * self.prior * run.start) for t in run.t])
        best = run.loss - run.tally["ahead"]  # of the M portfolios
        value = np.log(run.tally["portfolios"]) + best - np.array([found.lower for found in run.solve()])
        return provided(value, np.ptp(run.start) <= 1e-12)

    @bound(
        "universal-closed", "worst", "Cover and Ordentlich 1996", assumes="two assets, x_1 uniform, prior = 1 or 1/2"
    )
    def closed(self, run: Any) -> Vector:
        value = np.log(run.t + 1.0) if self.prior == 1.0 else np.log(run.t + 1.0) / 2.0 + math.log(2.0)
        return provided(value, run.d == 2, np.ptp(run.start) <= 1e-12, self.prior in (0.5, 1.0))


def draw(state: UniversalState, g: Vector) -> UniversalState:
    """A day of the exact portfolio of two assets: masses m_0 .. m_day become m_0 .. m_{day+1}."""
    x, prior, logs, points, day = state
    if day + 2 > len(logs):
        longer = np.zeros(2 * len(logs))
        for j in range(day + 1):
            longer[j] = logs[j]
        logs = longer
    first = log(max(0.0, -g[0]))
    second = log(max(0.0, -g[1]))
    most = -math.inf
    for j in range(day + 1, -1, -1):
        up = logs[j - 1] + first + log(j - 1 + prior[0]) if j > 0 else -math.inf
        stay = logs[j] + second + log(day - j + prior[1]) if j <= day else -math.inf
        top = max(up, stay)
        # Logarithms: masses differ by more than floats do, and the smallest may become the largest.
        logs[j] = top + math.log1p(math.exp(min(up, stay) - top)) if top > -math.inf else top
        most = max(most, logs[j])
    day += 1
    total = 0.0
    ups = 0.0
    for j in range(day + 1):
        logs[j] -= most
        mass = math.exp(logs[j])
        total += mass
        ups += mass * (j + prior[0])
    x[0] = min(1.0, ups / total / (day + prior[0] + prior[1]))
    x[1] = 1.0 - x[0]
    return UniversalState(x, prior, logs, points, day)


def mix(state: UniversalState, g: Vector) -> UniversalState:
    """A day of the mixture of given portfolios; logs are of their wealth over the learner's."""
    x, prior, logs, points, day = state
    weights = np.empty(len(logs))
    for m in range(len(logs)):
        growth = 0.0
        for k in range(len(g)):
            growth += points[m, k] * max(0.0, -g[k])
        logs[m] += log(growth)
    weigh_or_prior(logs, prior, weights)
    for k in range(len(x)):
        x[k] = 0.0
        for m in range(len(logs)):
            x[k] += weights[m] * points[m, k]
    return UniversalState(x, prior, logs, points, day + 1)


def simplex_grid(n: int, most: int) -> Matrix:
    """All points of the simplex in n dimensions with coordinates in {0, 1/K, ..., 1}, K by the number of points."""
    k = 1
    while n > 1 and math.comb(k + n, n - 1) <= most:
        k += 1
    if k == 1:
        return np.eye(n)
    rows = np.zeros((1, 0), dtype=int)
    for _ in range(n - 1):
        used = rows.sum(axis=1)
        rows = np.concatenate(
            [np.column_stack([rows[used + c <= k], np.full((used + c <= k).sum(), c)]) for c in range(k + 1)]
        )
    return np.column_stack([rows, k - rows.sum(axis=1)]) / k


def worst_race(t: int, alpha: Vector) -> float:
    """max_j ln [(j/t)^j (1 - j/t)^{t-j} / E b^j (1 - b)^{t-j}], b ~ Beta(alpha): horse races make the most regret."""
    from scipy.special import betaln, xlogy

    if alpha.min() <= 0.0:
        return math.inf
    j = np.arange(t + 1.0)
    mean = betaln(j + alpha[0], t - j + alpha[1]) - betaln(alpha[0], alpha[1])
    return float((xlogy(j, j / t) + xlogy(t - j, 1.0 - j / t) - mean).max())
