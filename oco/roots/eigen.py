"""The root by an eigendecomposition a round, for domains whose projection needs all eigenvectors in each anyhow."""

import math
from typing import Any

import numpy as np

from oco._back import in_python
from oco.projections import dot
from oco.protocols import Matrix, Vector
from oco.roots.block import FACTS, RANK, UNIT
from oco.roots.reduction import diagonalise
from oco.roots.renewal import GRADED, NEW, SKEW, in_unit, straighten
from oco.roots.root import Root, back


def enter(root: Root, g: Vector) -> Vector:
    """G + g g^T in a basis of its eigenvectors; the rotated g (d,)."""
    z = np.empty((1, len(g)))
    for i in range(len(g)):
        z[0, i] = g[i]
    _enter((root.basis, root.turned, root.room, z))
    return z[0]


@in_python
def _enter(arrays: tuple[Matrix, ...]) -> None:
    basis, turned, (room,), (z,) = arrays
    (roots, above), g = room[FACTS : FACTS + 2 * len(z)].reshape(2, -1), z.copy()
    rank = in_unit(room, roots, above, float(np.abs(g).max()))
    unit = room[UNIT]
    z[:] = basis @ (g / unit)
    size = math.sqrt(z @ z)
    if not abs(size - np.linalg.norm(g / unit)) <= SKEW * size:
        straighten((basis,))
        z[:] = basis @ (g / unit)
    rest = z[rank:]
    outside = float(np.linalg.norm(rest))
    if outside > NEW * size:
        # Householder's reflection of the rows outside the span takes the rest of z to -+outside e_1.
        end = -math.copysign(outside, rest[0])
        v = rest - end * np.eye(1, len(rest))[0]
        for rows in (basis[rank:], turned[:, rank:].T):
            rows -= np.outer(v, v @ rows) / (outside * abs(v[0]))
        rank += 1
        rest[0] = end
    z[rank:] = 0.0
    graded = rank < len(z) or roots[-1] ** 2 < GRADED * max(roots[0] ** 2, z @ z)
    room[RANK] = diagonalise(basis, turned, roots, above, z[None, :rank], graded)
    z[:] = basis @ (g / unit)


def divide(root: Root, delta: float, v: Vector) -> Vector:
    """(delta + sqrt G)^+ v."""
    x = np.zeros(len(v))
    for i in range(len(v)):
        h = delta + root.room[0, FACTS + i]
        x[i] = v[i] / h if h > 0.0 else 0.0
    return x


def project(domain: Any, root: Root, delta: float, y: Vector) -> None:
    """argmin_{u in X} |u - y|_H in place of the rotated y (d,)."""
    h = np.empty(len(y))
    for i in range(len(y)):
        h[i] = delta + root.room[0, FACTS + i]
    x = back(root, y)
    domain.project_metric(x, h, root.basis.T)
    for i in range(len(y)):
        y[i] = dot(root.basis[i], x)
