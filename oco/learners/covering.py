"""Geometric covering intervals, and a base learner that is restarted on each of them.

Level k = 0, 1, ... has the intervals [i 2^k, (i + 1) 2^k - 1], i >= 1: in round t one interval a level is running, that
of level k since round t - t mod 2^k, for all 2^k <= t. Every interval of rounds is a union of at most 2 log2(T) of
them (Daniely, Gonen and Shalev-Shwartz 2015). Base learners have a rule and a metric, and see every gradient.
"""

import dataclasses
from typing import Any

import numpy as np

from oco.bounds import bounds_of
from oco.fit import tuned
from oco.learners.ogd import OGDSqrt
from oco.projections import dot
from oco.protocols import Round, Setting, Vector
from oco.updates.coordinates import load, store


def beginning(base: Any, x: Vector) -> tuple[Vector, Any]:
    """The numbers (d, 1 + k) of a base learner at the start x, and the shape of what a coordinate remembers."""
    if not (hasattr(base, "rule") and hasattr(base, "metric")):
        raise TypeError(f"base: {type(base).__name__} must be a learner with rule(now, g, x, s) and metric(now, s)")
    memory = base.memory(x) if hasattr(base, "memory") else 0.0
    columns = memory if isinstance(memory, tuple) else (memory,)
    fresh = np.array([np.broadcast_to(column, len(x)) for column in (x, *columns)]).T
    return np.ascontiguousarray(fresh), tuple(0.0 for _ in memory) if isinstance(memory, tuple) else 0.0


def starting(t: int) -> int:
    """How many levels begin an interval in round t: those with 2^k dividing t."""
    count = 1
    while t % 2**count == 0:
        count += 1
    return count


def advance(base: Any, domain: Any, now: Round, g: Vector, w: Any, sumsq: Vector, memory: Any) -> None:
    """Update the base learner of every level, w (K, d, 1 + k); its rounds count from the start of its interval."""
    h = np.empty(len(g))
    norm2 = dot(g, g)
    for k in range(len(w)):
        sumsq[k] += norm2
        own = Round(now.t % 2**k + 1, now.loss, norm2, sumsq[k], now.l1, now.l2)
        for i in range(len(g)):
            x, s = base.rule(own, g[i], w[k, i, 0], load(w[k], i, memory))
            w[k, i, 0] = x
            store(w[k], i, s)
            h[i] = base.metric(own, s)
        domain.project_diagonal(w[k, :, 0], h)


def restart(t: int, w: Any, sumsq: Vector, fresh: Any) -> tuple[Any, Vector]:
    """Begin the intervals of round t afresh; there is one level more when t is a power of two."""
    if t == 2 ** len(w):
        w = np.concatenate((w, np.expand_dims(fresh, 0)))
        sumsq = np.append(sumsq, 0.0)
    for k in range(starting(t)):
        sumsq[k] = 0.0
        for i in range(len(fresh)):
            for j in range(fresh.shape[1]):
                w[k, i, j] = fresh[i, j]
    return w, sumsq


def combine(x: Vector, w: Any, fresh: Any, p: Vector) -> None:
    """x = sum_k p_k w_k / sum_k p_k over the decisions w_k of the base learners; where all are equal, exactly that."""
    total = 0.0
    for k in range(len(p)):
        total += p[k]
    for i in range(len(x)):
        x[i] = fresh[i, 0]
        for k in range(len(p)):
            x[i] += p[k] / total * (w[k, i, 0] - fresh[i, 0])


def gain(g: Vector, x: Vector, other: Vector, size: float) -> float:
    """<g, x - other> / size."""
    total = 0.0
    for i in range(len(x)):
        total += g[i] / size * (x[i] - other[i])
    return total


def with_base(learner: Any, setting: Setting) -> Any:
    """A meta-learner (base, lipschitz, diameter) with what it was given, and the game's where it was given nothing."""
    base, lipschitz, diameter = learner
    lipschitz = setting.lipschitz if lipschitz is None else lipschitz
    diameter = setting.domain.diameter(setting.d) if diameter is None else diameter
    setting.need(diameter=diameter, lipschitz=lipschitz)
    base = OGDSqrt() if base is None else base
    base = tuned(base, setting._replace(lipschitz=lipschitz))
    return learner._replace(base=base, lipschitz=lipschitz, diameter=diameter)


def cover(first: int, last: int) -> list[tuple[int, int]]:
    """The intervals of which [first, last] is made up, in order."""
    first, last, parts = int(first), int(last), []
    while first <= last:
        size = first & -first  # the largest power of two that divides it
        while first + size - 1 > last:
            size //= 2
        parts.append((first, first + size - 1))
        first += size
    return parts


def base_bounds(base: Any, run: Any, rounds: int, lipschitz: float) -> Vector:
    """The base learner's own bound after 1, ..., `rounds` rounds with |g| <= lipschitz, from its start."""
    facts = {"promised": np.inf, "peak": np.full(rounds, lipschitz), "dimension": np.full(rounds, run.d)}
    game = dataclasses.replace(run, t=np.arange(1, rounds + 1), learner=base, tally={}, **facts)
    return np.min([b.value(base, game) for b in bounds_of(base) if b.kind == "worst"], axis=0)


def gains(run: Any, first: int, last: int, size: float) -> Vector:
    """<g_s, x_s - w_s> / size in the rounds of one covering interval of an audited run, w_s its base's decisions."""
    level = (last - first + 1).bit_length() - 1
    decisions = [run.history.states[s - 2].w[level, :, 0] if s > 1 else run.start for s in range(first, last + 1)]
    rows = slice(first - 1, last)
    return ((run.history.x[rows] - np.array(decisions)) * run.history.g[rows]).sum(axis=1) / size
