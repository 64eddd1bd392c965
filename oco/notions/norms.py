"""Regret against the comparators of a given norm, as a curve over it: what parameter-free learners adapt to."""

import math
from typing import Any

import numpy as np

from oco._threads import one_blas_thread
from oco._twins import settled
from oco.domains import Ball, Space
from oco.notions.rounds import Against, Rounds, rounding, rounds_of, theorems
from oco.regret import Run


def regret_by_norm(run: Run, norms: Any, precision: float = 1e-7) -> Against:
    """Regret of an audited play at its end against all |u|_2 <= r, for every r of `norms`, shape (len(norms),).

    On the whole space, or on a ball for r up to its radius. Linear losses: sum f_t(x_t) + r |sum g_t| exactly, which
    some |u|_2 = r attains; others as certified as run.regret is. comparator: the best points (len(norms), d);
    bounds: the learner's "norm" ones, against |u|_2 = r.
    """
    rounds, radii = rounds_of(run), np.atleast_1d(np.asarray(norms, dtype=float))
    domain = run.domain
    if not isinstance(domain, (Space, Ball)) or radii.ndim != 1 or not np.all(np.isfinite(radii) & (radii >= 0.0)):
        raise ValueError(f"norms {norms} on {type(domain).__name__}: need numbers >= 0, on Space or Ball")
    if isinstance(domain, Ball) and radii.max() > domain.radius:
        raise ValueError(f"norm {radii.max():g} is more than the ball's radius {domain.radius:g}")
    with settled(), one_blas_thread():
        found = [_best(rounds, float(r), precision) for r in radii]
    points, upper, lower = (np.array(part) for part in zip(*found, strict=True))
    total, slack = math.fsum(rounds.paid), rounding(rounds.paid)
    return Against(total - upper - slack, total - lower + slack, points, theorems(run, "norm", radii))


def _best(rounds: Rounds, radius: float, precision: float) -> tuple[Any, float, float]:
    """A point of norm at most `radius`, its loss from above, the least loss from below."""
    if radius > 0.0:
        best = rounds.best(1, len(rounds.paid), Ball(radius), precision)
        return best.x, best.upper, best.lower
    origin = np.zeros(rounds.a.shape[1])
    values = rounds.values(origin)
    total, slack = math.fsum(values), rounding(values)
    return origin, total + slack, total - slack
