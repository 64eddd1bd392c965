"""Coin betting for changing environments (Jun, Orabona, Wright and Willett 2017)."""

import math
from typing import Any, NamedTuple

import numpy as np

from oco.bounds import at_most, bound, provided
from oco.learners.coin import log_potential
from oco.learners.covering import advance, base_bounds, beginning, combine, cover, gain, restart, starting, with_base
from oco.projections import shorten
from oco.protocols import THEORY, Round, Setting, Vector, declare


class CBCEState(NamedTuple):
    x: Vector  # (d,)
    w: Any  # (K, d, 1 + k): the base learners of the running intervals, by level; column 0 is their decision
    sumsq: Vector  # (K,): sum |g|^2 since each began
    fresh: Any  # (d, 1 + k): a base learner at the beginning
    memory: Any  # the shape of what a coordinate remembers
    coins: Vector  # (K,): c, the sum of the coins since the interval began
    wealth: Vector  # (K,): W


def prior(first: int) -> float:
    """pi(I) = 1 / (first^2 (1 + floor(log2 first))), of sum at most pi^2 / 6 over all covering intervals."""
    whole = 0
    while 2 ** (whole + 1) <= first:
        whole += 1
    return 1.0 / (float(first) * float(first) * (1.0 + whole))


def reached(n: Any, logarithm: Any) -> Any:
    """F_n^{-1}(exp(logarithm)), at most n, by bisection; F_n is KT's potential for a first wealth of 1."""
    low, high = np.zeros(np.shape(n)), np.asarray(n, dtype=float)
    for _ in range(60):
        x = (low + high) / 2.0
        below = log_potential(n, x) < logarithm
        low, high = np.where(below, x, low), np.where(below, high, x)
    return high


@declare(bounded=True, positive=("lipschitz", "diameter"))
class CBCE(NamedTuple):
    """A base learner on every covering interval; each bets on its gains, and is followed as it bets.

    x_t = sum_I p_t(I) x_t(I) over the running intervals, p_t(I) ~ pi(I) (b_t(I))_+ (all (b)_+ = 0: p ~ pi), with the
    bets b = c W / (n + 1) in the (n + 1)-th round of I, c = sum h_s, W = 1 + sum h_s b_s, where h = r if b > 0 and
    (r)_+ otherwise, r_t(I) = <g_t, x_t - x_t(I)> / (G D) and pi(I) = 1 / (J^2 (1 + floor(log2 J))), J the first round
    of I. On each covering interval of n rounds, in units of G D,
    sum_{t in I} r_t(I) <= F_n^{-1}(1 / pi) <= sqrt(2 n (l + ln(n) / 2 + 1 + ln(Pi) / 2)) <= sqrt(n (7 ln J_2 + 5)),
    F_n KT's potential, l = ln(Pi^2 / 6) - ln pi(I), Pi = 3.14.., J_2 the last round; to this comes the base learner's
    own regret. Summed over the cover, for all intervals at once. Losses enter through their gradients at x_t alone.
    By theorem G and D are the game's, and the base is OGDSqrt. X must be bounded. Memory O(d log t).
    """

    base: Any = THEORY
    lipschitz: float = THEORY
    diameter: float = THEORY

    def init(self, x: Vector) -> CBCEState:
        fresh, memory = beginning(self.base, x)
        return CBCEState(x.copy(), fresh[None].copy(), np.zeros(1), fresh, memory, np.zeros(1), np.ones(1))

    def update(self, now: Round, g: Vector, state: CBCEState, domain: Any) -> CBCEState:
        x, w, sumsq, fresh, memory, coins, wealth = state
        shorten(g, self.lipschitz)  # no change where the theorem holds
        for k in range(len(w)):
            r = gain(g, x, w[k, :, 0], self.lipschitz * self.diameter)
            bet = coins[k] / (now.t % 2**k + 1) * wealth[k]
            coin = r if bet > 0.0 else max(r, 0.0)
            coins[k] += coin
            wealth[k] += coin * bet
        advance(self.base, domain, now, g, w, sumsq, memory)
        t = now.t + 1
        w, sumsq = restart(t, w, sumsq, fresh)
        if len(coins) < len(w):
            coins, wealth = np.append(coins, 0.0), np.append(wealth, 1.0)
        for k in range(starting(t)):
            coins[k] = 0.0
            wealth[k] = 1.0
        combine(x, w, fresh, self.mixture(t, coins, wealth))
        return CBCEState(x, w, sumsq, fresh, memory, coins, wealth)

    def mixture(self, t: int, coins: Vector, wealth: Vector) -> Vector:
        """p_t(I) up to its sum, by level."""
        p = np.empty(len(coins))
        total = 0.0
        for k in range(len(p)):
            p[k] = prior(t - t % 2**k) * max(coins[k], 0.0) / (t % 2**k + 1) * wealth[k]
            total += p[k]
        for k in range(len(p)):
            p[k] = p[k] if total > 0.0 else prior(t - t % 2**k)
        return p

    def tune(self, setting: Setting) -> "CBCE":
        return with_base(self, setting)

    @bound("cbce-worst", "worst", "derived; Jun, Orabona, Wright, Willett 2017", assumes="|g_t|_2 <= lipschitz")
    def worst(self, run: Any) -> Vector:
        return np.array([self.interval(run, 1, int(t)) for t in run.t])

    @bound("cbce-interval", "interval", "derived; Jun, Orabona, Wright, Willett 2017", assumes="|g_t|_2 <= lipschitz")
    def interval(self, run: Any, first: int, last: int) -> float:
        n, begins = self._parts(first, last)
        return self._regret(run, n, reached(n, np.log(math.pi**2 / 6.0 / begins)))

    @bound("cbce-closed", "interval", "derived; Jun, Orabona, Wright, Willett 2017", assumes="|g_t|_2 <= lipschitz")
    def closed(self, run: Any, first: int, last: int) -> float:
        n, begins = self._parts(first, last)
        rare = np.log(math.pi**2 / 6.0 / begins)
        return self._regret(run, n, np.sqrt(2.0 * n * (rare + 0.5 * np.log(n) + 1.0 + 0.5 * math.log(math.pi))))

    @bound("cbce-paper", "interval", "Jun, Orabona, Wright, Willett 2017", assumes="|g_t|_2 <= lipschitz")
    def paper(self, run: Any, first: int, last: int) -> float:
        ends = np.array([end for _, end in cover(first, last)])
        n, _ = self._parts(first, last)
        return self._regret(run, n, np.sqrt(n * (7.0 * np.log(ends) + 5.0)))

    def _parts(self, first: int, last: int) -> tuple[Vector, Vector]:
        """Lengths and priors of the intervals that cover [first, last]."""
        parts = cover(first, last)
        return np.array([end - begin + 1 for begin, end in parts]), np.array([prior(begin) for begin, _ in parts])

    def _regret(self, run: Any, n: Any, meta: Vector) -> float:
        base = base_bounds(self.base, run, int(n.max()), self.lipschitz)[n - 1]
        value = (self.lipschitz * self.diameter * meta + base).sum()
        fits = at_most(run.domain.diameter(run.d), self.diameter)
        return float(provided(value, fits, at_most(run.peak[-1], self.lipschitz)))
