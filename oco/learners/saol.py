"""SAOL, small regret on every interval of rounds (Daniely, Gonen and Shalev-Shwartz 2015)."""

import math
from typing import Any, NamedTuple

import numpy as np

from oco.bounds import at_most, bound, provided
from oco.learners.covering import (
    advance,
    base_bounds,
    beginning,
    combine,
    cover,
    gain,
    gains,
    restart,
    starting,
    with_base,
)
from oco.projections import shorten
from oco.protocols import THEORY, Round, Setting, Vector, declare


class SAOLState(NamedTuple):
    x: Vector  # (d,)
    w: Any  # (K, d, 1 + k): the base learners of the running intervals, by level; column 0 is their decision
    sumsq: Vector  # (K,): sum |g|^2 since each began
    fresh: Any  # (d, 1 + k): a base learner at the beginning
    memory: Any  # the shape of what a coordinate remembers
    weights: Vector  # (K,)


def rate(level: int) -> float:
    """eta_I = min(1/2, |I|^{-1/2})."""
    return min(0.5, 2.0 ** (-0.5 * level))


def started(t: int) -> int:
    """Covering intervals begun by round t: sum_k floor(t / 2^k)."""
    return 2 * t - t.bit_count()


@declare(bounded=True, positive=("lipschitz", "diameter"))
class SAOL(NamedTuple):
    """Strongly adaptive online learner: a base learner on every covering interval, weights by their gains.

    x_t = sum_I p_t(I) x_t(I) over the running intervals, p_t(I) ~ eta_I w_t(I), eta_I = min(1/2, |I|^{-1/2}), w = 1
    when I begins and w_{t+1}(I) = w_t(I) (1 + eta_I r_t(I)), r_t(I) = <g_t, x_t - x_t(I)> / (G D). As
    sum_I p_t(I) r_t(I) = 0, all weights ever begun sum to their number n_s = 2 s - (binary ones of s), so that on
    each covering interval I that ends in round s
    sum_{t in I} r_t(I) <= eta_I sum r_t(I)^2 + ln(n_s) / eta_I <= eta_I |I| + ln(n_s) / eta_I,
    in units of G D; to this comes the base learner's own regret. Summed over the cover, for all intervals at once;
    in the paper's form regret on I <= (4 / (sqrt 2 - 1)) C |I|^{1/2} + 40 ln(s + 1) |I|^{1/2}, C sqrt(n)
    the base's bound. (The sharper constants are derived.) Losses enter through their gradients at x_t alone.
    By theorem G and D are the game's, and the base is OGDSqrt. X must be bounded. Memory O(d log t).
    """

    base: Any = THEORY
    lipschitz: float = THEORY
    diameter: float = THEORY

    def init(self, x: Vector) -> SAOLState:
        fresh, memory = beginning(self.base, x)
        return SAOLState(x.copy(), fresh[None].copy(), np.zeros(1), fresh, memory, np.ones(1))

    def update(self, now: Round, g: Vector, state: SAOLState, domain: Any) -> SAOLState:
        x, w, sumsq, fresh, memory, weights = state
        shorten(g, self.lipschitz)  # no change where the theorem holds
        for k in range(len(w)):
            weights[k] *= 1.0 + rate(k) * gain(g, x, w[k, :, 0], self.lipschitz * self.diameter)
        advance(self.base, domain, now, g, w, sumsq, memory)
        w, sumsq = restart(now.t + 1, w, sumsq, fresh)
        if len(weights) < len(w):
            weights = np.append(weights, 1.0)
        for k in range(starting(now.t + 1)):
            weights[k] = 1.0
        p = np.empty(len(w))
        for k in range(len(w)):
            p[k] = rate(k) * weights[k]
        combine(x, w, fresh, p)
        return SAOLState(x, w, sumsq, fresh, memory, weights)

    def tune(self, setting: Setting) -> "SAOL":
        return with_base(self, setting)

    @bound("saol-worst", "worst", "derived; Daniely, Gonen, Shalev-Shwartz 2015", assumes="|g_t|_2 <= lipschitz")
    def worst(self, run: Any) -> Vector:
        return np.array([self.interval(run, 1, int(t)) for t in run.t])

    @bound("saol-interval", "interval", "derived; Daniely, Gonen, Shalev-Shwartz 2015", assumes="|g_t|_2 <= lipschitz")
    def interval(self, run: Any, first: int, last: int) -> float:
        base = base_bounds(self.base, run, last - first + 1, self.lipschitz)
        total = 0.0
        for begin, end in cover(first, last):
            n = end - begin + 1
            total += self.lipschitz * self.diameter * self.meta(n, end) + base[n - 1]
        return self._provided(run, total)

    @bound("saol-paper", "interval", "Daniely, Gonen, Shalev-Shwartz 2015", assumes="|g_t|_2 <= lipschitz")
    def paper(self, run: Any, first: int, last: int) -> float:
        n = np.arange(1, last - first + 2)
        constant = (base_bounds(self.base, run, len(n), self.lipschitz) / np.sqrt(n)).max()
        meta = 40.0 * math.log(last + 1.0) * self.lipschitz * self.diameter
        return self._provided(run, (4.0 / (math.sqrt(2.0) - 1.0) * constant + meta) * math.sqrt(len(n)))

    @bound("saol-seen", "interval", "derived; Daniely, Gonen, Shalev-Shwartz 2015", assumes="|g_t|_2 <= lipschitz")
    def seen(self, run: Any, first: int, last: int) -> float:
        """With the gains and the gradients seen; infinite where the play was not audited."""
        if run.history is None:
            return math.inf
        total = 0.0
        size = self.lipschitz * self.diameter
        for begin, end in cover(first, last):
            n, r = end - begin + 1, gains(run, begin, end, size)
            steepest = np.linalg.norm(run.history.g[begin - 1 : end], axis=1).max()
            total += size * self.meta(n, end, float(r @ r)) + base_bounds(self.base, run, n, steepest)[-1]
        return self._provided(run, total)

    def meta(self, n: int, end: int, squares: float = math.inf) -> float:
        """sum_{t in I} r_t(I) on a covering interval of n rounds, with sum r^2 <= squares."""
        eta = rate(n.bit_length() - 1)
        return eta * min(n, squares) + math.log(started(end)) / eta

    def _provided(self, run: Any, value: float) -> float:
        fits = at_most(run.domain.diameter(run.d), self.diameter)
        return float(provided(value, fits, at_most(run.peak[-1], self.lipschitz)))
