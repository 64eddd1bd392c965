"""Theorems as code: a bound is evaluated on a run, at every checkpoint, with the constants of its source."""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import numpy as np

from oco._cache import methods
from oco.protocols import Vector


class Bound(NamedTuple):
    """`value(part, run)` is the right-hand side at every checkpoint, shape (K,).

    kind: "data" (reads the gradients seen), "worst" (G, D and t alone), "trajectory" (audited runs; tightest), or
    "lower" (no learner has less regret; NaN where it does not apply). On bounded domains data and worst bounds hold
    against every comparator; elsewhere, and for trajectories, they are evaluated at the run's comparators.
    """

    name: str
    kind: str
    source: str
    value: Callable[[Any, Any], Vector]


Method = TypeVar("Method", bound=Callable[..., Vector])


def bound(name: str, kind: str, source: str) -> Callable[[Method], Method]:
    """Decorator: this method of a learner or stream is a theorem, evaluated on a run."""

    def mark(method: Method) -> Method:
        method.theorem = Bound(name, kind, source, method)  # type: ignore[attr-defined]
        return method

    return mark


def bounds_of(part: Any) -> list[Bound]:
    """The theorems of a learner or stream (or of its class), in the order in which they are written."""
    kind = part if isinstance(part, type) else type(part)
    return [member.theorem for member in methods(kind).values() if hasattr(member, "theorem")]


def lipschitz(run: Any) -> Vector:
    """G >= |g_s|_2 at every checkpoint: the stream's promise, or the largest gradient seen where there is none."""
    return np.full(len(run.t), run.promised) if np.isfinite(run.promised) else run.peak


def radius(run: Any) -> Vector:
    """max_u |x_1 - u|_2 over a bounded domain, else |x_1 - u|_2 at the comparator."""
    if run.domain.bounded:
        return np.full(len(run.t), run.domain.reach(run.start))
    return np.array([np.linalg.norm(u - _start(run, u)) for u in run.comparators])


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


def _start(run: Any, u: Vector) -> Vector:
    return run.start if len(run.start) == len(u) else run.domain.centre(len(u))


def trajectory(run: Any) -> Vector:
    """(1/2) sum_s |x_s - u|^2_{Gamma_s - Gamma_{s-1}} + (1/2) sum_s |g_s|^2_{Gamma_s^{-1}}, Gamma_0 = 0.

    What mirror descent, x_{s+1} = Proj^{Gamma_s}(x_s - Gamma_s^{-1} g_s), satisfies for any Gamma_s: the sum over the
    run from which its other bounds are derived.
    """
    values = np.empty(len(run.t))
    for k, (audit, u) in enumerate(zip(run.audit, run.comparators, strict=True)):
        quadratic = u @ audit.gamma @ u if audit.gamma.ndim == 2 else audit.gamma @ u**2
        values[k] = 0.5 * (audit.moved - 2.0 * audit.pull @ u + quadratic) + 0.5 * audit.spent
    return values


def minimax(run: Any) -> Vector:
    """D G sqrt(t) / (2 sqrt 2), which some linear losses force on any learner (Orabona 1912.13213, Theorem 5.1)."""
    return run.domain.diameter(run.d) * lipschitz(run) * np.sqrt(run.t) / (2.0 * np.sqrt(2.0))
