"""Tasks on the workers of an executor: a bounded number at a time, with what is lost on the way played again."""

import multiprocessing
import os
import pickle
import signal
import sys
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    CancelledError,
    Executor,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
    wait,
)
from contextvars import copy_context
from multiprocessing.connection import wait as wait_for_any
from typing import Any, NamedTuple

from oco.study.cells import Outcome, Task, failed, perform, singles

AHEAD = 2  # tasks a worker that are submitted at a time
LOSSES = 3  # times that a task may take its worker with it
LOOK = 0.2  # seconds between looks at Ctrl-C


class StoppedError(RuntimeError):
    """The executor takes no more tasks."""


class _Tried(NamedTuple):
    task: Task
    losses: int = 0


def cores() -> int:
    """Those that the system lends to this process."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Workers:
    """Where tasks are played: threads or processes of our own, or an executor that was given."""

    def __init__(self, executor: Executor | None, workers: int | None, processes: bool) -> None:
        if executor is not None and not callable(getattr(executor, "submit", None)):
            raise TypeError(f"executor: {executor!r} has no submit(function, *arguments)")
        if workers is not None and workers < 1:
            raise ValueError(f"workers = {workers}: at least 1 is needed")
        self.number = workers or getattr(executor, "_max_workers", None) or cores()
        self._given, self._processes = executor, processes
        self._executor = executor or self._new()
        self._leave = threading.Event()

    def _new(self) -> Executor:
        if not self._processes:
            return ThreadPoolExecutor(self.number)
        # A forked child would hold the locks of threads that it does not have.
        return ProcessPoolExecutor(self.number, multiprocessing.get_context("spawn"), _begin)

    def check(self, parts: Iterable[Any]) -> None:
        """Refuse parts that our own processes could not be given."""
        for part in parts if isinstance(self._executor, ProcessPoolExecutor) else ():
            who, home = type(part).__name__, type(part).__module__
            try:
                pickle.dumps(part)
            except Exception as problem:
                raise ValueError(f"{who} cannot be sent to a process ({problem}): define it in a module") from None
            if home == "__main__" and not hasattr(sys.modules[home], "__file__"):
                raise ValueError(f"{who} cannot be sent to a process: define it in a module, not in a session")

    def submit(self, task: Task) -> "Future[list[Outcome]]":
        """Hand a task over."""
        if isinstance(self._executor, ThreadPoolExecutor):  # the code of parts is looked at once for all threads
            return self._executor.submit(copy_context().run, perform, task, self._go_on)
        try:
            return self._executor.submit(perform, task)
        except BrokenExecutor:
            self._renew()
            return self._executor.submit(perform, task)

    def _renew(self) -> None:
        """A new pool for one that broke."""
        if self._given is not None:
            raise StoppedError("the executor broke: a worker died, and it takes no more tasks")
        self._executor.shutdown(wait=False)
        self._executor = self._new()

    def close(self, now: bool) -> None:
        """End our own pool; `now`: without what still runs."""
        if now:
            self._leave.set()
        if self._given is None:
            for process in list((getattr(self._executor, "_processes", None) or {}).values()) if now else ():
                process.terminate()
            self._executor.shutdown(wait=True, cancel_futures=True)

    def _go_on(self, rounds: int) -> None:
        if self._leave.is_set():
            raise KeyboardInterrupt

    def outcomes(self, tasks: Iterator[Task], stopped: list[bool]) -> Iterator[list[Outcome]]:
        """What came of the tasks, as they finish; once `stopped` is filled, what runs is finished and nothing is begun.

        A task that is lost, because its worker or its pool died, is played again alone, so that no other is taken for
        the culprit; after LOSSES times its learners are played one by one, and then one that still kills is reported.
        """
        running: dict[Future[list[Outcome]], _Tried] = {}
        lost: deque[_Tried] = deque()
        upcoming = map(_Tried, tasks)
        while True:
            while not stopped and len(running) < self._room(running, lost):
                tried = lost.popleft() if lost else next(upcoming, None)
                if tried is None:
                    break
                running[self.submit(tried.task)] = tried
            if stopped:
                running = {future: tried for future, tried in running.items() if not future.cancel()}
            if not running:
                return
            broken = False
            for future in wait(running, LOOK, FIRST_COMPLETED).done:
                tried, problem = running.pop(future), _problem(future)
                broken |= isinstance(problem, BrokenExecutor)
                again = future.result() if problem is None else _again(tried, problem)
                if isinstance(again, deque):
                    lost.extend(again)
                else:
                    yield again
            if broken:
                lost.extend(tried._replace(losses=tried.losses + 1) for tried in running.values())
                running.clear()
                self._renew()

    def _room(self, running: dict[Any, _Tried], lost: deque[_Tried]) -> int:
        alone = lost or any(tried.losses for tried in running.values())
        return 1 if alone else AHEAD * self.number


def _problem(future: "Future[list[Outcome]]") -> BaseException | None:
    try:
        return future.exception()
    except CancelledError:  # Dask does so when its scheduler is gone
        raise StoppedError("the executor gave its tasks up") from None


def _again(tried: _Tried, problem: BaseException) -> deque[_Tried] | list[Outcome]:
    """What to play for a lost task, or the report that it cannot be played."""
    if tried.losses + 1 < LOSSES:
        return deque([_Tried(tried.task, tried.losses + 1)])
    if len(tried.task.learners) > 1:
        return deque(_Tried(task, 1) for task in singles(tried.task))
    said = RuntimeError(f"the worker died again and again ({type(problem).__name__}: {problem})")
    return failed(tried.task, said)


def _begin() -> None:
    """Begin a worker process: Ctrl-C is the coordinator's business, and without a coordinator there is no work."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_follow, args=(parent.sentinel,), daemon=True).start()


def _follow(sentinel: Any) -> None:
    wait_for_any([sentinel])
    os._exit(1)
