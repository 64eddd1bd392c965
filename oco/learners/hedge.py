"""Hedge (exponential weights), at a fixed rate or a falling one."""

import math
from typing import Any, NamedTuple

import numpy as np

from oco.bounds import bound, provided
from oco.learners.experts import (
    accumulate,
    cost,
    costs,
    extremes,
    found,
    gaps,
    horizon,
    lean,
    spread_by,
    square,
    surprise,
    tilt,
    within,
)
from oco.lowlevel.exponentials import FAR
from oco.projections import scale
from oco.protocols import THEORY, Round, Setting, Vector, declare

# At a fixed rate weights move on from round to round. So that rounding does not grow they are computed afresh from all
# losses after AFRESH rounds, and so that a weight which vanished can return before any might have gained e^STRETCH.
AFRESH = 256
STRETCH = 512.0


class HedgeState(NamedTuple):
    x: Vector  # (N,): weights, of which the decision is a multiple
    factor: Vector  # (1,): by this
    prior: Vector  # (N,): x_1
    losses: Vector  # (N,): sum_s g_s - min_k g_{s,k}
    ranges: float  # sum_s eta_s (max_k g_{s,k} - min_k g_{s,k})^2
    seconds: float  # sum_s eta_s <x_s, (g_s - min_k g_{s,k})^2>
    widest: float  # max_s (max_k g_{s,k} - min_k g_{s,k})
    reach: float  # max_k x_k of the decision
    stretch: float  # sum of eta (max_k g_k - min_k g_k) since weights were computed afresh


def beginning(x: Vector) -> HedgeState:
    """No losses yet."""
    return HedgeState(x.copy(), np.ones(1), x.copy(), np.zeros(len(x)), 0.0, 0.0, 0.0, found(x)[1], 0.0)


def exponentiate(state: HedgeState, now: Round, g: Vector, eta: float, coming: float) -> HedgeState:
    """Round now.t, played at rate eta, is over; x ~ prior exp(-coming losses) is next."""
    low, high = extremes(now, g)
    width = high - low
    if width == 0.0 and eta == coming:
        return state
    ordinary = 1e-50 < width < 1e50  # so are powers of such widths
    stretch = state.stretch + eta * width
    if eta == coming and eta * width <= FAR and ordinary and stretch <= STRETCH and now.t % AFRESH > 0:
        total, second, most = lean(state.x, g, low, eta, state.losses, eta * width)
        second, state.factor[0] = eta * state.factor[0] * second, 1.0 / total
        reach = most * state.factor[0]
    else:
        scale(state.x, state.factor[0])
        state.factor[0] = 1.0
        second = square(state.x, g, low, eta)
        accumulate(g, low, state.losses)
        tilt(state.prior, state.losses, coming, state.x)
        reach, stretch = found(state.x)[1], 0.0
    ranges, seconds, widest = state.ranges + eta * width * width, state.seconds + second, max(state.widest, width)
    return HedgeState(state.x, state.factor, state.prior, state.losses, ranges, seconds, widest, reach, stretch)


def sums(state: HedgeState) -> dict[str, float]:
    return {"ranges": state.ranges, "seconds": state.seconds, "widest": state.widest}


@declare(domains=("Simplex",), positive=("eta", "spread"), lent=True, scaled=True)
class Hedge(NamedTuple):
    """Hedge, or exponentiated gradient: x_{t+1,k} ~ pi_k exp(-eta sum_{s <= t} g_{s,k}), the prior pi = x_1.

    x_{t+1} = argmin_{x in simplex} eta <g_1 + ... + g_t, x> + KL(x || pi). With
    delta_s = <x_s, g_s> + (1/eta) ln <x_s, exp(-eta g_s)> regret at u is exactly
    (KL(u || pi) - KL(u || x_{t+1})) / eta + sum_s delta_s, and delta_s <= (eta/8) (max_k g_{s,k} - min_k g_{s,k})^2 by
    Hoeffding's lemma, delta_s <= (eta/2) <x_s, (g_s - min_k g_{s,k})^2>. By theorem, for losses in an interval of
    length S = spread, eta = sqrt(8 ln N / T) / S: regret <= S sqrt(T ln N / 2) at T (N = 1: any eta; a prior that is
    not uniform: max_k ln(1 / pi_k) for ln N).
    """

    eta: float = THEORY
    spread: float = THEORY

    def init(self, x: Vector) -> HedgeState:
        return beginning(x)

    def update(self, now: Round, g: Vector, state: HedgeState, domain: Any) -> HedgeState:
        return exponentiate(state, now, g, self.eta, self.eta)

    def tune(self, setting: Setting) -> "Hedge":
        spread = spread_by(setting, self.spread)
        eta = math.sqrt(8.0 * surprise(setting.start) / horizon(setting)) / spread if self.eta is None else self.eta
        return self._replace(eta=eta, spread=spread)

    def tally(self, state: HedgeState, domain: Any) -> dict[str, float]:
        return sums(state)

    @bound("hedge-hoeffding", "data", "Cesa-Bianchi and Lugosi 2006, chapter 2")
    def hoeffding(self, run: Any) -> Vector:
        return cost(run) / self.eta + run.tally["ranges"] / 8.0

    @bound("hedge-second-order", "data", "derived from the mix loss and exp(-z) <= 1 - z + z^2 / 2, z >= 0")
    def second_order(self, run: Any) -> Vector:
        return cost(run) / self.eta + run.tally["seconds"] / 2.0

    @bound("hedge-worst", "worst", "Cesa-Bianchi and Lugosi 2006, Theorem 2.2", assumes="losses within spread")
    def worst(self, run: Any) -> Vector:
        return provided(cost(run) / self.eta + self.eta * self.spread**2 * run.t / 8.0, within(run, self.spread))

    @bound("hedge-trajectory", "trajectory", "derived: the mix loss telescopes")
    def trajectory(self, run: Any) -> Vector:
        return costs(run) / self.eta + gaps(run, self.eta)


@declare(domains=("Simplex",), positive=("eta", "spread"), lent=True, scaled=True)
class HedgeAnytime(NamedTuple):
    """Hedge at a falling rate: x_t,k ~ pi_k exp(-eta_t sum_{s < t} g_{s,k}), eta_t = eta / sqrt(t), pi = x_1.

    Regret at u <= KL(u || pi) / eta_t + sum_s delta_s, where delta_s is Hedge's at the rate eta_s, so
    <= KL(u || pi) / eta_t + (1/8) sum_s eta_s (max_k g_{s,k} - min_k g_{s,k})^2. By theorem, for losses in an interval
    of length S = spread, eta = 2 sqrt(ln N) / S: regret <= S sqrt(t ln N) at every t.
    """

    eta: float = THEORY
    spread: float = THEORY

    def init(self, x: Vector) -> HedgeState:
        return beginning(x)

    def update(self, now: Round, g: Vector, state: HedgeState, domain: Any) -> HedgeState:
        return exponentiate(state, now, g, self.eta / math.sqrt(now.t), self.eta / math.sqrt(now.t + 1))

    def tune(self, setting: Setting) -> "HedgeAnytime":
        spread = spread_by(setting, self.spread)
        eta = 2.0 * math.sqrt(surprise(setting.start)) / spread if self.eta is None else self.eta
        return self._replace(eta=eta, spread=spread)

    def tally(self, state: HedgeState, domain: Any) -> dict[str, float]:
        return sums(state)

    @bound("hedge-anytime-hoeffding", "data", "derived from Cesa-Bianchi and Lugosi 2006, chapter 2")
    def hoeffding(self, run: Any) -> Vector:
        return cost(run) * np.sqrt(run.t) / self.eta + run.tally["ranges"] / 8.0

    @bound("hedge-anytime-worst", "worst", "derived from the Hoeffding form", assumes="losses within spread")
    def worst(self, run: Any) -> Vector:
        # sum_{s <= t} 1 / sqrt(s) <= 2 sqrt(t)
        value = (cost(run) / self.eta + self.eta * self.spread**2 / 4.0) * np.sqrt(run.t)
        return provided(value, within(run, self.spread))

    @bound("hedge-anytime-trajectory", "trajectory", "derived: the mix loss falls with the rate")
    def trajectory(self, run: Any) -> Vector:
        rates = self.eta / np.sqrt(np.arange(1.0, run.rounds + 1.0))
        return costs(run) * np.sqrt(run.t) / self.eta + gaps(run, rates)
