"""The game: learners meet a stream round by round, and the ledger is kept at log-spaced checkpoints."""

import math
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import numpy as np

from oco.comparators import Hindsight
from oco.domains import Space
from oco.player import Player, validate
from oco.protocols import Block, Dense, Setting, Vector
from oco.regret import Audit, Run
from oco.streams import block_rounds, blocks, generator, head, is_adaptive

PER_DECADE = 8  # checkpoints
PIECE = 0.2  # seconds between looks at Ctrl-C and the progress bar


class BrokenPlay(ValueError):
    """A play that could not go on; `runs` holds what was played up to the last checkpoint."""

    def __init__(self, message: str, runs: list[Run]) -> None:
        super().__init__(message)
        self.runs = runs


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


def play(
    stream: Any,
    learners: Any,
    *,
    rounds: int | None = None,
    loss: Any = None,
    domain: Any = None,
    seed: int = 0,
    start: Vector | None = None,
    audit: bool = False,
    compiled: bool = True,
    progress: Callable[[int], None] | None = None,
) -> list[Run]:
    """Play every learner on the very same stream and return one Run each.

    learners: a learner, a list, or a dict name -> learner. rounds: T; None means a file's or data's length, 10,000
    for a generated stream. loss, domain: default the stream's own loss and the whole space. start: x_1 (d,), default
    the domain's centre. audit: keep the sums of the trajectory bounds (a slow round at a time). compiled: False runs
    the same code in Python. progress: called with the number of rounds just played (summed over learners).
    Raises ValueError or TypeError before the first round for parts that do not fit; BrokenPlay, a ValueError that
    keeps the runs so far, where the stream or a loss turns out bad on the way.
    """
    game = _Game(stream, learners, rounds, loss, domain, seed, start, audit, compiled, progress)
    with _patient_interrupt() as stopped:
        problem = game.adaptive(stopped) if is_adaptive(stream) else game.oblivious(stopped)
    runs = [seat.run(game, bool(stopped)) for seat in game.seats if seat.rows]
    if problem is not None:
        raise BrokenPlay(str(problem), runs) from problem
    return runs


@contextmanager
def _patient_interrupt() -> Iterator[list[bool]]:
    """Ctrl-C ends the play after the current piece, with everything kept; a second one interrupts at once."""
    stopped: list[bool] = []
    usable = threading.current_thread() is threading.main_thread()
    if not usable or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield stopped
        return

    def note(number: int, frame: Any) -> None:
        if stopped:
            raise KeyboardInterrupt
        stopped.append(True)

    signal.signal(signal.SIGINT, note)
    try:
        yield stopped
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


class _Game:
    """What all seats share, and the two orders of play."""

    def __init__(
        self,
        stream: Any,
        learners: Any,
        rounds: int | None,
        loss: Any,
        domain: Any,
        seed: int,
        start: Vector | None,
        audit: bool,
        compiled: bool,
        progress: Callable[[int], None] | None,
    ) -> None:
        if not isinstance(learners, dict):
            several = learners if isinstance(learners, list) else [learners]
            learners = {_label(learner, i, several): learner for i, learner in enumerate(several)}
        self.stream, self.seed, self.audit, self.compiled, self.progress = stream, seed, audit, compiled, progress
        self.loss = loss if loss is not None else getattr(stream, "loss", None)
        self.domain = domain if domain is not None else Space()
        if self.loss is None:
            raise ValueError(f"{type(stream).__name__} has no loss of its own: give loss=")
        if rounds is not None and (rounds != int(rounds) or rounds < 1):
            raise ValueError(f"rounds = {rounds}: at least one round is needed")
        for part in (stream, self.loss, self.domain, *learners.values()):
            validate(part)
        endless = not hasattr(stream, "blocks")
        self.rounds = 10_000 if rounds is None and endless else rounds
        self.signed = hasattr(self.loss, "labels")
        self.source: Iterator[Block] = iter(())
        self.first: Block | None = None
        d = getattr(stream, "d", None)
        if not is_adaptive(stream):
            self.source = blocks(stream, seed, self.rounds, self.signed)
            self.first = next(self.source, None)
            if self.first is None:
                raise ValueError(f"{type(stream).__name__} has no rounds")
            d = self.first.a.shape[1] if isinstance(self.first, Dense) else self.first.d
        if start is not None and (len(start) != d or not self.domain.contains(np.asarray(start))):
            raise ValueError(f"start: x_1 must be a point of {self.domain} with {d} coordinates")
        self.start = self.domain.centre(d) if start is None else np.array(start, dtype=float)
        self.promised = self._promise()
        setting = Setting(self.domain, len(self.start), self.start, self.rounds or math.inf, self.promised)
        layout = "sparse" if self.first is not None and not isinstance(self.first, Dense) else "dense"
        self.seats = [_Seat(name, learner, setting, layout, self) for name, learner in learners.items()]

    def _promise(self) -> float:
        norm = getattr(self.stream, "norm", None)
        if norm is None or not hasattr(self.loss, "lipschitz"):
            return math.inf
        margin = norm * (self.domain.reach(np.zeros(len(self.start))) if self.domain.bounded else math.inf)
        return float(norm * self.loss.lipschitz(margin, getattr(self.stream, "label", 0.0)))

    def hindsight(self, replay: bool) -> Hindsight:
        again = (lambda: blocks(self.stream, self.seed, self.rounds, self.signed)) if replay else None
        return Hindsight(self.loss, self.domain, replay=again)

    def oblivious(self, stopped: list[bool]) -> Exception | None:
        shared = self.hindsight(replay=True)
        for seat in self.seats:
            seat.hindsight = shared
            seat.solve = self.seats[0].solve
        pending, cut, pace = checkpoints(), 0, _Pace()
        upcoming = next(pending)
        t = 0
        block: Block | None = self.first
        try:
            while block is not None and not stopped:
                self._check_labels(block)
                done = 0
                while done < len(block.y) and not stopped:
                    n = min(len(block.y) - done, upcoming - t, pace.rounds)
                    piece = head(block, done, done + n)
                    with pace.measure(n):
                        for seat in self.seats:
                            seat.advance(piece)
                        shared.see(piece)
                    t, done = t + n, done + n
                    self._tick(n * len(self.seats))
                    if t == upcoming:
                        self._mark(self.seats, shared)
                        upcoming, cut = next(pending), t
                for seat in self.seats:
                    seat.flush()
                block = next(self.source, None)
        except (ValueError, OSError, MemoryError) as problem:
            return problem
        if t > cut:
            self._mark(self.seats, shared)
        return None

    def adaptive(self, stopped: list[bool]) -> Exception | None:
        n_max = block_rounds(self.stream)
        for seat in self.seats:
            seat.hindsight = self.hindsight(replay=False)
            rng, memory = generator(self.seed, 0), np.zeros(self.stream.d)
            a, y = np.empty((n_max, self.stream.d)), np.empty(n_max)
            pending, pace = checkpoints(), _Pace()
            upcoming, t, block_end = min(next(pending), self.rounds), 0, n_max
            try:
                while t < self.rounds and not stopped:
                    n = min(n_max, block_end - t, upcoming - t, pace.rounds)
                    with pace.measure(n):
                        seat.advance(Dense(a[:n], y[:n]), (self.stream, rng, memory))
                        seat.hindsight.see(Dense(a[:n], y[:n]))
                    t += n
                    self._tick(n)
                    if t == block_end:
                        seat.flush()
                        block_end += n_max
                    if t == upcoming or stopped:
                        self._mark([seat], seat.hindsight)
                        upcoming = min(next(pending), self.rounds)
            except (ValueError, MemoryError) as problem:
                return problem
        return None

    def _check_labels(self, block: Block) -> None:
        if self.signed:
            bad = ~np.isin(block.y, self.loss.labels)
            if bad.any():
                raise ValueError(f"{type(self.loss).__name__} takes labels -1 and +1, not {block.y[bad][0]:g}")

    def _mark(self, seats: list["_Seat"], hindsight: Hindsight) -> None:
        hindsight.mark()
        for seat in seats:
            seat.record()

    def _tick(self, n: int) -> None:
        if self.progress is not None:
            self.progress(n)


class _Pace:
    """How many rounds make a piece of about PIECE seconds; results do not depend on it."""

    def __init__(self) -> None:
        self.rounds = 16

    @contextmanager
    def measure(self, n: int) -> Iterator[None]:
        began = time.perf_counter()
        yield
        each = (time.perf_counter() - began) / n
        # At most twice the last piece: the first ones contain compilation.
        self.rounds = max(1, min(2 * max(n, self.rounds), int(PIECE / each) + 1)) if n >= self.rounds else self.rounds


class _Seat:
    """One learner of a game, with the checkpoints taken so far."""

    def __init__(self, name: str, learner: Any, setting: Setting, layout: str, game: _Game) -> None:
        self.name, self.game = name, game
        if any(value is None for value in learner):
            if not hasattr(learner, "tune"):
                raise ValueError(f"{type(learner).__name__}: a parameter is None and there is no step by theorem")
            try:
                learner = learner.tune(setting)
            except ValueError as problem:
                raise ValueError(f"{type(learner).__name__}: {problem}") from None
            validate(learner)
        self.player = Player(
            learner, setting.d, setting.domain, start=setting.start, layout=layout, compiled=game.compiled
        )
        self.rows: list[dict[str, Any]] = []
        self.parts: list[float] = []
        self.seconds = 0.0
        self.audit: Audit | None = None
        self.hindsight: Hindsight
        self.solve = cache(lambda: self.hindsight.solve())

    def advance(self, piece: Block, adversary: Any = None) -> None:
        if not self.game.audit:
            self._advance(piece, adversary)
            return
        for r in range(len(piece.y)):
            row = head(piece, r, r + 1)
            x = self.player.x.copy()
            self._advance(row, adversary)
            self.audit = _audited(self.audit, self.player, self.game.loss, row, x)

    def _advance(self, piece: Block, adversary: Any) -> None:
        if self.seconds == 0.0:
            self.player.advance(head(piece, 0, 0), self.game.loss, adversary)  # compiles outside the clock
        began = time.perf_counter()
        self.player.advance(piece, self.game.loss, adversary)
        self.seconds += time.perf_counter() - began
        ledger = self.player.ledger
        if not math.isfinite(ledger.loss + ledger.sumsq):
            raise ValueError(
                f"{self.name}: the loss or its gradient is not finite in round {ledger.t} "
                f"({type(self.game.loss).__name__}, decision of size {np.abs(self.player.x).max():g})"
            )

    def flush(self) -> None:
        """Take the sum of losses out of the ledger, so that long sums are added exactly."""
        self.parts.append(self.player.ledger.loss)
        self.player.ledger = self.player.ledger._replace(loss=0.0)
        if len(self.parts) > 1024:
            self.parts = [math.fsum(self.parts)]

    def record(self) -> None:
        self.flush()
        ledger = self.player.ledger
        self.rows.append(
            ledger._asdict()
            | {"loss": math.fsum(self.parts), "dimension": self.player.d, "audit": self.audit}
            | {"tally": self.player.tally()}
        )

    def run(self, game: _Game, interrupted: bool) -> Run:
        columns = {
            key: np.array([row[key] for row in self.rows]) for key in self.rows[0] if key not in ("audit", "tally")
        }
        tally = {key: np.array([row["tally"][key] for row in self.rows]) for key in self.rows[0]["tally"]}
        return Run(
            name=self.name,
            learner=self.player.learner,
            stream=game.stream,
            loss_function=game.loss,
            domain=game.domain,
            seed=game.seed,
            start=game.start,
            promised=game.promised,
            tally=tally,
            audit=[row["audit"] for row in self.rows] if game.audit else None,
            x=self.player.x.copy(),
            rates=self.player.rates(),
            seconds=self.seconds,
            interrupted=interrupted,
            solve=self.solve,
            **columns,
        )


def _audited(audit: Audit | None, player: Player, loss: Any, row: Block, x: Vector) -> Audit:
    a = row.a[0] if isinstance(row, Dense) else np.bincount(row.indices, row.values, player.d)
    g = loss.slope(float(a @ np.resize(x, len(a))), float(row.y[0])) * a
    gamma = player.metric()
    before = audit or Audit(0.0, np.zeros(len(x)), np.zeros_like(gamma), 0.0)
    change = gamma - before.gamma
    if gamma.ndim == 2:
        push, spent = change @ x, g @ np.linalg.pinv(gamma, hermitian=True) @ g
    else:
        push, spent = change * x, np.divide(g * g, gamma, out=np.zeros_like(g), where=gamma > 0.0).sum()
    return Audit(before.moved + x @ push, before.pull + push, gamma, before.spent + float(spent))


def _label(learner: Any, i: int, learners: list[Any]) -> str:
    names = [type(other).__name__ for other in learners]
    return names[i] if names.count(names[i]) == 1 else f"{names[i]}-{i + 1}"
