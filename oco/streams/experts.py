"""Losses of N experts: a_t holds one in [0, 1] for each, the loss is linear, decisions are distributions."""

import math
from typing import Any, NamedTuple

import numpy as np

from oco.bounds import bound
from oco.domains import Simplex
from oco.losses import Linear
from oco.protocols import Vector, declare


@declare(loss=Linear(), spread=1.0, positive=("d",), nonnegative=("gap",))
class Experts(NamedTuple):
    """Independent coins: expert k pays 1 with probability 1/2, but the one drawn as the best with 1/2 - gap."""

    d: int = 10
    gap: float = 0.1

    @property
    def norm(self) -> float:
        return math.sqrt(self.d)

    def target(self, rng: np.random.Generator) -> int:
        return int(rng.integers(self.d))

    def examples(self, rng: np.random.Generator, t: Any, target: int) -> tuple[Any, Vector]:
        chance = np.full(self.d, 0.5)
        chance[target] -= self.gap
        return (rng.random((len(t), self.d)) < chance).astype(float), np.zeros(len(t))


@declare(loss=Linear(), spread=1.0, positive=("d",))
class ExpertsGame(NamedTuple):
    """Fair coins for N = d experts, independent; the second of two experts has the opposite of the first one's.

    Whatever the learner does, it pays t / 2 in the mean, and its mean regret is t / 2 - E min_k L_{t,k} with L_{t,k}
    binomial(t, 1/2): t / 2 - sum_{j < t} P(L > j)^N for independent ones, which grows to sqrt((t / 2) ln N) as t and
    then N do, and E |L - t / 2|, about sqrt(t / (2 pi)), for two.
    """

    d: int = 2

    @property
    def norm(self) -> float:
        return math.sqrt(self.d)

    def examples(self, rng: np.random.Generator, t: Any, target: Any) -> tuple[Any, Vector]:
        a = (rng.random((len(t), self.d)) < 0.5).astype(float)
        if self.d == 2:
            a[:, 1] = 1.0 - a[:, 0]
        return a, np.zeros(len(t))

    @bound("experts-game", "expected-lower", "Cesa-Bianchi and Lugosi 2006, chapter 3; the mean is summed exactly")
    def value(self, run: Any) -> Vector:
        if not isinstance(run.domain, Simplex):
            return run.t * math.nan
        return np.array([mean_regret(self.d, int(t)) for t in run.t])


def mean_regret(n: int, t: int) -> float:
    """t/2 - E min_k L_k for binomial(t, 1/2) L_k: independent, or L_2 = t - L_1 for n = 2."""
    from scipy.special import bdtrc, gammaln

    if n == 2:  # E |L - t/2| = h C(t, h) / 2^t, h = ceil(t / 2)
        h = (t + 1) // 2
        return float(h * np.exp(gammaln(t + 1.0) - gammaln(h + 1.0) - gammaln(t - h + 1.0) - t * math.log(2.0)))
    # Beyond 20 standard deviations the probabilities are 1 and 0 to the last digit.
    reach = 10.0 * math.sqrt(t) + 1.0
    low, high = max(0, math.floor(t / 2 - reach)), min(t, math.ceil(t / 2 + reach))
    return t / 2.0 - low - float((bdtrc(np.arange(low, high), t, 0.5) ** n).sum())
