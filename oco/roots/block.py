"""Resolvents (G + s_j)^{-1} of G = diag(lam) + V^T V for several shifts at once, V growing by a row a round.

Woodbury's formula with X_j = diag(1 / (lam + s_j)) and T_j = L_j^{-1} for the Cholesky factor L_j of I + V X_j V^T:
(G + s_j)^{-1} z = X_j (z - V^T w_j), w_j = T_j^T T_j V X_j z. Adding the row z to V divides the answer for z by
rho_j = 1 + z^T (G + s_j)^{-1} z and adds the row (-w_j, 1) / sqrt(rho_j) to T_j: no factorisation is ever made again.
"""

import math
from typing import NamedTuple

import numpy as np

from oco._back import apart
from oco._jit import relaxed
from oco.lowlevel.arrays import part
from oco.projections import add_multiple, dot, scale
from oco.protocols import Matrix, Vector
from oco.roots.quadrature import MOST, Quadrature, weights

CANCELLED = 1e5  # at most five digits of rho may be lost

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
WATCHED = 10  # a shift s <= low / 4, the smallest if there is none,
TRACE = 11  # and the trace of (G + s)^{-1} on the first w coordinates
FACTS = 12


class Block(NamedTuple):
    """What has come since the last eigendecomposition; arrays (., w) hold the first w rotated coordinates."""

    facts: Vector  # (FACTS,): the numbers above
    values: Vector  # (d,): lam, falling, zero from the rank at the beginning of the block
    across: Vector  # (rows,): sum_k |<v_i, v_k>|; by the largest of these, at most, lam_max has grown
    nodes: Matrix  # (4, n): of the quadrature
    v: Matrix  # (rows, w): the rotated gradients, zeros below row `held`
    inverse: Matrix  # (n, w): X_j
    factor: Matrix  # (n, .): T_j in bands of four rows, each as long as its last
    u: Matrix  # (n, w): the last solution,
    w: Matrix  # (n, rows): and its w_j


def block_in(room: Matrix, d: int) -> Block:
    """The numbers and arrays that lie in `room` (1, .) one after the other."""
    facts = room[0, :FACTS]
    n, rows, width = int(facts[NODES]), int(facts[ROWS]), int(facts[WIDTH])
    nodes = FACTS + d + rows
    v = nodes + 4 * n
    inverse = v + rows * width
    u = inverse + n * width
    w = u + n * width
    return Block(
        facts,
        room[0, FACTS : FACTS + d],
        room[0, FACTS + d : nodes],
        part(room, nodes, 4, n),
        part(room, v, rows, width),
        part(room, inverse, n, width),
        part(room, w + n * rows, n, (rows // 4) * (2 * rows + 8)),
        part(room, u, n, width),
        part(room, w, n, rows),
    )


def _rows(n: int, first: int) -> int:
    # Few rows make eigenvectors frequent, many make rounds long: the cost is flat around this.
    return 4 * math.ceil((36.0 + 0.335 * first) / math.sqrt(n))


def empty_room(d: int) -> Matrix:
    """Room for every block in d dimensions; pages that none uses cost nothing."""

    def size(n: int) -> int:
        rows = _rows(n, d)
        return FACTS + d + rows + 4 * n + rows * d + n * (2 * d + rows + (rows // 4) * (2 * rows + 8))

    room = np.zeros((1, max(size(n) for n in range(2, MOST + 1, 2))))
    room[0, UNIT] = 1.0
    return room


def begin(room: Matrix, d: int, rule: Quadrature, first: int) -> None:
    """A block on the eigenvalues in `room`, of which `first` are positive."""
    n = rule.nodes.shape[1]
    rows = _rows(n, first)
    facts = room[0, :FACTS]
    facts[RANK] = facts[FIRST] = first
    facts[NODES], facts[ROWS], facts[WIDTH], facts[HELD] = n, rows, min(d, first + rows), 0
    facts[LOW], facts[HIGH] = rule.low, rule.high
    block = block_in(room, d)
    block.nodes[:] = rule.nodes
    block.inverse[:] = 1.0 / (block.values[: block.v.shape[1]] + rule.nodes[0][:, None])
    for array in (block.across, block.v, block.factor):
        array[:] = 0.0
    watched = max(0, int(np.count_nonzero(rule.nodes[0] <= 0.25 * rule.low)) - 1)
    facts[WATCHED], facts[TRACE] = watched, block.inverse[watched].sum()


@apart
def solve(arrays: tuple[Matrix, ...]) -> None:
    """For (room, z): block.u = (G + s_j)^{-1} z, and w_j in block.w, rounded up to fours."""
    room, z = arrays
    block = block_in(room, z.shape[1])
    inverse, v, u, w = block.inverse, block.v, block.u, block.w
    n, width = u.shape
    for j in range(n):
        for i in range(width):
            u[j, i] = inverse[j, i] * z[0, i]
    padded = 4 * ((int(block.facts[HELD]) + 3) // 4)
    if padded == 0:
        return
    known = part(v, 0, padded, width)
    c = np.empty((n, padded))
    np.dot(u, known.T, c)
    for j in range(n):
        _through_factor(block.factor[j], c[j], w[j])
        for k in range(padded):
            c[j, k] = w[j, k]
    y = np.empty((n, width))
    np.dot(c, known, y)
    for j in range(n):
        for i in range(width):
            u[j, i] -= inverse[j, i] * y[j, i]


def _trace(facts: Vector, z: Vector, u: Matrix) -> float:
    """`trace` for G + z z^T."""
    watched = u[int(facts[WATCHED])]
    return facts[TRACE] - dot(watched, watched) / (1.0 + dot(z, watched))


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
    facts, u = block.facts, block.u
    if not _weighted(block.inverse[0], z) <= CANCELLED * (1.0 + dot(z, u[0])):
        return False
    if not block.values[0] + _meet(block.across, int(facts[HELD]), block.v, z) <= facts[HIGH]:
        return False
    # 1 / (lam_min + s) <= trace on the span <= 1 / (low + s); without a new direction eigenvalues only grow.
    s = block.nodes[0, int(facts[WATCHED])]
    return rank == facts[FIRST] or _trace(facts, z, u) - (len(z) - rank) / s <= 1.0 / (facts[LOW] + s)


def append(block: Block, z: Vector) -> None:
    """G + z z^T; u and w are solve(z), and u becomes what it is for the new G."""
    facts, factor, u, w = block.facts, block.factor, block.u, block.w
    m = int(facts[HELD])
    facts[TRACE] = _trace(facts, z, u)
    facts[HELD] = m + 1
    length = 4 * (m // 4 + 1)
    start = length * (length // 2 - 2) + m % 4 * length  # after bands of 4 * 4, 4 * 8, ... numbers
    for j in range(len(u)):
        rho = max(1.0, 1.0 + dot(z, u[j]))
        row = factor[j, start : start + length]
        for k in range(m):
            row[k] = -w[j, k] / math.sqrt(rho)
        row[m] = 1.0 / math.sqrt(rho)
        scale(u[j], 1.0 / rho)
    for i in range(len(z)):
        block.v[m, i] = z[i]


@apart
def combine(arrays: tuple[Matrix, ...]) -> None:
    """For (room, delta, z, x): x = 1 / (delta + sqrt G) z from block.u = (G + s_j)^{-1} z, zero from w on."""
    room, numbers, rows, sums = arrays
    z, x = rows[0], sums[0]
    block = block_in(room, len(z))
    w, rest = weights(Quadrature(block.nodes, block.facts[LOW], block.facts[HIGH]), numbers[0, 0])
    total = x[: block.u.shape[1]]
    for i in range(len(x)):
        x[i] = rest * z[i] if i < len(total) else 0.0
    for j in range(len(w)):
        add_multiple(total, w[j], block.u[j])


@relaxed("reassoc", "contract", "nsz")
def _weighted(h: Vector, z: Vector) -> float:
    total = 0.0
    for i in range(len(z)):
        total += h[i] * z[i] * z[i]
    return total


@relaxed("reassoc", "contract", "nsz")
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
