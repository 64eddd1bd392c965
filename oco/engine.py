"""The compiled rounds: three loops (dense, sparse, adaptive) over three ways to apply a learner's update.

Everything here is plain Python that also runs uncompiled. A learner with a `rule` is held by ByRule, one with `update`
by Whole; the loops know only their methods.
The state of a rule is one array w (d, 1 + k): column 0 is x, the others what each coordinate remembers. It is
in Fortran order for dense rounds (columns apart, SIMD over coordinates) and in C order for sparse ones (a
coordinate's numbers side by side, one cache line a feature).
"""

import math
from typing import Any, NamedTuple

import numpy as np
from numba.core import types as nbtypes
from numba.np.unsafe.ndarray import to_fixed_tuple

from oco._jit import kernel, relaxed, specialise
from oco.projections import largest
from oco.protocols import Matrix, Round, Vector


class Ledger(NamedTuple):
    """The sums that regret and the data-dependent bounds read."""

    t: int  # rounds played
    loss: float  # sum_s f_s(x_s) since the sum was last taken out
    size: float  # sum_s |f_s(x_s)|, all rounds
    sumsq: float  # sum_s |g_s|_2^2
    faded: float  # sum_s |g_s|_2^2 / sqrt(s)
    peak: float  # max_s |g_s|_2^2
    reach: float  # max_s |x_s|_inf over x_1 .. x_{t+1}, to be relied on where no projection moves coordinates up


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

    def decision(self, state: Coordinates) -> Vector:
        return state.w[:, 0]

    def step(self, now: Round, q: float, a: Vector, state: Coordinates) -> tuple[Coordinates, float]:
        """One update with g = q a; returns the state and max_i |x_i|."""
        w = state.w
        for i in range(len(a)):
            x, s = self.learner.rule(now, q * a[i], w[i, 0], load(w, i, self.memory))
            w[i, 0] = self.domain.clip(i, x)
            store(w, i, s)
        self.projection.settle(self.learner, self.domain, self.memory, now, state)
        return state, largest(w[:, 0])

    def step_sparse(
        self, now: Round, q: float, indices: Any, values: Vector, state: Coordinates
    ) -> tuple[Coordinates, float]:
        """The same for g = q values at `indices`; the maximum is over these."""
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

    def decision(self, state: Any) -> Vector:
        return state.x

    def step(self, now: Round, q: float, a: Vector, state: Any) -> tuple[Any, float]:
        g = np.empty(len(a))
        for i in range(len(a)):
            g[i] = q * a[i]
        state = self.learner.update(now, g, state, self.domain)
        return state, largest(state.x)


@relaxed("reassoc", "contract", "nsz")
def _dot(a: Vector, x: Vector) -> tuple[float, float]:
    """<a, x> and |a|_2^2."""
    z = 0.0
    square = 0.0
    for i in range(len(a)):
        z += a[i] * x[i]
        square += a[i] * a[i]
    return z, square


@relaxed("reassoc", "contract", "nsz")
def _dot_sparse(a: Vector, indices: Any, x: Vector) -> tuple[float, float]:
    """<a, x> and |a|_2^2 for the entries a at `indices`."""
    z = 0.0
    square = 0.0
    for j in range(len(a)):
        z += a[j] * x[indices[j]]
        square += a[j] * a[j]
    return z, square


def _suffer(ledger: Ledger, value: float, slope: float, square: float) -> tuple[Round, Ledger]:
    norm2 = slope * slope * square
    t = ledger.t + 1
    sumsq = ledger.sumsq + norm2
    now = Round(t, value, norm2, sumsq)
    faded = ledger.faded + norm2 / math.sqrt(t)
    peak = max(ledger.peak, norm2)
    return now, Ledger(t, ledger.loss + value, ledger.size + abs(value), sumsq, faded, peak, ledger.reach)


def _moved(ledger: Ledger, reach: float) -> Ledger:
    reach = max(ledger.reach, reach)
    return Ledger(ledger.t, ledger.loss, ledger.size, ledger.sumsq, ledger.faded, ledger.peak, reach)


@kernel
def dense_rounds(player: Any, loss: Any, state: Any, ledger: Ledger, a: Matrix, y: Vector) -> Any:
    """Play the rows of `a`; stops after a round whose loss or gradient is not finite."""
    for r in range(len(y)):
        z, square = _dot(a[r], player.decision(state))
        q = loss.slope(z, y[r])
        now, ledger = _suffer(ledger, loss.value(z, y[r]), q, square)
        if not math.isfinite(now.loss + now.norm2):
            break
        state, reach = player.step(now, q, a[r], state)
        ledger = _moved(ledger, reach)
    return state[:], ledger[:]


@kernel
def sparse_rounds(
    player: Any, loss: Any, state: Any, ledger: Ledger, indptr: Any, indices: Any, values: Vector, y: Vector
) -> Any:
    """Play rows in compressed form, at O(non-zeros) a round where the domain allows it."""
    for r in range(len(y)):
        x = player.decision(state)
        row = indices[indptr[r] : indptr[r + 1]]
        a = values[indptr[r] : indptr[r + 1]]
        z, square = _dot_sparse(a, row, x)
        q = loss.slope(z, y[r])
        now, ledger = _suffer(ledger, loss.value(z, y[r]), q, square)
        if not math.isfinite(now.loss + now.norm2):
            break
        state, reach = player.step_sparse(now, q, row, a, state)
        ledger = _moved(ledger, reach)
    return state[:], ledger[:]


@kernel
def adaptive_rounds(
    player: Any, loss: Any, stream: Any, state: Any, ledger: Ledger, rng: Any, memory: Vector, a: Matrix, y: Vector
) -> Any:
    """Play against an adversary that sees x_t; its choices are left in the rows of `a` and in y."""
    for r in range(len(y)):
        x = player.decision(state)
        y[r] = stream.reveal(ledger.t + 1, x, rng, memory, a[r])
        z, square = _dot(a[r], x)
        q = loss.slope(z, y[r])
        now, ledger = _suffer(ledger, loss.value(z, y[r]), q, square)
        if not math.isfinite(now.loss + now.norm2):
            break
        state, reach = player.step(now, q, a[r], state)
        ledger = _moved(ledger, reach)
    return state[:], ledger[:]


@kernel
def one_step(player: Any, now: Round, g: Vector, state: Any) -> Any:
    """One update with a given gradient."""
    state, _ = player.step(now, 1.0, g, state)
    return state[:]


@kernel
def metrics(player: Any, now: Round, state: Coordinates, h: Vector) -> None:
    """The rule's metric Gamma_i at every coordinate, written to h."""
    for i in range(len(h)):
        h[i] = player.learner.metric(now, load(state.w, i, player.memory))
