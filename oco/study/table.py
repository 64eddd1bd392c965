"""The tidy table of a study: columns by name, one row a run and checkpoint; files that pandas opens in one line."""

import csv
import io
import json
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

Column = NDArray[Any]

TEXT = {"learner", "learner.name", "learner.theory", "stream", "stream.name", "versions"}  # even where it looks numeric
ROWS = 10_000  # that become Python's numbers at a time
ABOUT = "about"  # under which a file keeps what holds for the whole table


class Table(dict[str, Column]):
    """Columns of equal length, each a 1-d array of numbers or text; `pandas.DataFrame(table)` takes it as it is.

    A study's table has `learner` and `stream` (labels, all parameters of the grid in them), `learner.name` and
    `stream.name` (labels without parameters), `learner.eta`, `stream.d`, ... (every parameter, with the value that was
    played; NaN, or no text, where a part has no such parameter), `learner.theory` (the parameters that a theorem set,
    separated by commas), `replicate`, `seed` (of the stream), `t`, `loss`, `regret_low`, `regret_high`, one column a
    theorem (`bound.NAME`, `expected.NAME` in the mean over the learner's randomness, `lower.NAME`,
    `expected-lower.NAME`; NaN where it is not a theorem of the run), `dimension`, `seconds` (of the whole run) and
    `versions`, a digest that `about` resolves. Rows are in the order of the grid: learners, streams, replicates, t.
    """

    def __init__(self, columns: Mapping[str, Any], about: Mapping[str, Any] | None = None) -> None:
        super().__init__({name: np.asarray(column) for name, column in columns.items()})
        self.about = dict(about or {})  # what holds for all rows; JSON
        shapes = {name: column.shape for name, column in self.items()}
        if len(set(shapes.values())) > 1 or any(len(shape) != 1 for shape in shapes.values()):
            raise ValueError(f"columns of a table are vectors of one length, not {shapes}")

    @property
    def rows(self) -> int:
        return len(next(iter(self.values()))) if self else 0

    def __getitem__(self, name: str) -> Column:
        if name not in self:
            raise KeyError(f"no column {name!r}; there are {', '.join(self)}")
        return super().__getitem__(name)

    def select(self, rows: Any) -> "Table":
        """The rows of a mask, a slice or an array of positions."""
        return Table({name: column[rows] for name, column in self.items()}, self.about)

    def where(self, conditions: Mapping[str, Any] | None = None, /, **more: Any) -> "Table":
        """The rows on which every named column has the value, or one of the values of a list; NaN is found by NaN.

        Names with a dot go into a dictionary: table.where({"learner.eta": [0.1, 1.0]}, t=1000).
        """
        mask = np.ones(self.rows, dtype=bool)
        for name, wanted in {**(conditions or {}), **more}.items():
            column = self[name]
            values = list(wanted) if isinstance(wanted, (list, tuple, set, np.ndarray)) else [wanted]
            hit = np.zeros(self.rows, dtype=bool)
            for value in values:
                missing = isinstance(value, float) and np.isnan(value)
                hit |= (np.isnan(column) if column.dtype.kind == "f" else False) if missing else column == value
            mask &= hit
        return self.select(mask)

    def unique(self, *names: str) -> list[Any]:
        """The distinct values of a column, or tuples of several, in the order in which they first appear."""
        return [key[0] if len(names) == 1 else key for key in self._first(names)]

    def groups(self, *names: str) -> Iterator[tuple[Any, "Table"]]:
        """(value or tuple of values, its rows) for every entry of unique(*names)."""
        places = self._first(names)
        numbers = self._numbers(names)
        order = np.argsort(numbers, kind="stable")
        parts = np.split(order, np.searchsorted(numbers[order], np.arange(1, len(places))))
        for key, part in zip(places, parts, strict=False):
            yield key[0] if len(names) == 1 else key, self.select(part)

    def _first(self, names: Iterable[str]) -> list[tuple[Any, ...]]:
        numbers = self._numbers(names)
        _, first = np.unique(numbers, return_index=True)
        return list(zip(*(self[name][first].tolist() for name in names), strict=True))

    def _numbers(self, names: Iterable[str]) -> NDArray[np.int64]:
        """The number of every row's group: equal where all named columns are, counted from 0 in order of appearance."""
        numbers = np.zeros(self.rows, dtype=np.int64)
        for name in names:
            values, codes = np.unique(self[name], return_inverse=True)
            _, first, numbers = np.unique(numbers * len(values) + codes, return_index=True, return_inverse=True)
            numbers = np.argsort(np.argsort(first))[numbers]
        return numbers

    def write(self, path: str | Path) -> None:
        """To a .parquet (needs pyarrow), .npz or .csv file, whole or not at all; a .csv keeps no `about`."""
        path = Path(path)
        write = _format(path)[0]
        with whole(path) as file:
            write(self, file)

    @classmethod
    def read(cls, path: str | Path) -> "Table":
        """What `write` wrote."""
        path = Path(path)
        return _format(path)[1](path)


@contextmanager
def whole(path: Path) -> Iterator[IO[bytes]]:
    """A file that takes the place of `path` when everything has been written, and never half of it."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _write_npz(table: Table, file: IO[bytes]) -> None:
    about = {ABOUT: np.array(json.dumps(table.about))}
    np.savez_compressed(file, **table, **about)  # type: ignore[arg-type]


def _read_npz(path: Path) -> Table:
    with np.load(path) as stored:
        columns = {name: stored[name] for name in stored.files}
    about = json.loads(str(columns.pop(ABOUT, "{}")))
    return Table(columns, about)


def _write_csv(table: Table, file: IO[bytes]) -> None:
    text = io.TextIOWrapper(file, encoding="utf-8", newline="")
    out = csv.writer(text)
    out.writerow(table)
    # Python's numbers are written by repr, which float() reads back to the last bit.
    for start in range(0, table.rows, ROWS):
        out.writerows(zip(*(column[start : start + ROWS].tolist() for column in table.values()), strict=True))
    text.flush()
    text.detach()


def _read_csv(path: Path) -> Table:
    with open(path, newline="", encoding="utf-8") as file:
        names, *rows = csv.reader(file)
    columns = zip(*rows, strict=True) if rows else [()] * len(names)
    return Table({name: _column(name, column) for name, column in zip(names, columns, strict=True)})


def _column(name: str, words: Any) -> Column:
    for kind in (np.int64, np.float64) if name not in TEXT else ():
        try:
            return np.array(words, dtype=kind) if kind is np.float64 else np.array([int(word) for word in words])
        except (ValueError, OverflowError):
            continue
    return np.array(words, dtype=str)


def _pyarrow() -> Any:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise ValueError("a .parquet file needs pyarrow: pip install 'oco[parquet]', or use .npz or .csv") from None
    return pyarrow


def _write_parquet(table: Table, file: IO[bytes]) -> None:
    arrow = _pyarrow()
    stored = arrow.table(
        {name: column.tolist() if column.dtype.kind == "U" else column for name, column in table.items()}
    )
    stored = stored.replace_schema_metadata({ABOUT: json.dumps(table.about)})
    arrow.parquet.write_table(stored, file)


def _read_parquet(path: Path) -> Table:
    stored = _pyarrow().parquet.read_table(path)
    about = json.loads((stored.schema.metadata or {}).get(ABOUT.encode(), b"{}"))
    columns = {name: stored[name].to_numpy() for name in stored.column_names}
    return Table({name: c.astype(str) if c.dtype == object else c for name, c in columns.items()}, about)


FORMATS: dict[str, tuple[Callable[[Table, IO[bytes]], None], Callable[[Path], Table]]] = {
    ".parquet": (_write_parquet, _read_parquet),
    ".npz": (_write_npz, _read_npz),
    ".csv": (_write_csv, _read_csv),
}


def _format(path: Path) -> Any:
    if path.suffix not in FORMATS:
        raise ValueError(f"{path}: a table is kept as {', '.join(FORMATS)}")
    return FORMATS[path.suffix]
