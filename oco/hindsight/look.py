"""One pass over the rounds at a point x: F(x), its gradient and curvature, smoothed or not, and what they prove."""

import math
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from oco.hindsight.measures import loss_values, measure
from oco.hindsight.sums import (
    ROUNDING,
    Products,
    add_gradient,
    add_hessian,
    chunks,
    columns,
    margins,
    stiffer,
)
from oco.penalty import Penalty
from oco.protocols import Block, Dense, Vector

MATRIX_COLUMNS = 800  # up to here curvature is a d x d matrix


class Look(NamedTuple):
    """One pass over the rounds at x: everything that solvers and certificate need."""

    value: float  # F(x)
    smooth: float  # F_mu(x), the sum of the Moreau envelopes
    dual: float  # sum_t f(p_t) - s_t p_t
    g: Vector  # (d,): A^T s, the gradient of F_mu
    h: Any  # (d, d), or Products for large d: A^T diag(w) A, w_t a secant slope of s_t; None if not asked for
    terms: float  # sum of sizes of what was added for value and dual
    pull: float  # |s|_2 |A|_F >= sum_t |s_t| |a_t|_2, of which rounding spoils g by a small part


def look(loss: Any, blocks: Iterable[Block], x: Vector, mu: float, width: float, anchor: Vector, keep: bool) -> Look:
    """One pass over the rounds: margins, losses, gradient, and for width > 0 the curvature.

    anchor: a slope of each round, around which it is smoothed, replaced by the slope found if that is to be kept; or
    empty for zeros. A smoothed loss is max_s s z - f*(s) - mu (s - anchor)^2 / 2: with zeros the Moreau envelope, with
    the slopes at a minimiser of F a function of the same minimiser, whatever mu. So the minimiser of F_mu comes close
    to that of F before mu is tiny: the method of multipliers (Rockafellar 1976).
    """
    g = np.zeros(len(x))
    h: Any = None
    if width > 0.0:
        small = len(x) <= MATRIX_COLUMNS
        h = np.zeros((len(x), len(x))) if small else Products([], np.zeros(len(x)))
    sums, t = [], 0
    for block in blocks:
        z = margins(block, x)
        out = np.empty((5, len(z)))
        part = anchor[t : t + len(z)]
        t += len(z)
        if mu > 0.0 and len(part):
            measure(loss, z + mu * part, block.y, mu, width, out)
            loss_values(loss, z, block.y, out[0])
        else:
            measure(loss, z, block.y, mu, width, out)
        if keep and len(part):
            part[:] = out[3]
        if np.isnan(out[:4].sum()) and np.isnan(out[:4]).any():
            i = int(np.isnan(out[:4]).any(axis=0).argmax())
            raise ValueError(f"the loss is not a number at margin {z[i]:g}, label {block.y[i]:g}, or its slope is not")
        add_gradient(block, out[3], g)
        if isinstance(h, Products):
            h.rows.append((block, out[4]))
        elif h is not None:
            add_hessian(block, out[4], h)
        entries = block.a.ravel() if isinstance(block, Dense) else block.values[block.indptr[0] : block.indptr[-1]]
        entries = entries.astype(float, copy=False)
        sizes = np.abs(out[0]).sum() + np.abs(out[2]).sum()
        with np.errstate(over="ignore"):  # slopes at the edge of where the loss is finite
            sums.append((*out[:3].sum(axis=1), sizes, out[3] @ out[3], entries @ entries))
    value, smooth, dual, terms, slopes, squares = (math.fsum(column) for column in zip(*sums, strict=True))
    return Look(value, smooth, dual, g, h, terms, math.sqrt(slopes * squares))


def penalised(look: Look, weight: Penalty, x: Vector, mu: float, anchor: Vector, keep: bool) -> Look:
    """The pass for F + psi at x, where psi = `weight` is the penalty of all rounds together.

    psi's part of the dual point: l2 x, and for l1 the slopes of the envelope of l1 |.| around the anchor (d,), with a
    smoothing that costs about as much as mu does in a round; for mu = 0 the subgradient at 0 that makes the whole
    smallest.
    """
    l1, l2 = weight
    if l1 == 0.0:
        square = 0.5 * l2 * float(x @ x)
        return look._replace(
            value=look.value + square,
            smooth=look.smooth + square,
            dual=look.dual - square,
            g=look.g + l2 * x,
            h=look.h if look.h is None else stiffer(look.h, np.full(len(x), l2)),
            terms=look.terms + 2.0 * square,
            pull=look.pull + l2 * float(np.linalg.norm(x)),
        )
    smoothing = mu / max(1.0, l1)
    if smoothing > 0.0:
        moved = x + smoothing * anchor
        p = np.sign(moved) * np.maximum(np.abs(moved) - smoothing * l1, 0.0)
        v = np.clip(moved / smoothing, -l1, l1)
    else:
        moved, p, v = x, x, np.where(x == 0.0, np.clip(-look.g, -l1, l1), l1 * np.sign(x))
    if keep:
        anchor[:] = v
    size, square = l1 * float(np.abs(x).sum()), l2 * float(x @ x)
    rounded = l1 * float(np.abs(p).sum())
    smooth = rounded + 0.5 * float((moved - p) @ (moved - p)) / smoothing if smoothing > 0.0 else size
    flat = np.abs(moved) < smoothing * l1
    bend = l2 + np.where(flat, 1.0 / smoothing, 0.0) if smoothing > 0.0 else np.full(len(x), l2)
    return Look(
        look.value + size + 0.5 * square,
        look.smooth + smooth + 0.5 * square,
        look.dual + (rounded - float(v @ p)) - 0.5 * square,
        look.g + v + l2 * x,
        look.h if look.h is None else stiffer(look.h, bend),
        look.terms + 2.0 * size + square,
        look.pull + float(np.linalg.norm(v)) + l2 * float(np.linalg.norm(x)),
    )


class Moments:
    """Sums from which F, its gradient and its Hessian follow for the squared loss: A^T A, A^T y, |y|^2."""

    def __init__(self) -> None:
        self.h, self.b, self.c = np.zeros((0, 0)), np.zeros(0), 0.0

    def widen(self, d: int) -> None:
        wider = max(0, d - len(self.b))
        self.h, self.b = np.pad(self.h, (0, wider)), np.pad(self.b, (0, wider))

    def add(self, block: Block) -> None:
        self.widen(columns(block))
        for part in chunks([block], len(block.y)):
            add_hessian(part, np.ones(len(part.y)), self.h)
            add_gradient(part, part.y, self.b)
            self.c += float(part.y @ part.y)

    def look(self, x: Vector) -> Look:
        """F(x) = (x^T A^T A x - 2 <A^T y, x> + |y|^2) / 2; sizes by Cauchy's inequality from the diagonal."""
        # Joined blocks are as wide as the last: columns that the rows so far do not have are left out.
        h, b = self.h[: len(x), : len(x)], self.b[: len(x)]
        hx = h @ x
        value = max(0.0, 0.5 * float(x @ hx) - float(b @ x) + 0.5 * self.c)
        g = hx - b
        columns = np.sqrt(h.diagonal())
        size = float(np.abs(x) @ columns) + math.sqrt(self.c)
        # Four times the usual allowance: these sums were rounded once more for every block.
        terms, pull = 4.0 * size * size, 4.0 * size * float(np.linalg.norm(columns))
        return Look(value, value, value - float(g @ x), g, h, terms, pull)

    def floor(self, x: Vector) -> float:
        """A bound for every u: F(x) - g^T (A^T A)^-1 g / 2, if rounding leaves no doubt that A^T A is regular."""
        from scipy.linalg import LinAlgError, cholesky

        here = self.look(x)
        columns = np.sqrt(here.h.diagonal())
        if not columns.all():
            return 0.0
        unit = here.h / columns[:, None] / columns
        least = 4.0 * ROUNDING * len(columns)  # what rounding may have added to the smallest eigenvalue
        try:
            cholesky(unit - 2.0 * least * np.eye(len(columns)), check_finite=False)
        except LinAlgError:
            return 0.0
        error = np.linalg.norm(here.g / columns) + ROUNDING * here.pull / np.linalg.norm(columns)
        return max(0.0, here.value - ROUNDING * here.terms - 0.5 * float(error) ** 2 / least)
