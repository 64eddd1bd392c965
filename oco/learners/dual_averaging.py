"""Regularised dual averaging with L1: each decision from the sum of all gradients. Regret is of f_t + l1 |.|_1.

x_{t+1} = argmin_{x in X} <z_t, x> + t l1 |x|_1 + |x|^2_{Gamma_t} / 2, z_t = g_1 + ... + g_t with g_s a subgradient of
f_s alone and l1 the game's penalty; x_1 = 0 must be in X. Thresholding z at t l1 and then projecting in the metric
Gamma_t is that argmin on R^d, boxes, L2 and L1 balls about 0, as in composite mirror descent. The lemma of
follow-the-regularised-leader: regret at u <= |u|^2_{Gamma_{t-1}} / 2 + sum_s |g_s|^2_{Gamma_{s-1}^{-1}} / 2, with the
metric that was in force when x_s was chosen.
"""

import math
from typing import Any, NamedTuple

import numpy as np

from oco.bounds import bound, lipschitz, provided, radius
from oco.learners.shrinkage import falling_sum, root_sum, soft
from oco.protocols import THEORY, Round, Setting, Vector, declare

PLACES = ("Space", "Box", "Ball", "L1Ball")
TINY = 5e-324  # in place of a product that vanished


@declare(composite=True, origin=True, euclidean=True, domains=PLACES, positive=("gamma",))
class RDA(NamedTuple):
    """L1-regularised dual averaging (Xiao 2010).

    x_{t+1} = argmin_{x in X} <z_t / t, x> + l1 |x|_1 + gamma |x|^2 / (2 sqrt(t)). With r = max(t - 1, 1),
    regret at u <= gamma sqrt(r) |u|^2 / 2 + sum_s |g_s|^2 / (2 gamma sqrt(max(s - 1, 1)))
                <= (gamma |u|^2 / 2 + G^2 / gamma) sqrt(t).
    By theorem gamma = G sqrt(2) / max_u |u|, regret <= sqrt(2) G max_u |u| sqrt(t).
    """

    gamma: float = THEORY

    def memory(self, x: Vector) -> tuple[float, float]:
        return 0.0, 0.0  # z_i, the last round in which the coordinate was brought up to date

    def rule(self, now: Round, g: float, x: float, s: tuple[float, float]) -> tuple[float, tuple[float, float]]:
        t = float(now.t)
        z = s[0] + g
        return -soft(z, t * now.l1) / (self.gamma * math.sqrt(t)), (z, t)

    def idle(self, now: Round, x: float, s: tuple[float, float]) -> tuple[float, tuple[float, float], float]:
        """The decisions after rounds r = s[1] .. t - 1 are min(|x|, (|z| - l1 r) / (gamma sqrt(r)))_+ in size."""
        n = float(now.t)
        cap = abs(x)
        size = abs(s[0])
        if cap == 0.0 or n <= s[1]:
            return x, (s[0], max(s[1], n)), 0.0
        # |x| is less than the other up to the round that solves a quadratic equation in sqrt(r).
        weight = cap * self.gamma
        root = 2.0 * size / max(TINY, weight + math.hypot(weight, 2.0 * math.sqrt(now.l1) * math.sqrt(size)))
        held = max(s[1] - 1.0, float(math.floor(min(n - 1.0, root * root))))
        last = n - 1.0
        if now.l1 * last >= size:
            last = float(math.ceil(size / now.l1)) - 1.0
        paid = (held + 1.0 - s[1]) * cap + root_sum(size, now.l1, held + 1.0, last) / self.gamma
        left = min(cap, max(size - n * now.l1, 0.0) / (self.gamma * math.sqrt(n)))
        return math.copysign(left, x), (s[0], n), paid

    def metric(self, now: Round, s: tuple[float, float]) -> float:
        return self.gamma * math.sqrt(now.t)

    def tune(self, setting: Setting) -> "RDA":
        reach = setting.domain.reach(setting.start)
        setting.need(diameter=reach, lipschitz=setting.lipschitz)
        return RDA(setting.lipschitz * math.sqrt(2.0) / reach)

    @bound("rda-data", "data", "derived from Xiao 2010")
    def data(self, run: Any) -> Vector:
        # sum_s |g_s|^2 (1 / sqrt(max(s - 1, 1)) - 1 / sqrt(s)) <= max_s |g_s|^2 (1 - 1 / sqrt(t)), a telescoping sum.
        steps = run.faded + run.peak**2 * (1.0 - 1.0 / np.sqrt(run.t))
        start = self.gamma * np.sqrt(np.maximum(run.t - 1, 1)) * radius(run) ** 2 / 2.0
        return start + steps / (2.0 * self.gamma)

    @bound("rda-worst", "worst", "Xiao 2010, Corollary 2")
    def worst(self, run: Any) -> Vector:
        return (self.gamma * radius(run) ** 2 / 2.0 + lipschitz(run) ** 2 / self.gamma) * np.sqrt(run.t)

    @bound("rda-trajectory", "trajectory", "derived from Xiao 2010")
    def trajectory(self, run: Any) -> Vector:
        squares = (run.history.g**2).sum(axis=1)
        rounds = np.maximum(np.arange(len(squares)), 1)
        spent = np.cumsum(squares / np.sqrt(rounds))[run.t - 1] / (2.0 * self.gamma)
        size = np.array([np.linalg.norm(u) for u in run.comparators])
        return self.gamma * np.sqrt(np.maximum(run.t - 1, 1)) * size**2 / 2.0 + spent


@declare(composite=True, origin=True, domains=PLACES, positive=("eta", "delta"))
class AdaGradRDA(NamedTuple):
    """Diagonal AdaGrad as dual averaging, the primal-dual form (Duchi, Hazan and Singer 2011).

    S_i += g_i^2, H_i = delta + sqrt(S_i); x_{t+1} = argmin_{x in X} eta <z_t, x> + eta t l1 |x|_1 + <x, H_t x> / 2.
    Regret at u <= <u, H_{t-1} u> / (2 eta) + (eta / 2) sum_s sum_i g_{s,i}^2 / H_{s-1,i}, the accumulator before g_s;
    if delta >= max_s |g_s|_inf, which run time checks coordinate by coordinate, that is at most
    (delta |u|^2 + sum_i u_i^2 sqrt(S_i)) / (2 eta) + eta sum_i sqrt(S_i)
    (Theorem 5, primal-dual part, with half its terms in u). By theorem delta >= |g_t|_inf as promised by the stream
    and eta = max_u |u|_inf / sqrt(2).
    """

    eta: float = THEORY
    delta: float = THEORY

    def memory(self, x: Vector) -> tuple[float, float, float, float]:
        return 0.0, 0.0, 0.0, 0.0  # S_i, max_s |g_{s,i}|, z_i, the last round in which it was brought up to date

    def rule(self, now: Round, g: float, x: float, s: tuple[float, ...]) -> tuple[float, tuple[float, ...]]:
        squares = s[0] + g * g
        z = s[2] + g
        t = float(now.t)
        x = -self.eta * soft(z, t * now.l1) / (self.delta + math.sqrt(squares))
        return x, (squares, max(s[1], abs(g)), z, t)

    def idle(self, now: Round, x: float, s: tuple[float, ...]) -> tuple[float, tuple[float, ...], float]:
        """The decisions after rounds r = s[3] .. t - 1 are min(|x|, rate (|z| - l1 r))_+ in size."""
        n = max(0.0, now.t - s[3])
        cap = abs(x)
        s = (s[0], s[1], s[2], s[3] + n)
        if cap == 0.0 or n == 0.0:
            return x, s, 0.0
        rate = self.eta / (self.delta + math.sqrt(s[0]))
        size = rate * abs(s[2])
        step = rate * now.l1
        paid = falling_sum(size - (s[3] - n) * step, step, cap, n)
        return math.copysign(min(cap, max(0.0, size - s[3] * step)), x), s, paid

    def metric(self, now: Round, s: tuple[float, ...]) -> float:
        return (self.delta + math.sqrt(s[0])) / self.eta

    def tune(self, setting: Setting) -> "AdaGradRDA":
        eta, delta = self
        if eta is None:
            farthest = float(farthest_coordinates(setting.domain, setting.d).max())
            setting.need(diameter=farthest)
            eta = farthest / math.sqrt(2.0)
        if delta is None:
            setting.need(largest=setting.largest)
            delta = setting.largest
        return AdaGradRDA(eta, delta)

    def tally(self, memory: tuple[Vector, ...], domain: Any) -> dict[str, float]:
        roots = np.sqrt(memory[0])
        return {
            "roots": float(roots.sum()),
            "weighted": most_weighted(domain, roots),
            "largest": float(memory[1].max(initial=0.0)),
        }

    @bound(
        "adagrad-rda-data", "data", "Duchi, Hazan, Singer 2011, Theorem 5", assumes="delta >= |g_t|_inf in every round"
    )
    def data(self, run: Any) -> Vector:
        roots = run.tally["roots"]
        spread = run.tally["weighted"] if run.domain.bounded else _size(run) ** 2 * roots
        value = (self.delta * radius(run) ** 2 + spread) / (2.0 * self.eta) + self.eta * roots
        return provided(value, run.tally["largest"] <= self.delta)

    @bound(
        "adagrad-rda-worst",
        "worst",
        "Duchi, Hazan, Singer 2011, Theorem 5 and Cauchy-Schwarz",
        assumes="delta >= |g_t|_inf in every round",
    )
    def worst(self, run: Any) -> Vector:
        roots = lipschitz(run) * np.sqrt(run.dimension * run.t)  # >= sum_i sqrt(S_i)
        spread = _size(run) ** 2 * roots
        value = (self.delta * radius(run) ** 2 + spread) / (2.0 * self.eta) + self.eta * roots
        return provided(value, run.tally["largest"] <= self.delta)

    @bound("adagrad-rda-trajectory", "trajectory", "Duchi, Hazan, Singer 2011, Proposition 2")
    def trajectory(self, run: Any) -> Vector:
        squares = run.history.g**2
        before = self.delta + np.sqrt(np.cumsum(squares, axis=0) - squares)
        spent = np.cumsum((squares / before).sum(axis=1))[run.t - 1] * self.eta / 2.0
        start = [before[t - 1, : len(u)] @ u**2 for t, u in zip(run.t, run.comparators, strict=True)]
        return np.array(start) / (2.0 * self.eta) + spent


def farthest_coordinates(domain: Any, d: int) -> Vector:
    """max_{u in X} |u_i| for every i, in a set that is symmetric about its centre: each of those that 0 needs here."""
    return np.abs(domain.centre(d)) + domain.widths(d) / 2.0


def most_weighted(domain: Any, c: Vector) -> float:
    """max_{u in X} sum_i c_i u_i^2 for c >= 0: over a box at a corner, over balls along one axis."""
    if domain.separable:
        return float(farthest_coordinates(domain, len(c)) ** 2 @ c) if domain.bounded else math.inf
    return float(domain.reach(np.zeros(len(c))) ** 2 * c.max(initial=0.0))


def _size(run: Any) -> Vector:
    """max_u |u|_inf over a bounded domain, else |u|_inf at the comparator."""
    if run.domain.bounded:
        return np.full(len(run.t), farthest_coordinates(run.domain, run.d).max())
    return np.array([np.abs(u).max() for u in run.comparators])
