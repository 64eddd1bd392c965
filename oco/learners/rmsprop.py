"""RMSprop and AdaDelta: AdaGrad with accumulators that forget, as torch has them, and what is left of its theorem.

Both are mirror descent, x_{t+1} = argmin_{x in X} |x - (x_t - g_t / Gamma_t)|_{Gamma_t}, in a metric that may fall. So
what holds for any metric holds for them once the run is known (oco.learners.averages with beta = 0). Nothing is
guaranteed before the run; Adam's counterexamples, which have no momentum, are RMSprop's too.
"""

import math
from typing import Any, NamedTuple

from oco.bounds import bound, trajectory
from oco.learners.averages import SOURCE, variation
from oco.protocols import Round, Vector, declare


@declare(positive=("eta",), nonnegative=("eps",), fraction=("rho",))
class RMSprop(NamedTuple):
    """RMSprop: v_t = rho v_{t-1} + (1 - rho) g_t^2, x_{t+1} = Proj(x_t - g_t / Gamma_t), Gamma = (sqrt(v) + eps) / eta.

    torch's RMSprop(lr=eta, alpha=rho, eps=eps), by coordinate (Tieleman and Hinton 2012); Proj is in the metric Gamma,
    and Gamma = 0 means no move. No bound is known before the run. Along the run regret is at most
    (1/2) sum_s |x_s - u|^2_{Gamma_s - Gamma_{s-1}} + (1/2) sum_s |g_s|^2_{1 / Gamma_s}.
    """

    eta: float = 0.01
    rho: float = 0.99
    eps: float = 1e-8

    def rule(self, now: Round, g: float, x: float, s: float) -> tuple[float, float]:
        s = self.rho * s + (1.0 - self.rho) * g * g
        gamma = self.metric(now, s)
        return (x - g / gamma if gamma > 0.0 else x), s

    def metric(self, now: Round, s: float) -> float:
        return (math.sqrt(s) + self.eps) / self.eta

    @bound("rmsprop-trajectory", "trajectory", SOURCE)
    def trajectory(self, run: Any) -> Vector:
        return trajectory(run)

    @bound("rmsprop-variation", "trajectory", SOURCE)
    def spread(self, run: Any) -> Vector:
        return variation(run, run.history.g, 0.0)


@declare(positive=("eta", "eps"), fraction=("rho",))
class AdaDelta(NamedTuple):
    """AdaDelta: steps in proportion to the root mean square of past steps over that of past gradients.

    v_t = rho v_{t-1} + (1 - rho) g_t^2, d_t = sqrt(u_{t-1} + eps) / sqrt(v_t + eps) g_t,
    u_t = rho u_{t-1} + (1 - rho) d_t^2, x_{t+1} = Proj(x_t - eta d_t), by coordinate: torch's
    Adadelta(lr=eta, rho=rho, eps=eps) (Zeiler 2012). Proj is in the metric Gamma_t = g_t / (eta d_t). No bound is
    known before the run; along it RMSprop's holds with this Gamma.
    """

    eta: float = 1.0
    rho: float = 0.9
    eps: float = 1e-6

    def memory(self, x: Vector) -> tuple[float, float, float]:
        return 0.0, 0.0, 1.0

    def rule(
        self, now: Round, g: float, x: float, s: tuple[float, float, float]
    ) -> tuple[float, tuple[float, float, float]]:
        v, u, _ = s
        v = self.rho * v + (1.0 - self.rho) * g * g
        rate = math.sqrt(u + self.eps) / math.sqrt(v + self.eps)
        d = rate * g
        u = self.rho * u + (1.0 - self.rho) * d * d
        return x - self.eta * d, (v, u, rate)

    def metric(self, now: Round, s: tuple[float, float, float]) -> float:
        return 1.0 / (self.eta * s[2])

    @bound("adadelta-trajectory", "trajectory", SOURCE)
    def trajectory(self, run: Any) -> Vector:
        return trajectory(run)

    @bound("adadelta-variation", "trajectory", SOURCE)
    def spread(self, run: Any) -> Vector:
        return variation(run, run.history.g, 0.0)
