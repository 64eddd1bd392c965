"""A rule on a handful of coordinates: machine code for just so many, which keeps all their numbers in registers.

Loops over a number that is known only at run time cost more than the work on two coordinates, and arrays that they
fill have to pass through memory. Here the number is the length of a tuple, and so a part of the type.
"""

from typing import Any, NamedTuple

import numpy as np
from numba.core import types as nbtypes
from numba.extending import intrinsic

from oco._jit import specialise
from oco.lowlevel.arrays import on_stack, uncounted
from oco.lowlevel.glance import Glance, glance_at_few
from oco.lowlevel.numbers import order, unordered
from oco.lowlevel.short import each
from oco.projections import largest
from oco.protocols import Matrix, Round, Vector
from oco.updates.by_rule import ByRule
from oco.updates.coordinates import Coordinates, in_precision, load, store

MOST = 16  # coordinates
LEAST = 1_000_000  # rounds that are worth compiling for


class Held(NamedTuple):
    """Coordinates in a room on the stack."""

    w: Matrix  # (d, 1 + k)
    h: Vector  # (d,) scratch for the projection metric
    reach: Vector  # (d,) max_s |x_s,i| there


class Few(NamedTuple):
    """ByRule for as many coordinates as `rows` has numbers; `columns` has one for x and each number remembered."""

    player: Any
    rows: tuple[float, ...]
    columns: tuple[float, ...]

    def sizes(self) -> Any:
        return self.rows, (*self.columns, 0.0, 0.0)

    def borrowed(self, state: Coordinates, room: Matrix) -> Held:
        k = len(self.columns)
        w, h, reach = room[:, :k], room[:, k], room[:, k + 1]
        each(self.rows, _copy, uncounted(state.w), w, self.columns)
        each(self.rows, _clear, reach)
        return Held(w, h, reach)

    def returned(self, state: Coordinates, borrowed: Held) -> Coordinates:
        each(self.rows, _copy, borrowed.w, uncounted(state.w), self.columns)
        return state

    def farthest(self, borrowed: Held) -> float:
        return largest(borrowed.reach)

    def before(self, now: Round, a: Vector, state: Held) -> Held:
        return state

    def decision(self, state: Held) -> Vector:
        return state.w[:, 0]

    def glance(self, a: Vector, state: Held) -> Glance:
        return glance_at_few(a, state.w[:, 0], self.rows)

    def finish(self, state: Held) -> None:
        """Make the decision what `decision` returns: it is."""
        return

    def charge(self, penalty: Any, state: Held) -> float:
        return penalty.value(self.decision(state))

    def norm2(self, q: float, square: float, a: Vector, state: Held) -> float:
        return self.player.norm2(q, square, a, state)

    def step(self, now: Round, q: float, a: Vector, seen: Glance, state: Held) -> Held:
        """One update with g = q a."""
        w = state.w
        each(self.rows, _move, self.player, in_precision(now, w), w.dtype.type(q), a, w)
        self.player.settle(now, state)
        each(self.rows, _reach, w, state.reach)
        return state


def few(player: ByRule, d: int) -> Few:
    """The same player for d coordinates alone."""
    remembered = len(player.memory) if isinstance(player.memory, tuple) else 1
    return Few(player, (0.0,) * d, (0.0,) * (1 + remembered))


def _copy(i: int, source: Matrix, target: Matrix, columns: Any) -> None:
    for j in range(len(columns)):
        target[i, j] = source[i, j]


def _clear(i: int, reach: Vector) -> None:
    reach[i] = 0.0


def _move(i: int, player: Any, now: Round, q: float, a: Vector, w: Matrix) -> None:
    """The rule and the clipping for coordinate i."""
    x, s = player.learner.rule(now, q * a[i], w[i, 0], load(w, i, player.memory))
    w[i, 0] = player.domain.clip(i, x)
    store(w, i, s)


def _reach(i: int, w: Matrix, reach: Vector) -> None:
    reach[i] = unordered(max(order(reach[i]), order(w[i, 0])))


def room_for(like: Matrix, sizes: Any) -> Any:
    """Uninitialised room (rows, columns) for numbers as in `like`, on the stack in machine code; None for ()."""
    return np.empty([len(size) for size in sizes], like.dtype, order="F") if sizes else None


@specialise(room_for, inline="always")  # into the kernel before LLVM sees either: the stack must be the kernel's
def _room_for(like, sizes):  # type: ignore[no-untyped-def]
    return (lambda like, sizes: _on_stack(like, sizes)) if len(sizes) else lambda like, sizes: None


def at_hand(row: Vector, room: Any) -> Vector:
    """Where to write what is meant for `row`: into the room, if there is any."""
    return row if room is None else room[:, 0]


def put_away(written: Vector, row: Vector, room: Any) -> None:
    """Copy it to `row`."""
    if room is not None:
        for i in range(len(written)):
            row[i] = written[i]


@intrinsic
def _on_stack(typing: Any, like: Any, sizes: Any) -> Any:
    made = nbtypes.Array(like.dtype, 2, "F")
    n, k = (len(size) for size in sizes)

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return on_stack(context, builder, made, n, k)

    return made(like, sizes), generate
