"""Rounds kept for whoever looks at them again: while they are played, blocks are only put aside.

Small blocks are joined and columns numbered when a comparator is first asked for.
"""

import math
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from oco.hindsight.columns import Columns
from oco.hindsight.measures import infimum
from oco.hindsight.sums import CHUNK, ROUNDING, columns
from oco.protocols import Block, Dense, Sparse, Vector
from oco.streams import head

BATCH_BYTES = 1 << 20  # of rows in small blocks, or CHUNK rows, before they become one block


class Mark(NamedTuple):
    """A checkpoint."""

    rounds: int
    d: int  # columns that F depends on
    width: int  # columns of the stream
    floor: float  # sum_t inf_z f(z, y_t), minus infinity where it was not asked for


class Rows:
    """The rounds so far and the marks between them; `dropped` rows are read again from `replay()`."""

    def __init__(self, loss: Any, domain: Any, *, floored: bool, replay: Callable[[], Iterator[Block]] | None) -> None:
        self._loss, self._replay = loss, replay
        self.rounds, self.width, self.size = 0, 0, 0  # size: bytes
        self.dropped = False
        self.marks: list[Mark] = []  # as far as surveyed
        self._asked: list[tuple[int, int]] = []  # rounds and columns at every mark
        self._waiting: list[Block] = []  # as they came
        self._ready: list[Block] = []  # joined and numbered
        self._columns = Columns(domain)
        self._read, self._d, self._floor = 0, 0, 0.0 if floored else -math.inf  # of the rounds surveyed

    def see(self, block: Block, *, keep: bool, lasting: bool) -> None:
        """The next rounds; without `lasting` their arrays may be reused afterwards."""
        self.rounds += len(block.y)
        self.width = max(self.width, columns(block))
        if keep and not self.dropped:
            self._waiting.append(block if lasting else _copied(block))
            self.size += _bytes(block)

    def mark(self) -> None:
        self._asked.append((self.rounds, self.width))

    def drop(self) -> None:
        self.dropped, self._waiting, self._ready = True, [], []

    def take(self) -> list[Block]:
        """The blocks, which are kept no longer."""
        self.survey()
        taken, self._ready, self.size = self._ready, [], 0
        return taken

    def blocks(self) -> Iterable[Block]:
        """All rounds from the first, in our columns; after a survey."""
        if self.dropped and self._replay is not None:
            return map(self._columns.renumber, self._replay())
        return self._ready

    def original(self, x: Vector, mark: Mark) -> Vector:
        """x in the stream's own columns."""
        return self._columns.original(x, mark.width)

    def survey(self) -> None:
        """Look at what is new: number its columns in the order they appear, and tell of every mark what it needs."""
        while self._waiting:
            n = _batch(self._waiting)
            self._ready += [self._number(block) for block in _merge(self._waiting[:n])]
            del self._waiting[:n]
        if self.dropped and self._replay is not None and len(self.marks) < len(self._asked):
            start = 0
            for block in self._replay():
                if start + len(block.y) > self._read:
                    self._number(head(block, self._read - start, len(block.y)))
                start += len(block.y)
                if len(self.marks) == len(self._asked):
                    break
        self._note_marks()

    def _number(self, block: Block) -> Block:
        """The block in our columns, looked at from mark to mark."""
        start = self._read
        ends = {rounds - start for rounds, _ in self._asked[len(self.marks) :]}
        parts = []
        for low, high in pairwise([0, *sorted(end for end in ends if 0 < end < len(block.y)), len(block.y)]):
            self._note_marks()
            parts.append(self._columns.renumber(head(block, low, high)))
            self._d = max(self._d, columns(parts[-1]))
            if math.isfinite(self._floor):
                self._floor += _least(self._loss, block.y[low:high])
            self._read = start + high
        self._note_marks()
        return _merge(parts)[0]

    def _note_marks(self) -> None:
        """The marks up to here; those that were reached before are noted already."""
        for rounds, width in self._asked[len(self.marks) :]:
            if rounds > self._read:
                break
            self.marks.append(Mark(rounds, min(self._d, width), width, self._floor))


def _least(loss: Any, y: Vector) -> float:
    """sum_t inf_z f(z, y_t), or less by what rounding may hide; each label is looked at once."""
    labels = np.array(getattr(loss, "labels", ()))
    times = np.array([np.count_nonzero(y == label) for label in labels])
    if times.sum() != len(y):
        labels, times = np.unique(y, return_counts=True)
    least = np.empty(len(labels))
    infimum(loss, labels, least)
    return float(least @ times) - ROUNDING * float(np.abs(least) @ times)


def _copied(block: Block) -> Block:
    parts: list[Any] = [part if isinstance(part, int) else np.array(part) for part in block]
    return type(block)(*parts)


def _bytes(block: Block) -> int:
    return sum(part.nbytes for part in block if isinstance(part, np.ndarray))


def _batch(blocks: list[Block]) -> int:
    """How many of the blocks, which are not none, are to be joined: a large one is not copied."""
    rounds, size = 0, 0
    for n, block in enumerate(blocks):
        if n > 0 and (len(block.y) >= CHUNK or _bytes(block) >= BATCH_BYTES):
            return n
        rounds, size = rounds + len(block.y), size + _bytes(block)
        if rounds >= CHUNK or size >= BATCH_BYTES:
            return n + 1
    return len(blocks)


def _merge(blocks: list[Block]) -> list[Block]:
    """The same rows in one block, if they are all of one kind and width."""
    dense = [block for block in blocks if isinstance(block, Dense) and columns(block) == columns(blocks[0])]
    sparse = [block for block in blocks if isinstance(block, Sparse)]
    if len(dense) == len(blocks) > 1:
        return [Dense(*(_joined(parts) for parts in zip(*dense, strict=True)))]
    if len(sparse) == len(blocks) > 1:
        _, indices, values, y, d = zip(*sparse, strict=True)
        lengths = np.concatenate([np.diff(block.indptr) for block in sparse])
        indptr = np.concatenate([[0], np.cumsum(lengths)])
        return [Sparse(indptr, _joined(indices), _joined(values), _joined(y), max(d))]
    return blocks


def _joined(parts: tuple[Any, ...]) -> Any:
    """The rows of all parts: without a copy where these are slices of one array that follow one another."""
    first, end = parts[0], parts[0].ctypes.data
    for part in parts:
        if part.base is None or part.base is not first.base or part.ctypes.data != end or not part.flags.c_contiguous:
            return np.concatenate(parts)
        end += part.nbytes
    return np.lib.stride_tricks.as_strided(first, (sum(map(len, parts)), *first.shape[1:]))
