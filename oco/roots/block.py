"""Resolvents (G + s_j)^{-1} of G = B^T B + V^T V for several shifts at once, V growing by a row a round.

Woodbury's formula with X_j = (B^T B + s_j)^{-1} and T_j = L_j^{-1} for the Cholesky factor L_j of I + V X_j V^T:
(G + s_j)^{-1} z = X_j (z - V^T w_j), w_j = T_j^T T_j V X_j z. Adding the row z to V divides the answer for z by
rho_j = 1 + z^T (G + s_j)^{-1} z and adds the row (-w_j, 1) / sqrt(rho_j) to T_j: no factorisation is ever made again.
"""

import math
from typing import NamedTuple

import numpy as np

from oco._back import apart
from oco._jit import SUMS
from oco.lowlevel.arrays import part
from oco.lowlevel.sweeps import sweep
from oco.projections import dot
from oco.protocols import Matrix, Vector
from oco.roots.bidiagonal import factorise
from oco.roots.lapack import lapack
from oco.roots.quadrature import MOST, Quadrature, weights

CANCELLED = 1e5  # at most five digits of rho may be lost
SMALL = 1e6  # multiplications in a product up to which OpenBLAS does not copy the factors first

UNIT = 0  # a power of two, of the size of the first gradient, in which gradients are measured
RANK = 1  # of G
MULTIPLIER = 2  # of the last projection onto a ball, where the search for the next begins
FIRST = 3  # rank of G before the block
NODES = 4  # n
ROWS = 5  # that v has room for
WIDTH = 6  # of v
HELD = 7  # rows of v
LOW = 8  # the range of
HIGH = 9  # the quadrature
LEAST = 10  # bounds of the eigenvalues
LARGEST = 11  # of B^T B
WATCHED = 12  # a shift s <= low / 4, the smallest if there is none
FACTS = 13


class Block(NamedTuple):
    """What has come since the last reduction; arrays (w, .) or (., w) hold the first w rotated coordinates."""

    facts: Vector  # (FACTS,): the numbers above
    roots: Vector  # (d,): B's diagonal; while the rank is below d, B is diagonal, falls and is zero from the rank on
    above: Vector  # (d,): what stands above it, the last 0
    across: Vector  # (rows,): sum_k |<v_i, v_k>|; by the largest of these, at most, lam_max has grown
    nodes: Matrix  # (4, n): of the quadrature
    traces: Vector  # (n,): of (G + s_j)^{-1} on the first w coordinates
    gains: Vector  # (n,): what u is to be multiplied by
    sums: Matrix  # (4, n): of the last solution: <z, X_j z>, |X_j z|^2, <z, u_j>, |u_j|^2
    v: Matrix  # (rows, w): the rotated gradients, zeros below row `held`
    lower: Matrix  # (w, n): X_j,
    inverse: Matrix  # (w, n): factorised
    factor: Matrix  # (n, .): T_j in bands of four rows, each as long as its last
    u: Matrix  # (w, n): the last solution,
    w: Matrix  # (n, rows): and its w_j


def block_in(room: Matrix, d: int) -> Block:
    """The numbers and arrays that lie in `room` (1, .) one after the other."""
    facts = room[0, :FACTS]
    n, rows, width = int(facts[NODES]), int(facts[ROWS]), int(facts[WIDTH])
    across = FACTS + 2 * d
    nodes = across + rows
    v = nodes + 10 * n
    lower = v + rows * width
    u = lower + 2 * width * n
    w = u + width * n
    return Block(
        facts,
        room[0, FACTS : FACTS + d],
        room[0, FACTS + d : across],
        room[0, across:nodes],
        part(room, nodes, 4, n),
        room[0, nodes + 4 * n : nodes + 5 * n],
        room[0, nodes + 5 * n : nodes + 6 * n],
        part(room, nodes + 6 * n, 4, n),
        part(room, v, rows, width),
        part(room, lower, width, n),
        part(room, lower + width * n, width, n),
        part(room, w + n * rows, n, (rows // 4) * (2 * rows + 8)),
        part(room, u, width, n),
        part(room, w, n, rows),
    )


def _rows(n: int, first: int) -> int:
    # Few rows make reductions frequent, many make rounds long: the cost is flat around this.
    return 4 * math.ceil((40.0 + 0.2 * first) / math.sqrt(n))


def empty_room(d: int) -> Matrix:
    """Room for every block in d dimensions; pages that none uses cost nothing."""

    def size(n: int) -> int:
        rows = _rows(n, d)
        return FACTS + 2 * d + rows + 10 * n + rows * d + n * (3 * d + rows + (rows // 4) * (2 * rows + 8))

    room = np.zeros((1, max(size(n) for n in range(2, MOST + 1, 2))))
    room[0, UNIT] = 1.0
    return room


def begin(room: Matrix, d: int, rule: Quadrature, first: int) -> None:
    """A block on B^T B in `room`, of rank `first`; its first solution makes the factors of X_j."""
    n = rule.nodes.shape[1]
    rows = _rows(n, first)
    facts = room[0, :FACTS]
    facts[RANK] = facts[FIRST] = first
    facts[NODES], facts[ROWS], facts[WIDTH], facts[HELD] = n, rows, min(d, first + rows), 0
    facts[LOW], facts[HIGH] = rule.low, rule.high
    block = block_in(room, d)
    facts[WATCHED] = 0
    for j in range(n):
        for k in range(4):
            block.nodes[k, j] = rule.nodes[k, j]
        if rule.nodes[0, j] <= 0.25 * rule.low:
            facts[WATCHED] = j


@apart
def solve(arrays: tuple[Matrix, ...]) -> None:
    """For (room, z): block.u = (G + s_j)^{-1} z, with sums, and w_j in block.w, rounded up to fours."""
    room, (z,) = arrays
    block = block_in(room, len(z))
    lower, inverse, v, u = block.lower, block.inverse, block.v, block.u
    width, n = u.shape
    if block.facts[HELD] == 0:
        factorise(block.roots, block.above, block.nodes[0], lower, inverse, block.traces)
    for j in range(n):
        block.gains[j] = 1.0
    _clear(u)
    sweep(lower, inverse, z, u, block.sums[:2])
    padded = 4 * ((int(block.facts[HELD]) + 3) // 4)
    c = np.empty((padded, n))
    step = 4 * max(1, int(SMALL / (4 * n * width)))
    for start in range(0, padded, step):
        few = min(step, padded - start)
        lapack("dgemm NN", n, few, width, 1.0, u, n, v[start:], width, 0.0, c[start:], n)  # c = V u
    _through_factors(block.factor, c, block.w)
    _clear(u)
    for start in range(0, padded, step):
        few = min(step, padded - start)
        lapack("dgemm NT", n, width, few, 1.0, c[start:], n, v[start:], width, 1.0, u, n)  # u = V^T c
    sweep(lower, inverse, z, u, block.sums[2:])


def _clear(u: Matrix) -> None:
    for k in range(len(u)):
        for j in range(u.shape[1]):
            u[k, j] = 0.0


def quadrature_of(block: Block) -> Quadrature:
    """The quadrature of the block."""
    return Quadrature(block.nodes, block.facts[LOW], block.facts[HIGH])


def _meet(across: Vector, m: int, v: Matrix, z: Vector) -> float:
    """Enter z in `across`; returns the largest of its entries."""
    across[m] = dot(z, z)
    most = 0.0
    for k in range(m):
        product = abs(dot(v[k], z))
        across[k] += product
        across[m] += product
        most = max(most, across[k])
    return max(most, across[m])


def sound(block: Block, z: Vector, rank: int) -> bool:
    """Whether G + z z^T, of this rank, is sure to keep its spectrum in the rule's range, and u = solve(z) digits."""
    facts, sums = block.facts, block.sums
    if not sums[0, 0] <= CANCELLED * (1.0 + sums[2, 0]):
        return False
    if not facts[LARGEST] + _meet(block.across, int(facts[HELD]), block.v, z) <= facts[HIGH]:
        return False
    # 1 / (lam_min + s) <= trace on the span <= 1 / (low + s); without a new direction eigenvalues only grow.
    j = int(facts[WATCHED])
    s, trace = block.nodes[0, j], block.traces[j] - sums[3, j] / (1.0 + sums[2, j])
    return rank == facts[FIRST] or trace - (len(z) - rank) / s <= 1.0 / (facts[LOW] + s)


def append(block: Block, z: Vector) -> None:
    """G + z z^T; u and w are solve(z), and u times gains becomes what it is for the new G."""
    facts, factor, sums, w = block.facts, block.factor, block.sums, block.w
    m = int(facts[HELD])
    facts[HELD] = m + 1
    length = 4 * (m // 4 + 1)
    start = length * (length // 2 - 2) + m % 4 * length  # after bands of 4 * 4, 4 * 8, ... numbers
    for j in range(len(factor)):
        rho = max(1.0, 1.0 + sums[2, j])
        if m % 4 == 0:
            for k in range(4 * length):
                factor[j, start + k] = 0.0  # a band begins, whose other rows are zero as yet
        row = factor[j, start : start + length]
        for k in range(m):
            row[k] = -w[j, k] / math.sqrt(rho)
        row[m] = 1.0 / math.sqrt(rho)
        block.gains[j] = 1.0 / rho
        block.traces[j] -= sums[3, j] / rho
    for i in range(len(z)):
        block.v[m, i] = z[i]
        if m % 4 == 0:
            block.v[m + 1, i] = block.v[m + 2, i] = block.v[m + 3, i] = 0.0


@apart
def combine(arrays: tuple[Matrix, ...]) -> None:
    """For (room, delta, z, x): x = 1 / (delta + sqrt G) z from block.u = (G + s_j)^{-1} z, zero from w on."""
    room, numbers, rows, sums = arrays
    z, x = rows[0], sums[0]
    block = block_in(room, len(z))
    w, rest = weights(quadrature_of(block), numbers[0, 0])
    for j in range(len(w)):
        w[j] *= block.gains[j]
    for i in range(len(x)):
        x[i] = rest * z[i] + dot(block.u[i], w) if i < len(block.u) else 0.0


def _through_factors(factor: Matrix, c: Matrix, w: Matrix) -> None:
    """w_j = T_j^T T_j c_j for the columns c_j of c, which become those of w."""
    column = np.empty(len(c))
    for j in range(len(factor)):
        for k in range(len(c)):
            column[k] = c[k, j]
        _through_factor(factor[j], column, w[j])
        for k in range(len(c)):
            c[k, j] = w[j, k]


@SUMS
def _through_factor(t: Vector, c: Vector, w: Vector) -> None:
    """w = T^T T c, each band of four rows read once."""
    for k in range(len(c)):
        w[k] = 0.0
    start = 0
    for length in range(4, len(c) + 1, 4):
        a, b = t[start : start + length], t[start + length : start + 2 * length]
        e, f = t[start + 2 * length : start + 3 * length], t[start + 3 * length : start + 4 * length]
        qa, qb, qe, qf = 0.0, 0.0, 0.0, 0.0
        for k in range(length):
            qa += a[k] * c[k]
            qb += b[k] * c[k]
            qe += e[k] * c[k]
            qf += f[k] * c[k]
        for k in range(length):
            w[k] += qa * a[k] + qb * b[k] + qe * e[k] + qf * f[k]
        start += 4 * length
