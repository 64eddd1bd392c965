"""Ader: gradient descents with a grid of steps under a prior-weighted Hedge (Zhang, Lu and Zhou 2018)."""

import math
from typing import Any, NamedTuple

import numpy as np

from oco.bounds import at_most, bound, lipschitz, provided, radius
from oco.projections import dot, shorten
from oco.protocols import THEORY, Matrix, Round, Setting, Vector, declare


class AderState(NamedTuple):
    x: Vector  # (d,)
    experts: Matrix  # (N, d): decisions of the gradient descents
    weights: Vector  # (N,): their logarithms, of sum 1
    mixed: float  # sum_s (<p_s, l_s> + ln(sum_i p_{s,i} exp(-alpha l_{s,i})) / alpha), l in units of G D


@declare(positive=("rounds", "lipschitz", "diameter"))
class Ader(NamedTuple):
    """Small regret against any path u_1, ..., u_T of comparators in X, for T known.

    Expert i, for i = 1..N, is x^i_{t+1} = Proj_X(x^i_t - eta_i g_t), eta_i = 2^{i-1} D / (G sqrt T), with
    N = ceil(log2(1 + 2 T) / 2) + 1 and prior weight p_{1,i} = (1 + 1/N) / (i (i + 1)); all see the gradient at
    x_t = sum_i p_{t,i} x^i_t, and p_{t+1,i} ~ p_{t,i} exp(-alpha <g_t, x^i_t - x_t>), alpha = sqrt(8 / T) / (G D).
    With P = sum_{s>=2} |u_s - u_{s-1}|, S_t = sum_{s<=t} |g_s|^2 and mixability gaps delta_s <= alpha (G D)^2 / 8,
    dynamic regret <= min_i [(|x_1 - u_1|^2 + 2 D P) / (2 eta_i) + eta_i S_t / 2 + ln(1 / p_{1,i}) / alpha]
                      + sum_s delta_s,
    and at T it is at most 1.5 G sqrt(T (D^2 + 2 D P)) + G D sqrt(T / 8) (1 + 2 ln(k + 1)),
    k = floor(log2(1 + 2 P / D) / 2) + 1. (The paper's grid starts at sqrt(7/2) times ours; these constants are
    derived.) By theorem T, G and D are the game's.
    """

    rounds: float = THEORY
    lipschitz: float = THEORY
    diameter: float = THEORY

    def steps(self) -> Vector:
        """eta_1, ..., eta_N."""
        count = math.ceil(0.5 * math.log2(1.0 + 2.0 * self.rounds)) + 1
        first = self.diameter / self.lipschitz / math.sqrt(self.rounds)
        return np.array([2.0**i * first for i in range(count)])

    def prior(self) -> Vector:
        """p_{1,1}, ..., p_{1,N}."""
        i = np.arange(1.0, len(self.steps()) + 1.0)
        return (1.0 + 1.0 / len(i)) / (i * (i + 1.0))

    def init(self, x: Vector) -> AderState:
        return AderState(x.copy(), np.tile(x, (len(self.steps()), 1)), np.log(self.prior()), 0.0)

    def update(self, now: Round, g: Vector, state: AderState, domain: Any) -> AderState:
        x, experts, weights, mixed = state
        alpha, eta = math.sqrt(8.0 / self.rounds), self.diameter / self.lipschitz / math.sqrt(self.rounds)
        shorten(g, self.lipschitz)  # no change where the theorem holds
        at, mean = dot(g, x), 0.0
        for i in range(len(experts)):
            loss = (dot(g, experts[i]) - at) / self.diameter / self.lipschitz
            mean += math.exp(weights[i]) * loss
            weights[i] -= alpha * loss
            for j in range(len(x)):
                experts[i, j] -= eta * g[j]
            domain.project(experts[i])
            eta *= 2.0
        mix = log_sum(weights)
        for j in range(len(x)):
            x[j] = experts[0, j]
        for i in range(len(experts)):
            weights[i] -= mix
            for j in range(len(x)):
                x[j] += math.exp(weights[i]) * (experts[i, j] - experts[0, j])
        return AderState(x, experts, weights, mixed + mean + mix / alpha)

    def tune(self, setting: Setting) -> "Ader":
        game = (setting.rounds, setting.lipschitz, setting.domain.diameter(setting.d))
        rounds, size, diameter = (theirs if own is None else own for own, theirs in zip(self, game, strict=True))
        setting.need(diameter=diameter, lipschitz=size, rounds=rounds)
        return Ader(rounds, size, diameter)

    def tally(self, state: AderState, domain: Any) -> dict[str, float | Vector]:
        return {"mixed": state.mixed}

    @bound("ader-dynamic", "dynamic", "derived; Zhang, Lu, Zhou 2018", assumes="|g_t|_2 <= lipschitz")
    def dynamic(self, run: Any, path: Vector) -> float:
        far = np.linalg.norm(run.start - path[0]) ** 2 + 2.0 * self.diameter * length(path)
        return float(self._experts(run, far, run.sumsq, run.tally["mixed"])[-1])

    @bound("ader-tuned", "dynamic", "derived; Zhang, Lu, Zhou 2018", assumes="|g_t|_2 <= lipschitz, T = rounds")
    def tuned(self, run: Any, path: Vector) -> float:
        t, g, d, moved = self.rounds, self.lipschitz, self.diameter, length(path)
        k = math.floor(0.5 * math.log2(1.0 + 2.0 * moved / d)) + 1
        meta = g * d * math.sqrt(t / 8.0) * (1.0 + 2.0 * math.log(k + 1.0))
        value = 1.5 * g * math.sqrt(t * (d**2 + 2.0 * d * moved)) + meta
        return float(provided(value, run.rounds == t, *self._assumed(run, -1)))

    @bound("ader-data", "data", "derived; Zhang, Lu, Zhou 2018, for P = 0", assumes="|g_t|_2 <= lipschitz")
    def data(self, run: Any) -> Vector:
        return self._experts(run, radius(run) ** 2, run.sumsq, run.tally["mixed"])

    @bound("ader-worst", "worst", "derived; Zhang, Lu, Zhou 2018, for P = 0", assumes="|g_t|_2 <= lipschitz")
    def worst(self, run: Any) -> Vector:
        mixed = run.t * math.sqrt(8.0 / self.rounds) / 8.0
        return self._experts(run, radius(run) ** 2, lipschitz(run) ** 2 * run.t, mixed)

    def _experts(self, run: Any, far: Any, sumsq: Vector, mixed: Vector) -> Vector:
        """Regret of the expert whose bound is best, and the meta-learner's, by checkpoint."""
        eta = self.steps()[:, None]
        meta = np.log(1.0 / self.prior())[:, None] / math.sqrt(8.0 / self.rounds) + mixed
        values = far / (2.0 * eta) + eta / 2.0 * sumsq + self.lipschitz * self.diameter * meta
        return provided(values.min(axis=0), *self._assumed(run, slice(None)))

    def _assumed(self, run: Any, at: Any) -> tuple[Any, ...]:
        fits = at_most(run.domain.diameter(run.d), self.diameter)
        return fits, at_most(run.peak[at], self.lipschitz)


def length(path: Vector) -> float:
    """P = sum_{s>=2} |u_s - u_{s-1}|_2."""
    return float(np.linalg.norm(np.diff(path, axis=0), axis=1).sum())


def log_sum(weights: Vector) -> float:
    """ln sum_i exp(weights_i)."""
    top = weights[0]
    for i in range(len(weights)):
        top = max(top, weights[i])
    total = 0.0
    for i in range(len(weights)):
        total += math.exp(weights[i] - top)
    return top + math.log(total)
