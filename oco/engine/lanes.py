"""Rounds of LANES players at once: learners of one class that differ in numbers, on the same rows.

The state is one array w (d, 1 + k, LANES) in C order: a coordinate's numbers side by side, and of each the lanes. So a
row is read once for all of them, every memory access is a whole cache line, and the rule runs in SIMD.
"""

import math
from typing import Any, NamedTuple

import numpy as np

from oco._jit import SUMS, kernel, relaxed
from oco.domains import pick
from oco.engine.ledger import Ledger, farther, suffer
from oco.engine.tally import add_to, wide
from oco.lowlevel.numbers import larger, over_root
from oco.lowlevel.prefetch import prefetch
from oco.lowlevel.simd import LANES, each_lane, local, of_lane, put, take
from oco.protocols import Matrix, Round, Vector
from oco.updates.coordinates import in_precision, load, store


class Abreast(NamedTuple):
    """Learners of one class with a rule, on one product of intervals."""

    learner: Any
    numbers: Any  # a tuple like the learner: an array (LANES,) where learners differ, None elsewhere
    domain: Any
    memory: Any
    columns: Any  # as many numbers as each coordinate has, x included

    def move(self, lane: int, now: Round, g: float, i: int, cell: Matrix) -> None:
        """The update of coordinate i in lane lane, whose numbers are in cell[lane]."""
        learner = of_lane(self.learner, self.numbers, lane)
        x, s = learner.rule(now, g, cell[lane, 0], load(cell, lane, self.memory))
        cell[lane, 0] = self.domain.clip(i, x)
        store(cell, lane, s)


ROOM = (0.0,) * 10


class Told(NamedTuple):
    """Of the round at hand and of all so far, a number for each lane: arrays (LANES,)."""

    z: Vector
    q: Vector
    loss: Vector
    norm2: Vector
    paid: Vector  # the ledgers', in their order after t
    size: Vector
    sumsq: Vector
    faded: Vector
    peak: Vector
    reach: Vector


def _told(room: Matrix) -> Told:
    return Told(
        room[:, 0], room[:, 1], room[:, 2], room[:, 3], room[:, 4],
        room[:, 5], room[:, 6], room[:, 7], room[:, 8], room[:, 9],
    )  # fmt: skip


def _fetch(lane: int, told: Told, sums: Matrix) -> None:
    told.paid[lane], told.size[lane], told.sumsq[lane] = sums[0, lane], sums[1, lane], sums[2, lane]
    told.faded[lane], told.peak[lane], told.reach[lane] = sums[3, lane], sums[4, lane], sums[5, lane]


def _leave(lane: int, told: Told, sums: Matrix) -> None:
    sums[0, lane], sums[1, lane], sums[2, lane] = told.paid[lane], told.size[lane], told.sumsq[lane]
    sums[3, lane], sums[4, lane], sums[5, lane] = told.faded[lane], told.peak[lane], told.reach[lane]


def _begin(lane: int, told: Told) -> None:
    told.z[lane] = 0.0


@relaxed("contract")
def _add(lane: int, told: Told, a: float, w: Matrix, i: int) -> None:
    told.z[lane] += a * np.float64(w[i, 0, lane])


@relaxed("contract")
def _add_moved(lane: int, told: Told, a: float, cell: Matrix) -> None:
    x = np.float64(cell[lane, 0])
    told.z[lane] += a * x
    told.reach[lane] = larger(told.reach[lane], abs(x))


@SUMS
def _square(a: Vector) -> float:
    total = 0.0
    for i in range(len(a)):
        total += np.float64(a[i]) * np.float64(a[i])
    return total


def _look(lane: int, told: Told, w: Matrix, i: int) -> None:
    told.reach[lane] = farther(told.reach[lane], w[i, 0, lane])


def _suffer(lane: int, told: Told, t: int, loss: Any, penalty: Any, y: float, square: float, faded: float) -> None:
    z = told.z[lane]
    q = loss.slope(z, y)
    before = Ledger(t, told.paid[lane], told.size[lane], told.sumsq[lane], told.faded[lane], told.peak[lane], 0.0)
    now, after = suffer(before, loss.value(z, y), penalty, 0.0, q * q * square, faded)
    told.q[lane], told.loss[lane], told.norm2[lane] = q, now.loss, now.norm2
    told.paid[lane], told.size[lane], told.sumsq[lane] = after.loss, after.size, after.sumsq
    told.faded[lane], told.peak[lane] = after.faded, after.peak


def _finite(told: Told) -> bool:
    finite = True
    for lane in range(LANES):
        finite = finite and math.isfinite(told.loss[lane] + told.norm2[lane])
    return finite


def _move(lane: int, table: Abreast, told: Told, t: int, a: float, i: int, cell: Matrix) -> None:
    now = in_precision(Round(t, told.loss[lane], told.norm2[lane], told.sumsq[lane], 0.0, 0.0), cell)
    table.move(lane, now, cell.dtype.type(told.q[lane]) * a, i, cell)


def _move_and_tell(lane: int, table: Abreast, told: Told, t: int, a: float, i: int, cell: Matrix) -> None:
    _move(lane, table, told, t, a, i, cell)
    told.reach[lane] = farther(told.reach[lane], cell[lane, 0])


@kernel
def dense_lanes(table: Any, loss: Any, penalty: Any, w: Matrix, sums: Matrix, t: int, a: Matrix, y: Vector) -> int:
    """Play the rows of `a` in all lanes; stops after a round whose loss or gradient is not finite in one of them.

    sums (6, LANES): the ledgers', in their order after t. Returns the rounds played. Each update is also the time to
    add up the next prediction: the state passes by once a round.
    """
    cell, told = local(w, table.columns), _told(local(sums, ROOM))
    each_lane(_fetch, told, sums)
    each_lane(_begin, told)
    for i in range(w.shape[0] if len(y) else 0):
        each_lane(_add, told, np.float64(a[0, i]), w, i)
    for r in range(len(y)):
        each_lane(_suffer, told, t, loss, penalty, y[r], _square(a[r]), over_root(1.0, t + 1.0, 1.0))
        t += 1
        if not _finite(told):
            break
        following = min(r + 1, len(y) - 1)
        each_lane(_begin, told)
        for i in range(w.shape[0]):
            take(w, i, cell)
            each_lane(_move, table, told, t, a[r, i], i, cell)
            put(cell, w, i)
            each_lane(_add_moved, told, np.float64(a[following, i]), cell)
    for i in range(w.shape[0] if len(y) else 0):  # maxima of the rounds leave NaN out
        each_lane(_look, told, w, i)
    each_lane(_leave, told, sums)
    return t


@kernel
def sparse_lanes(
    table: Any,
    loss: Any,
    penalty: Any,
    w: Matrix,
    sums: Matrix,
    t: int,
    indptr: Any,
    indices: Any,
    values: Vector,
    y: Vector,
) -> int:
    """The same for rows in compressed form; while coordinates are moved, those of the next row are fetched."""
    cell, told = local(w, table.columns), _told(local(sums, ROOM))
    each_lane(_fetch, told, sums)
    flat, size = w.reshape(-1), w.shape[1] * LANES
    for r in range(len(y)):
        low, high = indptr[r], indptr[r + 1]
        square = 0.0
        each_lane(_begin, told)
        for j in range(low, high):
            v = np.float64(values[j])
            square += v * v
            each_lane(_add, told, v, w, int(indices[j]))
        each_lane(_suffer, told, t, loss, penalty, y[r], square, over_root(1.0, t + 1.0, 1.0))
        t += 1
        if not _finite(told):
            break
        end = indptr[min(r + 2, len(y))]
        for j in range(low, high):
            if high + j - low < end:
                ahead = int(indices[high + j - low])
                prefetch(flat, ahead * size, (ahead + 1) * size)
            i = int(indices[j])
            take(w, i, cell)
            each_lane(_move_and_tell, table, told, t, values[j], i, cell)
            put(cell, w, i)
        for j in range(high + high - low, end):
            i = int(indices[j])
            prefetch(flat, i * size, (i + 1) * size)
    each_lane(_leave, told, sums)
    return t


def _begin_sums(lane: int, room: Matrix, zeros: Any) -> None:
    store(room, lane, zeros)


def _add_share(lane: int, table: Abreast, cell: Matrix, width: float, room: Matrix, zeros: Any) -> None:
    learner = of_lane(table.learner, table.numbers, lane)
    add_to(room, lane, learner.share(wide(load(cell, lane, table.memory)), width), 1)


def _end_sums(lane: int, room: Matrix, sums: Matrix) -> None:
    for k in range(sums.shape[1]):
        sums[lane, k] = room[lane, 1 + k]


@kernel
def tally_lanes(table: Any, w: Matrix, widths: Any, zeros: Any, sums: Matrix) -> None:
    """The sums over coordinates that the bounds read, of all lanes in one pass; sums (LANES, len(zeros))."""
    cell, room = local(w, table.columns), local(sums, (0.0, *zeros))
    each_lane(_begin_sums, room, zeros)
    for i in range(w.shape[0]):
        take(w, i, cell)
        each_lane(_add_share, table, cell, pick(widths, i), room, zeros)
    each_lane(_end_sums, room, sums)
