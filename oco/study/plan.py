"""What a study is going to do, and about how long it will take."""

import time
from typing import NamedTuple

from oco.study.cells import Task, perform

SAMPLED = 6  # tasks that are tried
SHORT, SHORTER = 2000, 500  # rounds of the plays that are timed
PATIENCE = 15.0  # seconds after which no further task is tried


class Plan(NamedTuple):
    """Counts, and an estimate in seconds, None where the number of rounds is not known."""

    runs: int
    todo: int
    tasks: int
    seconds: float | None

    def __str__(self) -> str:
        time = (
            "unknown: it depends on the length of the data" if self.seconds is None else f"about {told(self.seconds)}"
        )
        return f"{self.runs} runs, {self.runs - self.todo} done, {self.todo} to do in {self.tasks} tasks; time: {time}"


def estimate(tasks: list[Task], workers: int) -> float | None:
    """Seconds that the tasks take, from a line through two short plays of some of them; without compilation."""
    if not tasks:
        return 0.0
    rounds = tasks[0].game.rounds
    if rounds is None:
        rounds = None if any(hasattr(task.stream, "blocks") for task in tasks) else 10_000
    if rounds is None:
        return None
    began, each = time.perf_counter(), []
    for task in tasks[:: max(1, len(tasks) // SAMPLED)]:
        _seconds(task, min(SHORTER, rounds))  # compiles
        short, longer = (_seconds(task, min(n, rounds)) for n in (SHORTER, SHORT))
        slope = max(0.0, longer - short) / (SHORT - SHORTER)
        each.append(longer + slope * max(0, rounds - SHORT))
        if time.perf_counter() - began > PATIENCE:
            break
    return sum(each) / len(each) * len(tasks) / min(workers, len(tasks))


def _seconds(task: Task, rounds: int) -> float:
    began = time.perf_counter()
    perform(task._replace(game=task.game._replace(rounds=rounds)))
    return time.perf_counter() - began


def told(seconds: float) -> str:
    """A length of time as it is said."""
    for size, unit in ((86400.0, "days"), (3600.0, "hours"), (60.0, "minutes")):
        if seconds >= 2.0 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.1f} seconds"
