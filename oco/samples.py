"""Replicates side by side: the plays of one learner on one stream, from a study's table or from runs."""

from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from oco.bounds import bounds_of
from oco.learners import LEARNERS
from oco.protocols import Matrix, Vector
from oco.regret import Run
from oco.study.table import Table

LOWER = ("lower", "expected-lower")


class Sample(NamedTuple):
    """R replicates of a learner on a stream, at the K checkpoints that all of them reached."""

    learner: str  # labels: with every parameter of the grid in a study's
    stream: str
    parameters: dict[str, Any]  # of the play: "learner.eta", "stream.d", ...
    theory: tuple[str, ...]  # the learner's parameters that a theorem set
    replicate: NDArray[np.int64]  # (R,)
    t: NDArray[np.int64]  # (K,)
    loss: Matrix  # (R, K) cumulative
    low: Matrix  # (R, K) certified regret
    high: Matrix
    bounds: dict[str, Matrix]  # on the regret, by name, (R, K)
    kinds: dict[str, str]  # of the bounds: "data" or "worst"
    lower: dict[str, Matrix]  # regret that the stream forces on any learner, by name, (R, K)
    expected: bool  # whether that is in the mean over the stream's seeds
    dimension: int
    seconds: Vector  # (R,)

    @property
    def middle(self) -> Matrix:
        return (self.low + self.high) / 2.0

    @property
    def name(self) -> str:
        """The learner's label without the parameters of the grid."""
        return str(self.parameters.get("learner.name", self.learner))

    def of_kind(self, kind: str) -> list[Matrix]:
        return [value for name, value in self.bounds.items() if self.kinds[name] == kind]


def samples(source: Any) -> list[Sample]:
    """Of a study's table one for each learner and stream; of a Run or a list of them one each; Samples as they are."""
    if isinstance(source, Table):
        return [_of_table(part) for _, part in source.groups("learner", "stream")]
    several = [source] if isinstance(source, (Run, Sample)) else source
    return [part if isinstance(part, Sample) else _of_run(part) for part in several]


def _of_run(run: Run) -> Sample:
    regret, always = run.regret, run.lower_bounds()
    lower = always or run.expected_lower_bounds()
    kinds = {bound.name: bound.kind for bound in bounds_of(run.learner) if bound.kind in ("data", "worst")}
    parts = (("learner", run.learner), ("stream", run.stream))
    fields = {f"{part}.{key}": value for part, thing in parts for key, value in _fields(thing).items()}
    return Sample(
        learner=run.name,
        stream=type(run.stream).__name__,
        parameters=fields,
        theory=(),
        replicate=np.zeros(1, dtype=np.int64),
        t=run.t,
        loss=run.loss[None],
        low=regret.low[None],
        high=regret.high[None],
        bounds={name: value[None] for name, value in run.bounds().items() if name in kinds},
        kinds=kinds,
        lower={name: value[None] for name, value in lower.items()},
        expected=not always,
        dimension=run.d,
        seconds=np.array([run.seconds]),
    )


def _fields(part: Any) -> Mapping[str, Any]:
    return part._asdict() if hasattr(part, "_asdict") else {}


@cache
def _kinds() -> dict[str, str]:
    return {bound.name: bound.kind for learner in LEARNERS.values() for bound in bounds_of(learner)}


def _of_table(part: Table) -> Sample:
    """The rows of one learner on one stream."""
    replicate, rows = np.unique(part["replicate"], return_inverse=True)
    reached, counts = np.unique(part["t"], return_counts=True)
    t = reached[counts == len(replicate)]
    kept = np.isin(part["t"], t)
    part, rows = part.select(kept), rows[kept]
    order = np.lexsort((part["t"], rows))

    def across(name: str) -> Matrix:
        return np.asarray(part[name][order].reshape(len(replicate), len(t)))

    def theorems(kind: str) -> dict[str, Matrix]:
        found = {name.removeprefix(f"{kind}."): across(name) for name in part if name.startswith(f"{kind}.")}
        return {name: value for name, value in found.items() if not np.isnan(value).all()}

    bounds, always = theorems("bound"), theorems("lower")
    about = [name for name in part if name.startswith(("learner.", "stream.")) and name != "learner.theory"]
    return Sample(
        learner=str(part["learner"][0]),
        stream=str(part["stream"][0]),
        parameters={name: part[name][0] for name in about},
        theory=tuple(filter(None, str(part["learner.theory"][0]).split(","))),
        replicate=replicate,
        t=t,
        loss=across("loss"),
        low=across("regret_low"),
        high=across("regret_high"),
        bounds=bounds,
        # Of a learner of the user's own the table does not tell; its theorems mostly read the gradients.
        kinds={name: _kinds().get(name, "data") for name in bounds},
        lower=always or theorems("expected-lower"),
        expected=not always,
        dimension=int(part["dimension"].max()),
        seconds=across("seconds")[:, -1],
    )
