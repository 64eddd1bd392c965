"""The next block of a root: what has come enters B, in another basis, and the quadrature gets its range."""

import math

import numpy as np

from oco._back import in_python
from oco.projections import dot, largest, norm
from oco.protocols import Matrix, Vector
from oco.roots.bidiagonal import bounds
from oco.roots.block import FACTS, FIRST, HELD, LARGEST, LEAST, RANK, UNIT, begin, block_in
from oco.roots.quadrature import MOST, Quadrature, quadrature
from oco.roots.reduction import CUT, bidiagonalise, diagonalise

NEW = 1e-13  # a part outside the span as small as this, relative to |g|, is rounding
SKEW = 1e-12  # a basis that changes |g|^2 by more is made orthogonal again
LEAP = 1e60  # units, which a gradient must pass for the unit to become its size
FAINT = 1e-40  # lam_min / lam_max below which eigenvalues are as good as none
GRADED = 1e-7  # lam_min / lam_max below which eigenvalues of a sum lose digits that singular values keep


def renew(basis: Matrix, turned: Matrix, room: Matrix, g: Vector, delta: float) -> None:
    """The same G with another B and no V, and a block that has room for G + g g^T and for what may come."""
    facts = room[0, :FACTS]
    grows = facts[RANK] > facts[FIRST]
    rank = _without_rows(basis, turned, room, largest(g))
    z = np.empty(len(g))
    if not turn(basis, facts[UNIT], g, z):
        straighten((basis,))
        turn(basis, facts[UNIT], g, z)
    size = norm(z)
    square, outside = size * size, norm(z[rank:])
    low = facts[LEAST] if rank > 0 else square
    high = 2.5 * max(facts[LARGEST], square)
    if outside > NEW * size:
        low *= outside**2 / (low + square)  # determinant over trace, in the worst plane
    if outside > NEW * size or (grows and rank < len(z)):
        low *= min(0.02, 0.5 / (rank + 1))
        high *= 6.0
    if not math.isfinite(high + facts[LARGEST]):
        turned[:] = math.nan  # the learner's vectors: at NaN the play stops
        low = high = 1.0
    begin(room, len(g), _over(max(low, FAINT * high), high, delta / facts[UNIT]), rank)


def _without_rows(basis: Matrix, turned: Matrix, room: Matrix, peak: float) -> int:
    """The rank, after V has entered B, whose spectrum's bounds are noted; peak: the largest entry of what comes."""
    block = block_in(room, len(basis))
    facts, roots, above, v = block.facts, block.roots, block.above, block.v[: int(block.facts[HELD])]
    if len(v) > 0 and facts[RANK] < len(basis):
        _diagonalise((basis, turned, room))
    elif len(v) > 0:
        most = facts[LARGEST]
        for k in range(len(v)):
            most = max(most, dot(v[k], v[k]))
        bidiagonalise(basis, turned, roots, above, v, facts[LEAST] < GRADED * most)
    facts[HELD] = 0
    facts[RANK] = in_unit(facts, roots, above, peak)
    rank = int(facts[RANK])
    if rank > 0:
        facts[LEAST], facts[LARGEST] = bounds(roots[:rank], above[:rank])
        if not facts[LEAST] > CUT**2 * facts[LARGEST]:  # perhaps not of this rank
            _diagonalise((basis, turned, room))
            rank = int(facts[RANK])
            facts[LEAST], facts[LARGEST] = bounds(roots[:rank], above[:rank])
    return rank


@in_python
def _diagonalise(arrays: tuple[Matrix, ...]) -> None:
    basis, turned, room = arrays
    block = block_in(room, len(basis))
    v = block.v[: int(block.facts[HELD]), : int(block.facts[RANK])]
    block.facts[RANK] = diagonalise(basis, turned, block.roots, block.above, v, True)


def in_unit(facts: Vector, roots: Vector, above: Vector, peak: float) -> int:
    """The rank, after unit and B were changed where a gradient with this largest entry could not come in the unit."""
    rank, unit = int(facts[RANK]), facts[UNIT]
    if peak > 0.0 and (rank == 0 or peak > LEAP * unit):
        facts[UNIT] = math.ldexp(1.0, math.frexp(peak)[1] - 1)
        roots *= unit / facts[UNIT]
        above *= unit / facts[UNIT]
        if largest(above) == 0.0:
            rank = 0
            for root in roots:
                rank += root != 0.0
    return rank


def turn(basis: Matrix, unit: float, g: Vector, z: Vector) -> bool:
    """z = g in the basis, in units; whether it has kept its length."""
    for i in range(len(g)):
        z[i] = dot(basis[i], g) / unit
    size = norm(g) / unit
    return abs(norm(z) - size) <= SKEW * size


@in_python
def straighten(arrays: tuple[Matrix, ...]) -> None:
    """For (basis,): rows that have ceased to be orthogonal are made so again."""
    (basis,) = arrays
    q, r = np.linalg.qr(basis.T)
    basis[:] = q.T * np.sign(np.diag(r))[:, None]


def _over(low: float, high: float, delta: float) -> Quadrature:
    """`quadrature`, whose nodes are kept by the interpreter."""
    nodes, numbers = np.empty((4, MOST)), np.empty((1, 3))
    numbers[0, 0], numbers[0, 1], numbers[0, 2] = low, high, delta
    _quadrature((nodes, numbers))
    return Quadrature(nodes[:, : int(numbers[0, 2])], numbers[0, 0], numbers[0, 1])


@in_python
def _quadrature(arrays: tuple[Matrix, ...]) -> None:
    """For (nodes, (low, high, delta)): the nodes, in as many columns as there are, the range, and their number."""
    nodes, (numbers,) = arrays
    rule = quadrature(*numbers)
    n = rule.nodes.shape[1]
    nodes[:, :n] = rule.nodes
    numbers[:] = rule.low, rule.high, n
