"""Optimistic mirror descent: a hint m_t of g_t is used before the round, and only the surprise g_t - m_t is paid."""

import math
from typing import Any, NamedTuple

import numpy as np

from oco.bounds import bound, lipschitz, radius
from oco.learners.ftrl import lean
from oco.learners.hints import LastGradient, surprise
from oco.protocols import THEORY, Round, Setting, Vector, declare


class OptimisticState(NamedTuple):
    x: Vector  # (d,): x_{t+1}
    y: Vector  # (d,): y_{t+1}
    hint: Vector  # (d,): m_{t+1}
    errors: float  # V_t
    ahead: float  # sum_s |x_s - y_s|^2


@declare(positive=("eta",))
class OptimisticOMD(NamedTuple):
    """Optimistic mirror descent, fixed step: x_t = Proj_X(y_t - eta m_t), y_{t+1} = Proj_X(y_t - eta g_t), y_1 = x_1.

    With V_t = sum_{s<=t} |g_s - m_s|^2, regret at u
        <= |x_1 - u|^2 / (2 eta) + (eta / 2) V_t - sum_s |x_s - y_s|^2 / (2 eta),
    derived as in Rakhlin and Sridharan 2013 and Chiang et al. 2012. Tuned to V_T it is D sqrt(V_T); V_T is not known
    before, so by theorem eta = max_u |x_1 - u| / (L sqrt T) with L = G + (largest |m_t|) >= |g_t - m_t|.
    """

    eta: float = THEORY
    hint: Any = LastGradient()

    def init(self, x: Vector) -> OptimisticState:
        return OptimisticState(x.copy(), x.copy(), np.zeros(len(x)), 0.0, 0.0)

    def grow(self, state: OptimisticState, x: Vector) -> OptimisticState:
        y = np.concatenate([state.y, x[len(state.y) :]])
        return OptimisticState(x, y, np.pad(state.hint, (0, len(x) - len(state.hint))), state.errors, state.ahead)

    def update(self, now: Round, g: Vector, state: OptimisticState, domain: Any) -> OptimisticState:
        x, y, m = state.x, state.y, state.hint
        errors, ahead = state.errors + surprise(g, m), state.ahead + surprise(x, y)
        lean(y, y, g, self.eta)
        domain.project(y)
        self.hint.foretell(now.t, g, m)
        lean(x, y, m, self.eta)
        domain.project(x)
        return OptimisticState(x, y, m, errors, ahead)

    def tune(self, setting: Setting) -> "OptimisticOMD":
        reach = setting.domain.reach(setting.start)
        setting.need(diameter=reach, lipschitz=setting.lipschitz, rounds=setting.rounds)
        most = setting.lipschitz + self.hint.largest(setting.lipschitz)
        return self._replace(eta=reach / (most * math.sqrt(setting.rounds)))

    def tally(self, state: OptimisticState, domain: Any) -> dict[str, float]:
        return {"errors": state.errors, "ahead": state.ahead}

    @bound("optimistic-data", "data", "derived from Rakhlin, Sridharan 2013")
    def data(self, run: Any) -> Vector:
        gained = run.tally["ahead"] / (2.0 * self.eta)
        return radius(run) ** 2 / (2.0 * self.eta) + self.eta / 2.0 * run.tally["errors"] - gained

    @bound("optimistic-errors", "data", "derived from Rakhlin, Sridharan 2013 and Chiang et al. 2012")
    def paths(self, run: Any) -> Vector:
        return radius(run) ** 2 / (2.0 * self.eta) + self.eta / 2.0 * run.tally["errors"]

    @bound("optimistic-worst", "worst", "derived from Rakhlin, Sridharan 2013")
    def worst(self, run: Any) -> Vector:
        most = lipschitz(run) + np.array([self.hint.largest(g) for g in lipschitz(run)])
        return radius(run) ** 2 / (2.0 * self.eta) + self.eta / 2.0 * most**2 * run.t
