"""Rows as the loops take them, without repeated columns: a matrix's own arrays, looked at once, copied only at need."""

from typing import Any

import numpy as np

from oco._jit import kernel
from oco.protocols import Sparse, Vector

COLUMNS = 2**31 - 1  # columns are counted in int32
WELL, REPEATED, OUTSIDE = 0, 1, 2


@kernel
def survey(indptr: Any, indices: Any, d: int, marked: Any) -> int:
    """WELL, or what is wrong with the columns: REPEATED within a row, or OUTSIDE 0 .. d - 1.

    `marked` has a bit for each column, 0 before and after: those of the row at hand.
    """
    start = indptr[0]
    if start != 0:
        return OUTSIDE
    for r in range(1, len(indptr)):
        stop = indptr[r]
        if stop < start or stop > len(indices):
            return OUTSIDE
        row, falls = indices[start:stop], 0
        for j in range(len(row) - 1):
            falls += row[j] >= row[j + 1]
        if falls == 0:
            if stop > start and (indices[start] < 0 or indices[stop - 1] >= d):
                return OUTSIDE
        else:
            repeated = 0
            for j in range(start, stop):
                i = indices[j]
                if i < 0 or i >= d:
                    return OUTSIDE
                repeated |= marked[i >> 5] >> (i & 31) & 1
                marked[i >> 5] |= 1 << (i & 31)
            if repeated:
                return REPEATED
            for j in range(start, stop):
                marked[indices[j] >> 5] = 0
        start = stop
    return WELL


def compressed(a: Any, y: Vector, dtype: Any, name: str) -> Sparse:
    """A block over the arrays of `a`, where their types fit; entries of a column met twice in a row are added up."""
    if a.ndim != 2 or a.shape[1] > COLUMNS:
        raise ValueError(f"{name}: features have shape {a.shape}; need (n, d) with d <= {COLUMNS}")
    a = a.tocsr()
    indptr = np.asarray(a.indptr, np.int64)
    found = survey(indptr, a.indices, a.shape[1], np.zeros(a.shape[1] // 32 + 1, np.int64))
    if found == OUTSIDE:
        raise ValueError(f"{name}: indptr or indices of the sparse matrix are wrong; columns are 0 .. {a.shape[1] - 1}")
    if found == REPEATED:
        a = a.copy()
        a.sum_duplicates()
        indptr = np.asarray(a.indptr, np.int64)
    indices, values = np.asarray(a.indices, np.int32), np.asarray(a.data, dtype)
    return Sparse(indptr, indices, values, y, a.shape[1])


@kernel
def merge(indptr: Any, indices: Any, values: Vector, places: Any) -> int:
    """Add up equal columns within every row, in place and in order; returns the number of entries left.

    `places` (n, 2), n a power of two above the longest row, is a hash table of (row and column, entry), -1 at first.
    """
    left, start, mask = 0, 0, places.shape[0] - 1
    for row in range(indptr.size - 1):
        stop = indptr[row + 1]
        for k in range(start, stop):
            column = int(indices[k])
            key, place = row << 32 | column, (column * 2654435761 >> 16) & mask
            while places[place, 0] != key and places[place, 0] >> 32 == row:
                place = (place + 1) & mask
            if places[place, 0] == key:
                values[places[place, 1]] += values[k]
            else:
                places[place, 0], places[place, 1] = key, left
                indices[left], values[left] = indices[k], values[k]
                left += 1
        start, indptr[row + 1] = stop, left
    return left
