"""Learners without a step size: they bet their wealth on a coin whose outcome is -g_t, and x_t is the bet.

A bettor whose wealth is at least F_t(|g_1 + ... + g_t|), whatever the coins, has regret at most eps + F_t^*(|u - x_1|)
against every u at once, F^* the convex conjugate (Orabona and Pal 2016). Gradients longer than the Lipschitz constant
are cut to it: play goes on, and the bound, whose assumption was wrong, becomes infinite.
"""

import math
from typing import Any, NamedTuple

import numpy as np

from oco.bounds import at_most, bound, provided, radius
from oco.projections import dot, norm, shorten
from oco.protocols import THEORY, Round, Setting, Vector, declare

MOST = 1e100  # bets stop growing here, and no bound is claimed from then on: wealth may double in every round


def log_potential(t: Any, x: Any) -> Any:
    """ln of 2^t B((t + 1 + x) / 2, (t + 1 - x) / 2) / pi, B the beta function: F_t(x) for eps = 1."""
    from scipy.special import betaln

    return t * math.log(2.0) + betaln((t + 1.0 + x) / 2.0, (t + 1.0 - x) / 2.0) - math.log(math.pi)


def conjugate(t: Any, u: Any, epsilon: float) -> Any:
    """F_t^*(u) = max_{0 <= x <= t} u x - F_t(x) for u >= 0; F is convex, and its slope is bisected in logarithms."""
    from scipy.special import digamma

    t, u = np.broadcast_arrays(np.asarray(t, dtype=float), np.asarray(u, dtype=float))
    low, high = np.zeros(t.shape), t.copy()
    with np.errstate(divide="ignore", invalid="ignore"):
        for _ in range(100):
            x = (low + high) / 2.0
            rate = (digamma((t + 1.0 + x) / 2.0) - digamma((t + 1.0 - x) / 2.0)) / 2.0  # (ln F)'
            flat = math.log(epsilon) + log_potential(t, x) + np.log(rate) < np.log(u)
            low, high = np.where(flat, x, low), np.where(flat, high, x)
    # The maximum is flat, so that x to rounding gives it to rounding; the end t is where it often is.
    x = np.where(high == t, t, low)
    return u * x - epsilon * np.exp(log_potential(t, x))


def modest(run: Any) -> Any:
    """Where no bet was cut: all winnings are at most sum_s |x_s - x_1|_2."""
    return 2.0 * run.reach * np.sqrt(run.dimension) * run.t < MOST


class CoinState(NamedTuple):
    x: Vector  # (d,)
    bet: Vector  # (d,): the point that the bettor chose; x is its projection
    coins: Vector  # (d,): theta = -sum_s g_s / L, of the gradients that the bettor was given
    wealth: float  # eps - sum_s <g_s, bet_s - x_1> / L
    start: Vector  # (d,): x_1


def wager(t: int, g: Vector, lipschitz: float, state: CoinState) -> CoinState:
    """Settle round t's bet at g, cut to length L, and place the next one, which x takes over."""
    x, bet, coins, wealth, start = state
    shorten(g, lipschitz)
    for i in range(len(x)):
        outcome = -(g[i] / lipschitz)
        wealth += outcome * (bet[i] - start[i])
        coins[i] += outcome
    for i in range(len(x)):
        bet[i] = start[i] + coins[i] / (t + 1) * min(wealth, MOST)
        x[i] = bet[i]
    return CoinState(x, bet, coins, wealth, start)


@declare(domains=("Space",), positive=("lipschitz", "epsilon"))
class KT(NamedTuple):
    """Krichevsky-Trofimov coin betting in R^d (Orabona and Pal 2016, Algorithm 1).

    x_{t+1} = x_1 + (W_t / (t + 1)) theta_t, with theta_t = -sum_{s<=t} g_s / L the sum of the coins and the wealth
    W_t = eps - sum_{s<=t} <g_s, x_s - x_1> / L: the fraction theta_t / (t + 1) of it is bet. For |g_t|_2 <= L, at
    every t and u, with U = |u - x_1|_2 and F_t(x) = eps 2^t Gamma((t+1+x)/2) Gamma((t+1-x)/2) / (pi t!),
    regret <= L (eps - F_t(|theta_t|) + <theta_t, u - x_1>)  (equality for linear losses, d = 1 and g_t = +-L)
           <= L (eps + F_t^*(U))
           <= L (U sqrt(t ln(1 + 24 t^2 U^2 / eps^2)) + eps (1 - 1 / (e sqrt(pi t))))   (Corollary 5).
    By theorem L is what stream and loss promise, and 1 where they promise nothing.
    """

    lipschitz: float = THEORY
    epsilon: float = 1.0

    def init(self, x: Vector) -> CoinState:
        return CoinState(x.copy(), x.copy(), np.zeros(len(x)), float(self.epsilon), x.copy())

    def grow(self, state: CoinState, x: Vector) -> CoinState:
        known = len(state.x)
        bet, start = (np.concatenate([part, x[known:]]) for part in (state.bet, state.start))
        return CoinState(x, bet, np.pad(state.coins, (0, len(x) - known)), state.wealth, start)

    def update(self, now: Round, g: Vector, state: CoinState, domain: Any) -> CoinState:
        return wager(now.t, g, self.lipschitz, state)

    def tune(self, setting: Setting) -> "KT":
        return self._replace(lipschitz=setting.lipschitz if math.isfinite(setting.lipschitz) else 1.0)

    def tally(self, state: CoinState, domain: Any) -> dict[str, float | Vector]:
        return {"coins": state.coins.copy()}

    @bound("kt-data", "data", "Orabona, Pal 2016, proof of Corollary 5", assumes="|g_t|_2 <= lipschitz")
    def data(self, run: Any) -> Vector:
        u = np.array([np.pad(u, (0, run.d - len(u))) for u in run.comparators])
        coins = run.tally["coins"]
        kept = self.epsilon * np.exp(log_potential(run.t, np.linalg.norm(coins, axis=1)))
        value = self.epsilon - kept + (coins * (u - run.start)).sum(axis=1)
        return provided(self.lipschitz * value, at_most(run.peak, self.lipschitz), modest(run))

    @bound("kt-conjugate", "worst", "Orabona, Pal 2016, proof of Corollary 5", assumes="|g_t|_2 <= lipschitz")
    def worst(self, run: Any) -> Vector:
        value = self.epsilon + conjugate(run.t, radius(run), self.epsilon)
        return provided(self.lipschitz * value, at_most(run.peak, self.lipschitz), modest(run))

    @bound("kt-closed", "worst", "Orabona, Pal 2016, Corollary 5", assumes="|g_t|_2 <= lipschitz")
    def closed(self, run: Any) -> Vector:
        t, far = run.t, radius(run)
        most = far * np.sqrt(t * np.log1p(24.0 * (t * far / self.epsilon) ** 2))
        value = most + self.epsilon * (1.0 - 1.0 / (math.e * np.sqrt(math.pi * t)))
        return provided(self.lipschitz * value, at_most(run.peak, self.lipschitz), modest(run))

    @bound("kt-norm", "norm", "Orabona, Pal 2016, proof of Corollary 5", assumes="|g_t|_2 <= lipschitz")
    def curve(self, run: Any, norms: Vector) -> Vector:
        far = norms + np.linalg.norm(run.start)  # >= |u - x_1|
        value = self.epsilon + conjugate(run.t[-1], far, self.epsilon)
        return provided(self.lipschitz * value, at_most(run.peak[-1], self.lipschitz), modest(run)[-1])


@declare(bounded=True, positive=("lipschitz", "epsilon"))
class KTBounded(NamedTuple):
    """Coin betting on a bounded convex set, by projection and gradients that do not lead farther out.

    The bettor of KT chooses z_t and x_t = Proj_X(z_t) is played. Where z_t is outside and <g_t, z_t - x_t> < 0, it is
    given h_t = g_t - <g_t, v> v, v = (z_t - x_t) / |z_t - x_t|, else h_t = g_t. As |h_t| <= |g_t| and
    <g_t, x_t - u> <= <h_t, z_t - u> for u in X, the regret is within KT's bound, with theta = -sum h_s / L:
    regret at u <= L (eps - F_t(|theta_t|) + <theta_t, u - x_1>) <= L (eps + F_t^*(|u - x_1|)).
    (The reduction follows Cutkosky and Orabona 2018 and Cutkosky 2020; these constants are derived.)
    """

    lipschitz: float = THEORY
    epsilon: float = 1.0

    def init(self, x: Vector) -> CoinState:
        return CoinState(x.copy(), x.copy(), np.zeros(len(x)), float(self.epsilon), x.copy())

    def update(self, now: Round, g: Vector, state: CoinState, domain: Any) -> CoinState:
        out = np.empty(len(g))
        for i in range(len(g)):
            out[i] = state.bet[i] - state.x[i]
        far = norm(out)
        # What rounding leaves between a point of X and its projection has no direction to rely on.
        if far > 1e-12 * norm(state.bet) and dot(g, out) < 0.0:
            for i in range(len(g)):
                out[i] /= far
            along = dot(g, out)
            for i in range(len(g)):
                g[i] -= along * out[i]
        state = wager(now.t, g, self.lipschitz, state)
        domain.project(state.x)
        return state

    def tune(self, setting: Setting) -> "KTBounded":
        return self._replace(lipschitz=setting.lipschitz if math.isfinite(setting.lipschitz) else 1.0)

    def tally(self, state: CoinState, domain: Any) -> dict[str, float | Vector]:
        coins = state.coins
        return {"length": float(np.linalg.norm(coins)), "reward": float(domain.support(coins) - state.start @ coins)}

    @bound("kt-bounded-data", "data", "derived; Orabona, Pal 2016; Cutkosky 2020", assumes="|g_t|_2 <= lipschitz")
    def data(self, run: Any) -> Vector:
        kept = self.epsilon * np.exp(log_potential(run.t, run.tally["length"]))
        value = self.epsilon - kept + run.tally["reward"]  # max_u <theta, u - x_1>
        return provided(self.lipschitz * value, at_most(run.peak, self.lipschitz))

    @bound("kt-bounded-worst", "worst", "derived; Orabona, Pal 2016; Cutkosky 2020", assumes="|g_t|_2 <= lipschitz")
    def worst(self, run: Any) -> Vector:
        value = self.epsilon + conjugate(run.t, radius(run), self.epsilon)
        return provided(self.lipschitz * value, at_most(run.peak, self.lipschitz))
