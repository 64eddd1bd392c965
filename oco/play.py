"""The public game: learners meet a stream round by round; a play that breaks keeps what it had."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from oco._threads import one_blas_thread
from oco._twins import settled
from oco.domains import Space
from oco.game import Game
from oco.penalty import NONE, Penalty
from oco.protocols import Vector
from oco.regret import Run
from oco.streams import is_adaptive


class BrokenPlayError(ValueError):
    """A play that could not go on; `runs` holds what was played up to the last checkpoint."""

    def __init__(self, message: str, runs: list[Run]) -> None:
        super().__init__(message)
        self.runs = runs


def play(
    stream: Any,
    learners: Any,
    *,
    rounds: int | None = None,
    loss: Any = None,
    domain: Any = None,
    seed: int = 0,
    start: Vector | None = None,
    penalty: Penalty = NONE,
    audit: bool = False,
    compiled: bool = True,
    dtype: Any = np.float64,
    lanes: bool = True,
    progress: Callable[[int], object] | None = None,
) -> list[Run]:
    """Play every learner on the very same stream and return one Run each.

    learners: a learner, a list, or a dict name -> learner. rounds: T; None means a file's or data's length, 10,000
    for a generated stream. loss, domain: default the stream's own loss and the whole space. start: x_1 (d,), default
    the domain's centre, or 0 for learners that start there. penalty: part of the loss of every round. audit: keep the
    history, which trajectory bounds and finer regrets read (O(T d) numbers, a slow round at a time). compiled: False
    runs the same code in Python. dtype: np.float32 keeps rows and what rules remember in single precision; losses and
    their sums stay float64; margins of dense rows are those of decisions a few roundings from the ones played (see
    oco.lowlevel.glance). lanes: learners of one class that differ in numbers are played side by side; False: one after
    the other, so that who else plays changes not even the last digit. progress: called with the number of rounds just
    played (summed over learners).

    Raises ValueError or TypeError before the first round for parts that do not fit; BrokenPlayError, a ValueError
    that keeps the runs so far, where the stream or a loss turns out bad on the way.
    """
    domain = Space() if domain is None else domain
    with settled(), one_blas_thread():
        options = (domain, rounds, seed, start, penalty, audit, compiled, dtype, lanes, progress)
        game = Game(stream, _named(learners), loss, *options)
        problem: Exception | None = None
        with patient_interrupt() as game.stopped:
            try:
                if is_adaptive(stream):
                    game.play_adaptive()
                else:
                    game.play_oblivious()
            except (ValueError, OSError, MemoryError) as raised:
                problem = raised
        runs = [seat.run(**game.facts()) for seat in game.seats if seat.rows]
    if problem is not None:
        raise BrokenPlayError(str(problem), runs) from problem
    return runs


def _named(learners: Any) -> dict[str, Any]:
    if isinstance(learners, dict):
        return learners
    several = learners if isinstance(learners, list) else [learners]
    names = [type(learner).__name__ for learner in several]
    return {
        name if names.count(name) == 1 else f"{name}-{i}": learner
        for i, (name, learner) in enumerate(zip(names, several, strict=True), 1)
    }


@contextmanager
def patient_interrupt() -> Iterator[list[bool]]:
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
