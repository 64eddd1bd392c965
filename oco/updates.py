"""The ways to apply a learner's update, one interface for the compiled loops.

Everything here is plain Python that also runs uncompiled. A learner with a `rule` is held by ByRule, one with `update`
by Whole, and where the game's penalty reaches the learner as a part of the gradient either is held by WithPenalty.
The state of a rule is one array w (d, 1 + k): column 0 is x, the others what each coordinate remembers. It is
in Fortran order for dense rounds (columns apart, SIMD over coordinates) and in C order for sparse ones (a
coordinate's numbers side by side, one cache line a feature).
"""

import math
from typing import Any, NamedTuple

import numpy as np
from numba.core import types as nbtypes
from numba.np.unsafe.ndarray import to_fixed_tuple

from oco._jit import specialise
from oco.lowlevel.arrays import counted, uncounted
from oco.lowlevel.numbers import order, unordered
from oco.lowlevel.prefetch import prefetch
from oco.projections import largest
from oco.protocols import Matrix, Round, Vector

STRIP = 128  # coordinates of the row to come that are asked for while as many are moved


def load(w: Matrix, i: int, memory: Any) -> Any:
    """What coordinate i remembers, in the shape of `memory`: a number or a tuple of numbers."""
    return tuple(w[i, 1:]) if isinstance(memory, tuple) else w[i, 1]


@specialise(load)
def _load(w, i, memory):  # type: ignore[no-untyped-def]
    if isinstance(memory, nbtypes.BaseTuple):
        count = len(memory)
        return lambda w, i, memory: to_fixed_tuple(w[i, 1:], count)
    return lambda w, i, memory: w[i, 1]


def store(w: Matrix, i: int, s: Any, j: int = 1) -> None:
    """The inverse of load: s from column j on."""
    w[i, j:] = s


@specialise(store)
def _store(w, i, s, j=1):  # type: ignore[no-untyped-def]
    if not isinstance(s, nbtypes.BaseTuple):

        def one(w, i, s, j=1):  # type: ignore[no-untyped-def]
            w[i, j] = s

        return one
    if len(s) == 1:
        return lambda w, i, s, j=1: store(w, i, s[0], j)

    def several(w, i, s, j=1):  # type: ignore[no-untyped-def]
        w[i, j] = s[0]
        store(w, i, s[1:], j + 1)

    return several


def in_precision(now: Round, w: Matrix) -> Round:
    """What a rule knows of the round, in the precision of the state: float32 arithmetic stays float32."""
    kind = w.dtype.type
    return Round(now.t, kind(now.loss), kind(now.norm2), kind(now.sumsq), kind(now.l1), kind(now.l2))


class Coordinates(NamedTuple):
    """State of a learner with a rule."""

    w: Matrix  # (d, 1 + k)
    h: Vector  # (d,) scratch for the projection metric


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

    def before(self, now: Round, a: Vector, state: Coordinates) -> Coordinates:
        return state

    def decision(self, state: Coordinates) -> Vector:
        return state.w[:, 0]

    def norm2(self, q: float, square: float, a: Vector, state: Coordinates) -> float:
        return q * q * square

    def step(self, now: Round, q: float, a: Vector, ahead: Vector, state: Coordinates) -> tuple[Coordinates, float]:
        """One update with g = q a; returns the state and max_i |x_i|. `ahead` is the row to come."""
        w = state.w
        now = in_precision(now, w)
        q = w.dtype.type(q)
        if len(a) <= STRIP:
            peak = self.move(now, q, a, w, 0, len(a))
        else:
            peak = order(w.dtype.type(0.0))
            for low in range(0, len(a), STRIP):
                high = min(low + STRIP, len(a))
                prefetch(ahead, low, high)
                peak = max(peak, self.move(now, q, a, w, low, high))
        self.settle(now, state)
        return state, self.projection.reach(np.float64(unordered(peak)), w[:, 0])

    def move(self, now: Round, q: float, a: Vector, w: Matrix, low: int, high: int) -> Any:
        """The rule and the clipping for coordinates low .. high - 1; the largest |x_i| among them, as `order`."""
        kind = w.dtype.type
        peak = order(kind(0.0))
        for i in range(np.uint64(low), np.uint64(high)):  # unsigned: a test for i < 0 would keep SIMD away
            x, s = self.learner.rule(now, q * a[i], w[i, 0], load(w, i, self.memory))
            x = kind(self.domain.clip(i, x))
            peak = max(peak, order(x))
            w[i, 0] = x
            store(w, i, s)
        return peak

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

    def reach(self, peak: float, x: Vector) -> float:
        """max_i |x_i|, when it was `peak` before `settle`."""
        return peak


class Euclidean(NamedTuple):
    """The Euclidean projection, for rules whose metric is the same for all coordinates."""

    def settle(self, learner: Any, domain: Any, memory: Any, now: Round, state: Coordinates) -> None:
        domain.project(state.w[:, 0])

    def reach(self, peak: float, x: Vector) -> float:
        return largest(x)


class InMetric(NamedTuple):
    """The projection in the rule's own metric."""

    def settle(self, learner: Any, domain: Any, memory: Any, now: Round, state: Coordinates) -> None:
        w = state.w
        if not domain.holds(w[:, 0]):
            for i in range(len(w)):
                state.h[i] = learner.metric(now, load(w, i, memory))
            domain.project_diagonal(w[:, 0], state.h)

    def reach(self, peak: float, x: Vector) -> float:
        return largest(x)


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

    def before(self, now: Round, a: Vector, state: Any) -> Any:
        return self.sight.look(self.learner, self.domain, now, a, state)

    def decision(self, state: Any) -> Vector:
        return state.x

    def norm2(self, q: float, square: float, a: Vector, state: Any) -> float:
        return q * q * square

    def step(self, now: Round, q: float, a: Vector, ahead: Vector, state: Any) -> tuple[Any, float]:
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
        g[i] = q * a[i]
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


class WithPenalty(NamedTuple):
    """A player who gets a subgradient of f_t + psi: g = q a + psi'(x)."""

    player: Any
    penalty: Any

    def sizes(self) -> Any:
        return self.player.sizes()

    def borrowed(self, state: Any, room: Any) -> Any:
        return self.player.borrowed(state, room)

    def returned(self, state: Any, borrowed: Any) -> Any:
        return self.player.returned(state, borrowed)

    def before(self, now: Round, a: Vector, state: Any) -> Any:
        return self.player.before(now, a, state)

    def decision(self, state: Any) -> Vector:
        return self.player.decision(state)

    def norm2(self, q: float, square: float, a: Vector, state: Any) -> float:
        x = self.player.decision(state)
        total = 0.0
        for i in range(len(x)):
            total += (q * a[i] + self.penalty.slope(x[i])) ** 2
        return total

    def step(self, now: Round, q: float, a: Vector, ahead: Vector, state: Any) -> tuple[Any, float]:
        x = self.player.decision(state)
        g = np.empty_like(a)
        for i in range(len(x)):
            g[i] = q * a[i] + self.penalty.slope(x[i])
        return self.player.step(now, 1.0, g, ahead, state)
