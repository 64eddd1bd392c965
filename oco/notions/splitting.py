"""The best path of at most a given length by the alternating direction method of multipliers (Boyd et al. 2011).

Every term of the sum gets a copy of what it reads of the path u, and its own multiplier: the steps of all terms are
proximal, and u solves a banded linear system. Multipliers make tangents and p for the bound of oco.notions.paths.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from oco.domains import Box, Simplex
from oco.notions.paths import Enclosure, lengthwise, program
from oco.notions.rounds import Rounds, projected
from oco.protocols import Matrix, Vector

STEPS = 5000
PROGRAM = 10_000  # numbers u_{t,i} up to which a linear program is solved
LOOK = 20  # steps between two looks at the enclosure
RELAXATION = 1.6


def enclose(rounds: Rounds, length: float, norm: int, precision: float) -> Enclosure:
    """The best path of at most this length, and what none can do better than."""
    at = Enclosure(rounds, length, norm)
    if rounds.linear and norm == 1 and isinstance(rounds.domain, (Box, Simplex)) and rounds.a.size <= PROGRAM:
        program(at)
    else:
        alternate(at, precision)
    return at


@dataclass
class Split:
    """One term phi(K u) of the sum: `point` stands for K u, `dual` is its scaled multiplier."""

    forward: Callable[[Matrix], Any]  # K
    adjoint: Callable[[Any], Matrix]  # K^T
    nearest: Callable[[Any, float], Any]  # argmin_v phi(v) + rho |v - .|^2 / 2
    rho: float
    point: Any
    dual: Any = 0.0
    far: float = 0.0  # residuals, relative
    turned: float = 0.0

    def step(self, u: Matrix) -> None:
        image, before = self.forward(u), self.point
        relaxed = RELAXATION * image + (1.0 - RELAXATION) * before
        self.point = self.nearest(relaxed + self.dual, self.rho)
        self.dual = self.dual + relaxed - self.point
        size = max(np.linalg.norm(image), np.linalg.norm(self.point))
        pull = np.linalg.norm(self.adjoint(self.dual))
        self.far = float(np.linalg.norm(image - self.point) / (size + 1e-300))
        self.turned = float(np.linalg.norm(self.adjoint(self.point - before)) / (pull + 1e-300))

    def balance(self) -> None:
        """Weight the two residuals alike."""
        factor = float(np.clip(math.sqrt(self.far / self.turned), 0.1, 10.0)) if self.far * self.turned > 0.0 else 1.0
        self.rho *= factor
        self.dual = self.dual / factor


def alternate(at: Enclosure, precision: float) -> None:
    """Split u = x in X, u_t - u_{t-1} = w_t with sum |w_t| <= P, <a_t, u_t> = z_t in the loss, u = r in psi."""
    rounds = at.rounds
    fixed = rounds.best(1, len(rounds.y))
    start = np.tile(fixed.x, (len(rounds.y), 1))
    at.offer(start)
    if at.length == 0.0:
        at.lower = fixed.lower
        return
    splits = _splits(at, start)
    solve, balanced = _system(rounds, splits), LOOK
    for k in range(1, STEPS + 1):
        pulled = sum((s.rho * s.adjoint(s.point - s.dual) for s in splits.values()), start=np.zeros_like(start))
        u = solve(pulled - rounds.a if rounds.linear else pulled)
        for split in splits.values():
            split.step(u)
        if k % LOOK == 0:
            _look(at, splits)
            if at.done(precision):
                return
        if k == balanced:
            for split in splits.values():
                split.balance()
            solve, balanced = _system(rounds, splits), 2 * balanced


def _splits(at: Enclosure, start: Matrix) -> dict[str, Split]:
    """The terms of the sum, each with a weight of the units and about the size of the best one."""
    rounds, (t, d) = at.rounds, start.shape
    l1, l2 = rounds.penalty
    wide = float(rounds.domain.diameter(d)) or 1.0
    thick = float(np.linalg.norm(rounds.a)) / math.sqrt(t) or 1.0
    steep = float(np.linalg.norm(rounds.gradients(start))) / math.sqrt(t) or thick
    rho, still = steep / wide, np.zeros((t - 1, d))

    def near_loss(v: Vector, rho: float) -> Vector:
        return np.asarray(v - rounds.tangents(v, 1.0 / rho)[3] / rho)

    def near_penalty(v: Matrix, rho: float) -> Matrix:
        return np.asarray(np.sign(v) * np.maximum(np.abs(v) - l1 / rho, 0.0) / (1.0 + l2 / rho))

    splits = {
        "x": Split(_same, _same, lambda v, rho: projected(rounds.domain, v), rho, start),
        "w": Split(_steps, lengthwise, lambda v, rho: shortened(v, at.length, at.norm), math.sqrt(t) * rho, still),
    }
    if not rounds.linear:
        back = rounds.a
        splits["z"] = Split(
            rounds.margins, lambda s: s[:, None] * back, near_loss, rho / thick**2, rounds.margins(start)
        )
    if l1 > 0.0 or l2 > 0.0:
        splits["r"] = Split(_same, _same, near_penalty, rho, start)
    return splits


def _same(u: Matrix) -> Matrix:
    return u


def _steps(u: Matrix) -> Matrix:
    return np.diff(u, axis=0)


def _look(at: Enclosure, splits: dict[str, Split]) -> None:
    """The path that w makes, and the tangents and multipliers as they stand."""
    rounds, x, w = at.rounds, splits["x"].point, splits["w"]
    walk = np.concatenate([np.zeros((1, x.shape[1])), np.cumsum(w.point, axis=0)])
    at.offer((x - walk).mean(axis=0) + walk)  # projections do not lengthen it in the 2-norm
    c, h = np.zeros(len(x)), rounds.a
    if "z" in splits:
        z = splits["z"]
        v = z.point + z.dual
        tangents = rounds.tangents(v, 1.0 / z.rho)
        c, h = tangents[2], tangents[3][:, None] * rounds.a
    if "r" in splits:
        r = splits["r"]
        slope = np.clip(r.rho * r.dual - rounds.penalty.l2 * r.point, -rounds.penalty.l1, rounds.penalty.l1)
        slope = np.where(r.point != 0.0, np.sign(r.point) * rounds.penalty.l1, slope) + rounds.penalty.l2 * r.point
        c, h = c + rounds.psi(r.point) - (slope * r.point).sum(axis=1), h + slope
    at.prove(c, h, w.rho * w.dual)


def shortened(w: Matrix, length: float, norm: int) -> Matrix:
    """The nearest steps with sum |w_s| <= length: lengths (or entries, for the 1-norm) shrink by a common amount."""
    sizes = np.linalg.norm(w, axis=1, keepdims=True) if norm == 2 else np.abs(w)
    if sizes.sum() <= length:
        return w
    falling = np.sort(sizes, axis=None)[::-1]
    cuts = (np.cumsum(falling) - length) / np.arange(1, len(falling) + 1)
    cut = cuts[np.flatnonzero(falling > cuts)[-1]] if length > 0.0 else falling[0]
    return np.asarray(w * np.maximum(1.0 - cut / np.maximum(sizes, 1e-300), 0.0))


def _system(rounds: Rounds, splits: dict[str, Split]) -> Callable[[Matrix], Matrix]:
    """u with sum_K rho K^T K u = b: tridiagonal by coordinate, or blocks of d where margins couple coordinates."""
    from scipy.linalg import cho_solve_banded, cholesky_banded

    t, d = rounds.a.shape
    across = splits["w"].rho
    own = sum(splits[name].rho for name in ("x", "r") if name in splits)
    neighbours = np.full(t, 2.0) - (np.arange(t) == 0) - (np.arange(t) == t - 1)
    middle = own + across * neighbours
    if "z" not in splits:
        band = np.stack([np.full(t, -across), middle])
        factor = cholesky_banded(band, check_finite=False)
        return lambda b: np.asarray(cho_solve_banded((factor, False), b, check_finite=False))
    blocks = splits["z"].rho * rounds.a[:, :, None] * rounds.a[:, None, :]
    blocks[:, np.arange(d), np.arange(d)] += middle[:, None]
    band = np.zeros((d + 1, t, d))
    band[0] = -across
    for k in range(d):
        band[d - k, :, k:] = np.diagonal(blocks, offset=k, axis1=1, axis2=2)
    factor = cholesky_banded(band.reshape(d + 1, t * d), check_finite=False)
    return lambda b: np.asarray(cho_solve_banded((factor, False), b.ravel(), check_finite=False)).reshape(t, d)
