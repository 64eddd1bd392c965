"""Composite mirror descent with L1: a gradient step, then the soft threshold. Regret is of f_t + l1 |.|_1.

x_{t+1} = argmin_{x in X} <g_t, x> + l1 |x|_1 + |x - x_t|^2_{Gamma_t} / 2, with g_t a subgradient of f_t alone and l1
the game's penalty. Thresholding and then projecting in the metric Gamma_t is that argmin on X = R^d, boxes, L2 and L1
balls about 0: in a box because a convex function of one number is least over an interval next to where it is least
anywhere; in a ball because the multiplier of |x|_2^2 scales what the threshold left, and that of |x|_1 adds to it.
Regret is that of mirror descent without the penalty, |x_1|_1 = 0 being least (Duchi, Shalev-Shwartz, Singer and Tewari
2010): from another x_1, l1 (|x_1|_1 - |x_{t+1}|_1) comes on top.
"""

import math
from typing import Any, NamedTuple

import numpy as np

from oco.bounds import bound, lipschitz, span, trajectory
from oco.learners.adagrad import AdaGrad
from oco.learners.shrinkage import falling_sum, root_sum, rounds_within, soft
from oco.protocols import THEORY, Round, Setting, Vector, declare

PLACES = ("Space", "Box", "Ball", "L1Ball")


@declare(composite=True, origin=True, euclidean=True, domains=PLACES, positive=("eta",))
class FOBOS(NamedTuple):
    """Forward-backward splitting, step eta / sqrt(t) (Duchi and Singer 2009).

    x_{t+1} = argmin_{x in X} |x - (x_t - eta_t g_t)|^2 / 2 + eta_t l1 |x|_1, eta_t = eta / sqrt(t), x_1 = 0.
    Regret at u <= sum_s (1/eta_s - 1/eta_{s-1}) |x_s - u|^2 / 2 + sum_s eta_s |g_s|^2 / 2
                <= D^2 sqrt(t) / (2 eta) + eta G^2 (sqrt(t) - 1/2).
    By theorem eta = D / (G sqrt 2), regret <= sqrt(2) D G sqrt(t).
    """

    eta: float = THEORY

    def memory(self, x: Vector) -> float:
        return 0.0  # the last round in which the coordinate was brought up to date

    def rule(self, now: Round, g: float, x: float, s: float) -> tuple[float, float]:
        step = self.eta / math.sqrt(now.t)
        return soft(x - step * g, step * now.l1), float(now.t)

    def idle(self, now: Round, x: float, s: float) -> tuple[float, float, float]:
        """|x| falls by pull / sqrt(r) in round r until it is zero, for the decisions up to that of round `stop`."""
        n = float(now.t)
        size = abs(x)
        pull = self.eta * now.l1
        if size == 0.0 or pull == 0.0 or n <= s:
            return x, max(s, n), size * max(0.0, n - s)
        alive = rounds_within(size / pull, s + 1.0, n)
        stop = min(n, alive + 1.0)
        paid = (stop - s) * size - pull * root_sum(stop, 1.0, s + 1.0, stop - 1.0)
        left = max(0.0, size - pull * root_sum(1.0, 0.0, s + 1.0, n)) if alive >= n else 0.0
        return math.copysign(left, x), n, max(0.0, paid)

    def metric(self, now: Round, s: float) -> float:
        return math.sqrt(now.t) / self.eta

    def tune(self, setting: Setting) -> "FOBOS":
        diameter = setting.domain.diameter(setting.d)
        setting.need(diameter=diameter, lipschitz=setting.lipschitz)
        return FOBOS(diameter / (setting.lipschitz * math.sqrt(2.0)))

    @bound("fobos-data", "data", "derived from Duchi, Singer 2009 and Duchi et al. 2010")
    def data(self, run: Any) -> Vector:
        return span(run) ** 2 * np.sqrt(run.t) / (2.0 * self.eta) + self.eta / 2.0 * run.faded

    @bound("fobos-worst", "worst", "derived from Duchi, Singer 2009 and Duchi et al. 2010")
    def worst(self, run: Any) -> Vector:
        steps = self.eta * lipschitz(run) ** 2 * (np.sqrt(run.t) - 0.5)
        return span(run) ** 2 * np.sqrt(run.t) / (2.0 * self.eta) + steps

    @bound("fobos-trajectory", "trajectory", "derived from Duchi et al. 2010, composite mirror descent")
    def trajectory(self, run: Any) -> Vector:
        return trajectory(run)


@declare(
    composite=True, origin=True, domains=PLACES, sums=("roots", "weighted"), positive=("eta",), nonnegative=("delta",)
)
class AdaGradFOBOS(NamedTuple):
    """Diagonal AdaGrad as composite mirror descent (Duchi, Hazan and Singer 2011).

    S_i += g_i^2, H_i = delta + sqrt(S_i); x_{t+1} = argmin_{x in X} eta <g_t, x> + eta l1 |x|_1 + |x - x_t|^2_H / 2,
    x_1 = 0; coordinates with H_i = 0 stay at 0. Regret at u is that of AdaGrad without the penalty,
    delta |u|^2 / (2 eta) + max_s |x_s - u|_inf^2 sum_i sqrt(S_i) / (2 eta) + eta sum_i sqrt(S_i).
    By theorem eta = max_i D_i / sqrt(2), D_i the width of coordinate i.
    """

    eta: float = THEORY
    delta: float = 0.0

    def memory(self, x: Vector) -> tuple[float, float]:
        return 0.0, 0.0  # S_i, the last round in which the coordinate was brought up to date

    def rule(self, now: Round, g: float, x: float, s: tuple[float, float]) -> tuple[float, tuple[float, float]]:
        squares = s[0] + g * g
        h = self.delta + math.sqrt(squares)
        x = soft(x - self.eta * g / h, self.eta * now.l1 / h) if h > 0.0 else x
        return x, (squares, float(now.t))

    def idle(self, now: Round, x: float, s: tuple[float, float]) -> tuple[float, tuple[float, float], float]:
        """|x| falls by the same eta l1 / H_i in every round until it is zero."""
        n = max(0.0, now.t - s[1])
        size = abs(x)
        if size == 0.0:
            return x, (s[0], s[1] + n), 0.0
        step = self.eta * now.l1 / (self.delta + math.sqrt(s[0]))
        left = max(0.0, size - n * step)
        return math.copysign(left, x), (s[0], s[1] + n), falling_sum(size, step, size, n)

    def metric(self, now: Round, s: tuple[float, float]) -> float:
        return (self.delta + math.sqrt(s[0])) / self.eta

    def tune(self, setting: Setting) -> "AdaGradFOBOS":
        widest = setting.domain.widths(setting.d).max()
        setting.need(diameter=widest)
        return self._replace(eta=widest / math.sqrt(2.0))

    def share(self, s: tuple[float, float], width: float) -> tuple[float, float]:
        root = math.sqrt(s[0])
        return root, width * width * root

    def _uncharged(self) -> AdaGrad:
        """The learner whose regret without the penalty bounds this one's with it."""
        return AdaGrad(self.eta, self.delta)

    @bound("adagrad-fobos-data", "data", "Duchi, Hazan, Singer 2011, Theorem 5")
    def data(self, run: Any) -> Vector:
        return self._uncharged().data(run)

    @bound("adagrad-fobos-worst", "worst", "Duchi, Hazan, Singer 2011, Theorem 5 and Cauchy-Schwarz")
    def worst(self, run: Any) -> Vector:
        return self._uncharged().worst(run)

    @bound("adagrad-fobos-trajectory", "trajectory", "Duchi, Hazan, Singer 2011, Proposition 3")
    def trajectory(self, run: Any) -> Vector:
        return trajectory(run)
