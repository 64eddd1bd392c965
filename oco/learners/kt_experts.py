"""Experts by coin betting, without a rate (Orabona and Pál 2016)."""

import math
from typing import Any, NamedTuple

import numpy as np

from oco.bounds import bound, provided
from oco.learners.experts import cost, costs, excesses, extremes, log, spread_by, weigh_or_prior, within
from oco.protocols import THEORY, Round, Setting, Vector, declare

SPREAD = "losses within spread"


class KTExpertsState(NamedTuple):
    x: Vector  # (N,)
    prior: Vector  # (N,): x_1
    coins: Vector  # (N,): sum_s c_{s,k}
    wealth: Vector  # (N,): ln(1 + sum_s c_{s,k} w_{s,k})
    r: Vector  # (N,) scratch
    widest: float  # the largest range of losses in a round


@declare(domains=("Simplex",), nonnegative=("delta",), positive=("spread",), lent=True)
class KTExperts(NamedTuple):
    """KT bettors on the experts: x_k ~ pi_k max(0, w_{t,k}), and the prior pi = x_1 where no bet is positive.

    With C and W the sum of expert k's coins and its wealth 1 + sum_s c_s w_s before round t, w_t = C W / (t + delta).
    Its coin c_t is r_{t,k} = (<x_t, g_t> - g_{t,k}) / S where w_t > 0 and max(0, r_{t,k}) elsewhere, S = spread the
    length of an interval that holds the losses. Regret at u <= S f_t^{-1}(KL(u || pi)) at every t, where
    exp f_t(y) = 2^t G(delta+1) G((t+delta+1+y)/2) G((t+delta+1-y)/2) / (G((delta+1)/2)^2 G(t+delta+1)), G = Gamma.
    delta = 0 needs no horizon; for delta = T/2 regret at T <= S sqrt(3 T (3 + KL(u || pi))).
    """

    delta: float = 0.0
    spread: float = THEORY

    def init(self, x: Vector) -> KTExpertsState:
        coins, wealth, r = np.zeros((3, len(x)))
        return KTExpertsState(x.copy(), x.copy(), coins, wealth, r, 0.0)

    def update(self, now: Round, g: Vector, state: KTExpertsState, domain: Any) -> KTExpertsState:
        x, prior, coins, wealth, r, widest = state
        low, high = extremes(now, g)
        excesses(x, g, low, self.spread, r)
        for k in range(len(g)):
            coin = r[k] if coins[k] > 0.0 else max(0.0, r[k])
            # |C| < t + delta: the factor is positive. Wealth grows like 2^t, so its logarithm is kept.
            wealth[k] += math.log1p(coin * coins[k] / (now.t + self.delta))
            coins[k] += coin
            r[k] = log(prior[k]) + log(max(0.0, coins[k])) + wealth[k]
        weigh_or_prior(r, prior, x)
        return KTExpertsState(x, prior, coins, wealth, r, max(widest, high - low))

    def tune(self, setting: Setting) -> "KTExperts":
        return self._replace(spread=spread_by(setting, self.spread))

    def tally(self, state: KTExpertsState, domain: Any) -> dict[str, float]:
        return {"widest": state.widest}

    def potential(self, t: Any, y: Any) -> Any:
        """f_t(y), even and increasing in |y|."""
        from scipy.special import gammaln

        n = t + self.delta + 1.0
        ends = gammaln(self.delta + 1.0) - 2.0 * gammaln((self.delta + 1.0) / 2.0) - gammaln(n)
        return t * math.log(2.0) + gammaln((n + y) / 2.0) + gammaln((n - y) / 2.0) + ends

    def inverse(self, t: Vector, kl: Any) -> Vector:
        """The largest y <= t with f_t(y) <= kl, from above by bisection."""
        low, high = np.zeros(len(t)), t.astype(float)
        for _ in range(60):
            middle = (low + high) / 2.0
            less = self.potential(t, middle) <= kl
            low, high = np.where(less, middle, low), np.where(less, high, middle)
        return high

    @bound("kt-experts-data", "data", "Orabona and Pál 2016, Theorem 4", assumes=SPREAD)
    def data(self, run: Any) -> Vector:
        return provided(self.spread * self.inverse(run.t, cost(run)), within(run, self.spread))

    @bound("kt-experts-closed", "worst", "Orabona and Pál 2016, Corollary 6", assumes=SPREAD + ", delta = t / 2")
    def closed(self, run: Any) -> Vector:
        value = self.spread * np.sqrt(3.0 * run.t * (3.0 + cost(run)))
        return provided(value, within(run, self.spread), run.t == 2.0 * self.delta)

    @bound("kt-experts-trajectory", "trajectory", "Orabona and Pál 2016, Theorem 4", assumes=SPREAD)
    def trajectory(self, run: Any) -> Vector:
        return provided(self.spread * self.inverse(run.t, costs(run)), within(run, self.spread))
