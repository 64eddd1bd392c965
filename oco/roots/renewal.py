"""The next block of a root: what has come enters B, in another basis, and the quadrature gets its range."""

import math

import numpy as np

from oco._back import in_python
from oco.protocols import Matrix, Vector
from oco.roots.bidiagonal import bounds
from oco.roots.block import FIRST, HELD, LARGEST, LEAST, RANK, UNIT, begin, block_in
from oco.roots.quadrature import quadrature
from oco.roots.reduction import CUT, bidiagonalise, diagonalise

NEW = 1e-13  # a part outside the span as small as this, relative to |g|, is rounding
SKEW = 1e-12  # a basis that changes |g|^2 by more is made orthogonal again
LEAP = 1e60  # units, which a gradient must pass for the unit to become its size
FAINT = 1e-40  # lam_min / lam_max below which eigenvalues are as good as none
GRADED = 1e-7  # lam_min / lam_max below which eigenvalues of a sum lose digits that singular values keep


@in_python
def renew(arrays: tuple[Matrix, ...]) -> None:
    """The same G with another B and no V, and a block that has room for G + g g^T and for what may come."""
    basis, turned, room, (g,), ((delta,),) = arrays
    facts = block_in(room, len(g)).facts
    grows = facts[RANK] > facts[FIRST]
    rank = _without_rows(basis, turned, room, g)
    z, size = straightened(basis, g / facts[UNIT])
    square, outside = size * size, float(np.linalg.norm(z[rank:]))
    low = float(facts[LEAST]) if rank > 0 else square
    high = 2.5 * max(float(facts[LARGEST]), square)
    if outside > NEW * size:
        low *= outside**2 / (low + square)  # determinant over trace, in the worst plane
    if outside > NEW * size or (grows and rank < len(z)):
        low *= min(0.02, 0.5 / (rank + 1))
        high *= 6.0
    if not math.isfinite(high):
        turned[:] = math.nan
        low = high = 1.0
    begin(room, len(g), quadrature(max(low, FAINT * high), high, float(delta / facts[UNIT])), rank)


def _without_rows(basis: Matrix, turned: Matrix, room: Matrix, g: Vector) -> int:
    """The rank, after V has entered B, whose spectrum's bounds are noted."""
    block = block_in(room, len(g))
    facts, roots, above, v = block.facts, block.roots, block.above, block.v[: int(block.facts[HELD])]
    rank = int(facts[RANK])
    if len(v) > 0 and rank < len(g):
        facts[RANK] = diagonalise(basis, turned, roots, above, v[:, :rank], True)
    elif len(v) > 0:
        largest = max(facts[LARGEST], np.einsum("ij,ij->i", v, v).max())
        bidiagonalise(basis, turned, roots, above, v, bool(facts[LEAST] < GRADED * largest))
    rank = in_unit(facts, roots, above, g)
    if rank > 0:
        facts[LEAST], facts[LARGEST] = bounds(roots[:rank], above[:rank])
        if not facts[LEAST] > CUT**2 * facts[LARGEST]:  # perhaps not of this rank
            rank = diagonalise(basis, turned, roots, above, np.empty((0, rank)), True)
            facts[LEAST], facts[LARGEST] = bounds(roots[:rank], above[:rank])
    return rank


def in_unit(facts: Vector, roots: Vector, above: Vector, g: Vector) -> int:
    """The rank, after unit and B were changed where g could not come in the unit."""
    rank, unit, peak = int(facts[RANK]), float(facts[UNIT]), float(np.abs(g).max())
    if peak > 0.0 and (rank == 0 or peak > LEAP * unit):
        facts[UNIT] = math.ldexp(1.0, math.frexp(peak)[1])
        roots *= unit / facts[UNIT]
        above *= unit / facts[UNIT]
        rank = rank if above.any() else int(np.count_nonzero(roots))
    return rank


def straightened(basis: Matrix, g: Vector) -> tuple[Vector, float]:
    """The rotated g and its length, by a basis whose rows are made orthogonal if they have ceased to be."""
    z = basis @ g
    size = math.sqrt(z @ z)
    if not abs(size - np.linalg.norm(g)) <= SKEW * size:
        q, r = np.linalg.qr(basis.T)
        basis[:] = q.T * np.sign(np.diag(r))[:, None]
        z = basis @ g
    return z, size
