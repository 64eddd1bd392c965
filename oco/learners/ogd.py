"""Online gradient descent with four step rules, Euclidean projection, and their regret bounds.

x_{t+1} = argmin_{x in X} |x - (x_t - eta_t g_t)|_2. S_t = sum_{s<=t} |g_s|_2^2; D is the diameter of X; G >= |g_t|_2.
eta = THEORY asks for the step by theorem.
"""

import math
from typing import Any, NamedTuple

import numpy as np

from oco.bounds import bound, lipschitz, provided, radius, span, trajectory
from oco.protocols import THEORY, Round, Setting, Vector, declare


@declare(lazy=True, euclidean=True, positive=("eta",))
class OGD(NamedTuple):
    """Online gradient descent, fixed step eta (Zinkevich 2003).

    x_{t+1} = Proj_X(x_t - eta g_t). Regret at u <= |x_1 - u|^2 / (2 eta) + eta S_t / 2, with equality but for a
    term -|x_{t+1} - u|^2 / (2 eta) where no projection was active. By theorem eta = max_u |x_1 - u| / (G sqrt T).
    """

    eta: float = THEORY

    def rule(self, now: Round, g: float, x: float, s: float) -> tuple[float, float]:
        return x - self.eta * g, s

    def metric(self, now: Round, s: float) -> float:
        return 1.0 / self.eta

    def tune(self, setting: Setting) -> "OGD":
        reach = setting.domain.reach(setting.start)
        setting.need(diameter=reach, lipschitz=setting.lipschitz, rounds=setting.rounds)
        return OGD(reach / (setting.lipschitz * math.sqrt(setting.rounds)))

    @bound("ogd-data", "data", "Orabona 1912.13213, Theorem 2.13")
    def data(self, run: Any) -> Vector:
        return radius(run) ** 2 / (2.0 * self.eta) + self.eta / 2.0 * run.sumsq

    @bound("ogd-worst", "worst", "Orabona 1912.13213, Theorem 2.13")
    def worst(self, run: Any) -> Vector:
        return radius(run) ** 2 / (2.0 * self.eta) + self.eta / 2.0 * lipschitz(run) ** 2 * run.t

    @bound("ogd-dynamic", "dynamic", "derived, after Zinkevich 2003")
    def dynamic(self, run: Any, path: Vector) -> float:
        """(|x_1 - u_1|^2 + 2 D P) / (2 eta) + eta S_T / 2 with P = sum_{s>=2} |u_s - u_{s-1}|."""
        moved = np.linalg.norm(np.diff(path, axis=0), axis=1).sum()
        far = math.sqrt(run.d) * run.reach[-1] + np.linalg.norm(path, axis=1).max()
        diameter = run.domain.diameter(run.d) if run.domain.bounded else far
        start = np.linalg.norm(run.start - path[0]) ** 2
        return float((start + 2.0 * diameter * moved) / (2.0 * self.eta) + self.eta / 2.0 * run.sumsq[-1])

    @bound("ogd-trajectory", "trajectory", "Orabona 1912.13213, Lemma 2.12")
    def trajectory(self, run: Any) -> Vector:
        return trajectory(run)


@declare(lazy=True, euclidean=True, positive=("eta",))
class OGDSqrt(NamedTuple):
    """Online gradient descent, step eta / sqrt(t), for any horizon (Zinkevich 2003).

    Regret <= D^2 sqrt(t) / (2 eta) + (eta / 2) sum_s |g_s|^2 / sqrt(s)
           <= D^2 sqrt(t) / (2 eta) + eta G^2 (sqrt(t) - 1/2)   (Theorem 1).
    By theorem eta = D / (G sqrt 2), regret <= sqrt(2) D G sqrt(t).
    """

    eta: float = THEORY

    def rule(self, now: Round, g: float, x: float, s: float) -> tuple[float, float]:
        return x - self.eta / math.sqrt(now.t) * g, s

    def metric(self, now: Round, s: float) -> float:
        return math.sqrt(now.t) / self.eta

    def tune(self, setting: Setting) -> "OGDSqrt":
        diameter = setting.domain.diameter(setting.d)
        setting.need(diameter=diameter, lipschitz=setting.lipschitz)
        return OGDSqrt(diameter / (setting.lipschitz * math.sqrt(2.0)))

    @bound("ogd-sqrt-data", "data", "Zinkevich 2003, proof of Theorem 1")
    def data(self, run: Any) -> Vector:
        return span(run) ** 2 * np.sqrt(run.t) / (2.0 * self.eta) + self.eta / 2.0 * run.faded

    @bound("ogd-sqrt-worst", "worst", "Zinkevich 2003, Theorem 1")
    def worst(self, run: Any) -> Vector:
        steps = self.eta * lipschitz(run) ** 2 * (np.sqrt(run.t) - 0.5)
        return span(run) ** 2 * np.sqrt(run.t) / (2.0 * self.eta) + steps

    @bound("ogd-sqrt-trajectory", "trajectory", "Zinkevich 2003, proof of Theorem 1")
    def trajectory(self, run: Any) -> Vector:
        return trajectory(run)


@declare(lazy=True, euclidean=True, positive=("eta",))
class AdaGradNorm(NamedTuple):
    """Online gradient descent, one AdaGrad step eta / sqrt(S_t), g_t in S_t; no Lipschitz constant needed.

    Regret <= (D^2 / (2 eta) + eta) sqrt(S_t). By theorem eta = D / sqrt(2), regret <= sqrt(2) D sqrt(S_t)
    (Orabona 1912.13213, Theorem 4.14). No step while every gradient was zero.
    """

    eta: float = THEORY

    def rule(self, now: Round, g: float, x: float, s: float) -> tuple[float, float]:
        return (x - self.eta / math.sqrt(now.sumsq) * g if now.sumsq > 0.0 else x), s

    def metric(self, now: Round, s: float) -> float:
        return math.sqrt(now.sumsq) / self.eta

    def tune(self, setting: Setting) -> "AdaGradNorm":
        diameter = setting.domain.diameter(setting.d)
        setting.need(diameter=diameter)
        return AdaGradNorm(diameter / math.sqrt(2.0))

    @bound("adagrad-norm-data", "data", "Orabona 1912.13213, Theorem 4.14")
    def data(self, run: Any) -> Vector:
        return (span(run) ** 2 / (2.0 * self.eta) + self.eta) * np.sqrt(run.sumsq)

    @bound("adagrad-norm-worst", "worst", "Orabona 1912.13213, Theorem 4.14")
    def worst(self, run: Any) -> Vector:
        return (span(run) ** 2 / (2.0 * self.eta) + self.eta) * lipschitz(run) * np.sqrt(run.t)

    @bound("adagrad-norm-trajectory", "trajectory", "Orabona 1912.13213, proof of Theorem 4.14")
    def trajectory(self, run: Any) -> Vector:
        return trajectory(run)


@declare(sums=("harmonic",), lazy=True, euclidean=True, positive=("convexity",))
class OGDStronglyConvex(NamedTuple):
    """Online gradient descent, step 1 / (mu t), for mu-strongly convex losses (Hazan, Agarwal and Kale 2007).

    Regret <= sum_s |g_s|^2 / (2 mu s) <= G^2 (1 + ln t) / (2 mu), for any x_1 and t (Hazan 1909.05207, Theorem 3.3);
    for losses (mu/2) |x - z_t|^2 with z_t in X the first is an equality, and no learner does better.
    mu is the field `convexity`, by theorem the l2 of the game's penalty.
    """

    convexity: float = THEORY

    def rule(self, now: Round, g: float, x: float, s: float) -> tuple[float, float]:
        return x - g / (self.convexity * now.t), s + g * g / now.t

    def metric(self, now: Round, s: float) -> float:
        return self.convexity * now.t

    def tune(self, setting: Setting) -> "OGDStronglyConvex":
        if not setting.l2 > 0.0:
            raise ValueError("no step by theorem: the losses are strongly convex only with a penalty l2 > 0")
        return OGDStronglyConvex(setting.l2)

    def share(self, s: float, width: float) -> tuple[float]:
        return (s,)

    @bound("ogd-convex-data", "data", "Hazan 1909.05207, proof of Theorem 3.3", assumes="penalty l2 >= convexity")
    def data(self, run: Any) -> Vector:
        return provided(run.tally["harmonic"] / (2.0 * self.convexity), run.penalty.l2 >= self.convexity)

    @bound("ogd-convex-worst", "worst", "Hazan 1909.05207, Theorem 3.3", assumes="penalty l2 >= convexity")
    def worst(self, run: Any) -> Vector:
        value = lipschitz(run) ** 2 * (1.0 + np.log(run.t)) / (2.0 * self.convexity)
        return provided(value, run.penalty.l2 >= self.convexity)
