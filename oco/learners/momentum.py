"""Gradient descent with momentum, as deep learning has it: heavy ball and Nesterov's form.

b_t = beta b_{t-1} + g_t, b_0 = 0. Momentum steps along d_t = b_t, Nesterov along d_t = g_t + beta b_t:
x_{t+1} = argmin_{x in X} |x - (x_t - eta d_t)|_2. beta = 0 is OGD.

As g_t = b_t - beta b_{t-1}, summing by parts turns what mirror descent proves of the steps d_t into regret:

    sum_t <g_t, x_t - u> <= (1 - beta) (|x_1 - u|^2 / (2 eta) + (eta / 2) sum_t |d_t|^2)
                            + lag (<b_T, x_T - u> + sum_{t<T} <b_t, x_t - x_{t+1}>),

lag = beta for Momentum and beta^2 for Nesterov (derived; for Momentum it is the identity of Alacaoglu, Malitsky,
Mertikopoulos and Cevher 2020). d_t and b_t are sums of past gradients with weights that add up to at most
1 / (1 - beta), hence sum |d_t|^2 <= S_T / (1 - beta)^2, |x_t - x_{t+1}| <= eta |d_t|, and the bounds below.
"""

import math
from typing import Any, NamedTuple

import numpy as np

from oco.bounds import bound, lipschitz, radius, span
from oco.protocols import THEORY, Round, Setting, Vector, declare

SOURCE = "derived from mirror descent and summation by parts"


@declare(euclidean=True, positive=("eta",), fraction=("beta",))
class Momentum(NamedTuple):
    """Gradient descent with heavy-ball momentum: torch's SGD(lr=eta, momentum=beta) with a projection.

    b_t = beta b_{t-1} + g_t, x_{t+1} = Proj_X(x_t - eta b_t). Guaranteed, D the diameter and c = 1 + beta:
    regret <= (1 - beta) |x_1 - u|^2 / (2 eta) + eta c S_t / (2 (1 - beta)^2) + beta D |b_t|. By theorem
    eta = max_u |x_1 - u| (1 - beta)^{3/2} / (G sqrt(c T)), regret at T <= sqrt((1 + beta) / (1 - beta)) times that of
    OGD, and D G beta / (1 - beta): momentum costs a constant against an adversary, and gains nothing.
    """

    eta: float = THEORY
    beta: float = 0.9

    def rule(self, now: Round, g: float, x: float, s: float) -> tuple[float, float]:
        s = self.beta * s + g
        return x - self.eta * s, s

    def metric(self, now: Round, s: float) -> float:
        # Of the averaged gradient (1 - beta) b_t, which has the size of a gradient.
        return (1.0 - self.beta) / self.eta

    def tune(self, setting: Setting) -> "Momentum":
        return self._replace(eta=_step(setting, self.beta, self.beta))

    def tally(self, s: Vector, domain: Any) -> dict[str, float]:
        return {"velocity": float(np.linalg.norm(s))}

    @bound("momentum-data", "data", SOURCE)
    def data(self, run: Any) -> Vector:
        return _closed(run, self.eta, self.beta, self.beta, run.sumsq, run.tally["velocity"])

    @bound("momentum-worst", "worst", SOURCE)
    def worst(self, run: Any) -> Vector:
        size = lipschitz(run)
        return _closed(run, self.eta, self.beta, self.beta, size**2 * run.t, size / (1.0 - self.beta))

    @bound("momentum-trajectory", "trajectory", SOURCE)
    def trajectory(self, run: Any) -> Vector:
        velocity = _velocity(run)
        return _along(run, self.eta, self.beta, self.beta, velocity, velocity)


@declare(euclidean=True, positive=("eta",), fraction=("beta",))
class Nesterov(NamedTuple):
    """Gradient descent with Nesterov's momentum: torch's SGD(lr=eta, momentum=beta, nesterov=True), projected.

    b_t = beta b_{t-1} + g_t, x_{t+1} = Proj_X(x_t - eta (g_t + beta b_t)). Nothing of its acceleration survives
    against an adversary; guaranteed, with c = 1 - beta + 2 beta^2 and D the diameter:
    regret <= (1 - beta) |x_1 - u|^2 / (2 eta) + eta c S_t / (2 (1 - beta)^2) + beta^2 D |b_t|.
    By theorem eta = max_u |x_1 - u| (1 - beta)^{3/2} / (G sqrt(c T)).
    """

    eta: float = THEORY
    beta: float = 0.9

    def rule(self, now: Round, g: float, x: float, s: float) -> tuple[float, float]:
        s = self.beta * s + g
        return x - self.eta * (g + self.beta * s), s

    def tune(self, setting: Setting) -> "Nesterov":
        return self._replace(eta=_step(setting, self.beta, self.beta**2))

    def tally(self, s: Vector, domain: Any) -> dict[str, float]:
        return {"velocity": float(np.linalg.norm(s))}

    @bound("nesterov-data", "data", SOURCE)
    def data(self, run: Any) -> Vector:
        return _closed(run, self.eta, self.beta, self.beta**2, run.sumsq, run.tally["velocity"])

    @bound("nesterov-worst", "worst", SOURCE)
    def worst(self, run: Any) -> Vector:
        size = lipschitz(run)
        return _closed(run, self.eta, self.beta, self.beta**2, size**2 * run.t, size / (1.0 - self.beta))

    @bound("nesterov-trajectory", "trajectory", SOURCE)
    def trajectory(self, run: Any) -> Vector:
        velocity = _velocity(run)
        return _along(run, self.eta, self.beta, self.beta**2, velocity, run.history.g + self.beta * velocity)


def _step(setting: Setting, beta: float, lag: float) -> float:
    reach = setting.domain.reach(setting.start)
    setting.need(diameter=reach, lipschitz=setting.lipschitz, rounds=setting.rounds)
    factor = (1.0 - beta) * math.sqrt((1.0 - beta) / (1.0 - beta + 2.0 * lag))
    return factor * reach / (setting.lipschitz * math.sqrt(setting.rounds))


def _closed(run: Any, eta: float, beta: float, lag: float, sumsq: Vector, velocity: Vector) -> Vector:
    """The theorem from sum_s |g_s|^2 and |b_t|."""
    start = (1.0 - beta) * radius(run) ** 2 / (2.0 * eta)
    steps = eta * (1.0 - beta + 2.0 * lag) / (2.0 * (1.0 - beta) ** 2) * sumsq
    return start + steps + lag * span(run) * velocity


def _velocity(run: Any) -> Vector:
    """b_s after every round, (T, d)."""
    return np.array([np.pad(w[:, 1], (0, run.d - len(w))) for w in run.history.states])


def _along(run: Any, eta: float, beta: float, lag: float, velocity: Vector, step: Vector) -> Vector:
    """The theorem before it is simplified, at the run's comparators; step: d_s of every round."""
    x = run.history.x
    spent = np.cumsum((step * step).sum(axis=1))
    lost = np.concatenate([[0.0], np.cumsum((velocity[:-1] * (x[:-1] - x[1:])).sum(axis=1))])
    values = np.empty(len(run.t))
    for k, (t, u) in enumerate(zip(run.t, run.comparators, strict=True)):
        u = np.pad(u, (0, run.d - len(u)))
        start = (x[0] - u) @ (x[0] - u) / (2.0 * eta)
        held = velocity[t - 1] @ (x[t - 1] - u) + lost[t - 1]
        values[k] = (1.0 - beta) * (start + eta / 2.0 * spent[t - 1]) + lag * held
    return values
