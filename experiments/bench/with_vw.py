"""Vowpal Wabbit from its wheel: --sgd --adaptive is AdaGrad with float32 state."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

ARGUMENTS = "--sgd --adaptive --loss_function logistic --noconstant --quiet"


def _arguments(eta: float, bits: int) -> str:
    return f"{ARGUMENTS} -l {eta} -b {bits}"


def lines(matrix: Any, y: np.ndarray) -> list[str]:
    """The rows as its text."""
    tokens = [f"{i}:{v:.6g}" for i, v in zip(matrix.indices.tolist(), matrix.data.tolist(), strict=True)]
    ends = matrix.indptr.tolist()
    return [f"{label:g} | {' '.join(tokens[ends[r] : ends[r + 1]])}\n" for r, label in enumerate(y.tolist())]


def parsed(matrix: Any, y: np.ndarray, eta: float, bits: int) -> Callable[[], float | None]:
    """learn() from Python on examples parsed before; the first call, on weights of zero, returns the loss."""
    from vowpalwabbit import Workspace

    learner = Workspace(_arguments(eta, bits))
    examples = [learner.parse(line) for line in lines(matrix, y)]

    def first() -> float:
        total = 0.0
        for example in examples:
            learner.learn(example)
            total += example.get_loss()
        return total

    calls = iter([first])

    def call() -> float | None:
        special = next(calls, None)
        if special:
            return special()
        learn = learner.learn
        for example in examples:
            learn(example)
        return None

    return call


def driver(path: Path, eta: float, bits: int, cache: Path | None) -> Callable[[], float]:
    """Its C++ driver over a text file, or over the cache file that one untimed run makes of it."""
    from vowpalwabbit import Workspace

    options = f"{_arguments(eta, bits)} -d {path}" + (f" --cache_file {cache}" if cache else "")

    def call() -> float:
        learner = Workspace(options)
        total = float(learner.get_sum_loss())
        learner.finish()
        return total

    return call
