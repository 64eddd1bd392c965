"""W6: a grid of step sizes of one learner on one stream, against as many plays.

The goal is for rows as in W2, where fetching and storing coordinates is what lanes share. Of dense rows they share the
reading alone: an update takes each learner as many multiplications in lanes as by itself.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import oco
from experiments.bench import data
from experiments.bench.contest import Entry, Options, contest
from experiments.bench.rows import Row


def rows(options: Options) -> Iterator[Row]:
    for bits in (18, 20) if not options.quick else (10,):
        stream = data.hashed_words(options.size(200_000, 500), bits)
        for count in (8, 16):
            yield from _case(stream, count, f"sparse, d = 2^{bits}", options, goal=0.42)
    stream = data.dense_logistic(options.size(5000, 200), options.size(1000, 50))
    for count in (8, 16):
        yield from _case(stream, count, f"dense, d = {stream[0].shape[1]}", options)


def _case(stream: Any, count: int, case: str, options: Options, goal: float | None = None) -> list[Row]:
    a, y = stream
    learners = {f"{eta:.3g}": oco.AdaGrad(eta) for eta in np.geomspace(0.01, 1.0, count)}
    others = [
        Entry("as many plays", lambda: _plays(a, y, [{k: v} for k, v in learners.items()]), 1, goal, at_most=True)
    ]
    ours = Entry("oco", lambda: _plays(a, y, [learners]), 1)
    losses = _plays(a, y, [learners])
    return contest("W6", f"{case}, {count} step sizes", ours, others, options, lambda _: losses())


def _plays(a: Any, y: np.ndarray, games: list[dict[str, Any]]) -> Callable[[], float]:
    """A play of each group of learners; the call returns the sum of all losses."""

    def call() -> float:
        runs = [run for game in games for run in oco.play(oco.Data(a, y), game, loss=oco.Logistic())]
        return float(sum(run.loss[-1] for run in runs))

    return call
