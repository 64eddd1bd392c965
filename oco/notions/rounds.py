"""An audited play as the finer regrets read it: f_t at any path, its subgradients, and rows of a domain."""

import math
from typing import Any, NamedTuple

import numpy as np

from oco._jit import kernel
from oco._twins import twin
from oco.bounds import bounds_of
from oco.domains import Ball, Box, L1Ball, Simplex, Space
from oco.hindsight.bracket import Best
from oco.hindsight.comparators import Hindsight
from oco.hindsight.measures import ByBisection, measure
from oco.losses import Linear
from oco.penalty import NONE, Penalty
from oco.protocols import Dense, Matrix, Vector
from oco.regret import SUM_SLACK, Run


class Against(NamedTuple):
    """low <= regret <= high against the comparators of one notion: numbers, or arrays with an entry each.

    Negative where the learner did better than they. Both ends allow for rounding.
    """

    low: Any
    high: Any
    comparator: Any  # the best that was found: `low` is the regret against it
    bounds: dict[str, Any]  # by name: the learner's theorems about this notion, for the same comparators

    @property
    def middle(self) -> Any:
        return (self.low + self.high) / 2.0

    @property
    def width(self) -> Any:
        return self.high - self.low


class Rounds(NamedTuple):
    """T rounds of f_t(u) = loss(<a_t, u>, y_t) + psi(u) on a domain, and what the learner paid."""

    paid: Vector  # (T,) f_t(x_t)
    x: Matrix  # (T, d) its decisions
    a: Matrix  # (T, d)
    y: Vector  # (T,)
    loss: Any
    penalty: Penalty
    domain: Any

    @property
    def linear(self) -> bool:
        return isinstance(self.loss, Linear) and self.penalty == NONE

    def margins(self, path: Matrix) -> Vector:
        """<a_t, u_t> for a path (T, d), or for one point (d,) in all rounds."""
        return self.a @ path if path.ndim == 1 else np.einsum("td,td->t", self.a, path)

    def tangents(self, z: Vector, mu: float = 0.0) -> Matrix:
        """Rows f(z), its envelope, f(p) - s p, s (a subgradient at p = prox(z), or at z for mu = 0), nothing."""
        out = np.zeros((5, len(z)))
        if isinstance(self.loss, Linear):
            out[0], out[1], out[3] = z, z - 0.5 * mu, 1.0
        else:
            part = self.loss if hasattr(self.loss, "prox") else ByBisection(self.loss)
            measure(twin(part), z, self.y, mu, 0.0, out)
        return out

    def values(self, path: Matrix) -> Vector:
        """f_t(u_t)."""
        return np.asarray(self.tangents(self.margins(path))[0] + self.psi(path))

    def gradients(self, path: Matrix) -> Matrix:
        """A subgradient of f_t at u_t, (T, d)."""
        z = self.a @ path if path.ndim == 1 else np.einsum("td,td->t", self.a, path)
        return np.asarray(
            self.tangents(z)[3][:, None] * self.a + self.penalty.l1 * np.sign(path) + self.penalty.l2 * path
        )

    def psi(self, path: Matrix) -> Any:
        """The penalty of every decision of a path."""
        return self.penalty.l1 * np.abs(path).sum(axis=-1) + 0.5 * self.penalty.l2 * (path**2).sum(axis=-1)

    def best(self, first: int, last: int, domain: Any = None, precision: float = 1e-7) -> Best:
        """The best fixed decision of rounds first .. last (from 1, both included), certified."""
        hindsight = Hindsight(self.loss, self.domain if domain is None else domain, penalty=self.penalty)
        hindsight.see(Dense(np.ascontiguousarray(self.a[first - 1 : last]), self.y[first - 1 : last].copy()))
        hindsight.mark()
        return hindsight.solve(precision)[-1]


def rounds_of(run: Run) -> Rounds:
    """What an audited play kept, up to its last checkpoint."""
    if run.history is None:
        raise ValueError(f"{run.name}: the rounds were not kept: oco.play(..., audit=True)")
    paid, x, a, y = (part[: run.rounds] for part in (run.history.loss, run.history.x, run.history.a, run.history.y))
    return Rounds(paid, x, a, y, run.loss_function, run.penalty, run.domain)


def against(paid: Vector, upper: float, lower: float, comparator: Any, bounds: dict[str, Any]) -> Against:
    """The regret of a learner that paid these losses where the comparators' best is enclosed."""
    total, slack = math.fsum(paid), rounding(paid)
    return Against(total - upper - slack, total - lower + slack, comparator, bounds)


def rounding(*values: Any) -> float:
    """What rounding may hide in the sum of these numbers."""
    return SUM_SLACK * float(sum(np.abs(part[np.isfinite(part)]).sum() for part in values))


def theorems(run: Run, kind: str, *what: Any) -> dict[str, Any]:
    """The learner's bounds of this kind, by name, for the comparators that `what` describes."""
    return {b.name: b.value(run.learner, run, *what) for b in bounds_of(run.learner) if b.kind == kind}


def supports(domain: Any, c: Matrix) -> Vector:
    """max_{u in X} <c_t, u> for every row of c."""
    match domain:
        case Space():
            return np.where(c.any(axis=1), np.inf, 0.0)
        case Box():
            return np.asarray(np.where(c > 0.0, c * domain.upper, c * domain.lower).sum(axis=1))
        case Ball():
            return np.asarray(domain.radius * np.linalg.norm(c, axis=1))
        case L1Ball():
            return np.asarray(domain.radius * np.abs(c).max(axis=1))
        case Simplex():
            return np.asarray(c.max(axis=1))
    return np.array([domain.support(row) for row in c])


@kernel
def _project_rows(domain: Any, x: Matrix) -> None:
    for t in range(len(x)):
        domain.project(x[t])


def projected(domain: Any, x: Matrix) -> Matrix:
    """Every row's nearest point of the domain, in a new array."""
    if isinstance(domain, Box):
        return np.clip(x, domain.lower, domain.upper)
    nearest = np.array(x, dtype=float, order="C")
    _project_rows(domain, nearest)
    return nearest


def checked_path(run: Run, path: Any) -> Matrix:
    """A path (T, d), or one point (d,) for all rounds, whose points all lie in the domain."""
    given = np.asarray(path, dtype=float)
    u = np.array(np.broadcast_to(given, (run.rounds, run.d)) if given.shape == (run.d,) else given)
    if u.shape != (run.rounds, run.d):
        raise ValueError(f"the path has shape {u.shape}, not {(run.rounds, run.d)}: one point a round")
    for t, point in enumerate(u, 1):
        if not run.domain.contains(point):
            raise ValueError(f"the path leaves {type(run.domain).__name__} in round {t}")
    return u


def path_length(path: Matrix, norm: int = 2) -> float:
    """sum_{s >= 2} |u_s - u_{s-1}|, in the 2-norm or the 1-norm."""
    return math.fsum(np.linalg.norm(np.diff(path, axis=0), ord=norm, axis=1))
