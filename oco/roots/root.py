"""G = sum_s g_s g_s^T in a basis of its own, so that (delta + sqrt G)^{-1} costs O(d^2) a round.

basis @ g are rotated coordinates: the first `rank` of them span all gradients, and there G = diag(values) + V^T V with
the gradients V of the present block. The eigenvectors are made anew once in about d / 3 rounds, when the block is full
or one of its guards objects; a round that it objects to is taken again in the new block, where they hold.
"""

import math
from typing import NamedTuple

import numpy as np

from oco._back import apart, in_python
from oco.projections import add_multiple, dot, norm
from oco.protocols import Matrix, Vector
from oco.roots.block import (
    FACTS,
    FIRST,
    HELD,
    RANK,
    ROWS,
    UNIT,
    append,
    begin,
    block_in,
    combine,
    empty_room,
    solve,
    sound,
)
from oco.roots.quadrature import quadrature

NEW = 1e-13  # a part outside the span as small as this, relative to |g|, is rounding
SKEW = 1e-12  # a basis that changes |g|^2 by more is made orthogonal again
EPS = 2.3e-16
LEAP = 1e60  # units, which a gradient must pass for the unit to become its size
FAINT = 1e-40  # lam_min / lam_max below which eigenvalues are as good as none
GRADED = 1e-7  # lam_min / lam_max below which eigenvalues of a sum lose digits that singular values keep


class Root(NamedTuple):
    basis: Matrix  # (d, d), orthogonal, by rows
    turned: Matrix  # (k, d): vectors of the learner's own, in the coordinates of the basis
    room: Matrix  # (1, .): all else, see Block


def no_root(vectors: Matrix) -> Root:
    """G = 0; `vectors` (k, d) will be turned with the basis."""
    d = vectors.shape[1]
    return Root(np.eye(d), vectors.copy(), empty_room(d))


def unit(root: Root) -> float:
    """That in which gradients are measured."""
    return root.room[0, UNIT]


def wider(root: Root, vectors: Matrix) -> Root:
    """The same with more coordinates; `vectors` (k, d) are those of the learner, in coordinates without basis."""
    old = len(root.basis)
    made, block = no_root(vectors), block_in(root.room, old)
    held, rank = int(block.facts[HELD]), int(block.facts[RANK])
    facts, values, part = made.room[0, :FACTS], made.room[0, FACTS : FACTS + old], root.basis.copy()
    facts[UNIT], facts[FIRST], values[:] = unit(root), block.facts[FIRST], block.values
    facts[RANK] = turn(part, values, vectors[:, :old].copy(), block.v[:held, :rank]) if held else rank
    made.basis[:old, :old] = part
    made.turned[:] = vectors @ made.basis.T
    return made


def spectrum(root: Root) -> tuple[Vector, Matrix]:
    """The eigenvalues of sqrt G, falling, and an orthogonal matrix of eigenvectors, by columns."""
    d = len(root.basis)
    block = block_in(root.room, d)
    rows = np.pad(block.v[: int(block.facts[HELD])], [(0, 0), (0, d - block.v.shape[1])])
    _, roots, turn = np.linalg.svd(np.vstack([np.diag(np.sqrt(block.values)), rows]), full_matrices=False)
    return unit(root) * roots, root.basis.T @ turn.T


def add(root: Root, g: Vector, delta: float) -> Vector:
    """G + g g^T; the rotated g (d,).

    delta: the only one that the block will be asked for, NaN where there may be others.
    """
    z = np.empty((1, len(g)))
    numbers = np.empty((1, 1))
    for i in range(len(g)):
        z[0, i] = g[i]
    numbers[0, 0] = delta
    _add((root.basis, root.turned, root.room, z, numbers))
    return z[0]


@apart
def _add(arrays: tuple[Matrix, ...]) -> None:
    """For `add`: z is g, then the rotated g, and block.u becomes (G + g g^T + s_j)^{-1} of it."""
    basis, turned, room, rotated, numbers = arrays
    given, z = rotated.copy(), rotated[0]
    block = block_in(room, len(z))
    fresh = block.facts[HELD] == block.facts[ROWS]
    while True:
        if fresh:
            _renew((basis, turned, room, given, numbers))
            block = block_in(room, len(z))
        width = block.v.shape[1]
        rank, straight = rotate(basis, turned, block.facts, given[0], z)
        solve((room, rotated))
        keeps = sound(block, z[:width], rank)
        if fresh or (keeps and straight and rank <= width):
            append(block, z[:width])
            block.facts[RANK] = rank
            return
        fresh = True


def rotate(basis: Matrix, turned: Matrix, facts: Vector, g: Vector, z: Vector) -> tuple[int, bool]:
    """z = g in the basis, which a new direction enters; the rank with it, and whether g kept its length."""
    d, rank, unit = len(g), int(facts[RANK]), facts[UNIT]
    for i in range(d):
        z[i] = dot(basis[i], g) / unit
    size = norm(g) / unit
    straight = abs(norm(z) - size) <= SKEW * size
    if rank < d:
        outside = norm(z[rank:])
        if outside > NEW * size:
            z[rank] = _reflect(basis[rank:], turned, rank, z[rank:], outside)
            rank += 1
        for i in range(rank, d):
            z[i] = 0.0
    return rank, straight


def divided(root: Root, delta: float, v: Vector, included: bool) -> Vector:
    """(delta + sqrt G)^{-1} v of a rotated v (d,) in the span; included: whether v is what `add` just returned."""
    rows = np.empty((2, len(v)))
    number = np.empty((1, 1))
    for i in range(len(v)):
        rows[0, i] = v[i]
    number[0, 0] = delta
    if not included:
        solve((root.room, rows[:1]))
    combine((root.room, number, rows[:1], rows[1:]))
    return rows[1]


def back(root: Root, y: Vector) -> Vector:
    """The vector whose rotated coordinates are y (d,)."""
    x = np.zeros(len(y))
    for i in range(len(y)):
        add_multiple(x, y[i], root.basis[i])
    return x


@in_python
def _renew(arrays: tuple[Matrix, ...]) -> None:
    """The same G in a basis of its eigenvectors, with a block that has room for G + g g^T and for what may come."""
    basis, turned, room, (g,), ((delta,),) = arrays
    facts, values, _, _, v, *_ = block_in(room, len(g))
    held, rank = int(facts[HELD]), int(facts[RANK])
    grows = rank > facts[FIRST]
    if held > 0:
        facts[RANK] = turn(basis, values, turned, v[:held, :rank])
    rank = in_unit(facts, values, g)
    z, size = straightened(basis, g / facts[UNIT])
    square, outside = size * size, float(np.linalg.norm(z[rank:]))
    low = float(values[rank - 1]) if rank > 0 else square
    high = 2.5 * max(float(values[0]), square)
    if outside > NEW * size:
        low *= outside**2 / (low + square)  # determinant over trace, in the worst plane
    if outside > NEW * size or (grows and rank < len(z)):
        low *= min(0.02, 0.5 / (rank + 1))
        high *= 6.0
    if not math.isfinite(high):
        turned[:] = math.nan
        low = high = 1.0
    begin(room, len(g), quadrature(max(low, FAINT * high), high, float(delta / facts[UNIT])), rank)


def in_unit(facts: Vector, values: Vector, g: Vector) -> int:
    """The rank, after unit and eigenvalues were changed where g could not come in the unit."""
    rank, unit, peak = int(facts[RANK]), float(facts[UNIT]), float(np.abs(g).max())
    if peak > 0.0 and (rank == 0 or peak > LEAP * unit):
        facts[UNIT] = math.ldexp(1.0, math.frexp(peak)[1])
        values *= (unit / facts[UNIT]) ** 2
        rank = int(np.count_nonzero(values))
    return rank


def turn(basis: Matrix, values: Vector, turned: Matrix, v: Matrix) -> int:
    """The eigenvectors of diag(values) + v^T v instead of the first r rows of the basis; returns the rank."""
    r = v.shape[1]
    if not (np.isfinite(v).all() and np.isfinite(values).all()):
        turned[:] = math.nan
        return r
    if r < len(values) or values[r - 1] < GRADED * max(values[0], np.square(v).sum(axis=1).max()):
        _, roots, turn = np.linalg.svd(np.vstack([np.diag(np.sqrt(values[:r])), v]), full_matrices=False)
        squares = np.where(roots > max(1e-12, EPS * r) * roots[0], roots * roots, 0.0)
    else:
        squares, vectors = np.linalg.eigh(np.diag(values) + v.T @ v)
        squares, turn = np.where(squares > EPS * r * squares[-1], squares, 0.0)[::-1], vectors.T[::-1]
    values[:r] = squares
    basis[:r] = turn @ basis[:r]
    turned[:, :r] = turned[:, :r] @ turn.T
    return int(np.count_nonzero(squares))


def straightened(basis: Matrix, g: Vector) -> tuple[Vector, float]:
    """The rotated g and its length, by a basis whose rows are made orthogonal if they have ceased to be."""
    z = basis @ g
    size = math.sqrt(z @ z)
    if not abs(size - np.linalg.norm(g)) <= SKEW * size:
        q, r = np.linalg.qr(basis.T)
        basis[:] = q.T * np.sign(np.diag(r))[:, None]
        z = basis @ g
    return z, size


def _reflect(rows: Matrix, turned: Matrix, rank: int, v: Vector, size: float) -> float:
    """Householder's reflection of the rows outside the span that takes v (d - rank,) to -+size e_1, which is returned.

    v is used up.
    """
    end = -math.copysign(size, v[0])
    v[0] -= end
    square = abs(v[0]) * size
    image = np.zeros(rows.shape[1])
    for i in range(len(v)):
        add_multiple(image, v[i], rows[i])
    for i in range(len(v)):
        add_multiple(rows[i], -v[i] / square, image)
    for k in range(len(turned)):
        part = turned[k, rank:]
        add_multiple(part, -dot(v, part) / square, v)
    return end
