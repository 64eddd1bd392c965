"""G = sum_s g_s g_s^T in a basis of its own, so that (delta + sqrt G)^{-1} costs O(d^2) a round.

basis @ g are rotated coordinates: the first `rank` of them span all gradients, and there G = B^T B + V^T V with B
upper bidiagonal and the gradients V of the present block. B is made anew once in about d / 3 rounds, when the block is
full or one of its guards objects; a round that it objects to is taken again in the new block, where they hold.
"""

import math
from typing import NamedTuple

import numpy as np

from oco._back import apart
from oco.projections import add_multiple, dot, norm
from oco.protocols import Matrix, Vector
from oco.roots.block import (
    FIRST,
    HELD,
    RANK,
    ROWS,
    UNIT,
    append,
    block_in,
    combine,
    empty_room,
    quadrature_of,
    solve,
    sound,
)
from oco.roots.lapack import lapack
from oco.roots.quadrature import weights
from oco.roots.reduction import dense, diagonalise
from oco.roots.renewal import NEW, renew, turn


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
    made, block, part = no_root(vectors), block_in(root.room, old), root.basis.copy()
    held, rank = int(block.facts[HELD]), int(block.facts[RANK])
    widest = block_in(made.room, vectors.shape[1])
    widest.facts[UNIT], widest.facts[FIRST] = unit(root), block.facts[FIRST]
    widest.roots[:old], widest.above[:old] = block.roots, block.above
    known, v = vectors[:, :old].copy(), block.v[:held, :rank]
    widest.facts[RANK] = diagonalise(part, known, widest.roots[:old], widest.above[:old], v, True)
    made.basis[:old, :old] = part
    made.turned[:] = vectors @ made.basis.T
    return made


def spectrum(root: Root) -> tuple[Vector, Matrix]:
    """The eigenvalues of sqrt G, falling, and an orthogonal matrix of eigenvectors, by columns."""
    d = len(root.basis)
    block = block_in(root.room, d)
    rows = np.pad(block.v[: int(block.facts[HELD])], [(0, 0), (0, d - block.v.shape[1])])
    _, roots, turn = np.linalg.svd(np.vstack([dense(block.roots, block.above), rows]), full_matrices=False)
    return unit(root) * roots, root.basis.T @ turn.T


def trace(root: Root) -> float:
    """tr sqrt G."""
    block = block_in(root.room, len(root.basis))
    if len(block.traces) == 0:
        return unit(root) * float(block.roots.sum())
    w, _ = weights(quadrature_of(block), 0.0)
    return unit(root) * float(w @ (len(block.u) - block.nodes[0] * block.traces))  # sqrt z = z / sqrt z


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
            renew(basis, turned, room, given[0], numbers[0, 0])
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
    d, rank = len(g), int(facts[RANK])
    straight = turn(basis, facts[UNIT], g, z)
    if rank < d:
        outside = norm(z[rank:])
        if outside > NEW * norm(z):
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
    rows = np.empty((2, len(y)))
    for i in range(len(y)):
        rows[0, i] = y[i]
    _back((root.basis, rows[:1], rows[1:]))
    return rows[1]


@apart
def _back(arrays: tuple[Matrix, ...]) -> None:
    basis, y, x = arrays
    d = len(basis)
    lapack("dgemv N", d, d, 1.0, basis, d, y, 1, 0.0, x, 1)


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
