"""G = B^T B + V^T V, B upper bidiagonal, as B'^T B' in another orthogonal basis: by reflections, or by eigenvectors.

Reflections cost less than half of what eigenvectors do, and shifted inverses need no more than B'.
"""

import math

import numpy as np

from oco.projections import dot
from oco.protocols import Matrix, Vector
from oco.roots.lapack import lapack

EPS = 2.3e-16
CUT = 1e-12  # singular values as small as this, relative to the largest, are rounding
PANEL = 16  # columns that LAPACK takes at a time: with more, small matrices take longer


def diagonalise(basis: Matrix, turned: Matrix, roots: Vector, above: Vector, v: Matrix, graded: bool) -> int:
    """Eigenvectors of G instead of the first r rows of the basis, v (m, r): B' is diagonal and falls; the rank.

    graded: whether G has eigenvalues so small that, as singular values alone, they keep digits.
    """
    r = v.shape[1]
    if not (np.isfinite(v).all() and np.isfinite(roots).all()):
        turned[:] = math.nan  # the learner's vectors: at NaN the play stops
        return r
    stack = np.vstack([dense(roots[:r], above[:r]), v])
    if graded:
        _, found, turn = np.linalg.svd(stack, full_matrices=False)
        found = np.where(found > max(CUT, EPS * r) * found[0], found, 0.0)
    else:
        squares, vectors = np.linalg.eigh(stack.T @ stack)
        found = np.sqrt(np.where(squares > EPS * r * squares[-1], squares, 0.0))[::-1]
        turn = vectors.T[::-1]
    roots[:r], above[:r] = found, 0.0
    basis[:r] = turn @ basis[:r]
    turned[:, :r] = turned[:, :r] @ turn.T
    return int(np.count_nonzero(found))


def bidiagonalise(basis: Matrix, turned: Matrix, roots: Vector, above: Vector, v: Matrix, graded: bool) -> None:
    """B' for all rows of the basis, v (m, d), by Householder's reflections; graded as in `diagonalise`."""
    m, d, k = len(v), len(basis), len(turned)
    first, second, work = np.empty(d), np.empty((d, PANEL)), np.empty(2 * PANEL * d + 65 * 64)
    if graded:
        a, rows = np.empty((d, d)), np.empty((d, m))  # LAPACK's matrices are columns in a row
        for i in range(d):
            for j in range(d):
                a[i, j] = roots[i] if j == i else above[j] if j == i - 1 else 0.0
            for j in range(m):
                rows[i, j] = v[j, i]
        lapack("dtpqrt", m, d, 0, min(PANEL, d), a, d, rows, m, second, PANEL, work)
        lapack("dgebrd", d, d, a, d, roots, above, first, second, work, len(work))
        lapack("dormbr PRN", d, d, d, a, d, second, basis, d, work, len(work))
        lapack("dormbr PLT", d, k, d, a, d, second, turned, d, work, k)
        for i in range(d):
            if roots[i] < 0.0:
                roots[i], above[i] = -roots[i], -above[i]
    else:
        a = _sum(roots, above, v)
        lapack("dsytrd L", d, a, d, roots, above, first, work, PANEL * d)
        if d > 1:
            _triangles(a, first[: d - 1], second)
            size = min(PANEL, d - 1)
            lapack("dgemqrt RN", d, d - 1, d - 1, size, a[0, 1:], d, second, PANEL, basis[1:], d, work)
            lapack("dgemqrt LT", d - 1, k, d - 1, size, a[0, 1:], d, second, PANEL, turned[0, 1:], d, work)
        positive = lapack("dpttrf", d, roots, above) == 0
        for i in range(d):
            roots[i] = math.sqrt(roots[i]) if positive else math.nan
            above[i] *= roots[i]
    above[d - 1] = 0.0


def _triangles(a: Matrix, tau: Vector, t: Matrix) -> None:
    """T of every panel's H_1 ... H_b = I - V T V^T, a column of T in a row of t (Schreiber and Van Loan 1989).

    LAPACK makes T of products of some numbers each, for which OpenBLAS locks what all threads share: with two of them,
    plays took 4 % longer in 100 dimensions.
    """
    products = np.empty(PANEL)
    for j in range(len(tau)):
        width = j % PANEL
        panel = j - width
        for i in range(width):
            products[i] = a[panel + i, j + 1] + dot(a[panel + i, j + 2 :], a[j, j + 2 :])
        for i in range(width):
            t[j, i] = 0.0
            for m in range(i, width):
                t[j, i] -= tau[j] * t[panel + m, i] * products[m]
        t[j, width] = tau[j]


def dense(roots: Vector, above: Vector) -> Matrix:
    """B."""
    return np.diag(roots) + np.diag(above[:-1], 1)


def _sum(roots: Vector, above: Vector, v: Matrix) -> Matrix:
    """B^T B + V^T V."""
    r = len(roots)
    total = np.empty((r, r))
    lapack("dgemm NT", r, r, len(v), 1.0, v, r, v, r, 0.0, total, r)
    for i in range(r):
        total[i, i] += roots[i] * roots[i]
        if i > 0:
            beside = roots[i - 1] * above[i - 1]
            total[i, i] += above[i - 1] * above[i - 1]
            total[i, i - 1] += beside
            total[i - 1, i] += beside
    return total
