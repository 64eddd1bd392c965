"""ML-Prod and ML-Poly: expert weights with a rate for each expert (Gaillard, Stoltz and van Erven 2014)."""

import math
from typing import Any, NamedTuple

import numpy as np

from oco.learners.experts import extent, log, normalise_logs, spread_by, weigh_or_prior, within
from oco.learners.second_order import SecondOrderState, against_every_expert, beginning, observe, sums
from oco.protocols import THEORY, Matrix, Round, Setting, Vector, declare

UNIFORM = "losses within spread, x_1 uniform"


def evenly(run: Any, spread: float) -> Any:
    """Whether the losses keep to their spread and x_1 was uniform."""
    return within(run, spread) & (np.ptp(run.start) <= 1e-12)


@against_every_expert("ml-prod", "Gaillard, Stoltz, van Erven 2014, Corollary 4", assumes=UNIFORM, keeps=evenly)
@declare(domains=("Simplex",), positive=("spread",), lent=True)
class MLProd(NamedTuple):
    """ML-Prod: x_k ~ eta_k w_k with a rate for each expert, eta_{t,k} = min(1/2, sqrt(ln N / (1 + V_{t,k}))).

    w_{t,k} = (w_{t-1,k} (1 + eta_{t-1,k} r_{t,k}))^(eta_{t,k} / eta_{t-1,k}), w_0 = x_1. The regret to every expert k
    is at most S ((C / sqrt(ln N)) sqrt(1 + V_k) + 2 C), C = 3 ln N + ln(1 + (N / 2e) (1 + ln(t + 1))), from the uniform
    x_1, at every t (N = 1 counts as 2).
    """

    spread: float = THEORY

    def init(self, x: Vector) -> SecondOrderState:
        return beginning(x)

    def rate(self, n: int, square: float) -> float:
        return min(0.5, math.sqrt(math.log(max(n, 2)) / (1.0 + square)))

    def update(self, now: Round, g: Vector, state: SecondOrderState, domain: Any) -> SecondOrderState:
        if extent(now, g) == 0.0:
            return state
        n, logs = len(g), state.logs
        state = observe(state, now, g, self.spread)
        weights = np.empty(n)
        for k in range(n):
            before = self.rate(n, state.squares[k] - state.r[k] * state.r[k])
            after = self.rate(n, state.squares[k])
            logs[k] = (logs[k] + math.log1p(before * state.r[k])) * (after / before)
            weights[k] = logs[k] + math.log(after)
        normalise_logs(weights, state.x)
        return state

    def tune(self, setting: Setting) -> "MLProd":
        return self._replace(spread=spread_by(setting, self.spread))

    def tally(self, state: SecondOrderState, domain: Any) -> dict[str, Any]:
        return sums(state)

    def against(self, run: Any, squares: Matrix) -> Matrix:
        n = len(run.start)
        ln = math.log(max(n, 2))
        c = (3.0 * ln + np.log1p(n / (2.0 * math.e) * (1.0 + np.log(run.t + 1.0))))[:, None]
        return self.spread * (c / math.sqrt(ln) * np.sqrt(1.0 + squares) + 2.0 * c)


@against_every_expert("ml-poly", "Gaillard, Stoltz, van Erven 2014")
@declare(domains=("Simplex",), positive=("spread",), lent=True)
class MLPoly(NamedTuple):
    """ML-Poly: x_k ~ max(0, R_k) / (1 + V_k), and x_1 where no R_k is positive.

    The regret to every expert k is at most S sqrt(N (1 + ln(1 + t)) (1 + V_k)) at every t, without parameters.
    """

    spread: float = THEORY

    def init(self, x: Vector) -> SecondOrderState:
        return beginning(x)

    def update(self, now: Round, g: Vector, state: SecondOrderState, domain: Any) -> SecondOrderState:
        if extent(now, g) == 0.0:
            return state
        state = observe(state, now, g, self.spread)
        for k in range(len(g)):
            state.logs[k] = log(max(0.0, state.gains[k])) - math.log1p(state.squares[k])
        weigh_or_prior(state.logs, state.prior, state.x)
        return state

    def tune(self, setting: Setting) -> "MLPoly":
        return self._replace(spread=spread_by(setting, self.spread))

    def tally(self, state: SecondOrderState, domain: Any) -> dict[str, Any]:
        return sums(state)

    def against(self, run: Any, squares: Matrix) -> Matrix:
        return self.spread * np.sqrt(len(run.start) * (1.0 + np.log1p(run.t))[:, None] * (1.0 + squares))
