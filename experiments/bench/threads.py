"""Two plays in two threads against the same two in sequence, on all cores."""

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
            yield Row("threads", "two plays", "two cores (missing)")
            return
        for case, call in _calls(options):
            entry = Entry("the same in sequence", lambda call=call: _in_turn(call), 1, GOAL)
            ours = Entry("in two threads", lambda call=call: _together(call), 1)
            yield from contest("threads", case, ours, [entry], options)


def _calls(options: Options) -> Iterator[tuple[str, Callable[[], Any]]]:
    a, y = data.dense_logistic(options.size(20_000, 300), options.size(1000, 50))
    yield "limit: read X of W1 once", limits.read_once(a)
    yield "W1", w1.play(a, y, len(y))
    matrix, y = data.hashed_words(options.size(100_000, 500), options.size(18, 10))
    yield f"W2, d = {matrix.shape[1]}", w2.play(matrix, y, len(y))
    a = data.signs(options.size(10_000_000, 2000), 10)
    yield "W3, OGD, d = 10", w3.play(a, "ogd", False, len(a))
    g = data.gradients("gaussian", options.size(5000, 100), options.size(100, 20))
    yield f"W4, d = {g.shape[1]}", w4.Game(g.shape[1], lazy=False, ball=False).play(g)


def _in_turn(call: Callable[[], Any]) -> Callable[[], None]:
    def both() -> None:
        call()
        call()

    return both


def _together(call: Callable[[], Any]) -> Callable[[], None]:
    def both() -> None:
        with ThreadPoolExecutor(2) as pool:
            for done in [pool.submit(call), pool.submit(call)]:
                done.result()

    return both
