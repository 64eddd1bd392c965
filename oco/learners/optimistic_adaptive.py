"""Optimistic learners whose steps adapt to the surprises V_t = sum_{s<=t} |g_s - m_s|_2^2 seen so far.

Derived as in Rakhlin and Sridharan 2013; m_t is the hint of round t (oco.learners.hints), G_t = g_1 + ... + g_t.
"""

import math
from typing import Any, NamedTuple

import numpy as np

from oco.bounds import at_most, bound, provided, radius, span
from oco.learners.ftrl import lean
from oco.learners.hints import LastGradient, surprise
from oco.protocols import THEORY, Round, Setting, Vector, declare


class AdaptiveState(NamedTuple):
    x: Vector  # (d,): x_{t+1}
    y: Vector  # (d,): y_{t+1}, or x_1 for FTRL
    total: Vector  # (d,): G_t + m_{t+1}, for FTRL
    hint: Vector  # (d,): m_{t+1}
    root: float  # r_t = sqrt(L^2 + V_t), in force when x_{t+1} was chosen
    lagged: float  # r_{t-1}
    errors: float  # V_t
    peak: float  # max_s |g_s - m_s|_2^2
    spent: float  # sum_s |g_s - m_s|^2 / r_{s-1}


def _first(x: Vector, surprise: float) -> AdaptiveState:
    zero = np.zeros(len(x))
    return AdaptiveState(x.copy(), x.copy(), zero, zero.copy(), float(surprise), float(surprise), 0.0, 0.0, 0.0)


def _grown(state: AdaptiveState, x: Vector) -> AdaptiveState:
    room = (0, len(x) - len(state.y))
    y = np.concatenate([state.y, x[len(state.y) :]])
    return state._replace(x=x, y=y, total=np.pad(state.total, room), hint=np.pad(state.hint, room))


def _tally(state: AdaptiveState) -> dict[str, float]:
    errors, peak = state.errors, math.sqrt(state.peak)
    return {"lagged": state.lagged, "errors": errors, "largest_error": peak, "spent": state.spent}


@declare(positive=("eta", "surprise"))
class AdaptiveOptimisticOMD(NamedTuple):
    """Optimistic mirror descent with steps eta_t = eta / sqrt(L^2 + V_{t-1}), for surprises |g_t - m_t|_2 <= L.

    x_t = Proj_X(y_t - eta_t m_t), y_{t+1} = Proj_X(y_t - eta_t g_t): the same eta_t in both half-steps of round t.
    On bounded X regret <= D^2 / (2 eta_t) + (1/2) sum_s eta_s |g_s - m_s|^2 <= (D^2 / (2 eta) + eta) sqrt(L^2 + V_t),
    derived as in Rakhlin and Sridharan 2013. By theorem eta = D / sqrt(2), L = G + (largest |m_t|).
    """

    eta: float = THEORY
    surprise: float = THEORY
    hint: Any = LastGradient()

    def init(self, x: Vector) -> AdaptiveState:
        return _first(x, self.surprise)

    def grow(self, state: AdaptiveState, x: Vector) -> AdaptiveState:
        return _grown(state, x)

    def update(self, now: Round, g: Vector, state: AdaptiveState, domain: Any) -> AdaptiveState:
        x, y, m = state.x, state.y, state.hint
        error = surprise(g, m)
        errors, spent = state.errors + error, state.spent + error / state.root
        lean(y, y, g, self.eta / state.root)
        domain.project(y)
        root = math.hypot(self.surprise, math.sqrt(errors))
        self.hint.foretell(now.t, g, m)
        lean(x, y, m, self.eta / root)
        domain.project(x)
        return AdaptiveState(x, y, state.total, m, root, state.root, errors, max(state.peak, error), spent)

    def tune(self, setting: Setting) -> "AdaptiveOptimisticOMD":
        eta, most = _by_theorem(self, setting, setting.domain.diameter(setting.d))
        return self._replace(eta=eta, surprise=most)

    def tally(self, state: AdaptiveState, domain: Any) -> dict[str, float]:
        return _tally(state)

    @bound("adaptive-optimistic-steps", "data", "derived from Rakhlin, Sridharan 2013", assumes="bounded domain")
    def steps(self, run: Any) -> Vector:
        value = run.tally["lagged"] * span(run) ** 2 / (2.0 * self.eta) + self.eta / 2.0 * run.tally["spent"]
        return provided(value, run.domain.bounded)

    @bound(
        "adaptive-optimistic-data",
        "data",
        "derived from Rakhlin, Sridharan 2013",
        assumes="|g_t - m_t|_2 <= surprise, bounded domain",
    )
    def data(self, run: Any) -> Vector:
        return _closed(self, run, span(run), np.sqrt(run.tally["errors"]), run.domain.bounded)

    @bound(
        "adaptive-optimistic-worst",
        "worst",
        "derived from Rakhlin, Sridharan 2013",
        assumes="|g_t - m_t|_2 <= surprise, bounded domain",
    )
    def worst(self, run: Any) -> Vector:
        return _closed(self, run, span(run), self.surprise * np.sqrt(run.t), run.domain.bounded)


@declare(positive=("eta", "surprise"))
class OptimisticFTRL(NamedTuple):
    """Optimistic follow the regularised leader, for surprises |g_t - m_t|_2 <= L.

    x_t = argmin_{x in X} <G_{t-1} + m_t, x> + (r_{t-1} / (2 eta)) |x - x_1|_2^2, r_t = sqrt(L^2 + V_t). Regret at u
    <= r_{t-1} |x_1 - u|^2 / (2 eta) + (eta / 2) sum_s |g_s - m_s|^2 / r_{s-1} <= (|x_1 - u|^2 / (2 eta) + eta) r_t.
    By theorem eta = max_u |x_1 - u| / sqrt(2), L = G + (largest |m_t|).
    """

    eta: float = THEORY
    surprise: float = THEORY
    hint: Any = LastGradient()

    def init(self, x: Vector) -> AdaptiveState:
        return _first(x, self.surprise)

    def grow(self, state: AdaptiveState, x: Vector) -> AdaptiveState:
        return _grown(state, x)

    def update(self, now: Round, g: Vector, state: AdaptiveState, domain: Any) -> AdaptiveState:
        x, total, m = state.x, state.total, state.hint
        error = surprise(g, m)
        errors, spent = state.errors + error, state.spent + error / state.root
        root = math.hypot(self.surprise, math.sqrt(errors))
        for i in range(len(x)):
            total[i] += g[i] - m[i]
        self.hint.foretell(now.t, g, m)
        for i in range(len(x)):
            total[i] += m[i]
        lean(x, state.y, total, self.eta / root)
        domain.project(x)
        return AdaptiveState(x, state.y, total, m, root, state.root, errors, max(state.peak, error), spent)

    def tune(self, setting: Setting) -> "OptimisticFTRL":
        eta, most = _by_theorem(self, setting, setting.domain.reach(setting.start))
        return self._replace(eta=eta, surprise=most)

    def tally(self, state: AdaptiveState, domain: Any) -> dict[str, float]:
        return _tally(state)

    @bound("optimistic-ftrl-lagged", "data", "derived from Rakhlin, Sridharan 2013")
    def lagged(self, run: Any) -> Vector:
        return run.tally["lagged"] * radius(run) ** 2 / (2.0 * self.eta) + self.eta / 2.0 * run.tally["spent"]

    @bound(
        "optimistic-ftrl-data",
        "data",
        "derived from Rakhlin, Sridharan 2013",
        assumes="|g_t - m_t|_2 <= surprise",
    )
    def data(self, run: Any) -> Vector:
        return _closed(self, run, radius(run), np.sqrt(run.tally["errors"]), True)

    @bound(
        "optimistic-ftrl-worst",
        "worst",
        "derived from Rakhlin, Sridharan 2013",
        assumes="|g_t - m_t|_2 <= surprise",
    )
    def worst(self, run: Any) -> Vector:
        return _closed(self, run, radius(run), self.surprise * np.sqrt(run.t), True)


def _by_theorem(learner: Any, setting: Setting, distance: float) -> tuple[float, float]:
    """eta = distance / sqrt(2) and L, where they are not given."""
    eta, most = learner.eta, learner.surprise
    if eta is None:
        setting.need(diameter=distance)
        eta = distance / math.sqrt(2.0)
    if most is None:
        setting.need(lipschitz=setting.lipschitz)
        most = setting.lipschitz + learner.hint.largest(setting.lipschitz)
    return eta, most


def _closed(learner: Any, run: Any, distance: Vector, path: Vector, bounded: bool) -> Vector:
    """(distance^2 / (2 eta) + eta) sqrt(L^2 + path^2) where every surprise was within L."""
    value = (distance**2 / (2.0 * learner.eta) + learner.eta) * np.hypot(learner.surprise, path)
    return provided(value, at_most(run.tally["largest_error"], learner.surprise), bounded)
