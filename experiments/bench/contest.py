"""One case of a workload: ours, the peers and the machine's limits on the same data, interleaved."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from experiments.bench.rows import Row
from experiments.bench.timing import interleaved, median, paired

PIP = {"sklearn": "scikit-learn", "lightning": "sklearn-contrib-lightning"}  # where the import has another name


class Options(NamedTuple):
    rounds: int  # of timing
    quick: bool  # sizes of a smoke test
    folder: Path  # for files, empty at first

    def size(self, full: int, quick: int) -> int:
        return quick if self.quick else full


class Entry(NamedTuple):
    """A contestant. `build` imports, compiles and returns the call to be timed, which returns its cumulative loss."""

    peer: str
    build: Callable[[], Callable[[], Any]]
    rounds: int  # that a call plays: times are compared per round
    goal: float | None = None
    at_most: bool = False  # the goal, and the ratio turned over: ours over the peer's
    limit: bool = False  # the machine's, not a peer
    tolerance: float | None = 1e-9  # of the check; None: it computes something else


def contest(
    workload: str,
    case: str,
    ours: Entry,
    others: Sequence[Entry],
    options: Options,
    loss_of: Callable[[int], float] | None = None,
) -> list[Row]:
    """A row for each of `others`; loss_of(n): our cumulative loss over the first n rounds, which theirs must be."""
    calls, checks, absent = {ours.peer: ours.build()}, {}, {}
    calls[ours.peer]()
    for entry in others:
        try:
            calls[entry.peer] = entry.build()
        except ImportError as missing:
            absent[entry.peer] = Row(workload, case, f"{entry.peer} ({why(missing)})")
        else:
            checks[entry.peer] = _check(calls[entry.peer](), loss_of, entry)
    times = interleaved(calls, options.rounds, f"{workload} {case}")

    def row(entry: Entry) -> Row:
        each = ([s / e.rounds for s in times[e.peer]] for e in (ours, entry))
        return _row(Row(workload, case, entry.peer, check=checks[entry.peer]), entry, *each)

    return [absent.get(entry.peer) or row(entry) for entry in others]


def _row(row: Row, entry: Entry, ours: list[float], theirs: list[float]) -> Row:
    """The row with its figures, from seconds a round in each round of timing."""
    ratio = paired(ours, theirs) if entry.at_most else paired(theirs, ours)
    figures: dict[str, Any] = {"limit_fraction" if entry.limit else "ratio": ratio}
    return row._replace(goal=entry.goal, at_most=entry.at_most, ours=median(ours), theirs=median(theirs), **figures)


def _check(found: Any, loss_of: Callable[[int], float] | None, entry: Entry) -> str:
    """How far the entry's cumulative loss is from ours on the same rounds, relative."""
    if entry.tolerance is None:
        return "another algorithm"
    if entry.limit or loss_of is None or found is None:
        return ""
    return agreement(float(found), loss_of(entry.rounds), entry.tolerance)


def agreement(found: float, expected: float, tolerance: float) -> str:
    """The relative difference, marked where it is above the tolerance or not a number."""
    error = abs(found - expected) / max(abs(expected), 1e-300)
    return f"{error:.1e}" if error <= tolerance else f"DIFFERS {error:.1e}"


def why(missing: ImportError) -> str:
    name = (missing.name or str(missing)).partition(".")[0]
    return f"missing: pip install {PIP.get(name, name)}"
