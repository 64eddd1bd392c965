"""What the bounds read of coordinates: sums over them all, in one pass at the pace of memory."""

from typing import Any

import numpy as np
from numba.core import types as nbtypes

from oco._jit import kernel, relaxed, specialise
from oco.domains import pick
from oco.lowlevel.arrays import uncounted, with_known_width
from oco.lowlevel.prefetch import prefetch
from oco.lowlevel.support import room
from oco.protocols import Matrix
from oco.updates.coordinates import Coordinates, load, store

STRIP = 256  # coordinates whose numbers are put in columns, where loops over them are loops over vectors


def wide(s: Any) -> Any:
    """A number or a tuple of numbers in float64."""
    return tuple(np.float64(v) for v in s) if isinstance(s, tuple) else np.float64(s)


@specialise(wide)
def _wide(s):  # type: ignore[no-untyped-def]
    if not isinstance(s, nbtypes.BaseTuple):
        return lambda s: np.float64(s)
    return (lambda s: (np.float64(s[0]), *wide(s[1:]))) if len(s) else lambda s: ()


def plus(total: Any, more: Any) -> Any:
    """The sum of two tuples, number by number; machine code may reorder sums that are made of it."""
    return tuple(u + v for u, v in zip(total, more, strict=True))


@specialise(plus)
def _plus(total, more):  # type: ignore[no-untyped-def]
    if not len(total):
        return lambda total, more: ()
    return lambda total, more: (_sum(total[0], more[0]), *plus(total[1:], more[1:]))


def add_to(room: Matrix, row: int, more: Any, column: int) -> None:
    """room[row, column:] += more."""
    room[row, column:] += more


@specialise(add_to)
def _add_to(room, row, more, column):  # type: ignore[no-untyped-def]
    if not len(more):
        return lambda room, row, more, column: None

    def several(room, row, more, column):  # type: ignore[no-untyped-def]
        room[row, column] += more[0]
        add_to(room, row, more[1:], column + 1)

    return several


@relaxed("reassoc", "nsz")
def _sum(u: float, v: float) -> float:
    return u + v


def shares(player: Any, state: Coordinates, widths: Any, zeros: Any) -> Any:
    """The sums over coordinates of what the learner says of each; `zeros` has one for each sum, if there are any."""
    return _sums(player, state, widths, zeros) if zeros else ()


@specialise(shares)
def _shares(player, state, widths, zeros):  # type: ignore[no-untyped-def]
    if not len(zeros):
        return lambda player, state, widths, zeros: ()
    return lambda player, state, widths, zeros: _sums(player, state, widths, zeros)


def _sums(player: Any, state: Coordinates, widths: Any, zeros: Any) -> Any:
    total, near, w, d = zeros, room(state.w, STRIP), uncounted(state.w), len(state.h)
    for low in range(0, d, STRIP):
        high = min(low + STRIP, d)
        part = with_known_width(w[low:high], player.memory)
        prefetch(w, high * part.shape[1], min(high + STRIP, d) * part.shape[1])
        for j in range(np.uint64(high - low)):
            near[j, 0] = part[j, 0]
            store(near, j, load(part, j, player.memory))
        for j in range(np.uint64(high - low)):
            total = plus(total, player.learner.share(wide(load(near, j, player.memory)), pick(widths, low + j)))
    return total


@kernel
def tally(player: Any, state: Coordinates, widths: Any, zeros: Any) -> Any:
    """The same for who looks from Python."""
    return shares(player, state, widths, zeros)
