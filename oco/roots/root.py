"""G = sum_s g_s g_s^T in a basis of its own, so that (delta + sqrt G)^{-1} costs O(d^2) a round.

basis @ g are rotated coordinates: the first `rank` of them span all gradients, and there G = diag(values) + V^T V with
the gradients V of the present block. The eigenvectors are made anew once in about d / 3 rounds, when the block is full
or one of its guards objects; a round that it objects to is taken again in the new block, where they hold.
"""

import math
from typing import NamedTuple

import numpy as np

from oco._back import in_python
from oco.projections import add_multiple, dot, norm
from oco.protocols import Matrix, Vector
from oco.roots.block import Block, append, empty_block, new_block, solve, sound
from oco.roots.quadrature import MOST, Quadrature, quadrature

NEW = 1e-13  # a part outside the span as small as this, relative to |g|, is rounding
SKEW = 1e-12  # a basis that changes |g|^2 by more is made orthogonal again
EPS = 2.3e-16
LEAP = 1e60  # units, which a gradient must pass for the unit to become its size
FAINT = 1e-40  # lam_min / lam_max below which eigenvalues are as good as none
GRADED = 1e-7  # lam_min / lam_max below which eigenvalues of a sum lose digits that singular values keep


class Root(NamedTuple):
    unit: float  # a power of two, of the size of the first gradient, in which gradients are measured
    basis: Matrix  # (d, d), orthogonal, by rows
    values: Vector  # (d,): lam, falling, zero from the rank at the beginning of the block
    turned: Matrix  # (k, d): vectors of the learner's own, in the coordinates of the basis
    rank: int
    multiplier: float  # of the last projection onto a ball, where the search for the next begins
    block: Block


def no_root(vectors: Matrix) -> Root:
    """G = 0; `vectors` (k, d) will be turned with the basis."""
    d = vectors.shape[1]
    return Root(1.0, np.eye(d), np.zeros(d), vectors.copy(), 0, 0.0, empty_block())


def wider(root: Root, vectors: Matrix) -> Root:
    """The same with more coordinates; `vectors` (k, d) are those of the learner, in coordinates without basis."""
    old, d = len(root.basis), vectors.shape[1]
    basis = np.eye(d)
    basis[:old, :old] = root.basis
    values = np.pad(root.values, (0, d - old))
    return Root(root.unit, basis, values, vectors @ basis.T, root.rank, root.multiplier, root.block)


def spectrum(root: Root) -> tuple[Vector, Matrix]:
    """The eigenvalues of sqrt G, falling, and an orthogonal matrix of eigenvectors, by columns."""
    width, d = root.block.v.shape[1], len(root.values)
    rows = np.pad(root.block.v[: root.block.held], [(0, 0), (0, d - width)])
    _, roots, turn = np.linalg.svd(np.vstack([np.diag(np.sqrt(root.values)), rows]), full_matrices=False)
    return root.unit * roots, root.basis.T @ turn.T


def add(root: Root, g: Vector, delta: float) -> tuple[Root, Vector, Matrix]:
    """G + g g^T; the rotated g (w,), and (G + g g^T + s_j)^{-1} of it (n, w).

    delta: the only one that the block will be asked for, NaN where there may be others.
    """
    fresh = root.block.held == len(root.block.v)
    while True:
        if fresh:
            root = renewed(root, g, delta)
        block = root.block
        width = block.v.shape[1]
        rank, z, straight = rotate(root, g)
        z = z[:width]
        u, w = solve(block, z)
        keeps = sound(block, z, u, rank)
        if fresh or (keeps and straight and rank <= width):
            block = append(block, z, u, w)
            return Root(root.unit, root.basis, root.values, root.turned, rank, root.multiplier, block), z, u
        fresh = True


def rotate(root: Root, g: Vector) -> tuple[int, Vector, bool]:
    """The rank with g among the gradients; g in the basis, which a new direction enters; whether it kept its length."""
    d, rank = len(g), root.rank
    z = np.empty(d)
    for i in range(d):
        z[i] = dot(root.basis[i], g) / root.unit
    size = norm(g) / root.unit
    straight = abs(norm(z) - size) <= SKEW * size
    if rank < d:
        outside = norm(z[rank:])
        if outside > NEW * size:
            z[rank] = _reflect(root, z[rank:], outside)
            rank += 1
        for i in range(rank, d):
            z[i] = 0.0
    return rank, z, straight


def back(root: Root, y: Vector) -> Vector:
    """The vector whose rotated coordinates are y (d,)."""
    x = np.zeros(len(y))
    for i in range(len(y)):
        add_multiple(x, y[i], root.basis[i])
    return x


def renewed(root: Root, g: Vector, delta: float) -> Root:
    """The same G in a basis of its eigenvectors, with a block that has room for G + g g^T and for what may come."""
    nodes = np.empty((4, MOST))
    facts = np.empty((1, 5))
    facts[0, 0], facts[0, 1], facts[0, 2] = root.rank, root.block.first, delta
    facts[0, 3] = root.unit
    rows = root.block.v[: root.block.held]
    _renew((root.basis, root.values.reshape((1, -1)), root.turned, rows, g.reshape((1, -1)), nodes, facts))
    first, n = int(facts[0, 0]), int(facts[0, 1])
    rule = Quadrature(nodes[:, :n].copy(), facts[0, 2], facts[0, 3])
    block = new_block(rule, root.values, first)
    return Root(facts[0, 4], root.basis, root.values, root.turned, first, root.multiplier, block)


@in_python
def _renew(arrays: tuple[Matrix, ...]) -> None:
    """For `renewed`; facts: rank, first, delta, unit are exchanged for rank, the number of nodes, low, high, unit."""
    basis, (values,), turned, v, (g,), nodes, (facts,) = arrays
    rank, delta, unit = int(facts[0]), float(facts[2]), float(facts[3])
    grows = rank > facts[1]
    if len(v) > 0:
        rank = turn(basis, values, turned, v[:, :rank])
    rank, unit = in_unit(values, rank, unit, float(np.abs(g).max()))
    z, size = straightened(basis, g / unit)
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
    rule = quadrature(max(low, FAINT * high), high, delta / unit)
    nodes[:, : rule.nodes.shape[1]] = rule.nodes
    facts[:] = rank, rule.nodes.shape[1], rule.low, rule.high, unit


def in_unit(values: Vector, rank: int, unit: float, peak: float) -> tuple[int, float]:
    """Rank and unit with which a gradient of this largest entry can come; the eigenvalues are brought to the unit."""
    if peak > 0.0 and (rank == 0 or peak > LEAP * unit):
        before, unit = unit, math.ldexp(1.0, math.frexp(peak)[1])
        values *= (before / unit) ** 2
        rank = int(np.count_nonzero(values))
    return rank, unit


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


def _reflect(root: Root, v: Vector, size: float) -> float:
    """Householder's reflection of the rows outside the span that takes v (d - rank,) to -+size e_1, which is returned.

    v is used up.
    """
    end = -math.copysign(size, v[0])
    v[0] -= end
    square = abs(v[0]) * size
    rows = root.basis[root.rank :]
    image = np.zeros(len(root.values))
    for i in range(len(v)):
        add_multiple(image, v[i], rows[i])
    for i in range(len(v)):
        add_multiple(rows[i], -v[i] / square, image)
    for k in range(len(root.turned)):
        part = root.turned[k, root.rank :]
        add_multiple(part, -dot(v, part) / square, v)
    return end
