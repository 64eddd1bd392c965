"""Learners with an update of their own for the whole gradient."""

import math
from typing import Any, NamedTuple

import numpy as np

from oco.lowlevel.arrays import counted, uncounted
from oco.lowlevel.glance import Glance, glance, glance_at_multiple
from oco.lowlevel.prefetch import entry
from oco.projections import largest, scale
from oco.protocols import Round, Vector


class Whole(NamedTuple):
    """A learner with an update of its own for the whole gradient."""

    learner: Any
    domain: Any
    sight: Any  # what it sees before it decides
    feedback: Any  # what it sees of the gradient
    shown: Any  # what the decision is to the x of the state

    def sizes(self) -> Any:
        return ()

    def borrowed(self, state: Any, room: Any) -> Any:
        return uncounted(state)

    def returned(self, state: Any, borrowed: Any) -> Any:
        return counted(borrowed, state)

    def farthest(self, borrowed: Any) -> float:
        """max_i |x_i| of decisions of which `glance` did not tell, the coming one among them."""
        return largest(borrowed.x)

    def before(self, now: Round, a: Vector, state: Any) -> Any:
        return self.sight.look(self.learner, self.domain, now, a, state)

    def decision(self, state: Any) -> Vector:
        return state.x

    def glance(self, a: Vector, state: Any) -> Glance:
        return self.shown.glance(a, state)

    def finish(self, state: Any) -> None:
        """Make state.x the coming decision."""
        self.shown.finish(state)

    def charge(self, penalty: Any, state: Any) -> float:
        """What the game's penalty is at the decision."""
        return self.shown.charge(penalty, state)

    def norm2(self, q: float, square: float, a: Vector, state: Any) -> float:
        return q * q * square

    def step(self, now: Round, q: float, a: Vector, seen: Glance, state: Any) -> Any:
        low, high = min(q * seen.low, q * seen.high), max(q * seen.low, q * seen.high)
        now = Round(now.t, now.loss, now.norm2, now.sumsq, now.l1, now.l2, low, high)
        return self.learner.update(now, self.feedback.gradient(q, a), state, self.domain)


class Itself(NamedTuple):
    """For learners whose state has the decision as it is."""

    def glance(self, a: Vector, state: Any) -> Glance:
        return glance(a, state.x)

    def finish(self, state: Any) -> None:
        return

    def charge(self, penalty: Any, state: Any) -> float:
        return penalty.value(state.x)


class Scaled(NamedTuple):
    """For those that decide for state.factor[0] times x, know its max_i |x_i|, and want the gradient's extremes."""

    def glance(self, a: Vector, state: Any) -> Glance:
        return glance_at_multiple(a, state.x, state.factor[0], state.reach)

    def finish(self, state: Any) -> None:
        scale(state.x, state.factor[0])
        state.factor[0] = 1.0

    def charge(self, penalty: Any, state: Any) -> float:
        if penalty.l1 == 0.0 and penalty.l2 == 0.0:
            return 0.0
        self.finish(state)
        return penalty.value(state.x)


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
