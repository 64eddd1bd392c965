"""Several seats at one table: learners of one class play in SIMD lanes, each with its own ledger and checkpoints."""

import math
import time
from typing import Any

import numpy as np

from oco._jit import rounded, twin
from oco.engine.lanes import Abreast, dense_lanes, sparse_lanes
from oco.engine.ledger import Ledger
from oco.penalty import NONE
from oco.player import Player
from oco.protocols import Block, Dense
from oco.seat import Seat
from oco.simd import LANES, aligned
from oco.streams import head

FEWEST = 4  # seats that make a table: empty lanes cost as much as others
STRIP = 4096  # coordinates that are copied at a time, between arrays of which one is read across: they stay in cache


class Table:
    """Up to LANES seats whose players move together.

    All arithmetic is that of separate plays, but for the order in which inner products are summed. The players' own
    states and decisions are as of the last checkpoint.
    """

    def __init__(self, seats: list[Seat]) -> None:
        self.seats, self.players, self.hindsight = seats, [seat.player for seat in seats], seats[0].hindsight
        first = self.players[0]
        learner = first.learner._make(_fields(first.learner))
        fields = zip(*(_fields(player.learner) for player in self._lanes()), strict=True)
        numbers = tuple(np.array(values) if len(set(values)) > 1 else None for values in fields)
        columns = (0.0, *first.memory) if isinstance(first.memory, tuple) else (0.0, first.memory)
        part = rounded(Abreast(learner, numbers, first.domain, first.memory, columns), first.dtype)
        self._parts = [twin(each) if first.compiled else each for each in (part, seats[0].loss, NONE)]
        self._compiles = True
        self._gather()

    def _lanes(self) -> list[Player]:
        """The player of each lane; the last one fills those that are left over."""
        return self.players + self.players[-1:] * (LANES - len(self.players))

    def _strips(self) -> list[slice]:
        return [slice(start, start + STRIP) for start in range(0, self.players[0].d, STRIP)]

    def _gather(self) -> None:
        """Lay the players' states side by side, (d, 1 + k, LANES)."""
        states = [player.state for player in self._lanes()]
        self._w = aligned((*states[0].shape, LANES), states[0].dtype)
        for strip in self._strips():
            for lane, state in enumerate(states):
                self._w[strip, :, lane] = state[strip]

    def _hand_out(self) -> None:
        """Bring the players' own states up to date."""
        for strip in self._strips():
            for lane, player in enumerate(self.players):
                player.state[strip] = self._w[strip, :, lane]

    def advance(self, piece: Block, adversary: None) -> None:
        """Play the rounds of `piece`."""
        if not isinstance(piece, Dense) and piece.d > self.players[0].d:
            self._hand_out()
            for player in self.players:
                player.grow(piece.d)
            self._gather()
        if self._compiles:
            self._play(head(piece, 0, 0))  # outside the clock
            self._compiles = False
        began = time.perf_counter()
        self._play(piece)
        seconds = (time.perf_counter() - began) / len(self.seats)
        if not all(math.isfinite(player.ledger.loss + player.ledger.sumsq) for player in self.players):
            self._hand_out()
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
        self._hand_out()
        for seat in self.seats:
            seat.record()


def seated(seats: list[Seat]) -> list[Seat | Table]:
    """The seats, those that can move together at tables."""
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
