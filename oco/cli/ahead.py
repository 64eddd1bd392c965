"""A second process that compiles while the first plays: on an empty cache one waits for little but the compiler."""

import multiprocessing
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from oco._cache import cold
from oco.play import play
from oco.study.run import cores


@contextmanager
def compiling_ahead(games: list[dict[str, Any]], **options: Any) -> Iterator[None]:
    """The kernels of the games are made from the last to the first, if there are none yet and a core is free."""
    if not cold() or cores() < 2:
        yield
        return
    # Threads would not do: Numba compiles one kernel at a time.
    process = multiprocessing.get_context("spawn").Process(target=_compile, args=(games, options), daemon=True)
    process.start()
    try:
        yield
    finally:
        process.terminate()
        process.join()


def _compile(games: list[dict[str, Any]], options: dict[str, Any]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that plays, which ends this one
    with open(os.devnull, "w") as nowhere:
        sys.stdout = sys.stderr = nowhere
        for game in reversed(games):
            last_first = dict(reversed(game["learners"].items()))
            for run in play(**game | {"learners": last_first, "rounds": 2}, **options):
                run.solve()
