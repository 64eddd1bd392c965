"""Portfolios: x_t splits the wealth, the loss is -ln <x_t, a_t> with price relatives a_t >= 0.

The gradient g = -a_t / <x_t, a_t> tells the relatives up to a factor, and -g_k is what asset k made over the portfolio.
"""

import math
from typing import Any, NamedTuple

import numpy as np

from oco.bounds import bound, provided
from oco.learners.experts import cost, horizon, surprise
from oco.learners.hedge import HedgeState, beginning, exponentiate, sums
from oco.protocols import THEORY, Matrix, Round, Setting, Vector, declare
from oco.quadratic import quadratic_on_simplex


@declare(domains=("Simplex",), losses=("NegativeLog",), positive=("eta", "ratio"), lent=True, scaled=True)
class EG(NamedTuple):
    """Exponentiated gradient: x_k ~ x_k exp(eta a_k / <x, a>), Hedge on the gradients (Helmbold et al. 1998).

    If no asset's relative of a day is below `ratio` = r times the best one's, gradients lie in an interval of length
    1/r and regret <= ln N / eta + eta t / (8 r^2). By theorem eta = 2 r sqrt(2 ln N / T): sqrt(T ln N / 2) / r at T. A
    prior x_1 that is not uniform: max_k ln(1 / pi_k) for ln N.
    """

    eta: float = THEORY
    ratio: float = 0.5

    def init(self, x: Vector) -> HedgeState:
        return beginning(x)

    def update(self, now: Round, g: Vector, state: HedgeState, domain: Any) -> HedgeState:
        return exponentiate(state, now, g, self.eta, self.eta)

    def tune(self, setting: Setting) -> "EG":
        return self._replace(eta=2.0 * self.ratio * math.sqrt(2.0 * surprise(setting.start) / horizon(setting)))

    def tally(self, state: HedgeState, domain: Any) -> dict[str, float]:
        return sums(state)

    @bound("eg-data", "data", "Cesa-Bianchi and Lugosi 2006, chapter 2")
    def data(self, run: Any) -> Vector:
        return cost(run) / self.eta + run.tally["ranges"] / 8.0

    @bound("eg-worst", "worst", "Helmbold, Schapire, Singer, Warmuth 1998", assumes="|g_j - g_k| <= 1 / ratio")
    def worst(self, run: Any) -> Vector:
        value = cost(run) / self.eta + self.eta * run.t / (8.0 * self.ratio**2)
        return provided(value, run.tally["widest"] * self.ratio <= 1.0)


CURVED = "beta within the curvature seen, delta = 1, eta = 0"


class ONSState(NamedTuple):
    x: Vector  # (N,)
    chosen: Vector  # (N,): x before it is mixed with the uniform portfolio
    outer: Matrix  # (N, N): A = I + sum_s g_s g_s^T
    pull: Vector  # (N,): b = x_1 - (1 + 1 / beta) sum_s g_s
    tallest: float  # max_{s,k} -g_{s,k}


@declare(domains=("Simplex",), losses=("NegativeLog",), positive=("beta", "delta", "ratio"), nonnegative=("eta",))
class ONSPortfolio(NamedTuple):
    """Online Newton step: p = argmin_{p in simplex} |p - delta A^{-1} b|_A, x = (1 - eta) p + (eta / N) 1.

    A = I + sum_s g_s g_s^T, b = x_1 - (1 + 1/beta) sum_s g_s (Agarwal, Hazan, Kale and Schapire 2006; from the uniform
    x_1 its place in b changes nothing). For delta = 1, eta = 0 this is the leader, regularised by
    (beta/2) |u - x_1|^2, of the quadratics <g_s, u> + (beta/2) <g_s, u - x_s>^2, which lie below the losses, up to a
    constant, where beta <= 2 (M - ln(1 + M)) / M^2 for M = max_{s,k} -g_{s,k} - 1. Then regret at u <=
    (beta/2) |u - x_1|^2 + sum_s g_s^T A_s^{-1} g_s / (2 beta), the sum at most ln det A_t. By theorem beta is the
    largest for M = 1/ratio - 1: no asset ever makes more than 1/ratio times what the portfolio does. It may put all on
    one asset, and then lose all where that becomes worthless; eta > 0 prevents it.
    """

    beta: float = THEORY
    delta: float = 1.0
    eta: float = 0.0
    ratio: float = 0.5

    def init(self, x: Vector) -> ONSState:
        return ONSState(x.copy(), x.copy(), np.eye(len(x)), x.copy(), 0.0)

    def update(self, now: Round, g: Vector, state: ONSState, domain: Any) -> ONSState:
        if now.norm2 == 0.0:
            return state
        x, chosen, outer, pull, tallest = state
        n = len(g)
        scaled = np.empty(n)
        for i in range(n):
            for j in range(n):
                outer[i, j] += g[i] * g[j]
            pull[i] -= (1.0 + 1.0 / self.beta) * g[i]
            scaled[i] = self.delta * pull[i]
            tallest = max(tallest, -g[i])
        quadratic_on_simplex(outer, scaled, chosen)
        for i in range(n):
            x[i] = (1.0 - self.eta) * chosen[i] + self.eta / n
        return ONSState(x, chosen, outer, pull, tallest)

    def tune(self, setting: Setting) -> "ONSPortfolio":
        return self._replace(beta=float(curvature(1.0 / self.ratio)))

    def tally(self, state: ONSState, domain: Any) -> dict[str, float]:
        return {"logdet": float(np.linalg.slogdet(state.outer)[1]), "tallest": state.tallest}

    def _provided(self, run: Any, value: Vector) -> Vector:
        curved = self.beta <= curvature(run.tally["tallest"]) * (1.0 + 1e-12)
        return provided(value, curved, self.delta == 1.0, self.eta == 0.0)

    @bound("ons-portfolio-data", "data", "derived", assumes=CURVED)
    def data(self, run: Any) -> Vector:
        start = self.beta / 2.0 * run.domain.reach(run.start) ** 2
        return self._provided(run, start + run.tally["logdet"] / (2.0 * self.beta))

    @bound("ons-portfolio-worst", "worst", "derived", assumes=CURVED)
    def worst(self, run: Any) -> Vector:
        # |g|^2 <= N / ratio^2, and the product of eigenvalues with that sum is largest where they are equal.
        start = self.beta / 2.0 * run.domain.reach(run.start) ** 2
        value = start + run.d / (2.0 * self.beta) * np.log1p(run.t / self.ratio**2)
        return provided(self._provided(run, value), run.tally["tallest"] * self.ratio <= 1.0 + 1e-12)

    @bound(
        "ons-portfolio-trajectory",
        "trajectory",
        "derived",
        assumes="beta within the curvature seen, delta = 1, eta = 0",
    )
    def trajectory(self, run: Any) -> Vector:
        g = run.history.g
        outer = np.eye(run.d) + np.cumsum(g[:, :, None] * g[:, None, :], axis=0)
        spent = np.cumsum(np.einsum("ti,ti->t", g, np.linalg.solve(outer, g[:, :, None])[:, :, 0]))[run.t - 1]
        away = np.array([float((u - run.start) @ (u - run.start)) for u in run.comparators])
        return self._provided(run, self.beta / 2.0 * away + spent / (2.0 * self.beta))


def curvature(most: Any) -> Any:
    """The largest beta with -ln(1 + y) >= -y + beta y^2 / 2 for -1 < y <= most - 1, which is smallest at that end."""
    end = np.maximum(most - 1.0, 1e-6)  # below it the quotient is 1 to the precision of the difference
    return np.minimum(1.0, 2.0 * (end - np.log1p(end)) / end**2)
