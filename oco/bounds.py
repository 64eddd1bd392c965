"""Theorems as code: a bound is evaluated on a run, at every checkpoint, with the constants of its source."""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import numpy as np

from oco._fingerprint import methods
from oco.protocols import Vector

HUGE = 1e300  # the ratio of a regret to a bound of zero that it exceeds
ROOM = 1e-9  # of the bound, and of one unit, that rounding may add


class Bound(NamedTuple):
    """`value(part, run)` is the right-hand side at every checkpoint, shape (K,).

    kind: "data" (reads the gradients seen), "worst" (G, D and t alone), "trajectory" (audited runs; tightest),
    "expected" (of the mean over the learner's own randomness), "lower" (no learner has less regret; NaN where it does
    not apply), "expected-lower" (none has less in the mean over the stream's randomness). On bounded domains data and
    worst bounds hold against every comparator; elsewhere, and for trajectories, they are evaluated at the run's
    comparators. Some kinds take one thing more: "dynamic" value(part, run, path) with a path (T, d) of comparators, a
    number; "switching" value(part, run, m) for m switches, (K,); "interval" value(part, run, first, last) for the
    regret in the rounds first .. last, a number; "norm" value(part, run, norms) against |u|_2 = norm at the end.

    assumes: what must hold for it beside the learner's protocol; checked on the run, infinite where it does not.
    """

    name: str
    kind: str
    source: str
    value: Callable[..., Any]
    assumes: str = ""


Method = TypeVar("Method", bound=Callable[..., Any])


def bound(name: str, kind: str, source: str, assumes: str = "") -> Callable[[Method], Method]:
    """Decorator: this method of a learner or stream is a theorem, evaluated on a run."""

    def mark(method: Method) -> Method:
        method.theorem = Bound(name, kind, source, method, assumes)  # type: ignore[attr-defined]
        return method

    return mark


def provided(value: Any, *conditions: Any) -> Vector:
    """`value` where all conditions hold, infinity elsewhere: a bound whose assumptions were found broken."""
    held = np.logical_and.reduce(np.broadcast_arrays(*conditions))
    return np.where(held, value, np.inf)


def at_most(seen: Any, constant: float) -> Any:
    """Whether what was seen, a computed norm, keeps the constant that a bound assumes; rounding errors are forgiven."""
    return seen <= constant * (1.0 + 1e-12)


def bounds_of(part: Any) -> list[Bound]:
    """The theorems of a learner or stream (or of its class), in the order in which they are written."""
    kind = part if isinstance(part, type) else type(part)
    return [member.theorem for member in methods(kind).values() if hasattr(member, "theorem")]


def ratios(regret: Any, bound: Any, unit: float = 1.0) -> Vector:
    """regret / bound, above 1 only where the bound is exceeded by more than rounding.

    A bound that is next to zero, in units of what a round may cost, is held to the difference: -infinity where it is
    kept.
    """
    regret, bound = np.broadcast_arrays(np.asarray(regret, dtype=float), np.asarray(bound, dtype=float))
    room = ROOM * (unit + np.abs(bound))
    ratio = np.divide(regret, bound, out=np.full(bound.shape, -np.inf), where=bound > room)
    exceeded = np.divide(regret, bound, out=np.full(bound.shape, HUGE), where=bound > 0.0)
    # An identity comes out above 1 by rounding, the more the smaller it is.
    return np.where(regret > bound + room, exceeded, np.minimum(ratio, 1.0))


def lipschitz(run: Any) -> Vector:
    """G >= |g_s|_2 at every checkpoint: the stream's promise, or the largest gradient seen where there is none."""
    return np.full(len(run.t), run.promised) if np.isfinite(run.promised) else run.peak


def radius(run: Any) -> Vector:
    """max_u |x_1 - u|_2 over a bounded domain, else |x_1 - u|_2 at the comparator."""
    if run.domain.bounded:
        return np.full(len(run.t), run.domain.reach(run.start))
    return np.array([np.linalg.norm(u - run.start[: len(u)]) for u in run.comparators])


def span(run: Any) -> Vector:
    """D >= max_s |x_s - u|_2: the diameter of a bounded domain, else from the largest coordinate ever played."""
    if run.domain.bounded:
        return np.full(len(run.t), run.domain.diameter(run.d))
    return np.array([np.sqrt(len(u)) * r + np.linalg.norm(u) for u, r in zip(run.comparators, run.reach, strict=True)])


def width(run: Any) -> Vector:
    """max_s |x_s - u|_inf, or a bound on it: the widest coordinate of a bounded domain."""
    if run.domain.bounded:
        return np.full(len(run.t), run.domain.widths(run.d).max())
    return np.array([r + np.abs(u).max() for u, r in zip(run.comparators, run.reach, strict=True)])


def trajectory(run: Any) -> Vector:
    """(1/2) sum_s |x_s - u|^2_{Gamma_s - Gamma_{s-1}} + (1/2) sum_s |g_s|^2_{Gamma_s^{-1}}, Gamma_0 = 0.

    What mirror descent, x_{s+1} = Proj^{Gamma_s}(x_s - Gamma_s^{-1} g_s), satisfies for any Gamma_s: the sum over the
    run from which its other bounds are derived.
    """
    played = run.history
    change = np.diff(played.gamma, axis=0, prepend=np.zeros_like(played.gamma[:1]))
    if played.gamma.ndim == 3:
        inverse = np.linalg.pinv(played.gamma, hermitian=True)
        spent = np.einsum("ti,tij,tj->t", played.g, inverse, played.g)
    else:
        steps = np.divide(1.0, played.gamma, out=np.zeros_like(played.gamma), where=played.gamma > 0.0)
        spent = ((played.g * np.sqrt(steps)) ** 2).sum(axis=1)  # g^2 alone could overflow
    values = np.empty(len(run.t))
    for k, (t, u) in enumerate(zip(run.t, run.comparators, strict=True)):
        gap = played.x[:t] - np.pad(u, (0, run.d - len(u)))
        form = "ti,tij,tj->" if played.gamma.ndim == 3 else "ti,ti,ti->"
        values[k] = 0.5 * np.einsum(form, gap, change[:t], gap) + 0.5 * spent[:t].sum()
    return values


def minimax(run: Any) -> Vector:
    """D G sqrt(t) / (2 sqrt 2), which some linear losses force on any learner (Orabona 1912.13213, Theorem 5.1)."""
    return run.domain.diameter(run.d) * lipschitz(run) * np.sqrt(run.t) / (2.0 * np.sqrt(2.0))
