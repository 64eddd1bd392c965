"""Follow the regularised leader with linearised losses and an adaptive quadratic regulariser.

x_{t+1} = argmin_{x in X} <G_t, x> + (r_t / (2 eta)) |x - x_1|_2^2 = Proj_X(x_1 - (eta / r_t) G_t);
G_t = g_1 + ... + g_t, S_t = sum_{s<=t} |g_s|_2^2. The regulariser of round t + 1 is chosen before g_{t+1} is seen.
"""

import math
from typing import Any, NamedTuple

import numpy as np

from oco.bounds import at_most, bound, lipschitz, provided, radius
from oco.projections import norm
from oco.protocols import THEORY, Round, Setting, Vector, declare


def lean(x: Vector, start: Vector, total: Vector, step: float) -> None:
    """x = start - step total."""
    for i in range(len(x)):
        x[i] = start[i] - step * total[i]


class FTRLState(NamedTuple):
    x: Vector  # (d,)
    start: Vector  # (d,): x_1
    total: Vector  # (d,): G_t
    root: float  # r_t, in force when x_{t+1} was chosen
    lagged: float  # r_{t-1}
    spent: float  # sum_s |g_s|^2 / r_{s-1}


@declare(positive=("eta", "lipschitz"))
class FTRL(NamedTuple):
    """Follow the regularised leader with r_t = sqrt(G^2 + S_t), for gradients |g_t|_2 <= G (McMahan 2017).

    Regret at u <= r_{t-1} |x_1 - u|^2 / (2 eta) + (eta / 2) sum_s |g_s|^2 / r_{s-1}
                <= (|x_1 - u|^2 / (2 eta) + eta) r_t,                               where G >= |g_s|_2.
    By theorem eta = max_u |x_1 - u| / sqrt(2), regret <= sqrt(2) max_u |x_1 - u| r_t at every t: from the centre of a
    ball half of what AdaGradNorm pays.
    """

    eta: float = THEORY
    lipschitz: float = THEORY

    def init(self, x: Vector) -> FTRLState:
        return FTRLState(x.copy(), x.copy(), np.zeros(len(x)), float(self.lipschitz), float(self.lipschitz), 0.0)

    def grow(self, state: FTRLState, x: Vector) -> FTRLState:
        start = np.concatenate([state.start, x[len(state.start) :]])
        total = np.pad(state.total, (0, len(x) - len(state.total)))
        return FTRLState(x, start, total, state.root, state.lagged, state.spent)

    def update(self, now: Round, g: Vector, state: FTRLState, domain: Any) -> FTRLState:
        x, total = state.x, state.total
        for i in range(len(x)):
            total[i] += g[i]
        root = math.hypot(self.lipschitz, math.sqrt(now.sumsq))
        lean(x, state.start, total, self.eta / root)
        domain.project(x)
        return FTRLState(x, state.start, total, root, state.root, state.spent + now.norm2 / state.root)

    def tune(self, setting: Setting) -> "FTRL":
        eta, most = self
        if eta is None:
            reach = setting.domain.reach(setting.start)
            setting.need(diameter=reach)
            eta = reach / math.sqrt(2.0)
        if most is None:
            setting.need(lipschitz=setting.lipschitz)
            most = setting.lipschitz
        return FTRL(eta, most)

    def tally(self, state: FTRLState, domain: Any) -> dict[str, float]:
        return {"lagged": state.lagged, "spent": state.spent}

    @bound("ftrl-lagged", "data", "derived from McMahan 2017")
    def lagged(self, run: Any) -> Vector:
        return run.tally["lagged"] * radius(run) ** 2 / (2.0 * self.eta) + self.eta / 2.0 * run.tally["spent"]

    @bound("ftrl-data", "data", "derived from McMahan 2017", assumes="|g_t|_2 <= lipschitz")
    def data(self, run: Any) -> Vector:
        return self._closed(run, np.hypot(self.lipschitz, np.sqrt(run.sumsq)))

    @bound("ftrl-worst", "worst", "derived from McMahan 2017", assumes="|g_t|_2 <= lipschitz")
    def worst(self, run: Any) -> Vector:
        return self._closed(run, self.lipschitz * np.sqrt(1.0 + run.t))

    def _closed(self, run: Any, root: Vector) -> Vector:
        value = (radius(run) ** 2 / (2.0 * self.eta) + self.eta) * root
        return provided(value, at_most(run.peak, self.lipschitz))


class SoloState(NamedTuple):
    x: Vector  # (d,)
    start: Vector  # (d,): x_1
    total: Vector  # (d,): G_t


@declare(positive=("eta",))
class SoloFTRL(NamedTuple):
    """Scale-free follow the regularised leader, r_t = sqrt(S_t): SOLO FTRL (Orabona and Pal 2018).

    No constant is needed, gradients of any size and unbounded X are allowed; eta is the paper's 1 / lambda. With D the
    diameter of X, infinite or not, regret at u is at most
    (|x_1 - u|^2 / (2 eta) + 2.75 eta) sqrt(S_t) + 3.5 min(eta sqrt(t - 1), D) max_s |g_s|, and on bounded X
    sqrt(S_t) |x_1 - u|^2 / (2 eta) + sum_s min(D |g_s|, eta |g_s|^2 / (2 sqrt(S_{s-1}))).
    No step while every gradient was zero.
    """

    eta: float = 1.0

    def init(self, x: Vector) -> SoloState:
        return SoloState(x.copy(), x.copy(), np.zeros(len(x)))

    def grow(self, state: SoloState, x: Vector) -> SoloState:
        start = np.concatenate([state.start, x[len(state.start) :]])
        return SoloState(x, start, np.pad(state.total, (0, len(x) - len(state.total))))

    def update(self, now: Round, g: Vector, state: SoloState, domain: Any) -> SoloState:
        for i in range(len(g)):
            state.total[i] += g[i]
        if now.sumsq > 0.0:
            lean(state.x, state.start, state.total, self.eta / math.sqrt(now.sumsq))
            domain.project(state.x)
        return state

    @bound("solo-data", "data", "derived from Orabona, Pal 2018")
    def data(self, run: Any) -> Vector:
        return self._closed(run, np.sqrt(run.sumsq), run.peak)

    @bound("solo-worst", "worst", "derived from Orabona, Pal 2018")
    def worst(self, run: Any) -> Vector:
        return self._closed(run, lipschitz(run) * np.sqrt(run.t), lipschitz(run))

    def _closed(self, run: Any, root: Vector, peak: Vector) -> Vector:
        jumps = np.minimum(self.eta * np.sqrt(run.t - 1.0), run.domain.diameter(run.d))
        return (radius(run) ** 2 / (2.0 * self.eta) + 2.75 * self.eta) * root + 3.5 * jumps * peak

    @bound("solo-trajectory", "trajectory", "derived from Orabona, Pal 2018", assumes="bounded domain")
    def trajectory(self, run: Any) -> Vector:
        sizes = np.array([norm(g) for g in run.history.g])
        roots = np.sqrt(np.cumsum(sizes**2))
        before = np.concatenate([[0.0], roots[:-1]])
        smooth = np.divide(self.eta * sizes**2, 2.0 * before, out=np.full(len(sizes), np.inf), where=before > 0.0)
        diameter = run.domain.diameter(run.d)
        paid = np.minimum(np.where(sizes > 0.0, diameter * np.where(sizes > 0.0, sizes, 1.0), 0.0), smooth)
        gaps = np.array([np.linalg.norm(u - run.start[: len(u)]) for u in run.comparators])
        return roots[run.t - 1] * gaps**2 / (2.0 * self.eta) + np.cumsum(paid)[run.t - 1]
