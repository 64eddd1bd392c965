"""(B^T B + s_j)^{-1} for an upper bidiagonal B and several shifts s_j > 0 at once: column j of an array is shift j's.

B^T B + s_j = L_j diag(p_j) L_j^T by the differential quotient-difference algorithm with a shift (Rutishauser;
Dhillon and Parlett 2004), in which nothing is subtracted: what small singular values B has, its factors keep.
"""

import math

import numpy as np

from oco.projections import largest
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
    n, least = len(roots), math.inf
    rows = np.empty((4, n))
    squares, below, x, y = rows[0], rows[1], rows[2], rows[3]
    for i in range(n):
        x[i] = 1.0
        squares[i] = roots[i] * roots[i]
        least = min(least, squares[i])
    if largest(above) == 0.0:
        return least, largest(squares)
    _times_nonnegative(roots, above, x, y)
    _times_nonnegative(roots, above, y, x)
    for i in range(n):
        x[i] /= y[i]
    high = largest(x)
    for i in range(n):
        below[i] = -abs(above[i] / roots[i])
        x[i] = 1.0
    lapack("dpttrs", n, 1, squares, below, x, n)
    for i in range(n):
        y[i] = x[i]
    lapack("dpttrs", n, 1, squares, below, y, n)
    for i in range(n):
        y[i] /= x[i]
    return 1.0 / largest(y), high


def _times_nonnegative(roots: Vector, above: Vector, x: Vector, y: Vector) -> None:
    """y = |B^T B| x."""
    for i in range(len(x)):
        y[i] = roots[i] * roots[i] * x[i]
        if i > 0:
            crossing = abs(above[i - 1] * roots[i - 1])
            y[i] += above[i - 1] * above[i - 1] * x[i] + crossing * x[i - 1]
            y[i - 1] += crossing * x[i]
