"""Columns of sparse rows numbered as they appear: a few rounds then need few numbers, and frequent features are near.

Wherever a domain treats all coordinates alike and holds 0, the best decision is 0 in columns without an entry.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from oco._jit import kernel
from oco.domains import Ball, Box, L1Ball, Space
from oco.protocols import Block, Sparse, Vector


@kernel
def _renumber(indices: Any, place: Any, order: Any, known: int, out: Any) -> int:
    for j in range(len(indices)):
        i = indices[j]
        if place[i] < 0:
            place[i] = known
            order[known] = i
            known += 1
        out[j] = place[i]
    return known


def alike(domain: Any) -> bool:
    """Whether coordinates without an entry can be left out."""
    if isinstance(domain, Box):
        return bool(np.ndim(domain.lower) == np.ndim(domain.upper) == 0 and domain.lower <= 0.0 <= domain.upper)
    return isinstance(domain, (Space, Ball, L1Ball))


class Columns:
    """The numbering so far; dense rows keep theirs."""

    def __init__(self, domain: Any) -> None:
        self._alike = alike(domain)
        self._place: NDArray[np.int32] = np.empty(0, np.int32)  # (d,), -1 for columns that have not appeared
        self._order: NDArray[np.int32] = np.empty(0, np.int32)  # the inverse
        self._known = 0

    def renumber(self, block: Block) -> Block:
        """The same rows in our columns, `d` of them so far."""
        if not (self._alike and isinstance(block, Sparse)):
            return block
        wider = max(0, block.d - len(self._place))
        self._place = np.pad(self._place, (0, wider), constant_values=-1)
        self._order = np.pad(self._order, (0, wider))
        if self._known == 0:
            self._place[0], self._known = 0, 1  # at least one column, entries or not
        indices = np.empty_like(block.indices)
        self._known = _renumber(block.indices, self._place, self._order, self._known, indices)
        return block._replace(indices=indices, d=self._known)

    def original(self, x: Vector, d: int) -> Vector:
        """x in the stream's own columns, (d,)."""
        if self._known == 0:
            return x
        u = np.zeros(d)
        u[self._order[: len(x)]] = x
        return u
