"""A study: learners x streams x seeds, every learner against the very same stream for a seed, in one table."""

import sys
import time
import warnings
from collections.abc import Iterator
from concurrent.futures import Executor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from oco._threads import one_blas_thread
from oco._twins import settled
from oco.fit import check_fit, check_stream, validate
from oco.penalty import NONE, Penalty
from oco.play import patient_interrupt
from oco.study.cells import Game, Task
from oco.study.grid import labelled
from oco.study.keys import Digests, join, setting
from oco.study.plan import Plan, estimate
from oco.study.report import collect, failures, write
from oco.study.run import StoppedError, Workers
from oco.study.store import LOG, Store
from oco.study.table import Table


@dataclass
class Study:
    """A grid of runs.

    learners, streams: a part, a list of parts, or what `grid` returns, which names them. seeds: how many replicates;
    replicate k has one seed for all streams and learners, the k-th child of SeedSequence(seed), so that nothing else in
    the grid changes it. A learner that draws (it has a field `seed`) draws anew in every replicate. The rest is as in
    `play`. Bad parts are a ValueError or TypeError here, before any work.
    """

    learners: Any
    streams: Any
    rounds: int | None = None
    seeds: int = 1
    seed: int = 0
    domain: Any = None
    loss: Any = None
    penalty: Penalty = NONE
    audit: bool = False
    game: Game = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.learners, self.streams = labelled(self.learners, "learner"), labelled(self.streams, "stream")
        for name, least in (("rounds", 1), ("seeds", 1), ("seed", 0)):
            number = getattr(self, name)
            whole = isinstance(number, (int, np.integer)) and not isinstance(number, bool)
            if not ((whole and number >= least) or (number is None and name == "rounds")):
                raise ValueError(f"{name} = {number}: a whole number of {least} or more is needed")
        for label, stream in self.streams.items():
            _placed(f"stream {label}", validate, stream)
            _placed(f"stream {label}", check_stream, stream)
            if self.loss is None and not hasattr(stream, "loss"):
                raise ValueError(f"stream {label} has no loss of its own: give loss")
        for part in (self.domain, self.loss, self.penalty):
            if part is not None:
                validate(part)
        losses = {type(loss): loss for loss in (self._loss(stream) for stream in self.streams.values())}
        for label, learner in self.learners.items():
            _placed(f"learner {label}", validate, learner)
            for loss in losses.values() if self.domain is not None else ():
                _placed(f"learner {label}", check_fit, learner, self.domain, loss)
        self.game = Game(self.rounds, self.loss, self.domain, self.penalty, self.audit)

    def _loss(self, stream: Any) -> Any:
        return stream.loss if self.loss is None else self.loss

    @property
    def runs(self) -> int:
        return len(self.learners) * len(self.streams) * self.seeds

    def run(
        self,
        folder: str | Path,
        *,
        executor: Executor | None = None,
        workers: int | None = None,
        processes: bool = False,
        progress: bool = True,
        force: bool = False,
        command: str = "",
    ) -> Table:
        """Play what `folder` does not hold yet, keep every run as it comes, and return the table, also written there.

        executor: any concurrent.futures.Executor, such as distributed.Client(...).get_executor(); default a pool of
        `workers` threads (or processes), one a core. force: play everything again. Interrupted or killed, the same
        call goes on. Runs that fail are told of in a RuntimeWarning and in record.json, and are tried again next time.
        Raises StoppedError where the executor breaks for good, and OSError on a full disk; what was done is kept.
        """
        began, folder = time.perf_counter(), Path(folder)
        with settled(), one_blas_thread(), Store(folder, writable=True) as store:
            content, problem = Content(self), None
            todo = {key for _, _, _, key in content.cells() if force or key not in store}
            write(self, content, store, None, command, 0.0)
            with patient_interrupt() as stopped:
                try:
                    self._play(content, store, Workers(executor, workers, processes), todo, stopped, progress)
                except StoppedError as raised:
                    problem = raised
            table = collect(self, content, store)
            write(self, content, store, table, command, time.perf_counter() - began)
            failed = failures(content, store)
            done = f"{sum(key in store for *_, key in content.cells())} of {self.runs} runs are in {folder}"
        if stopped:
            raise KeyboardInterrupt(f"{done}; the same command goes on from there")
        if problem is not None:
            raise StoppedError(f"{problem}; {done}; the same command goes on from there") from problem
        if failed:
            first = failed[0]
            who = f"{first['learner']} on {first['stream']}, replicate {first['replicate']}"
            told = f"{len(failed)} of {self.runs} runs failed, the first {who}: {first['message']}"
            warnings.warn(f"{told}; all are in {folder / 'record.json'}", RuntimeWarning, stacklevel=2)
        return table

    def _play(
        self, content: "Content", store: Store, workers: Workers, todo: set[str], stopped: list[bool], progress: bool
    ) -> None:
        from tqdm import tqdm

        finished, rounds, began = False, 0, time.perf_counter()
        shown = tqdm(total=len(todo), unit=" runs", leave=False, disable=None if progress else True, file=sys.stderr)
        try:
            workers.check([*self.learners.values(), *self.streams.values(), self.loss, self.domain])
            for outcomes in workers.outcomes(content.tasks(todo), stopped):
                for outcome in outcomes:
                    store.append(outcome)
                    rounds += outcome.result["columns"]["t"][-1] if outcome.result else 0
                shown.set_postfix_str(f"{rounds / (time.perf_counter() - began):.3g} rounds/s", refresh=False)
                shown.update(len(outcomes))
            finished = True
        finally:
            workers.close(now=not finished)
            shown.close()

    def collect(self, folder: str | Path, *, command: str = "") -> Table:
        """The table of the runs that `folder` holds, without playing; written there too, even while a study runs."""
        with settled(), Store(Path(folder), writable=False) as store:
            content = Content(self)
            table = collect(self, content, store)
            write(self, content, store, table, command, 0.0)
        return table

    def plan(self, folder: str | Path, workers: int | None = None) -> Plan:
        """What `run` would do, and about how long it would take, from short plays of a few of its tasks."""
        with settled(), one_blas_thread():
            content = Content(self)
            todo = {key for *_, key in content.cells()}
            if (Path(folder) / LOG).is_file():
                with Store(Path(folder), writable=False) as store:
                    todo = {key for key in todo if key not in store}
            tasks = list(content.tasks(todo))
            return Plan(self.runs, len(todo), len(tasks), estimate(tasks, Workers(None, workers, False).number))


class Content:
    """The keys and tasks of a study; what they are made of is looked at once."""

    def __init__(self, study: Study) -> None:
        self.study, self.setting = study, setting()
        self.versions = self.setting[:12]  # as the table names them
        digest = Digests()
        self._digest, self._game = digest, join(self.setting, digest(study.game))
        self._streams = {label: digest(stream) for label, stream in study.streams.items()}
        self._learners = {label: digest(learner) for label, learner in study.learners.items()}
        self._drawing = {label for label, learner in study.learners.items() if "seed" in learner._fields}
        self.seeds = [_word(study.seed, k) for k in range(study.seeds)]

    def learner(self, label: str, replicate: int) -> Any:
        """The learner as it plays in a replicate: with randomness of its own, that nothing else in the grid changes."""
        learner = self.study.learners[label]
        if label not in self._drawing:
            return learner
        return learner._replace(seed=_word(self.study.seed, replicate, 0, int(learner.seed)))

    def key(self, learner: str, stream: str, replicate: int) -> str:
        """The key of a run, by its labels."""
        drawing = learner in self._drawing
        played = self._digest(self.learner(learner, replicate)) if drawing else self._learners[learner]
        return join(self._game, self._streams[stream], played, str(self.seeds[replicate]))

    def cells(self) -> Iterator[tuple[str, str, int, str]]:
        """(learner, stream, replicate, key) of every run, in the order of the table."""
        for learner in self.study.learners:
            for stream in self.study.streams:
                for replicate in range(self.study.seeds):
                    yield learner, stream, replicate, self.key(learner, stream, replicate)

    def tasks(self, todo: set[str]) -> Iterator[Task]:
        """What is to be played, a stream and seed at a time."""
        for stream, part in self.study.streams.items():
            for replicate, seed in enumerate(self.seeds):
                labels = {self.key(learner, stream, replicate): learner for learner in self.study.learners}
                keys = {label: key for key, label in labels.items() if key in todo}
                if keys:
                    learners = {label: self.learner(label, replicate) for label in keys}
                    yield Task(part, seed, learners, keys, self.study.game)


def _word(root: int, *children: int) -> int:
    """A number that float64 holds, from a child of a child ... of SeedSequence(root)."""
    state = np.random.SeedSequence(root, spawn_key=children).generate_state(1, np.uint64)
    return int(state[0] >> np.uint64(11))


def _placed(place: str, check: Any, *parts: Any) -> None:
    try:
        check(*parts)
    except (ValueError, TypeError) as problem:
        raise type(problem)(f"{place}: {problem}") from None
