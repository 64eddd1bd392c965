"""Sums over the rows of blocks: margins, gradients, curvature, sizes."""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np

from oco._jit import SUMS, kernel
from oco.protocols import Block, Dense, Matrix, Vector

# Sums run over CHUNK rows at a time and then exactly: a random walk of that many roundings stays within 64 eps of the
# sum of sizes.
CHUNK = 1 << 13
SHORT = 128  # numbers in a row that is joined with others
ROUNDING = 64 * float(np.finfo(float).eps)


@SUMS
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
    """total += sum_t a_t and size += sum_t |a_t|, CHUNK rows at a time."""
    whole = isinstance(block, Dense) and block.a.dtype == np.float64
    for part in [block] if whole else chunks([block], len(block.y)):
        if isinstance(part, Dense):
            _add_rows_and_sizes(part.a, total, size)
        else:
            ones = np.ones(len(part.y))
            add_gradient(part, ones, total)
            add_gradient(part._replace(values=np.abs(part.values)), ones, size)


def _add_rows_and_sizes(a: Matrix, total: Vector, size: Vector) -> None:
    n, d = a.shape
    # Several short rows as one: loops over it are loops over vectors.
    several = max(1, SHORT // d) if a.flags.c_contiguous else 1
    parts, joined = np.zeros((2, several, d)), n // several * several
    add_sizes(a[:joined].reshape(-1, several * d), CHUNK // several, *parts.reshape(2, -1))
    if joined < n:
        add_sizes(a[joined:], CHUNK, *parts[:, 0])
    total += parts[0].sum(axis=0)
    size += parts[1].sum(axis=0)


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
def add_sizes(a: Matrix, chunk: int, total: Vector, size: Vector) -> None:
    """total += sum_t a_t, size += sum_t |a_t|: sums of `chunk` rows are made first."""
    d = a.shape[1]
    sums, sizes = np.zeros(d), np.zeros(d)
    for low in range(0, len(a), chunk):
        high = min(low + chunk, len(a))
        whole = high - (high - low) % 4
        for r in range(low, whole, 4):  # four rows at a time: fewer numbers are stored to be read again at once
            for i in range(d):
                sums[i] += (a[r, i] + a[r + 1, i]) + (a[r + 2, i] + a[r + 3, i])
                sizes[i] += (abs(a[r, i]) + abs(a[r + 1, i])) + (abs(a[r + 2, i]) + abs(a[r + 3, i]))
        for r in range(whole, high):
            for i in range(d):
                sums[i] += a[r, i]
                sizes[i] += abs(a[r, i])
        for i in range(d):
            total[i] += sums[i]
            size[i] += sizes[i]
            sums[i] = sizes[i] = 0.0


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
