"""Learners with a rule: every coordinate for itself, clipped, then whatever ties coordinates together."""

from typing import Any, NamedTuple

import numpy as np

from oco.lowlevel.arrays import uncounted
from oco.lowlevel.glance import Glance, glance
from oco.lowlevel.loops import masked
from oco.lowlevel.numbers import order, unordered
from oco.lowlevel.prefetch import entry
from oco.projections import largest
from oco.protocols import Matrix, Round, Vector
from oco.updates.coordinates import Coordinates, decision, in_precision, load, store


class ByRule(NamedTuple):
    """A learner with a rule: every coordinate for itself, clipped, then whatever ties coordinates together."""

    learner: Any
    domain: Any
    memory: Any
    projection: Any
    rest: Any  # what coordinates do while their gradient is zero

    def sizes(self) -> Any:
        """Of the room that a loop is to lend; none."""
        return ()

    def borrowed(self, state: Coordinates, room: Any) -> Coordinates:
        """The state as a loop holds it, whose arrays are changed in place."""
        return Coordinates(uncounted(state.w), uncounted(state.h))

    def returned(self, state: Coordinates, borrowed: Coordinates) -> Coordinates:
        return state

    def farthest(self, borrowed: Any) -> float:
        """max_i |x_i| of decisions of which `glance` did not tell, the coming one among them."""
        return largest(self.decision(borrowed))

    def before(self, now: Round, a: Vector, state: Coordinates) -> Coordinates:
        return state

    def decision(self, state: Coordinates) -> Vector:
        return decision(state)

    def glance(self, a: Vector, state: Coordinates) -> Glance:
        return glance(a, decision(state))

    def finish(self, state: Coordinates) -> None:
        """Make the decision what `decision` returns: it is."""
        return

    def charge(self, penalty: Any, state: Coordinates) -> float:
        return penalty.value(self.decision(state))

    def norm2(self, q: float, square: float, a: Vector, state: Coordinates) -> float:
        return q * q * square

    def step(self, now: Round, q: float, a: Vector, seen: Glance, state: Coordinates) -> Coordinates:
        """One update with g = q a: the rule and the clipping for every coordinate, then whatever ties them together."""
        w = state.w
        now = in_precision(now, w)
        q = w.dtype.type(q)
        for i in range(np.uint64(len(a))):  # unsigned: a test for i < 0 would keep SIMD away
            x, s = self.learner.rule(now, q * entry(a, i), w[i, 0], load(w, i, self.memory))
            w[i, 0] = self.domain.clip(i, x)
            store(w, i, s)
        self.settle(now, state)
        return state

    def wake(self, now: Round, row: Any, near: Matrix, ahead: float) -> float:
        """Make coordinates that were at rest through round now.t decisions of round now.t + 1.

        They are those in `row`, and near (n, 1 + k) holds what w does for them, as for `step_near`. Returns sum |x_i|
        over them and the rounds since each was last awake, and `ahead` times the same for round now.t + 1.
        """
        return self.rest.wake(self.learner, self.domain, self.memory, now, row, near, ahead)

    def step_near(self, now: Round, q: float, row: Any, a: Vector, near: Matrix) -> float:
        """The same as `step` for g = q a at the coordinates in `row`, in `near` alone; the maximum is over these."""
        kind = near.dtype.type
        now = in_precision(now, near)
        q = kind(q)
        peak = order(kind(0.0))
        for j in range(len(a)):
            x, s = self.learner.rule(now, q * a[j], near[j, 0], load(near, j, self.memory))
            x = kind(self.domain.clip(row[j], x))
            peak = max(peak, order(x))
            near[j, 0] = x
            store(near, j, s)
            masked()
        return np.float64(unordered(peak))

    def settle(self, now: Round, state: Coordinates) -> None:
        """Whatever ties coordinates together, after `step_near`."""
        self.projection.settle(self.learner, self.domain, self.memory, now, state)


class Still(NamedTuple):
    """For lazy rules: a coordinate stays where it is while its gradient is zero."""

    def wake(self, learner: Any, domain: Any, memory: Any, now: Round, row: Any, near: Matrix, ahead: float) -> float:
        return 0.0


class Drifting(NamedTuple):
    """For rules that shrink coordinates without a gradient and say by `idle` where many such rounds lead."""

    def wake(self, learner: Any, domain: Any, memory: Any, now: Round, row: Any, near: Matrix, ahead: float) -> float:
        now = in_precision(now, near)
        total = 0.0
        for j in range(len(row)):
            x, s, paid = learner.idle(now, near[j, 0], load(near, j, memory))
            x = domain.clip(row[j], x)
            total += paid + ahead * abs(x)
            near[j, 0] = x
            store(near, j, s)
        return total


class Clipped(NamedTuple):
    """For products of intervals: clipping was all."""

    def settle(self, learner: Any, domain: Any, memory: Any, now: Round, state: Coordinates) -> None:
        return


class Euclidean(NamedTuple):
    """The Euclidean projection, for rules whose metric is the same for all coordinates."""

    def settle(self, learner: Any, domain: Any, memory: Any, now: Round, state: Coordinates) -> None:
        domain.project(decision(state))


class InMetric(NamedTuple):
    """The projection in the rule's own metric."""

    def settle(self, learner: Any, domain: Any, memory: Any, now: Round, state: Coordinates) -> None:
        x, h = decision(state), state.h
        if not domain.holds(x):
            for i in range(len(h)):
                h[i] = learner.metric(now, load(state.w, i, memory))
            domain.project_diagonal(x, h)
