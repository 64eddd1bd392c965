"""Peers timed in the breaks of one of our plays: for rounds whose cost depends on how far the play has come."""

import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from tqdm import tqdm

from experiments.bench.timing import once

BREAK = 0.05  # seconds that a peer's call takes in a break, or one round where that is longer


class Turn(NamedTuple):
    """A peer's call and the rounds that it plays."""

    call: Callable[[], Any]
    rounds: int


def turn(build: Callable[[int], Callable[[], Any]], most: int) -> Turn:
    """A call of `build(rounds)` that lasts about BREAK seconds; it has been made once, so that all is compiled."""
    one = build(1)
    one()
    rounds = int(np.clip(BREAK / once(one), 1, most))
    call = build(rounds)
    call()
    return Turn(call, rounds)


class Breaks:
    """The `progress` of a play: from round `first` on peers take turns after every `segment` rounds of ours or more.

    So all meet the machine in the same state. `ours` and `theirs` hold seconds a round, one entry a segment.
    """

    def __init__(self, first: int, segment: int, turns: dict[str, Turn], shown: tqdm) -> None:
        self.first, self.segment, self.turns, self.shown = first, segment, turns, shown
        self.ours: list[float] = []
        self.theirs: dict[str, list[float]] = {name: [] for name in turns}
        self.t, self.rounds, self.spent = 0, 0, 0.0
        self.resumed = time.perf_counter()

    def __call__(self, n: int) -> None:
        """n rounds of ours were just played; the time since the last break is theirs."""
        passed = time.perf_counter() - self.resumed
        if self.t >= self.first:
            self.rounds, self.spent = self.rounds + n, self.spent + passed
        self.t += n
        if self.rounds >= self.segment:
            self.ours.append(self.spent / self.rounds)
            self.rounds, self.spent = 0, 0.0
            for name, (call, rounds) in self.turns.items():
                self.theirs[name].append(once(call) / rounds)
        self.shown.update(n)
        self.resumed = time.perf_counter()
