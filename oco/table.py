"""Several seats at one table: learners of one class play in SIMD lanes, each with its own ledger and checkpoints."""

import time
from typing import Any

import numpy as np

from oco._twins import rounded, twin
from oco.engine.lanes import Abreast, dense_lanes, sparse_lanes, tally_lanes
from oco.engine.ledger import Ledger
from oco.lowlevel.arrays import aligned
from oco.lowlevel.simd import LANES
from oco.penalty import NONE
from oco.player import Player
from oco.protocols import Block, Dense
from oco.seat import Seat
from oco.streams import head, pieces

FEWEST = 4  # seats that make a table: empty lanes cost as much as others
STRIP = 4096  # coordinates that are copied at a time, between arrays of which one is read across: they stay in cache


class Table:
    """Up to LANES seats whose players move together.

    All arithmetic is that of separate plays, but for the order in which inner products are summed.
    """

    def __init__(self, seats: list[Seat]) -> None:
        self.seats, self.players, self.hindsight = seats, [seat.player for seat in seats], seats[0].hindsight
        first = self.players[0]
        fields = list(zip(*(_fields(player.learner) for player in self._lanes()), strict=True))
        numbers = tuple(np.array(values) if len(set(values)) > 1 else None for values in fields)
        # Where lanes differ the part's own number is not read; were it 0, machine code would count on that.
        learner = first.learner._make(
            values[0] if number is None else 1.0 for values, number in zip(fields, numbers, strict=True)
        )
        columns = (0.0, *first.memory) if isinstance(first.memory, tuple) else (0.0, first.memory)
        part = rounded(Abreast(learner, numbers, first.domain, first.memory, columns), first.dtype)
        self._parts = [twin(each) if first.compiled else each for each in (part, seats[0].loss, NONE)]
        self._compiles = True
        self._gather()

    def _lanes(self) -> list[Player]:
        """The player of each lane; the last one fills those that are left over."""
        return self.players + self.players[-1:] * (LANES - len(self.players))

    def _gather(self) -> None:
        """Lay the players' states side by side, (d, 1 + k, LANES); from now on theirs are views of that."""
        states = [player.state for player in self._lanes()]
        self._w = aligned((*states[0].shape, LANES), states[0].dtype)
        written = [(lane, state) for lane, state in enumerate(states) if state.max() != 0.0 or state.min() != 0.0]
        for start in range(0, self.players[0].d, STRIP):
            strip = slice(start, start + STRIP)
            for lane, state in written:
                self._w[strip, :, lane] = state[strip]
        for lane, player in enumerate(self.players):
            player.move_to(self._w[:, :, lane])

    def advance(self, piece: Block, stops: list[int]) -> None:
        """Play the rounds of `piece`, with checkpoints as a seat takes them."""
        for some in pieces(piece, stops):
            self._advance(some)
            if stops:
                self.record()

    def _advance(self, piece: Block) -> None:
        if not isinstance(piece, Dense) and piece.d > self.players[0].d:
            for player in self.players:
                player.grow(piece.d)
            self._gather()
        if self._compiles:
            self._play(head(piece, 0, 0))  # outside the clock
            self._compiles = False
        began = time.perf_counter()
        self._play(piece)
        seconds = (time.perf_counter() - began) / len(self.seats)
        for seat in self.seats:
            seat.took(piece, seconds)

    def _play(self, piece: Block) -> None:
        rounds: Any = dense_lanes if isinstance(piece, Dense) else sparse_lanes
        rows = piece if isinstance(piece, Dense) else piece[:-1]
        ledgers = [player.ledger for player in self._lanes()]
        sums = np.array([ledger[1:] for ledger in ledgers]).T.copy()
        t = self.players[0].call(rounds, *self._parts, self._w, sums, ledgers[0].t, *rows)
        for player, column in zip(self.players, sums.T.tolist(), strict=False):
            player.enter(Ledger(t, *column))

    def record(self) -> None:
        """Take a checkpoint of every seat."""
        for seat, sums in zip(self.seats, self._sums(), strict=True):
            seat.record(sums)

    def _sums(self) -> list[Any]:
        """The sums over coordinates that each player's bounds read, None where they read something else."""
        first = self.players[0]
        names = getattr(first.learner, "sums", None)
        if names is None:
            return [None] * len(self.players)
        sums = np.zeros((LANES, len(names)))
        first.call(tally_lanes, self._parts[0], self._w, first.widths, (0.0,) * len(names), sums)
        return [dict(zip(names, row, strict=True)) for row in sums[: len(self.players)].tolist()]


def seated(seats: list[Seat]) -> list[Seat | Table]:
    """The seats, those that can move together at tables."""
    if len(seats) < FEWEST:
        return list(seats)
    groups: dict[Any, list[Seat]] = {}
    for i, seat in enumerate(seats):
        groups.setdefault(_alike(seat.player) or i, []).append(seat)
    parties: list[Seat | Table] = []
    for group in groups.values():
        for start in range(0, len(group), LANES):
            some = group[start : start + LANES]
            parties.extend([Table(some)] if len(some) >= FEWEST else some)
    return parties


def _alike(player: Player) -> Any:
    """What players that can share lanes have in common, all but the floats of their learners; None for others."""
    fields = _fields(player.learner)
    if not player.independent or not all(isinstance(item, (bool, int, float)) for item in fields):
        return None
    return type(player.learner), tuple(None if isinstance(item, float) else item for item in fields)


def _fields(learner: Any) -> list[Any]:
    """The learner's fields as compiled code gets them: floats where they are declared so."""
    return list(twin(learner))[: len(learner)]
