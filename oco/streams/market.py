"""Markets: a_t holds the price relatives of a day, price at its end over price at its start; the loss -ln <x, a_t>."""

from typing import Any, NamedTuple

import numpy as np

from oco.losses import NegativeLog
from oco.protocols import Vector, declare


class Trends(NamedTuple):
    """What is drawn once a seed."""

    mean: Vector  # (d,) of daily log returns
    deviation: Vector  # (d,)


@declare(loss=NegativeLog(), positive=("d", "volatility"), nonnegative=("common",))
class Market(NamedTuple):
    """Geometric random walks: log returns are normal, independent from day to day, with a part common to all assets.

    Each asset has a deviation between half and one and a half times `volatility`, and of the common part a share with
    deviation `common`; the expected log returns differ by about a tenth of the volatility.
    """

    d: int = 5
    volatility: float = 0.02
    common: float = 0.01

    def target(self, rng: np.random.Generator) -> Trends:
        deviation = self.volatility * rng.uniform(0.5, 1.5, self.d)
        return Trends(0.1 * self.volatility * rng.standard_normal(self.d), deviation)

    def examples(self, rng: np.random.Generator, t: Any, target: Trends) -> tuple[Any, Vector]:
        own = target.mean + target.deviation * rng.standard_normal((len(t), self.d))
        return np.exp(own + self.common * rng.standard_normal((len(t), 1))), np.zeros(len(t))


@declare(loss=NegativeLog(), positive=("d",))
class Kelly(NamedTuple):
    """Horse races: each day one asset pays d for 1, the others are lost.

    The winner is asset 1 with probability (1 + bias) / d and else one of the others alike. Against sequences of winners
    the wealth of a portfolio depends on the number of each alone, and where one asset wins every day (bias = d - 1)
    the universal portfolio's regret from the uniform prior is ln C(t + d - 1, d - 1): its bound is an equality.
    """

    d: int = 2
    bias: float = 0.0

    def examples(self, rng: np.random.Generator, t: Any, target: Any) -> tuple[Any, Vector]:
        first = (1.0 + self.bias) / self.d
        chance = np.full(self.d, (1.0 - first) / max(self.d - 1, 1))
        chance[0] = first
        a = np.zeros((len(t), self.d))
        a[np.arange(len(t)), np.searchsorted(np.cumsum(chance[:-1]), rng.random(len(t)), side="right")] = float(self.d)
        return a, np.zeros(len(t))
