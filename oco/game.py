"""What all seats of a game share, and the two orders of play; the ledger is kept at log-spaced checkpoints.

A checkpoint looks at every coordinate. Where there are very many, those are left out before which fewer entries than
half of the columns were played since the last one: else the looks would take longer than the rounds.
"""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from oco.fit import check_dimension, check_dtype, check_start, check_stream, validate
from oco.hindsight.comparators import Hindsight
from oco.penalty import NONE, Penalty
from oco.protocols import Block, Dense, Setting, Vector
from oco.seat import Seat
from oco.streams import Data, block_rounds, blocks, generator, head, is_adaptive
from oco.table import Table, seated

PER_DECADE = 8  # checkpoints
GLANCE = 1 << 16  # columns that a checkpoint may look at however few entries the rounds since the last one had
PIECE = 0.2  # seconds between looks at Ctrl-C and the progress bar
FIRST = 16  # rounds in the first piece


def checkpoints() -> Iterator[int]:
    """1, 2, 3, 4, 6, 7, 10, ...: distinct roundings of 10^(k/8)."""
    last = 0
    k = 0
    while True:
        t = round(10.0 ** (k / PER_DECADE))
        if t > last:
            yield t
            last = t
        k += 1


@dataclass
class Game:
    """Learners, a stream, and the options of play; complains before the first round of what does not fit."""

    stream: Any
    learners: dict[str, Any]
    loss: Any
    domain: Any
    rounds: int | None
    seed: int
    start: Any
    penalty: Penalty
    audit: bool
    compiled: bool
    dtype: Any
    lanes: bool
    progress: Callable[[int], object] | None
    stopped: list[bool] = field(default_factory=list)
    seats: list[Seat] = field(default_factory=list)

    def __post_init__(self) -> None:
        who = type(self.stream).__name__
        self.loss = getattr(self.stream, "loss", None) if self.loss is None else self.loss
        if self.loss is None:
            raise ValueError(f"{who} has no loss of its own: give loss=")
        for part in (self.stream, self.loss, self.domain, self.penalty, *self.learners.values()):
            validate(part)
        check_stream(self.stream)
        if self.rounds is None and not hasattr(self.stream, "blocks"):
            self.rounds = 10_000
        self.dtype = check_dtype(self.dtype)
        if not self.learners:
            raise ValueError("no learner: give one, a list, or a dict of names to learners")
        for name, least in (("rounds", 1), ("seed", 0)):
            number = getattr(self, name)
            whole = isinstance(number, (int, float, np.integer)) and not isinstance(number, bool) and number % 1 == 0
            if number is not None and not (whole and number >= least):
                raise ValueError(f"{name} = {number}: a whole number of {least} or more is needed")
        self.signed = hasattr(self.loss, "labels")
        self.first: Block | None = None
        if is_adaptive(self.stream):
            d = self.stream.d
        else:
            # Not a method of the game's: the comparator would hold the game that holds it, rows and all.
            self.replay = partial(blocks, self.stream, self.seed, self.rounds, self.signed, self.dtype)
            self.source = self.replay()
            self.first = next(self.source, None)
            if self.first is None:
                raise ValueError(f"{who} has no rounds")
            d = self.first.a.shape[1] if isinstance(self.first, Dense) else self.first.d
            if d == 0:
                raise ValueError(f"{getattr(self.stream, 'path', who)}: the examples have no features")
        self._sit(d)

    def _sit(self, d: int) -> None:
        layout = "dense" if self.first is None or isinstance(self.first, Dense) else "sparse"
        options: dict[str, Any] = {
            "start": self.start, "layout": layout, "compiled": self.compiled, "audit": self.audit,
            "dtype": self.dtype,
        }  # fmt: skip
        setting = self._setting(d)
        self.promised, self.exp_concavity = setting.lipschitz, setting.exp_concavity
        shared = None if self.first is None else self._hindsight(self.replay)
        for name, learner in self.learners.items():
            if self.first is None and hasattr(learner, "foresee"):
                who, whom = type(learner).__name__, type(self.stream).__name__
                raise ValueError(f"{who} is not compatible with {whom}: it sees the features before it decides")
            self.seats.append(Seat(name, learner, setting, shared or self._hindsight(None), self.loss, **options))

    def _hindsight(self, replay: Any) -> Hindsight:
        return Hindsight(
            self.loss, self.domain, penalty=self.penalty, replay=replay, held=isinstance(self.stream, Data)
        )

    def _setting(self, d: int) -> Setting:
        """What is known before round 1; G by the stream's and the loss's word, infinity where they give none."""
        check_dimension(self.domain, d)
        start = self.domain.centre(d) if self.start is None else np.array(self.start, dtype=float)
        if self.start is not None:
            check_start(self.domain, start, d)
        norm, spread = (getattr(self.stream, name, math.inf) for name in ("norm", "spread"))
        slope, alpha = math.inf, 0.0
        if hasattr(self.loss, "lipschitz"):
            margin = norm * self.domain.reach(np.zeros(d)) if norm < math.inf else math.inf
            label = getattr(self.stream, "label", 0.0 if norm < math.inf else math.inf)
            slope = float(self.loss.lipschitz(margin, label))
            if hasattr(self.loss, "exp_concavity") and self.penalty == NONE:
                alpha = float(self.loss.exp_concavity(margin, label))
        l1, l2 = self.penalty
        size = norm * slope
        if l1 > 0.0 or l2 > 0.0:
            size += l1 * math.sqrt(d) + (l2 * self.domain.reach(np.zeros(d)) if l2 > 0.0 else 0.0)
            spread = math.inf
        spread = min(spread * slope, math.sqrt(2.0) * size)
        return Setting(self.domain, d, start, self.rounds or math.inf, size, size, spread, l1, l2, alpha)

    def facts(self) -> dict[str, Any]:
        names = ("stream", "domain", "seed", "promised", "exp_concavity")
        return {name: getattr(self, name) for name in names} | {"interrupted": bool(self.stopped)}

    def play_oblivious(self) -> None:
        """All seats take the same piece in turn; of its checkpoints, if it has any, the last is its end."""
        parties = seated(self.seats) if self.lanes and not self.audit else self.seats
        grid, pace = checkpoints(), _Pace()
        t, marked, upcoming, entries = 0, 0, next(grid), 0
        block = self.first
        while block is not None and not self.stopped:
            if self.signed and not (known := _among(block.y, self.loss.labels)).all():
                wrong = block.y[~known][0]
                raise ValueError(f"{type(self.loss).__name__} takes labels -1 and +1, not {wrong:g}")
            done = seen = 0  # rounds of the block that were played, and that the hindsight has seen
            while done < len(block.y) and not self.stopped:
                most, since = min(len(block.y) - done, pace.rounds), done
                stops: list[int] = []
                while upcoming - t <= most:
                    stop = done + upcoming - t
                    if self._worthwhile(block, since, stop, 0 if stops else entries):
                        stops.append(stop - done)
                        since = stop
                    upcoming = next(grid)
                n = stops[-1] if stops else most
                pace.begin()
                seen = self._advance(parties, block, seen, done, n, stops)
                pace.end(n)
                entries = 0 if stops else entries + _entries(block, done, done + n)
                t, done, marked = t + n, done + n, t + n if stops else marked
                self._tick(n * len(self.seats))
            if seen < done:
                self.seats[0].hindsight.see(head(block, seen, done), lasting=True)
            for seat in self.seats:
                seat.flush()
            block = next(self.source, None)
        if t > marked:
            self._mark(parties)

    def _advance(
        self, parties: Sequence[Seat | Table], block: Block, seen: int, done: int, n: int, stops: list[int]
    ) -> int:
        """All parties play n rounds of a block; how many of its rounds the hindsight has seen at the last checkpoint.

        What it sees at a time ends at checkpoints and blocks alone, so that its sums do not depend on the pace. Where
        a party breaks off, the others play to the end, and all keep the checkpoints that all have reached.
        """
        shared, before = self.seats[0].hindsight, len(self.seats[0].rows)
        piece, kept = head(block, done, done + n), before
        problem: Exception | None = None
        for party in parties:
            try:
                party.advance(piece, stops)
            except (ValueError, MemoryError) as raised:
                problem = problem or raised
        reached = min(len(seat.rows) for seat in self.seats) - before
        try:
            for stop in stops[:reached]:
                shared.see(head(block, seen, done + stop), lasting=True)
                seen = done + stop
                shared.mark()
                kept += 1
        finally:
            for seat in self.seats:
                del seat.rows[kept:]
        if problem is not None:
            raise problem
        return seen

    def _worthwhile(self, block: Block, start: int, stop: int, entries: int) -> bool:
        """Whether a checkpoint before round `stop` of the block is to be taken, the last one being at `start`.

        entries: those of rounds since, in blocks before or in pieces.
        """
        return isinstance(block, Dense) or GLANCE + 2 * (entries + _entries(block, start, stop)) >= block.d

    def play_adaptive(self) -> None:
        """Each seat plays its own copy of the adversary, whose choices its hindsight keeps."""
        rounds, d, most = int(self.rounds or 0), self.stream.d, block_rounds(self.stream)
        a, y = np.empty((most, d), self.dtype), np.empty(most)
        for seat in self.seats:
            adversary = (self.stream, generator(self.seed, 0), np.zeros(d))
            grid, pace, t = checkpoints(), _Pace(), 0
            upcoming = next(grid)
            while t < rounds and not self.stopped:
                n = min(most - t % most, upcoming - t, rounds - t, pace.rounds)
                pace.begin()
                seat.play(Dense(a[:n], y[:n]), adversary)
                seat.hindsight.see(Dense(a[:n], y[:n]), played=True)
                pace.end(n)
                t += n
                self._tick(n)
                if t % most == 0:
                    seat.flush()
                if t in (upcoming, rounds) or self.stopped:
                    self._mark([seat])
                    upcoming = next(grid) if t == upcoming else upcoming

    def _mark(self, parties: Sequence[Seat | Table]) -> None:
        parties[0].hindsight.mark()
        for party in parties:
            party.record()

    def _tick(self, n: int) -> None:
        if self.progress is not None:
            self.progress(n)


def _entries(block: Block, start: int, stop: int) -> int:
    """Numbers in rounds start .. stop - 1 of a block."""
    if isinstance(block, Dense):
        return (stop - start) * block.a.shape[1]
    return int(block.indptr[stop] - block.indptr[start])


def _among(y: Vector, labels: tuple[float, float]) -> Any:
    return (y == labels[0]) | (y == labels[1])


class _Pace:
    """How many rounds make a piece of about PIECE seconds; results do not depend on it."""

    def __init__(self) -> None:
        self.rounds, self._began, self._compiled = FIRST, 0.0, False

    def begin(self) -> None:
        self._began = time.perf_counter()

    def end(self, n: int) -> None:
        """After n rounds; a piece has at most eight times as many as any before: short ones are too short to tell."""
        each = (time.perf_counter() - self._began) / n
        if self._compiled:
            self.rounds = max(1, min(max(self.rounds, 8 * n), int(PIECE / each) + 1))
        self._compiled = True  # by the first piece, whose time tells nothing
