"""What a study leaves in its folder beside the log: its table, and a record of all that made it."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from oco.record import plain, versions
from oco.study.cells import parameters
from oco.study.store import Store
from oco.study.table import Column, Table, whole

RECORD = "record.json"


def collect(study: Any, content: Any, store: Store) -> Table:
    """The table of all runs that the log holds, in the order of the grid, in one pass."""
    facts: list[dict[str, Any]] = []
    lengths: list[int] = []
    columns: dict[str, list[tuple[int, list[float]]]] = {}
    rows = 0
    for learner, stream, replicate, key in content.cells():
        found = store.result(key)
        if found is None:
            continue
        facts.append(_facts(study, content, learner, stream, replicate, found))
        for name, column in found["columns"].items():
            columns.setdefault(name, []).append((rows, column))
        lengths.append(len(found["columns"]["t"]))
        rows += lengths[-1]
    names = sorted(dict.fromkeys(name for fact in facts for name in fact), key=_family)
    whole_runs = {name: np.repeat(_typed([fact.get(name) for fact in facts]), lengths) for name in names}
    by_checkpoint = {name: _filled(pieces, rows) for name, pieces in columns.items()}
    about = {"versions": {content.versions: versions()}, "seed": study.seed}
    return Table(whole_runs | by_checkpoint, about)


def _facts(
    study: Any, content: Any, learner: str, stream: str, replicate: int, found: dict[str, Any]
) -> dict[str, Any]:
    """What holds for all rows of a run."""
    unset = [name for name, value in study.learners[learner]._asdict().items() if value is None]
    facts: dict[str, Any] = {
        "learner": learner,
        "learner.name": learner.partition(":")[0],
        "learner.theory": ",".join(unset),
    }
    facts |= {"stream": stream, "stream.name": stream.partition(":")[0]}
    facts |= {f"learner.{name}": value for name, value in found["learner"].items()}
    facts |= {f"stream.{name}": value for name, value in parameters(study.streams[stream]).items()}
    facts |= {"replicate": replicate, "seed": content.seeds[replicate], "versions": content.versions}
    return facts | {name: found[name] for name in ("seconds", "certified_within")}


def _family(name: str) -> int:
    """Sorts columns: those of the learner, those of the stream, others."""
    family = name.partition(".")[0]
    return {"learner": 0, "stream": 1}.get(family, 2)


def _typed(values: list[Any]) -> Column:
    """Whole numbers, numbers with NaN for what is missing, or text."""
    present = [value for value in values if value is not None]
    if any(isinstance(value, str) for value in present):
        return np.array(["" if value is None else str(value) for value in values])
    if len(present) == len(values) and all(isinstance(value, int) and abs(value) < 2**63 for value in present):
        return np.array(values, dtype=np.int64)
    return np.array([np.nan if value is None else float(value) for value in values])


def _filled(pieces: list[tuple[int, list[float]]], rows: int) -> Column:
    """A column from what the runs say of it, NaN where they do not."""
    complete = sum(len(piece) for _, piece in pieces) == rows
    exact = complete and all(isinstance(piece[0], int) for _, piece in pieces)
    column = np.zeros(rows, dtype=np.int64) if exact else np.full(rows, np.nan)
    for start, piece in pieces:
        column[start : start + len(piece)] = piece
    return column


def failures(content: Any, store: Store) -> list[dict[str, Any]]:
    """Cell, message and traceback of every run that failed when it was last tried."""
    found = []
    for learner, stream, replicate, key in content.cells():
        failure = store.failure(key)
        if failure is not None:
            cell = {"learner": learner, "stream": stream, "replicate": replicate, "seed": content.seeds[replicate]}
            found.append(cell | failure)
    return found


def record(study: Any, content: Any, store: Store, command: str, seconds: float) -> dict[str, Any]:
    """All that made a study's numbers, and what became of it."""
    game = {name: plain(value) for name, value in study.game._asdict().items()}
    return {
        "command": command,
        "study": {
            "learners": {label: plain(part) for label, part in study.learners.items()},
            "streams": {label: plain(part) for label, part in study.streams.items()},
            "seed": study.seed,
            "seeds": content.seeds,
        }
        | game,
        "versions": versions(),
        "setting": content.versions,
        "runs": study.runs,
        "done": sum(key in store for *_, key in content.cells()),
        "damaged_lines": store.damaged,
        "seconds": seconds,
        "failed": failures(content, store),
    }


def write(study: Any, content: Any, store: Store, table: Table | None, command: str, seconds: float) -> None:
    """record.json, and the table as .csv and .npz, and as .parquet where pyarrow is there."""
    folder: Path = store.folder
    text = json.dumps(record(study, content, store, command, seconds), indent=1, allow_nan=False)
    with whole(folder / RECORD) as file:
        file.write((text + "\n").encode())
    if table is not None:
        for suffix in (".csv", ".npz", *_parquet()):
            table.write(folder / f"table{suffix}")


def _parquet() -> list[str]:
    try:
        import pyarrow  # noqa: F401
    except ImportError:
        return []
    return [".parquet"]
