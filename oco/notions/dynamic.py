"""Dynamic regret: against a path of comparators, one a round, and against the best path of a given length."""

import math
from typing import Any

from oco._threads import one_blas_thread
from oco._twins import settled
from oco.notions.rounds import Against, against, checked_path, rounding, rounds_of, theorems
from oco.notions.splitting import enclose
from oco.regret import Run


def dynamic_regret(run: Run, path: Any) -> Against:
    """sum_t f_t(x_t) - f_t(u_t) of an audited play for any path u (T, d) in the domain; one point (d,) stays put.

    The interval is rounding alone. bounds: the learner's "dynamic" ones for this path.
    """
    rounds, u = rounds_of(run), checked_path(run, path)
    values = rounds.values(u)
    total, slack = math.fsum(values), rounding(values, rounds.a * u)
    return against(rounds.paid, total + slack, total - slack, u, theorems(run, "dynamic", u))


def best_path_regret(run: Run, length: float, norm: int = 2, precision: float = 1e-3) -> Against:
    """Regret against the best path of length sum_{s >= 2} |u_s - u_{s-1}|_norm <= length, on a bounded domain.

    norm: 2 or 1. The interval is narrowed to `precision` times the regret where that can be reached; linear losses
    with the 1-norm on a box or the simplex are solved to rounding while T d <= 10,000. comparator: the path found
    (T, d), whose regret is `low`; bounds: the learner's "dynamic" ones for it.
    """
    who = type(run.domain).__name__
    if not run.domain.bounded:
        raise ValueError(f"the best path on {who} is not certified: choose a bounded domain")
    if norm not in (1, 2) or not length >= 0.0:
        raise ValueError(f"path length {length} in the {norm}-norm: need length >= 0 and norm 1 or 2")
    rounds = rounds_of(run)
    with settled(), one_blas_thread():
        found = enclose(rounds, length, norm, precision)
    return against(rounds.paid, found.upper, found.lower, found.path, theorems(run, "dynamic", found.path))
