"""Resolvents (G + s_j)^{-1} of G = diag(lam) + V^T V for several shifts at once, V growing by a row a round.

Woodbury's formula with X_j = diag(1 / (lam + s_j)) and T_j = L_j^{-1} for the Cholesky factor L_j of I + V X_j V^T:
(G + s_j)^{-1} z = X_j (z - V^T w_j), w_j = T_j^T T_j V X_j z. Adding the row z to V divides the answer for z by
rho_j = 1 + z^T (G + s_j)^{-1} z and adds the row (-w_j, 1) / sqrt(rho_j) to T_j: no factorisation is ever made again.
"""

import math
from typing import NamedTuple

import numpy as np

from oco._jit import relaxed
from oco.projections import add_multiple, dot, scale
from oco.protocols import Matrix, Vector
from oco.roots.quadrature import Quadrature, weights

CANCELLED = 1e5  # at most five digits of rho may be lost


class Block(NamedTuple):
    """What has come since the last eigendecomposition; arrays (., w) hold the first w rotated coordinates."""

    rule: Quadrature
    v: Matrix  # (rows, w): the rotated gradients, zeros below row `held`
    inverse: Matrix  # (n, w): X_j
    factor: Matrix  # (n, .): T_j in bands of four rows, each as long as its last
    held: int
    first: int  # rank of G before the block
    top: float  # largest eigenvalue of G before the block
    across: Vector  # (rows,): sum_k |<v_i, v_k>|; by the largest of these, at most, it has grown
    watched: int  # a shift s <= low / 4, the smallest if there is none,
    trace: float  # and the trace of (G + s)^{-1} on the w coordinates


def empty_block() -> Block:
    none = np.zeros((0, 0))
    return Block(Quadrature(none, 0.0, 0.0), none, none, none, 0, 0, 0.0, np.zeros(0), 0, 0.0)


def new_block(rule: Quadrature, values: Vector, first: int) -> Block:
    """A block on the eigenvalues `values`, of which `first` are positive."""
    shifts = rule.nodes[0]
    n = len(shifts)
    # Few rows make eigenvectors frequent, many make rounds long: the cost is flat around this.
    rows = 4 * math.ceil((24.0 + 0.35 * first) / math.sqrt(n))
    width = min(len(values), first + rows)
    inverse = np.empty((n, width))
    for j in range(n):
        for i in range(width):
            inverse[j, i] = 1.0 / (values[i] + shifts[j])
    watched = 0
    while watched + 1 < n and shifts[watched + 1] <= 0.25 * rule.low:
        watched += 1
    trace = 0.0
    for i in range(width):
        trace += inverse[watched, i]
    factor = np.zeros((n, (rows // 4) * (2 * rows + 8)))
    return Block(rule, np.zeros((rows, width)), inverse, factor, 0, first, values[0], np.zeros(rows), watched, trace)


def solve(block: Block, z: Vector) -> tuple[Matrix, Matrix]:
    """(G + s_j)^{-1} z (n, w), and w_j (n, held rounded up to fours)."""
    inverse = block.inverse
    n, width = inverse.shape
    u = np.empty((n, width))
    for j in range(n):
        for i in range(width):
            u[j, i] = inverse[j, i] * z[i]
    padded = 4 * ((block.held + 3) // 4)
    w = np.zeros((n, padded))
    c = np.empty((2, padded))
    y = np.empty((2, width))
    for j in range(0, n if padded > 0 else 0, 2):
        _products(u[j], u[j + 1], block.v, c)
        _through_factor(block.factor[j], c[0], w[j])
        _through_factor(block.factor[j + 1], c[1], w[j + 1])
        _sums(w[j], w[j + 1], block.v, y)
        for i in range(width):
            u[j, i] -= inverse[j, i] * y[0, i]
            u[j + 1, i] -= inverse[j + 1, i] * y[1, i]
    return u, w


def _trace(block: Block, z: Vector, u: Matrix) -> float:
    """`trace` for G + z z^T."""
    j = block.watched
    return block.trace - dot(u[j], u[j]) / (1.0 + dot(z, u[j]))


def _meet(block: Block, z: Vector) -> float:
    """Enter z in `across`; returns the largest of its entries."""
    m = block.held
    block.across[m] = dot(z, z)
    most = 0.0
    for k in range(m):
        product = abs(dot(block.v[k], z))
        block.across[k] += product
        block.across[m] += product
        most = max(most, block.across[k])
    return max(most, block.across[m])


def sound(block: Block, z: Vector, u: Matrix, rank: int) -> bool:
    """Whether G + z z^T, of this rank, is sure to keep its spectrum in the rule's range, and u = solve(z) digits."""
    if not _weighted(block.inverse[0], z) <= CANCELLED * (1.0 + dot(z, u[0])):
        return False
    if not block.top + _meet(block, z) <= block.rule.high:
        return False
    # 1 / (lam_min + s) <= trace on the span <= 1 / (low + s); without a new direction eigenvalues only grow.
    s = block.rule.nodes[0, block.watched]
    return rank == block.first or _trace(block, z, u) - (len(z) - rank) / s <= 1.0 / (block.rule.low + s)


def append(block: Block, z: Vector, u: Matrix, w: Matrix) -> Block:
    """G + z z^T; u and w are solve(z), and u becomes what it is for the new G."""
    m, trace = block.held, _trace(block, z, u)
    length = 4 * (m // 4 + 1)
    start = length * (length // 2 - 2) + m % 4 * length  # after bands of 4 * 4, 4 * 8, ... numbers
    for j in range(len(u)):
        rho = max(1.0, 1.0 + dot(z, u[j]))
        row = block.factor[j, start : start + length]
        for k in range(m):
            row[k] = -w[j, k] / math.sqrt(rho)
        row[m] = 1.0 / math.sqrt(rho)
        scale(u[j], 1.0 / rho)
    for i in range(len(z)):
        block.v[m, i] = z[i]
    rule, v, inverse, factor, _, first, top, across, watched, _ = block
    return Block(rule, v, inverse, factor, m + 1, first, top, across, watched, trace)


def combine(block: Block, delta: float, z: Vector, u: Matrix) -> Vector:
    """1 / (delta + sqrt G) z from u = (G + s_j)^{-1} z."""
    w, rest = weights(block.rule, delta)
    total = np.empty(len(z))
    for i in range(len(z)):
        total[i] = rest * z[i]
    for j in range(len(u)):
        add_multiple(total, w[j], u[j])
    return total


@relaxed("reassoc", "contract", "nsz")
def _weighted(h: Vector, z: Vector) -> float:
    total = 0.0
    for i in range(len(z)):
        total += h[i] * z[i] * z[i]
    return total


@relaxed("reassoc", "contract", "nsz")
def _products(a: Vector, b: Vector, v: Matrix, c: Matrix) -> None:
    """c = (V a, V b), four rows of V at a time."""
    for k in range(0, c.shape[1], 4):
        p, q, r, s = v[k], v[k + 1], v[k + 2], v[k + 3]
        ap, aq, ar, as_ = 0.0, 0.0, 0.0, 0.0
        bp, bq, br, bs = 0.0, 0.0, 0.0, 0.0
        for i in range(len(a)):
            ap += a[i] * p[i]
            aq += a[i] * q[i]
            ar += a[i] * r[i]
            as_ += a[i] * s[i]
            bp += b[i] * p[i]
            bq += b[i] * q[i]
            br += b[i] * r[i]
            bs += b[i] * s[i]
        c[0, k], c[0, k + 1], c[0, k + 2], c[0, k + 3] = ap, aq, ar, as_
        c[1, k], c[1, k + 1], c[1, k + 2], c[1, k + 3] = bp, bq, br, bs


@relaxed("reassoc", "contract", "nsz")
def _sums(a: Vector, b: Vector, v: Matrix, y: Matrix) -> None:
    """y = (V^T a, V^T b), four rows of V at a time."""
    first, second = y[0], y[1]
    for i in range(len(first)):
        first[i] = 0.0
        second[i] = 0.0
    for k in range(0, len(a), 4):
        p, q, r, s = v[k], v[k + 1], v[k + 2], v[k + 3]
        for i in range(len(first)):
            first[i] += a[k] * p[i] + a[k + 1] * q[i] + a[k + 2] * r[i] + a[k + 3] * s[i]
            second[i] += b[k] * p[i] + b[k + 1] * q[i] + b[k + 2] * r[i] + b[k + 3] * s[i]


@relaxed("reassoc", "contract", "nsz")
def _through_factor(t: Vector, c: Vector, w: Vector) -> None:
    """w += T^T T c, each band of four rows read once."""
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
