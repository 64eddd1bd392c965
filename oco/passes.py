"""One pass over the rounds at a point x: F(x), its gradient and curvature, smoothed or not, and what they prove."""

import math
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np

from oco._jit import kernel, relaxed
from oco.penalty import Penalty
from oco.protocols import Block, Dense, Matrix, Vector

# Sums run over CHUNK rows at a time and then exactly: a random walk of that many roundings stays within 64 eps of the
# sum of sizes.
CHUNK = 1 << 13
MATRIX_COLUMNS = 800  # up to here curvature is a d x d matrix
ROUNDING = 64 * float(np.finfo(float).eps)


class Products(NamedTuple):
    """H = A^T diag(w) A + diag(bend) where d^2 numbers are too many: the rows with their weights."""

    rows: list[tuple[Block, Vector]]
    bend: Vector  # (d,)

    def times(self, v: Vector) -> Vector:
        total = self.bend * v
        for block, w in self.rows:
            if isinstance(block, Dense):
                total += (w * (block.a @ v)) @ block.a
            else:
                _add_product(block.indptr, block.indices, block.values, w, v, total)
        return total

    def diagonal(self) -> Vector:
        total = self.bend.copy()
        for block, w in self.rows:
            if isinstance(block, Dense):
                total += w @ block.a**2
            else:
                _add_rows(block.indptr, block.indices, block.values**2, w, total)
        return total


def stiffer(h: Matrix | Products, bend: Vector) -> Matrix | Products:
    """H + diag(bend)."""
    return h._replace(bend=h.bend + bend) if isinstance(h, Products) else h + np.diag(bend)


class Look(NamedTuple):
    """One pass over the rounds at x: everything that solvers and certificate need."""

    value: float  # F(x)
    smooth: float  # F_mu(x), the sum of the Moreau envelopes
    dual: float  # sum_t f(p_t) - s_t p_t
    g: Vector  # (d,): A^T s, the gradient of F_mu
    h: Any  # (d, d), or Products for large d: A^T diag(w) A, w_t a secant slope of s_t; None if not asked for
    terms: float  # sum of sizes of what was added for value and dual
    pull: float  # |s|_2 |A|_F >= sum_t |s_t| |a_t|_2, of which rounding spoils g by a small part


class ByBisection(NamedTuple):
    """A loss with the prox that its monotone slope defines."""

    loss: Any

    def value(self, z: float, y: float) -> float:
        return self.loss.value(z, y)

    def slope(self, z: float, y: float) -> float:
        return self.loss.slope(z, y)

    def prox(self, z: float, y: float, mu: float) -> float:
        """The root of p + mu slope(p, y) = z; it lies between z and z - mu slope(z, y)."""
        far = z - mu * self.loss.slope(z, y)
        low, high = min(z, far), max(z, far)
        while True:
            p = low + 0.5 * (high - low)
            if not low < p < high:
                return low
            if p + mu * self.loss.slope(p, y) > z:
                high = p
            else:
                low = p


def _tangent(loss: Any, z: float, y: float, mu: float) -> tuple[float, float]:
    """(p, s), s a subgradient at p: p = z for mu = 0, else p = prox(z) and s = (z - p) / mu."""
    if mu == 0.0:
        return z, loss.slope(z, y)
    p = loss.prox(z, y, mu)
    # Slopes to both sides of p hold s where rounding, or a careless prox, would leave the subdifferential.
    near = 4.5e-16 * abs(p) + 1e-300
    return p, min(max((z - p) / mu, loss.slope(p - near, y)), loss.slope(p + near, y))


@kernel
def measure(loss: Any, z: Vector, y: Vector, mu: float, width: float, out: Matrix) -> None:
    """Columns of `out` (5, n): f(z); the envelope; f(p) - s p; s; the secant slope of s over z +- width."""
    for i in range(len(z)):
        p, s = _tangent(loss, z[i], y[i], mu)
        value = loss.value(p, y[i])
        out[0, i] = loss.value(z[i], y[i])
        out[1, i] = value + 0.5 * (z[i] - p) * (z[i] - p) / mu if mu > 0.0 else value
        out[2, i] = value - s * p
        out[3, i] = s
        if width > 0.0:
            rise = _tangent(loss, z[i] + width, y[i], mu)[1] - _tangent(loss, z[i] - width, y[i], mu)[1]
            out[4, i] = max(0.0, 0.5 * rise / width)


@kernel
def _values(loss: Any, z: Vector, y: Vector, out: Vector) -> None:
    for i in range(len(z)):
        out[i] = loss.value(z[i], y[i])


@kernel
def infimum(loss: Any, y: Vector, out: Vector) -> None:
    """inf_z f(z, y), from below: where the slope changes sign, between neighbouring floats, or fades to 0.

    Minus infinity where it does neither, as that of -ln z, which falls for ever.
    """
    for i in range(len(y)):
        slope = loss.slope(0.0, y[i])
        side = -1.0 if slope > 0.0 else 1.0
        near, far = 0.0, 0.0 if slope == 0.0 else 1.0
        while far < 1e300 and side * loss.slope(side * far, y[i]) < 0.0:
            near, far = far, 2.0 * far
        if far >= 1e300:
            out[i] = -math.inf
            continue
        while near < near + 0.5 * (far - near) < far:
            middle = near + 0.5 * (far - near)
            if side * loss.slope(side * middle, y[i]) < 0.0:
                near = middle
            else:
                far = middle
        out[i] = loss.value(side * near, y[i]) + min(0.0, side * loss.slope(side * near, y[i])) * (far - near)


@relaxed("reassoc", "contract", "nsz")
def _dot(values: Vector, indices: Any, x: Vector) -> float:
    total = 0.0
    for j in range(len(values)):
        total += values[j] * x[indices[j]]
    return total


@kernel
def _dot_rows(indptr: Any, indices: Any, values: Vector, x: Vector, z: Vector) -> None:
    for r in range(len(z)):
        z[r] = _dot(values[indptr[r] : indptr[r + 1]], indices[indptr[r] : indptr[r + 1]], x)


@kernel
def _add_rows(indptr: Any, indices: Any, values: Vector, s: Vector, g: Vector) -> None:
    for r in range(len(s)):
        for j in range(indptr[r], indptr[r + 1]):
            g[indices[j]] += s[r] * values[j]


@kernel
def _add_product(indptr: Any, indices: Any, values: Vector, w: Vector, v: Vector, total: Vector) -> None:
    """total += A^T diag(w) A v."""
    for r in range(len(w)):
        row, some = indices[indptr[r] : indptr[r + 1]], values[indptr[r] : indptr[r + 1]]
        z = w[r] * _dot(some, row, v)
        for j in range(len(row)):
            total[row[j]] += z * some[j]


@kernel
def _add_squares(indptr: Any, indices: Any, values: Vector, w: Vector, h: Matrix) -> None:
    """Each pair of columns once, in the order of storage: the sum with its transpose is A^T diag(w) A."""
    for r in range(len(w)):
        if w[r] > 0.0:
            for j in range(indptr[r], indptr[r + 1]):
                scaled = w[r] * values[j]
                row = h[indices[j]]
                for k in range(indptr[r], j):
                    row[indices[k]] += scaled * values[k]
                row[indices[j]] += 0.5 * scaled * values[j]


def add_sums(block: Block, total: Vector, size: Vector) -> None:
    """total += sum_t a_t and size += sum_t |a_t|."""
    if isinstance(block, Dense):
        add_sizes(block.a, total, size)
    else:
        ones = np.ones(len(block.y))
        add_gradient(block, ones, total)
        add_gradient(block._replace(values=np.abs(block.values)), ones, size)


def finite(values: Vector) -> bool:
    """Whether none is NaN or infinite; one look at their sum nearly always tells."""
    with np.errstate(over="ignore", invalid="ignore"):
        return bool(np.isfinite(values.sum()) or np.isfinite(values).all())


def columns(block: Block) -> int:
    return block.a.shape[1] if isinstance(block, Dense) else block.d


def margins(block: Block, x: Vector) -> Vector:
    """<a_t, x>, (n,)."""
    if isinstance(block, Dense):
        return np.asarray(block.a @ x)
    z = np.empty(len(block.y))
    _dot_rows(block.indptr, block.indices, block.values, x, z)
    return z


def add_gradient(block: Block, s: Vector, g: Vector) -> None:
    """g += A^T s."""
    if isinstance(block, Dense):
        g += s @ block.a
    else:
        part = np.zeros(len(g))
        _add_rows(block.indptr, block.indices, block.values, s, part)
        g += part


@kernel
def add_sizes(a: Matrix, total: Vector, size: Vector) -> None:
    """total += sum_t a_t, size += sum_t |a_t|."""
    sums, sizes = np.zeros(a.shape[1]), np.zeros(a.shape[1])
    whole = len(a) - len(a) % 4
    for r in range(0, whole, 4):  # four rows at a time: fewer numbers are stored to be read again at once
        for i in range(a.shape[1]):
            sums[i] += (a[r, i] + a[r + 1, i]) + (a[r + 2, i] + a[r + 3, i])
            sizes[i] += (abs(a[r, i]) + abs(a[r + 1, i])) + (abs(a[r + 2, i]) + abs(a[r + 3, i]))
    for r in range(whole, len(a)):
        for i in range(a.shape[1]):
            sums[i] += a[r, i]
            sizes[i] += abs(a[r, i])
    for i in range(a.shape[1]):
        total[i] += sums[i]
        size[i] += sizes[i]


def add_hessian(block: Block, w: Vector, h: Matrix) -> None:
    """h += A^T diag(w) A."""
    if isinstance(block, Dense):
        some = np.flatnonzero(w)
        h += (block.a[some] * w[some, None]).T @ block.a[some]
    else:
        half = np.zeros_like(h)
        _add_squares(block.indptr, block.indices, block.values, w, half)
        h += half
        h += half.T


def between(block: Block, low: int, high: int) -> Block:
    """Rows low .. high - 1, for passes: dense ones in float64; all entries of a sparse block stay where they are."""
    if isinstance(block, Dense):
        return Dense(block.a[low:high].astype(float, copy=False), block.y[low:high])
    return block._replace(indptr=block.indptr[low : high + 1], y=block.y[low:high])


def chunks(blocks: Iterable[Block], rounds: int) -> Iterator[Block]:
    """The first rounds, at most CHUNK at a time, dense rows in float64; no other row is copied."""
    for block in blocks:
        n = min(rounds, len(block.y))
        for low in range(0, n, CHUNK):
            yield between(block, low, min(n, low + CHUNK))
        rounds -= n
        if rounds == 0:
            return
    raise ValueError(f"replay: the stream ended {rounds} rounds before those already seen")


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
            _values(loss, z, block.y, out[0])
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
