"""Many plays on two threads, as a study plays them, against the same one after the other."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from experiments.bench import data, limits, w1, w2, w3, w4
from experiments.bench.contest import Entry, Options, contest
from experiments.bench.machine import all_cores
from experiments.bench.rows import Row

GOAL = 1.8


def rows(options: Options) -> Iterator[Row]:
    with all_cores() as cores:
        if cores < 2:
            yield Row("threads", "two threads", "two cores (missing)")
            return
        for case, call, full in _calls(options):
            # About a second: a new thread may share a core with the other for some milliseconds, and the last play ends
            # alone.
            plays = options.size(full, 2)
            entry = Entry("one thread", lambda call=call, plays=plays: _on(1, plays, call), 1, GOAL)
            ours = Entry("two threads", lambda call=call, plays=plays: _on(2, plays, call), 1)
            yield from contest("threads", f"{case}, {plays} times", ours, [entry], options)


def _calls(options: Options) -> Iterator[tuple[str, Callable[[], Any], int]]:
    """What is done, and how often."""
    a, y = data.dense_logistic(options.size(20_000, 300), options.size(1000, 50))
    yield "limit: read X of W1", limits.read_once(a), 320
    yield "W1", w1.play(a, y, len(y)), 120
    matrix, y = data.hashed_words(options.size(100_000, 500), options.size(18, 10))
    yield f"W2, d = {matrix.shape[1]}", w2.play(matrix, y, len(y)), 50
    a = data.signs(options.size(10_000_000, 2000), 10)
    yield "W3, OGD, d = 10", w3.play(a, "ogd", False, len(a)), 24
    for d, plays in ((100, 24), (200, 10)):
        g = data.gradients("gaussian", options.size(5000, 100), options.size(d, 20))
        yield f"W4, d = {g.shape[1]}", w4.Game(g.shape[1], lazy=False, ball=False).play(g), plays


def _on(threads: int, plays: int, call: Callable[[], Any]) -> Callable[[], None]:
    def all_of_them() -> None:
        with ThreadPoolExecutor(threads) as pool:
            for done in [pool.submit(call) for _ in range(plays)]:
                done.result()

    return all_of_them
