"""Learners that follow the sum of all gradients: the leader itself, dual averaging, the minimax strategy on a ball.

G_t = g_1 + ... + g_t; D is the diameter of X; G >= |g_t|_2 is written `lipschitz` beside the vectors G_t.
"""

import math
from typing import Any, NamedTuple

import numpy as np

from oco.bounds import at_most, bound, lipschitz, provided, radius
from oco.projections import largest, norm
from oco.protocols import THEORY, Round, Setting, Vector, declare


class LeaderState(NamedTuple):
    x: Vector  # (d,)
    total: Vector  # (d,): sum_s (g_s - mu x_s)
    harmonic: float  # sum_s |g_s|^2 / s


@declare(needs=("vertex",))
class FollowTheLeader(NamedTuple):
    """The best decision so far: x_{t+1} = argmin_{x in X} sum_{s<=t} (<g_s, x> + (mu/2) |x - x_s|_2^2).

    mu is the l2 of the game's penalty. With mu > 0 every loss is above its own lower model, the term of this sum, and
    regret <= sum_s |g_s|^2 / (2 mu s) <= G^2 (1 + ln t) / (2 mu), derived from McMahan's lemma for proximal
    regularisers (2017); for quadratics |x - z_t|^2 mu / 2 it is the leader proper and the first bound an equality
    without projection. With mu = 0 the minimum is at a vertex and there is no bound: on [-1, 1] the losses x / 2, -x,
    x, -x, ... cost it T - 1/2. While the sum is zero every point leads, and it stays.
    """

    def init(self, x: Vector) -> LeaderState:
        return LeaderState(x.copy(), np.zeros(len(x)), 0.0)

    def grow(self, state: LeaderState, x: Vector) -> LeaderState:
        return LeaderState(x, np.pad(state.total, (0, len(x) - len(state.total))), state.harmonic)

    def update(self, now: Round, g: Vector, state: LeaderState, domain: Any) -> LeaderState:
        x, total = state.x, state.total
        for i in range(len(x)):
            total[i] += g[i] - now.l2 * x[i]
        if now.l2 > 0.0:
            for i in range(len(x)):
                x[i] = -total[i] / (now.t * now.l2)
            domain.project(x)
        elif largest(total) > 0.0:
            for i in range(len(x)):
                x[i] = total[i]
            domain.vertex(x)
        return LeaderState(x, total, state.harmonic + now.norm2 / now.t)

    def tally(self, state: LeaderState, domain: Any) -> dict[str, float]:
        return {"harmonic": state.harmonic}

    @bound("leader-data", "data", "derived from McMahan 2017", assumes="losses strongly convex: penalty l2 > 0")
    def data(self, run: Any) -> Vector:
        return _strongly_convex(run, run.tally["harmonic"])

    @bound("leader-worst", "worst", "derived from McMahan 2017", assumes="losses strongly convex: penalty l2 > 0")
    def worst(self, run: Any) -> Vector:
        return _strongly_convex(run, lipschitz(run) ** 2 * (1.0 + np.log(run.t)))


def _strongly_convex(run: Any, sums: Vector) -> Vector:
    """sums / (2 mu), infinite for mu = 0."""
    mu = run.penalty.l2
    return sums / (2.0 * mu) if mu > 0.0 else np.full(len(run.t), np.inf)


@declare(euclidean=True, positive=("eta",))
class DualAveraging(NamedTuple):
    """Lazy gradient descent: x_{t+1} = argmin_{x in X} <G_t, x> + |x - x_1|_2^2 / (2 eta) = Proj_X(x_1 - eta G_t).

    Regret at u <= |x_1 - u|^2 / (2 eta) + eta S_t / 2 with S_t = sum_s |g_s|^2, from the lemma of follow the
    regularised leader. By theorem eta = max_u |x_1 - u| / (G sqrt T): from the centre of a ball of radius R that is
    R G sqrt(T), the value of the game for d >= 3.
    """

    eta: float = THEORY

    def memory(self, x: Vector) -> tuple[Vector, float]:
        return x, 0.0

    def rule(self, now: Round, g: float, x: float, s: tuple[float, float]) -> tuple[float, tuple[float, float]]:
        start, total = s
        total = total + g
        return start - self.eta * total, (start, total)

    def tune(self, setting: Setting) -> "DualAveraging":
        reach = setting.domain.reach(setting.start)
        setting.need(diameter=reach, lipschitz=setting.lipschitz, rounds=setting.rounds)
        return DualAveraging(reach / (setting.lipschitz * math.sqrt(setting.rounds)))

    @bound("dual-averaging-data", "data", "derived from Zinkevich 2003 and McMahan 2017")
    def data(self, run: Any) -> Vector:
        return radius(run) ** 2 / (2.0 * self.eta) + self.eta / 2.0 * run.sumsq

    @bound("dual-averaging-worst", "worst", "derived from Zinkevich 2003 and McMahan 2017")
    def worst(self, run: Any) -> Vector:
        return radius(run) ** 2 / (2.0 * self.eta) + self.eta / 2.0 * lipschitz(run) ** 2 * run.t


class MinimaxState(NamedTuple):
    x: Vector  # (d,)
    total: Vector  # (d,): G_t


@declare(domains=("Ball",), origin=True, positive=("lipschitz", "rounds"))
class MinimaxBall(NamedTuple):
    """The minimax strategy on a ball of radius R for T rounds: x_{t+1} = -R G_t / sqrt(|G_t|^2 + G^2 (T - t)).

    The potential sqrt(|G_t|^2 + G^2 (T - t)) never rises by more than <g_t, x_t> allows, hence for every t <= T regret
    <= R (G sqrt T - sqrt(|G_t|^2 + G^2 (T - t)) + |G_t|); at T that is R G sqrt(T), which for d >= 3 some adversary
    forces on every learner. By theorem G and T are the game's own; after round T it is a leader without a bound.
    """

    lipschitz: float = THEORY
    rounds: float = THEORY

    def init(self, x: Vector) -> MinimaxState:
        return MinimaxState(x.copy(), np.zeros(len(x)))

    def update(self, now: Round, g: Vector, state: MinimaxState, domain: Any) -> MinimaxState:
        x, total = state.x, state.total
        for i in range(len(x)):
            total[i] += g[i]
        potential = math.hypot(norm(total), self.lipschitz * math.sqrt(max(0.0, self.rounds - now.t)))
        for i in range(len(x)):
            x[i] = -domain.radius * (total[i] / potential) if potential > 0.0 else 0.0
        return MinimaxState(x, total)

    def tune(self, setting: Setting) -> "MinimaxBall":
        setting.need(lipschitz=setting.lipschitz, rounds=setting.rounds)
        return MinimaxBall(setting.lipschitz, setting.rounds)

    def tally(self, state: MinimaxState, domain: Any) -> dict[str, float]:
        return {"pull": float(norm(state.total))}

    @bound(
        "minimax-ball-data",
        "data",
        "derived from Abernethy, Bartlett, Rakhlin, Tewari 2008",
        assumes="|g_t|_2 <= lipschitz and t <= rounds",
    )
    def data(self, run: Any) -> Vector:
        return self._potential(run, run.tally["pull"])

    @bound(
        "minimax-ball-worst",
        "worst",
        "derived from Abernethy, Bartlett, Rakhlin, Tewari 2008",
        assumes="|g_t|_2 <= lipschitz and t <= rounds",
    )
    def worst(self, run: Any) -> Vector:
        return self._potential(run, self.lipschitz * run.t)

    def _potential(self, run: Any, pull: Vector) -> Vector:
        left = self.lipschitz * np.sqrt(np.maximum(0.0, self.rounds - run.t))
        value = run.domain.radius * (self.lipschitz * math.sqrt(self.rounds) - np.hypot(pull, left) + pull)
        return provided(value, at_most(run.peak, self.lipschitz), run.t <= self.rounds)
