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
from oco.projections import largest
from oco.protocols import Matrix, Round, Vector


def load(w: Matrix, i: int, memory: Any) -> Any:
    """What coordinate i remembers, in the shape of `memory`: a number or a tuple of numbers."""
    return tuple(w[i, 1:]) if isinstance(memory, tuple) else w[i, 1]


@specialise(load)
def _load(w, i, memory):  # type: ignore[no-untyped-def]
    if isinstance(memory, nbtypes.BaseTuple):
        count = len(memory)
        return lambda w, i, memory: to_fixed_tuple(w[i, 1:], count)
    return lambda w, i, memory: w[i, 1]


def store(w: Matrix, i: int, s: Any) -> None:
    """The inverse of load."""
    w[i, 1:] = s


@specialise(store)
def _store(w, i, s):  # type: ignore[no-untyped-def]
    if isinstance(s, nbtypes.BaseTuple):
        count = len(s)

        def several(w, i, s):  # type: ignore[no-untyped-def]
            for j in range(count):
                w[i, 1 + j] = s[j]

        return several

    def one(w, i, s):  # type: ignore[no-untyped-def]
        w[i, 1] = s

    return one


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

    def before(self, now: Round, a: Vector, state: Coordinates) -> Coordinates:
        return state

    def decision(self, state: Coordinates) -> Vector:
        return state.w[:, 0]

    def norm2(self, q: float, square: float, a: Vector, state: Coordinates) -> float:
        return q * q * square

    def step(self, now: Round, q: float, a: Vector, state: Coordinates) -> tuple[Coordinates, float]:
        """One update with g = q a; returns the state and max_i |x_i|."""
        w = state.w
        for i in range(len(a)):
            x, s = self.learner.rule(now, q * a[i], w[i, 0], load(w, i, self.memory))
            w[i, 0] = self.domain.clip(i, x)
            store(w, i, s)
        self.projection.settle(self.learner, self.domain, self.memory, now, state)
        return state, largest(w[:, 0])

    def wake(self, now: Round, indices: Any, state: Coordinates, ahead: float) -> float:
        """Make coordinates that were at rest through round now.t decisions of round now.t + 1.

        Returns sum |x_i| over these coordinates and the rounds since each was last awake, and `ahead` times the same
        for round now.t + 1.
        """
        return self.rest.wake(self.learner, self.domain, self.memory, now, indices, state, ahead)

    def step_sparse(
        self, now: Round, q: float, indices: Any, values: Vector, state: Coordinates
    ) -> tuple[Coordinates, float]:
        """The same as `step` for g = q values at `indices`; the maximum is over these."""
        w = state.w
        reach = 0.0
        for j in range(len(indices)):
            i = indices[j]
            x, s = self.learner.rule(now, q * values[j], w[i, 0], load(w, i, self.memory))
            x = self.domain.clip(i, x)
            reach = max(reach, abs(x))
            w[i, 0] = x
            store(w, i, s)
        self.projection.settle(self.learner, self.domain, self.memory, now, state)
        return state, reach


class Still(NamedTuple):
    """For lazy rules: a coordinate stays where it is while its gradient is zero."""

    def wake(
        self, learner: Any, domain: Any, memory: Any, now: Round, indices: Any, state: Coordinates, ahead: float
    ) -> float:
        return 0.0


class Drifting(NamedTuple):
    """For rules that shrink coordinates without a gradient and say by `idle` where many such rounds lead."""

    def wake(
        self, learner: Any, domain: Any, memory: Any, now: Round, indices: Any, state: Coordinates, ahead: float
    ) -> float:
        w = state.w
        total = 0.0
        for j in range(len(indices)):
            i = indices[j]
            x, s, paid = learner.idle(now, w[i, 0], load(w, i, memory))
            x = domain.clip(i, x)
            total += paid + ahead * abs(x)
            w[i, 0] = x
            store(w, i, s)
        return total


class Clipped(NamedTuple):
    """For products of intervals: clipping was all."""

    def settle(self, learner: Any, domain: Any, memory: Any, now: Round, state: Coordinates) -> None:
        return


class Euclidean(NamedTuple):
    """The Euclidean projection, for rules whose metric is the same for all coordinates."""

    def settle(self, learner: Any, domain: Any, memory: Any, now: Round, state: Coordinates) -> None:
        domain.project(state.w[:, 0])


class InMetric(NamedTuple):
    """The projection in the rule's own metric."""

    def settle(self, learner: Any, domain: Any, memory: Any, now: Round, state: Coordinates) -> None:
        w = state.w
        if not domain.holds(w[:, 0]):
            for i in range(len(w)):
                state.h[i] = learner.metric(now, load(w, i, memory))
            domain.project_diagonal(w[:, 0], state.h)


class Whole(NamedTuple):
    """A learner with an update of its own for the whole gradient."""

    learner: Any
    domain: Any
    sight: Any  # what it sees before it decides
    feedback: Any  # what it sees of the gradient

    def before(self, now: Round, a: Vector, state: Any) -> Any:
        return self.sight.look(self.learner, self.domain, now, a, state)

    def decision(self, state: Any) -> Vector:
        return state.x

    def norm2(self, q: float, square: float, a: Vector, state: Any) -> float:
        return q * q * square

    def step(self, now: Round, q: float, a: Vector, state: Any) -> tuple[Any, float]:
        state = self.learner.update(now, self.feedback.gradient(q, a), state, self.domain)
        return state, largest(state.x)


class Blind(NamedTuple):
    """For learners that decide before anything of the round is seen."""

    def look(self, learner: Any, domain: Any, now: Round, a: Vector, state: Any) -> Any:
        return state


class Foreseeing(NamedTuple):
    """For learners that are shown the features a_t before they decide."""

    def look(self, learner: Any, domain: Any, now: Round, a: Vector, state: Any) -> Any:
        return learner.foresee(now, a, state, domain)


class Full(NamedTuple):
    """The whole gradient g = q a."""

    def gradient(self, q: float, a: Vector) -> Vector:
        g = np.empty(len(a))
        for i in range(len(a)):
            g[i] = q * a[i]
        return g


class Bandit(NamedTuple):
    """Nothing but the loss: a gradient of NaN, so that no learner can look."""

    def gradient(self, q: float, a: Vector) -> Vector:
        return np.full(len(a), math.nan)


class WithPenalty(NamedTuple):
    """A player who gets a subgradient of f_t + psi: g = q a + psi'(x)."""

    player: Any
    penalty: Any

    def before(self, now: Round, a: Vector, state: Any) -> Any:
        return self.player.before(now, a, state)

    def decision(self, state: Any) -> Vector:
        return self.player.decision(state)

    def norm2(self, q: float, square: float, a: Vector, state: Any) -> float:
        x = self.player.decision(state)
        total = 0.0
        for i in range(len(a)):
            total += (q * a[i] + self.penalty.slope(x[i])) ** 2
        return total

    def step(self, now: Round, q: float, a: Vector, state: Any) -> tuple[Any, float]:
        x = self.player.decision(state)
        g = np.empty(len(a))
        for i in range(len(a)):
            g[i] = q * a[i] + self.penalty.slope(x[i])
        return self.player.step(now, 1.0, g, state)
