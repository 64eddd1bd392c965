"""Learners with an update of their own for the whole gradient."""

import math
from typing import Any, NamedTuple

import numpy as np

from oco._jit import specialise
from oco.lowlevel.arrays import counted, uncounted
from oco.lowlevel.prefetch import entry
from oco.projections import largest
from oco.protocols import Round, Vector


class Whole(NamedTuple):
    """A learner with an update of its own for the whole gradient."""

    learner: Any
    domain: Any
    sight: Any  # what it sees before it decides
    feedback: Any  # what it sees of the gradient

    def sizes(self) -> Any:
        return ()

    def borrowed(self, state: Any, room: Any) -> Any:
        return uncounted(state)

    def returned(self, state: Any, borrowed: Any) -> Any:
        return counted(borrowed, state)

    def farthest(self, borrowed: Any) -> float:
        """max_i |x_i| over rounds since the state was borrowed of which `step` did not tell."""
        return 0.0

    def before(self, now: Round, a: Vector, state: Any) -> Any:
        return self.sight.look(self.learner, self.domain, now, a, state)

    def decision(self, state: Any) -> Vector:
        return state.x

    def norm2(self, q: float, square: float, a: Vector, state: Any) -> float:
        return q * q * square

    def step(self, now: Round, q: float, a: Vector, state: Any) -> tuple[Any, float]:
        state = self.learner.update(now, self.feedback.gradient(q, a), state, self.domain)
        return state, reach(state)


def reach(state: Any) -> float:
    """max_i |x_i|, from the state where that has it."""
    return float(state.reach) if hasattr(state, "reach") else largest(state.x)


@specialise(reach)
def _reach(state):  # type: ignore[no-untyped-def]
    if "reach" in state.fields:
        return lambda state: state.reach
    return lambda state: largest(state.x)


class Blind(NamedTuple):
    """For learners that decide before anything of the round is seen."""

    def look(self, learner: Any, domain: Any, now: Round, a: Vector, state: Any) -> Any:
        return state


class Foreseeing(NamedTuple):
    """For learners that are shown the features a_t before they decide."""

    def look(self, learner: Any, domain: Any, now: Round, a: Vector, state: Any) -> Any:
        return learner.foresee(now, a, state, domain)


def times(q: float, a: Vector) -> Vector:
    """q a."""
    g = np.empty(len(a))
    for i in range(len(a)):
        g[i] = q * entry(a, i)
    return g


class Full(NamedTuple):
    """The whole gradient g = q a."""

    def gradient(self, q: float, a: Vector) -> Vector:
        return times(q, a)


class Lent(NamedTuple):
    """The same for learners that neither keep nor change it: the row itself where q = 1."""

    def gradient(self, q: float, a: Vector) -> Vector:
        return a if q == 1.0 else times(q, a)


class Bandit(NamedTuple):
    """Nothing but the loss: a gradient of NaN, so that no learner can look."""

    def gradient(self, q: float, a: Vector) -> Vector:
        return np.full(len(a), math.nan)
