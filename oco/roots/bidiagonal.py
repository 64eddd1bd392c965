"""(B^T B + s_j)^{-1} for an upper bidiagonal B and several shifts s_j > 0 at once: column j of an array is shift j's.

B^T B + s_j = L_j diag(p_j) L_j^T by the differential quotient-difference algorithm with a shift (Rutishauser;
Dhillon and Parlett 2004), in which nothing is subtracted: what small singular values B has, its factors keep.
"""

import numpy as np

from oco.protocols import Matrix, Vector
from oco.roots.lapack import lapack


def factorise(roots: Vector, above: Vector, shifts: Vector, lower: Matrix, inverse: Matrix, traces: Vector) -> None:
    """Below the diagonal of L_j, 1 / p_j and the trace of the inverse, for B's diagonal and what stands above it."""
    rest = shifts.copy()
    for k in range(len(inverse)):
        for j in range(len(shifts)):
            p = roots[k] * roots[k] + rest[j]
            inverse[k, j] = 1.0 / p
            lower[k, j] = roots[k] * above[k] / p
            rest[j] = shifts[j] + above[k] * above[k] * (rest[j] / p)
    for j in range(len(shifts)):
        traces[j] = 0.0
        rest[j] = 0.0
    for k in range(len(inverse) - 1, -1, -1):
        for j in range(len(shifts)):
            rest[j] = inverse[k, j] + lower[k, j] * lower[k, j] * rest[j]  # the diagonal of the inverse
            traces[j] += rest[j]


def bounds(roots: Vector, above: Vector) -> tuple[float, float]:
    """Bounds of the eigenvalues of B^T B, most often to ten percent, by Collatz and Wielandt's quotients.

    Signs do not matter to the eigenvalues of a tridiagonal matrix: it and its inverse may be taken as nonnegative.
    """
    squares, inner = roots * roots, above[:-1]
    if not inner.any():
        return float(squares.min()), float(squares.max())
    below, crossing, diagonal = -np.abs(inner / roots[:-1]), np.abs(inner * roots[:-1]), squares.copy()
    diagonal[1:] += inner * inner
    x = np.ones(len(roots))
    lapack("dpttrs", len(x), 1, squares, below, x, len(x))
    y = x.copy()
    lapack("dpttrs", len(x), 1, squares, below, y, len(x))
    low = 1.0 / (y / x).max()
    x = diagonal.copy()
    x[1:] += crossing
    x[:-1] += crossing
    y = diagonal * x
    y[1:] += crossing * x[:-1]
    y[:-1] += crossing * x[1:]
    return float(low), float((y / x).max())
