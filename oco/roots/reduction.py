"""G = B^T B + V^T V, B upper bidiagonal, as B'^T B' in another orthogonal basis: by reflections, or by eigenvectors.

Reflections cost less than half of what eigenvectors do, and shifted inverses need no more than B'.
"""

import numpy as np

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
    if not _finite(turned, roots, v):
        return r
    if graded:
        _, found, turn = np.linalg.svd(np.vstack([dense(roots[:r], above[:r]), v]), full_matrices=False)
        found = np.where(found > max(CUT, EPS * r) * found[0], found, 0.0)
    else:
        squares, vectors = np.linalg.eigh(_sum(roots[:r], above[:r], v))
        found = np.sqrt(np.where(squares > EPS * r * squares[-1], squares, 0.0))[::-1]
        turn = vectors.T[::-1]
    roots[:r], above[:r] = found, 0.0
    basis[:r] = turn @ basis[:r]
    turned[:, :r] = turned[:, :r] @ turn.T
    return int(np.count_nonzero(found))


def bidiagonalise(basis: Matrix, turned: Matrix, roots: Vector, above: Vector, v: Matrix, graded: bool) -> None:
    """B' for all rows of the basis, v (m, d), by Householder's reflections; graded as in `diagonalise`."""
    m, d, k = len(v), len(basis), len(turned)
    if not _finite(turned, roots, v):
        return
    first, second, work = np.empty(d), np.empty(PANEL * d), np.empty(2 * PANEL * d + 65 * 64)
    if graded:
        a, rows = dense(roots, above).T.copy(), v.T.copy()  # LAPACK's matrices are columns in a row
        lapack("dtpqrt", m, d, 0, min(PANEL, d), a, d, rows, m, second, PANEL, work)
        lapack("dgebrd", d, d, a, d, roots, above, first, second, work, len(work))
        above *= np.sign(roots)
        np.abs(roots, out=roots)
        lapack("dormbr", "P", "R", "N", d, d, d, a, d, second, basis, d, work, len(work))
        lapack("dormbr", "P", "L", "T", d, k, d, a, d, second, turned, d, work, k)
    else:
        a = _sum(roots, above, v)
        lapack("dsytrd", "L", d, a, d, roots, above, first, work, PANEL * d)
        lapack("dormtr", "R", "L", "N", d, d, a, d, first, basis, d, work, len(work))
        lapack("dormtr", "L", "L", "T", d, k, a, d, first, turned, d, work, k)
        if lapack("dpttrf", d, roots, above):
            roots[:] = np.nan
        np.sqrt(roots, out=roots)
        above *= roots
    above[-1] = 0.0


def _finite(turned: Matrix, roots: Vector, v: Matrix) -> bool:
    """Whether all is finite; if not, NaN for what the learner keeps, at which the play stops."""
    finite = bool(np.isfinite(v).all() and np.isfinite(roots).all())
    if not finite:
        turned[:] = np.nan
    return finite


def dense(roots: Vector, above: Vector) -> Matrix:
    """B."""
    r = len(roots)
    b = np.zeros((r, r))
    b.reshape(-1)[:: r + 1] = roots
    b.reshape(-1)[1 :: r + 1] = above[:-1]
    return b


def _sum(roots: Vector, above: Vector, v: Matrix) -> Matrix:
    """B^T B + V^T V."""
    r, total = len(roots), v.T @ v
    entries, inner = total.reshape(-1), above[:-1]
    entries[:: r + 1] += roots * roots
    entries[r + 1 :: r + 1] += inner * inner
    for beside in (entries[1 :: r + 1], entries[r :: r + 1]):
        beside += roots[:-1] * inner
    return total
