"""Learners that are told their loss and nothing else; their bounds are on the mean over their own randomness.

The stream must not look at the decisions: regret is against the best fixed decision for rounds that are given
beforehand. Each keeps a generator of its own, seeded by `seed`.
"""

import math
from typing import Any, NamedTuple

import numpy as np

from oco.bounds import at_most, bound, lipschitz, provided
from oco.penalty import NONE
from oco.projections import norm, shorten
from oco.protocols import THEORY, Round, Setting, Vector, declare
from oco.streams import is_adaptive


class Exp3State(NamedTuple):
    x: Vector  # (d,): the vertex of the arm that was drawn
    arm: int
    p: Vector  # (d,): the probabilities that it was drawn from
    estimates: Vector  # (d,): sum_s l_s(arm_s) / p_s(arm_s) by arm, losses in units of [low, high]
    paid: float  # sum_s <p_s, estimate_s> = sum_s l_s(arm_s)
    squares: float  # sum_s <p_s, estimate_s^2> = sum_s l_s(arm_s)^2 / p_s(arm_s)
    least: float  # the smallest and the largest loss seen
    most: float
    rng: np.random.Generator


@declare(bandit=True, domains=("Simplex",), losses=("Linear",), positive=("eta",))
class Exp3(NamedTuple):
    """Exponential weights for exploration and exploitation (Auer et al. 2002; Bubeck and Cesa-Bianchi 2012).

    Draws an arm I_t from p_t and plays its vertex of the simplex; with L the sums of l_s(I_s) / p_s(I_s), by arm,
    p_{t+1,i} ~ exp(-eta L_{t,i}). For losses in [0, 1], whatever the draws,
    sum_s l_s(I_s) - min_k L_{t,k} <= ln(d) / eta + (eta / 2) sum_s l_s(I_s)^2 / p_s(I_s),
    and so the mean of the loss less that of any fixed arm is at most ln(d) / eta + eta d t / 2. Losses in [low, high]
    are moved and scaled to [0, 1], and the bounds back. By theorem eta = sqrt(2 ln(d) / (d T)), mean regret at T
    <= (high - low) sqrt(2 d T ln d), and high = -low is what stream and loss promise of |g_t|_inf.
    """

    eta: float = THEORY
    low: float = THEORY
    high: float = THEORY
    seed: int = 0

    def init(self, x: Vector) -> Exp3State:
        d, rng = len(x), np.random.default_rng(self.seed)
        p = np.full(d, 1.0 / d)
        arm = draw(p, rng.random())
        x[:] = np.arange(d) == arm
        return Exp3State(x, arm, p, np.zeros(d), 0.0, 0.0, math.inf, -math.inf, rng)

    def update(self, now: Round, g: Vector, state: Exp3State, domain: Any) -> Exp3State:
        x, arm, p, estimates, paid, squares, least, most, rng = state
        loss = min(max((now.loss - self.low) / (self.high - self.low), 0.0), 1.0)  # cut where no theorem holds
        estimates[arm] += loss / p[arm]
        paid, squares = paid + loss, squares + loss * loss / p[arm]
        best = estimates[0]
        for i in range(len(p)):
            best = min(best, estimates[i])
        total = 0.0
        for i in range(len(p)):
            p[i] = math.exp(-self.eta * (estimates[i] - best))
            total += p[i]
        for i in range(len(p)):
            p[i] /= total
        x[arm] = 0.0
        arm = draw(p, rng.random())
        x[arm] = 1.0
        return Exp3State(x, arm, p, estimates, paid, squares, min(least, now.loss), max(most, now.loss), rng)

    def tune(self, setting: Setting) -> "Exp3":
        eta, low, high, d = self.eta, self.low, self.high, setting.d
        if low is None or high is None:
            setting.need(largest=setting.largest)
            low, high = -setting.largest, setting.largest
        if eta is None:
            setting.need(rounds=setting.rounds)
            eta = math.sqrt(2.0 * math.log(max(d, 2)) / (d * setting.rounds))  # with one arm any eta will do
        return Exp3(eta, low, high, self.seed)

    def tally(self, state: Exp3State, domain: Any) -> dict[str, float | Vector]:
        return {
            "paid": state.paid,
            "cheapest": float(state.estimates.min()),
            "squares": state.squares,
            "least": state.least,
            "most": state.most,
        }

    @bound(
        "exp3-expected", "expected", "Bubeck, Cesa-Bianchi 2012", assumes="oblivious stream, low <= f_t(x_t) <= high"
    )
    def expected(self, run: Any) -> Vector:
        value = math.log(run.d) / self.eta + self.eta / 2.0 * run.d * run.t
        room = 1e-12 * (self.high - self.low)
        fits = (run.tally["least"] >= self.low - room) & (run.tally["most"] <= self.high + room)
        return provided((self.high - self.low) * value, fits, _fair(run))

    def pathwise(self, run: Any) -> tuple[Vector, Vector]:
        """Both sides of the inequality that holds whatever the draws, in units of [low, high]."""
        tally = run.tally
        return tally["paid"] - tally["cheapest"], math.log(run.d) / self.eta + self.eta / 2.0 * tally["squares"]


def _fair(run: Any) -> bool:
    """Whether the stream is oblivious and the loss that is told is all of the loss."""
    return not is_adaptive(run.stream) and run.penalty == NONE


def draw(p: Vector, u: float) -> int:
    """The arm whose share of [0, 1) holds u."""
    chosen = 0
    total = 0.0
    for i in range(len(p)):
        # Arms of probability zero are never chosen, nor does rounding of the sum leave u without one.
        if p[i] > 0.0 and total <= u:
            chosen = i
        total += p[i]
    return chosen


class FKMState(NamedTuple):
    x: Vector  # (d,): radius (y + delta v)
    y: Vector  # (d,): the centre of exploration, |y| <= 1 - delta
    v: Vector  # (d,): the direction tried, |v| = 1
    most: float  # max_s |f_s(x_s)|
    rng: np.random.Generator


@declare(bandit=True, origin=True, domains=("Ball",), positive=("eta", "delta", "radius", "size"))
class FKM(NamedTuple):
    """Gradient descent without a gradient, on a ball of radius R (Flaxman, Kalai and McMahan 2005).

    Plays x_t = R (y_t + delta v_t) with v_t uniform on the unit sphere and y_1 = 0; (d / delta) f_t(x_t) v_t is an
    unbiased gradient of f_t smoothed over a ball of radius R delta, and
    y_{t+1} = Proj_{|y| <= 1 - delta}(y_t - eta (d / delta) f_t(x_t) v_t).
    For f_t convex, G-Lipschitz and |f_t| <= C, at every t,
    mean regret <= 1 / (2 eta) + eta t d^2 C^2 / (2 delta^2) + 3 G R delta t.
    By theorem C = G R, as for linear losses, delta = min(1, sqrt(d C / (3 G R sqrt T))) and eta = delta / (d C sqrt T):
    mean regret at T <= 2 sqrt(3 G R d C) T^{3/4} where delta < 1. (These constants are derived; Hazan 2016,
    Theorem 6.9, has others.)
    """

    eta: float = THEORY
    delta: float = THEORY
    radius: float = THEORY
    size: float = THEORY
    seed: int = 0

    def init(self, x: Vector) -> FKMState:
        if self.delta > 1.0:
            raise ValueError(f"FKM: delta = {self.delta} must be at most 1, the radius of the ball in its own units")
        rng, v = np.random.default_rng(self.seed), np.empty(len(x))
        direction(v, rng)
        return FKMState(self.radius * self.delta * v, np.zeros(len(x)), v, 0.0, rng)

    def update(self, now: Round, g: Vector, state: FKMState, domain: Any) -> FKMState:
        x, y, v, most, rng = state
        for i in range(len(x)):
            y[i] -= self.eta * (len(x) / self.delta) * now.loss * v[i]
        shorten(y, 1.0 - self.delta)
        direction(v, rng)
        for i in range(len(x)):
            x[i] = self.radius * (y[i] + self.delta * v[i])
        return FKMState(x, y, v, max(most, abs(now.loss)), rng)

    def tune(self, setting: Setting) -> "FKM":
        eta, delta, radius, size, seed = self
        steep, d, rounds = setting.lipschitz, setting.d, setting.rounds
        radius = setting.domain.radius if radius is None else radius
        if eta is None or delta is None or size is None:
            setting.need(lipschitz=steep, rounds=rounds)
        size = steep * radius if size is None else size
        if delta is None:
            delta = min(1.0, math.sqrt(d * size / (3.0 * steep * radius * math.sqrt(rounds))))
        eta = delta / (d * size * math.sqrt(rounds)) if eta is None else eta
        return FKM(eta, delta, radius, size, seed)

    def tally(self, state: FKMState, domain: Any) -> dict[str, float | Vector]:
        return {"most": state.most}

    @bound("fkm-expected", "expected", "derived; Hazan 2016, Theorem 6.9", assumes="oblivious stream, |f_t| <= size")
    def expected(self, run: Any) -> Vector:
        noise = (run.d * self.size / self.delta) ** 2
        bias = 3.0 * lipschitz(run) * self.radius * self.delta * run.t
        value = 1.0 / (2.0 * self.eta) + self.eta * run.t * noise / 2.0 + bias
        fits = at_most(run.tally["most"], self.size)
        same = at_most(run.domain.radius, self.radius)
        return provided(value, fits, same, _fair(run))


def direction(v: Vector, rng: np.random.Generator) -> None:
    """A point drawn uniformly from the unit sphere."""
    size = 0.0
    while size == 0.0:
        for i in range(len(v)):
            v[i] = rng.standard_normal()
        size = norm(v)
    for i in range(len(v)):
        v[i] /= size
