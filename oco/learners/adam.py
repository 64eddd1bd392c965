"""Adam and AMSGrad, as torch has them and as their theorems and counterexamples do.

m_t = beta1 m_{t-1} + (1 - beta1) g_t, v_t = beta2 v_{t-1} + (1 - beta2) g_t^2, both from 0, by coordinate;
x_{t+1} = argmin_{x in X} |x - (x_t - m_t / Gamma_t)|_{Gamma_t}, Gamma_t = (sqrt(v_t) + eps) / eta, and by choice
    correct=True   Gamma_t = (1 - beta1^t) (sqrt(v_t) / sqrt(1 - beta2^t) + eps) / eta, the correction of torch;
    decay=True     eta / sqrt(t) in place of eta.
Gamma = 0 means no move. The theorems are about correct=False, decay=True, eps=0; the defaults are torch's.
"""

import math
from typing import Any, NamedTuple

import numpy as np

from oco.bounds import bound, lipschitz, width
from oco.learners.averages import SOURCE, along, remembered, variation
from oco.protocols import Round, Vector, declare


@declare(positive=("eta",), nonnegative=("eps",), fraction=("beta1", "beta2"))
class Adam(NamedTuple):
    """Adam (Kingma and Ba 2015): averaged gradients over the root of averaged squares.

    torch's Adam(lr=eta, betas=(beta1, beta2), eps=eps) with a projection. Not guaranteed: anything before the run. For
    every beta1 < sqrt(beta2) there are losses on [-1, 1] on which its regret is linear (Reddi, Kale and Kumar 2018,
    Theorem 2; AdamBreaker). Guaranteed once the run is known: the bounds of oco.learners.averages.
    """

    eta: float = 1e-3
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8
    decay: bool = False
    correct: bool = True

    def memory(self, x: Vector) -> tuple[float, float]:
        return 0.0, 0.0

    def rule(self, now: Round, g: float, x: float, s: tuple[float, float]) -> tuple[float, tuple[float, float]]:
        m, v = s
        m += (1.0 - self.beta1) * (g - m)
        v = self.beta2 * v + (1.0 - self.beta2) * g * g
        gamma = self.metric(now, (m, v))
        return (x - m / gamma if gamma > 0.0 else x), (m, v)

    def metric(self, now: Round, s: tuple[float, float]) -> float:
        return _gamma(self, now.t, s[1])

    @bound("adam-trajectory", "trajectory", SOURCE)
    def trajectory(self, run: Any) -> Vector:
        return along(run, remembered(run, 0), self.beta1)

    @bound("adam-variation", "trajectory", SOURCE)
    def spread(self, run: Any) -> Vector:
        return variation(run, remembered(run, 0), self.beta1)


@declare(sums=("pull", "roots"), positive=("eta",), nonnegative=("eps",), fraction=("beta1", "beta2"))
class AMSGrad(NamedTuple):
    """AMSGrad (Reddi, Kale and Kumar 2018): Adam with the largest v_t so far, vhat_t = max(vhat_{t-1}, v_t).

    torch's Adam(amsgrad=True, ...) with a projection. With correct=False, decay=True, eps=0 and beta2 > beta1^2, any t:
    regret <= sqrt(t) / (2 eta) sum_i D_i^2 sqrt(vhat_{t,i}) + beta1 / (1 - beta1) sum_i D_i |m_{t,i}|
              + eta (1 + beta1) / 2 sqrt((1 + ln t) / ((1 - beta2) (1 - beta1^2 / beta2))) sum_i |g_{1:t,i}|_2,
    derived: the published bound has a term that grows as t^{3/2} unless beta1 is made to fall. The last sum is taken at
    its most, sqrt(d S_t). Nothing is guaranteed before the run for other parameters, torch's defaults among them.
    """

    eta: float = 1e-3
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8
    decay: bool = False
    correct: bool = True

    def memory(self, x: Vector) -> tuple[float, float, float]:
        return 0.0, 0.0, 0.0

    def rule(
        self, now: Round, g: float, x: float, s: tuple[float, float, float]
    ) -> tuple[float, tuple[float, float, float]]:
        m, v, top = s
        m += (1.0 - self.beta1) * (g - m)
        v = self.beta2 * v + (1.0 - self.beta2) * g * g
        top = max(top, v)
        gamma = self.metric(now, (m, v, top))
        return (x - m / gamma if gamma > 0.0 else x), (m, v, top)

    def metric(self, now: Round, s: tuple[float, float, float]) -> float:
        return _gamma(self, now.t, s[2])

    def share(self, s: tuple[float, float, float], width: float) -> tuple[float, float]:
        return width * abs(s[0]), width * width * math.sqrt(s[2])

    @bound("amsgrad-data", "data", SOURCE, assumes="eps = 0, no correction, decay, beta2 > beta1^2")
    def data(self, run: Any) -> Vector:
        far = np.ones(len(run.t)) if run.domain.bounded else width(run)
        return self._theorem(run, far**2 * run.tally["roots"], far * run.tally["pull"], run.sumsq)

    @bound("amsgrad-worst", "worst", SOURCE, assumes="eps = 0, no correction, decay, beta2 > beta1^2")
    def worst(self, run: Any) -> Vector:
        # sqrt(vhat_i) <= G, and sum_i D_i |m_i| <= sqrt(sum_i D_i^2) G.
        widths = run.domain.widths(run.d) if run.domain.bounded else width(run)[:, None] * np.ones(run.d)
        square, size = (widths**2).sum(axis=-1), lipschitz(run)
        return self._theorem(run, square * size, np.sqrt(square) * size, size**2 * run.t)

    def _theorem(self, run: Any, roots: Vector, pull: Vector, sumsq: Vector) -> Vector:
        """From sum D_i^2 sqrt(vhat_i), sum D_i |m_i| and S_t."""
        sound = self.eps == 0.0 and self.decay and not self.correct and self.beta2 > self.beta1**2
        if not sound:
            return np.full(len(run.t), np.inf)
        memory = (1.0 - self.beta2) * (1.0 - self.beta1**2 / self.beta2)
        steps = self.eta * (1.0 + self.beta1) / 2.0 * np.sqrt((1.0 + np.log(run.t)) / memory * run.dimension * sumsq)
        return np.sqrt(run.t) / (2.0 * self.eta) * roots + self.beta1 / (1.0 - self.beta1) * pull + steps

    @bound("amsgrad-trajectory", "trajectory", SOURCE)
    def trajectory(self, run: Any) -> Vector:
        return along(run, remembered(run, 0), self.beta1)

    @bound("amsgrad-variation", "trajectory", SOURCE)
    def spread(self, run: Any) -> Vector:
        return variation(run, remembered(run, 0), self.beta1)


def _gamma(learner: Any, t: int, v: float) -> float:
    """Gamma_t; torch's 1 - beta^t loses digits to cancellation for small t, and here it must lose the same."""
    root = math.sqrt(v)
    slow = 1.0
    if learner.correct:
        root /= math.sqrt(1.0 - learner.beta2 ** float(t))
        slow = 1.0 - learner.beta1 ** float(t)
    if learner.decay:
        slow *= math.sqrt(t)
    return slow * (root + learner.eps) / learner.eta
