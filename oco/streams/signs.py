"""Random signs: no learner gains anything on average, the best decision in hindsight does.

a_{t,i} = c_{t,i} eps_{t,i} with independent fair signs. E <a_t, x_t> = 0 whatever the learner does, so that
E regret = E max_u <u, -sum a_t> exactly, on any bounded domain; its lower bounds are means over the stream's seeds.
Along a diameter v - w it is at least (1/2) E |<sum a_t, v - w>| and Khinchine's inequality with Szarek's constant,
E |sum_j c_j eps_j| >= sqrt(sum_j c_j^2 / 2), finishes. On a box coordinates add up:
E regret = (1/2) sum_i D_i E |sum_s a_{s,i}| >= sum_i D_i s_{t,i} / (2 sqrt 2), s_{t,i}^2 = sum_s a_{s,i}^2.
"""

import math
from typing import Any, NamedTuple

import numpy as np

from oco.bounds import bound
from oco.domains import Ball, Box
from oco.losses import Linear
from oco.protocols import Vector, declare

KHINCHINE = "Khinchine's inequality (Szarek 1976): "


@declare(loss=Linear(), positive=("d", "scale"), limits={"bias": (-1.0, 1.0)})
class RandomSigns(NamedTuple):
    """Oblivious: a_t has independent signs, each +1 with probability (1 + bias) / 2, over sqrt(d)."""

    d: int = 10
    bias: float = 0.0
    scale: float = 1.0

    @property
    def norm(self) -> float:
        return self.scale

    def examples(self, rng: np.random.Generator, t: Any, target: Any) -> tuple[Any, Vector]:
        up = rng.random((len(t), self.d)) < (1.0 + self.bias) / 2.0
        return np.where(up, 1.0, -1.0) * (self.scale / math.sqrt(self.d)), np.zeros(len(t))

    @bound("signs-khinchine", "expected-lower", KHINCHINE + "D G sqrt(T) / (2 sqrt 2) on cubes and balls")
    def khinchine(self, run: Any) -> Vector:
        return self._half_width(run) * np.sqrt(run.t / 2.0)

    @bound("signs-walk", "expected-lower", "D G E|S_T| / 2 on cubes and balls, S_T the sum of T signs")
    def walk(self, run: Any) -> Vector:
        # On a box it is the exact mean. On a ball |S|_2 >= |S|_1 / sqrt(d), with equality for d = 1.
        known = isinstance(run.domain, (Box, Ball))
        return self._half_width(run) * (walk(run.t) if known else run.t * math.nan)

    def _half_width(self, run: Any) -> float:
        if self.bias != 0.0 or not (run.domain.bounded and is_linear(run)):
            return math.nan
        return self.scale * reach_of_signs(run.domain, self.d)


@declare(loss=Linear(), positive=("d", "scale"), nonnegative=("decades",))
class BoxSigns(NamedTuple):
    """Oblivious: independent fair signs whose sizes fall geometrically over the coordinates, by 10^decades in all."""

    d: int = 10
    decades: float = 2.0
    scale: float = 1.0

    @property
    def norm(self) -> float:
        return self.scale

    def sizes(self) -> Vector:
        """c (d,): |a_{t,i}| in every round."""
        c = np.geomspace(1.0, 10.0**-self.decades, self.d)
        return self.scale / float(np.linalg.norm(c)) * c

    def examples(self, rng: np.random.Generator, t: Any, target: Any) -> tuple[Any, Vector]:
        return rng.choice([-1.0, 1.0], (len(t), self.d)) * self.sizes(), np.zeros(len(t))

    @bound("coordinates-khinchine", "expected-lower", KHINCHINE + "sum_i D_i s_i / (2 sqrt 2) on boxes")
    def khinchine(self, run: Any) -> Vector:
        return self._half_width(run) * np.sqrt(run.t / 2.0)

    @bound("coordinates-walk", "expected-lower", "the exact mean, sum_i D_i c_i E|S_T| / 2 on boxes")
    def walk(self, run: Any) -> Vector:
        return self._half_width(run) * walk(run.t)

    def _half_width(self, run: Any) -> float:
        sound = isinstance(run.domain, Box) and is_linear(run)
        return 0.5 * float(run.domain.widths(self.d) @ self.sizes()) if sound else math.nan


@declare(loss=Linear(), positive=("d",), nonnegative=("decades",))
class LogMagnitudes(NamedTuple):
    """Oblivious: fair signs over sqrt(d), times 10^U with U uniform over `decades` decades about 1 in every round."""

    d: int = 10
    decades: float = 6.0

    @property
    def norm(self) -> float:
        return float(10.0 ** (self.decades / 2.0))

    def examples(self, rng: np.random.Generator, t: Any, target: Any) -> tuple[Any, Vector]:
        size = 10.0 ** (self.decades * (rng.random(len(t)) - 0.5))
        signs = rng.choice([-1.0, 1.0], (len(t), self.d))
        return signs * (size / math.sqrt(self.d))[:, None], np.zeros(len(t))

    @bound("magnitudes-khinchine", "expected-lower", KHINCHINE + "D sqrt(S_T) / (2 sqrt 2) on cubes and balls")
    def khinchine(self, run: Any) -> Vector:
        # The mean over the signs, for the sizes of this seed.
        sound = run.domain.bounded and is_linear(run)
        return (reach_of_signs(run.domain, self.d) if sound else math.nan) * np.sqrt(run.sumsq / 2.0)


def walk(t: Any) -> Vector:
    """E |S_t| for a sum of t fair signs: 2 k C(2k, k) / 4^k with k = ceil(t / 2); about sqrt(2 t / pi)."""
    from scipy.special import poch

    return np.asarray(2.0 / math.sqrt(math.pi) * poch(np.ceil(np.asarray(t) / 2.0), 0.5))


def reach_of_signs(domain: Any, d: int) -> float:
    """Half the width that signs over sqrt(d) make use of: D / 2 on cubes and balls, elsewhere along one diameter."""
    if isinstance(domain, Box):
        return 0.5 * float(domain.widths(d).sum()) / math.sqrt(d)
    return 0.5 * float(domain.diameter(d)) / (1.0 if isinstance(domain, Ball) else math.sqrt(d))


def is_linear(run: Any) -> bool:
    """Whether the game was played with these losses, and not with others of the same features."""
    return isinstance(run.loss_function, Linear) and not any(run.penalty)
