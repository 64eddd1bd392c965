"""One task of a study: a stream with a seed, all learners that still have to meet it, and what is kept of their runs.

A task can be sent to any process: it is made of parts and numbers, and so is what it returns.
"""

import traceback
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from oco.penalty import NONE, Penalty
from oco.play import play
from oco.regret import Run

LONGEST = 20_000  # characters that are kept of a traceback


class Game(NamedTuple):
    """What all plays of a study share."""

    rounds: int | None = None
    loss: Any = None
    domain: Any = None
    penalty: Penalty = NONE
    audit: bool = False


class Task(NamedTuple):
    """The learners, by label, that meet one stream with one seed, and the keys of their runs."""

    stream: Any
    seed: int
    learners: dict[str, Any]
    keys: dict[str, str]
    game: Game


class Outcome(NamedTuple):
    """What came of one run: `result` as `kept` makes it, or `failure` with its message and traceback."""

    key: str
    result: dict[str, Any] | None
    failure: dict[str, str] | None = None


def perform(task: Task, progress: Callable[[int], object] | None = None) -> list[Outcome]:
    """Play all learners of a task at once; where that fails one by one, so that only the failing ones are lost."""
    try:
        runs = _played(task, progress)
    except (Exception, SystemExit) as problem:
        if len(task.learners) == 1:
            return failed(task, problem)
        return [outcome for single in singles(task) for outcome in perform(single, progress)]
    return [_outcome(task.keys[run.name], run) for run in runs]


def singles(task: Task) -> list[Task]:
    """A task for each learner."""
    return [task._replace(learners={label: learner}) for label, learner in task.learners.items()]


def _played(task: Task, progress: Callable[[int], object] | None) -> list[Run]:
    """The one place where a study plays: a run is the same to the last bit whatever other learners a task has."""
    return play(task.stream, task.learners, seed=task.seed, lanes=False, progress=progress, **task.game._asdict())


def _outcome(key: str, run: Run) -> Outcome:
    try:
        return Outcome(key, kept(run))
    except Exception as problem:  # a bound may be wrong, or a comparator not be found
        return _failure(key, problem)


def failed(task: Task, problem: BaseException) -> list[Outcome]:
    """The report that a task failed."""
    return [_failure(task.keys[label], problem) for label in task.learners]


def _failure(key: str, problem: BaseException) -> Outcome:
    lines = "".join(traceback.format_exception(problem))
    message = f"{type(problem).__name__}: {problem}"
    return Outcome(key, None, {"message": message, "traceback": lines[-LONGEST:]})


def kept(run: Run) -> dict[str, Any]:
    """What a study's table says of a run, as numbers, text, and a list of numbers a column, one a checkpoint."""
    regret = run.regret
    columns = {"t": run.t, "loss": run.loss, "regret_low": regret.low, "regret_high": regret.high}
    columns["dimension"] = run.dimension
    families = {
        "bound": run.bounds(),
        "expected": run.expected_bounds(),
        "lower": run.lower_bounds(),
        "expected-lower": run.expected_lower_bounds(),
    }
    columns |= {f"{family}.{name}": value for family, found in families.items() for name, value in found.items()}
    return {
        "columns": {name: np.asarray(column).tolist() for name, column in columns.items()},
        "learner": parameters(run.learner),
        "certified_within": run.certified_within,
        "seconds": run.seconds,
    }


def parameters(part: Any) -> dict[str, Any]:
    """The fields of a part as numbers and text; None where one is not set."""
    return {name: _said(value) for name, value in part._asdict().items()}


def _said(value: Any) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, (int, float, str)):
        return int(value) if isinstance(value, bool) else value
    if hasattr(value, "shape"):
        return f"array of shape {value.shape}"
    return type(value).__name__ if hasattr(value, "_fields") else repr(value)
