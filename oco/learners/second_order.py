"""Expert weights with second-order bounds: the regret to expert k in terms of V_k = sum_s r_{s,k}^2.

r_{s,k} = (<x_s, g_s> - g_{s,k}) / S is the gain of expert k over the learner, in [-1, 1] for losses in an interval of
length S = spread; R_k = sum_s r_{s,k}. The regret to expert k is S R_k, that to a point u of the simplex at most
S sum_k u_k R_k. Every class states its bound on the former, `against` (K, N); the data bound is its largest entry.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from oco.bounds import bound, provided
from oco.learners.experts import (
    excesses,
    extent,
    extremes,
    horizon,
    log,
    log_costs,
    mixed,
    normalise_logs,
    spread_by,
    surprise,
    within,
)
from oco.protocols import THEORY, Matrix, Part, Round, Setting, Vector, declare

SPREAD = "losses within spread"


class SecondOrderState(NamedTuple):
    x: Vector  # (N,)
    prior: Vector  # (N,): x_1
    logs: Vector  # (N,): ln of the weights
    gains: Vector  # (N,): R_k
    squares: Vector  # (N,): V_k
    r: Vector  # (N,): of the last round
    widest: float  # the largest range of losses in a round


def beginning(x: Vector) -> SecondOrderState:
    gains, squares, r = np.zeros((3, len(x)))
    return SecondOrderState(x.copy(), x.copy(), np.array([log(p) for p in x]), gains, squares, r, 0.0)


def observe(state: SecondOrderState, now: Round, g: Vector, spread: float) -> SecondOrderState:
    """R_k and V_k with one round more."""
    low, high = extremes(now, g)
    excesses(state.x, g, low, spread, state.r)
    for k in range(len(g)):
        state.gains[k] += state.r[k]
        state.squares[k] += state.r[k] * state.r[k]
    x, prior, logs, gains, squares, r, widest = state
    return SecondOrderState(x, prior, logs, gains, squares, r, max(widest, high - low))


def sums(state: SecondOrderState) -> dict[str, Any]:
    return {"squares": state.squares.copy(), "widest": state.widest}


def every_round(run: Any) -> Matrix:
    """V_k <= t."""
    return np.repeat(run.t[:, None], len(run.start), axis=1).astype(float)


def against_every_expert(name: str, source: str, assumes: str = SPREAD, keeps: Any = within) -> Callable[[Part], Part]:
    """Class decorator: the theorems that follow from `against`, which bounds the regret to every expert.

    They hold where keeps(run, spread): at V_k as it was seen, at its most, V_k <= t, and at the comparators.
    """

    @bound(f"{name}-data", "data", source, assumes=assumes)
    def data(self: Any, run: Any) -> Vector:
        return provided(self.against(run, run.tally["squares"]).max(axis=1), keeps(run, self.spread))

    @bound(f"{name}-worst", "worst", f"{source}; V_k <= t", assumes=assumes)
    def worst(self: Any, run: Any) -> Vector:
        return provided(self.against(run, every_round(run)).max(axis=1), keeps(run, self.spread))

    @bound(f"{name}-trajectory", "trajectory", source, assumes=assumes)
    def trajectory(self: Any, run: Any) -> Vector:
        return provided(mixed(run, self.against(run, run.tally["squares"])), keeps(run, self.spread))

    return declare(data=data, worst=worst, trajectory=trajectory)


@against_every_expert("boa", "derived; the algorithm is Wintenberger's (2017)")
@declare(domains=("Simplex",), positive=("eta", "spread"), lent=True)
class BOA(NamedTuple):
    """Bernstein online aggregation: x_k ~ pi_k exp(eta R_k - eta^2 V_k), eta <= 1/2, the prior pi = x_1.

    The regret to every expert k is at most S (eta V_k + ln(1 / pi_k) / eta) at every t: by exp(z - z^2) <= 1 + z,
    z >= -1/2, the sum of pi_k exp(eta R_k - eta^2 V_k) never grows. By theorem eta = min(1/2, sqrt(ln N / T)), for
    which V_k <= T makes it 2 S sqrt(T ln N) at T >= 4 ln N.
    """

    eta: float = THEORY
    spread: float = THEORY

    def init(self, x: Vector) -> SecondOrderState:
        if self.eta > 0.5:
            raise ValueError(f"BOA: eta = {self.eta} must be at most 1/2")
        return beginning(x)

    def update(self, now: Round, g: Vector, state: SecondOrderState, domain: Any) -> SecondOrderState:
        if extent(now, g) == 0.0:
            return state
        state = observe(state, now, g, self.spread)
        for k in range(len(g)):
            state.logs[k] = log(state.prior[k]) + self.eta * (state.gains[k] - self.eta * state.squares[k])
        normalise_logs(state.logs, state.x)
        return state

    def tune(self, setting: Setting) -> "BOA":
        spread = spread_by(setting, self.spread)
        eta = min(0.5, math.sqrt(surprise(setting.start) / horizon(setting))) if self.eta is None else self.eta
        return self._replace(eta=eta, spread=spread)

    def tally(self, state: SecondOrderState, domain: Any) -> dict[str, Any]:
        return sums(state)

    def against(self, run: Any, squares: Matrix) -> Matrix:
        return self.spread * (self.eta * squares + log_costs(run) / self.eta)


@against_every_expert("squint", "derived; the algorithm is Koolen and van Erven's (2015)")
@declare(domains=("Simplex",), positive=("points", "spread"), lent=True)
class Squint(NamedTuple):
    """Squint on a grid of rates: x_k ~ pi_k sum_j eta_j exp(eta_j R_k - eta_j^2 V_k), eta_j = 2^-j, j = 1 .. points.

    The regret to every expert k is at most S min_j (eta_j V_k + ln(points / pi_k) / eta_j) at every t, pi = x_1 (as
    for BOA, with the pairs (k, j) for experts). It is within a factor 5/4 of the best rate's between 2^-points and 1/2.
    """

    points: int = 8
    spread: float = THEORY

    def init(self, x: Vector) -> SecondOrderState:
        return beginning(x)

    def update(self, now: Round, g: Vector, state: SecondOrderState, domain: Any) -> SecondOrderState:
        if extent(now, g) == 0.0:
            return state
        state = observe(state, now, g, self.spread)
        for k in range(len(g)):
            most = -math.inf
            total = 0.0
            for sweep in range(2):  # the largest exponent first, so that no exponential overflows
                eta = 1.0
                for _ in range(self.points):
                    eta *= 0.5
                    exponent = eta * (state.gains[k] - eta * state.squares[k])
                    if sweep == 0:
                        most = max(most, exponent)
                    else:
                        total += eta * math.exp(exponent - most)
            state.logs[k] = log(state.prior[k]) + most + math.log(total)
        normalise_logs(state.logs, state.x)
        return state

    def tune(self, setting: Setting) -> "Squint":
        return self._replace(spread=spread_by(setting, self.spread))

    def tally(self, state: SecondOrderState, domain: Any) -> dict[str, Any]:
        return sums(state)

    def against(self, run: Any, squares: Matrix) -> Matrix:
        eta = 0.5 ** np.arange(1.0, self.points + 1.0)[:, None, None]
        return self.spread * (eta * squares + (log_costs(run) + math.log(self.points)) / eta).min(axis=0)
