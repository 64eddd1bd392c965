"""What a paper's script offers, and what is made of it: kept results, one table, figures, the record, the README.

A script `papers/KEY/script.py` has
    TITLE             authors, year, what is reproduced
    DATA              names of the data sets that it reads (papers.data), none by default
    OPTIONAL          names of those that it reads where they are, without missing them
    SIZES             {"test": {...}, "default": {...}, "full": {...}}: keyword arguments of compute
    compute(...)      -> dict of arrays, numbers and strings; also takes `data`, {name: Path or None}, if it reads any
    numbers(result)   -> list of Number, published values beside ours
    figures(result)   -> {name: matplotlib Figure}
so that numbers and figures are made again without computing again.
"""

import importlib
import json
import math
import shlex
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from oco import figures
from oco.record import aligned, plain, versions
from oco.study.kept import kept
from papers import data as sets

ROOT = Path(__file__).parent
BEGIN, END = "<!-- numbers: written by python -m papers KEY --write -->", "<!-- end of numbers -->"


class Number(NamedTuple):
    """A published value, None where the paper gives none, and ours; `note` says why they may differ."""

    name: str
    published: float | str | None
    ours: float | str
    note: str = ""

    @property
    def difference(self) -> str:
        """Ours less the published value; for words, whether they agree."""
        if self.published is None:
            return ""
        if isinstance(self.published, str) or isinstance(self.ours, str):
            return "agrees" if self.published == self.ours else "differs"
        return f"{self.ours - self.published:+.3g}"


class Outcome(NamedTuple):
    """One paper, computed or read back."""

    key: str
    size: str  # of SIZES
    numbers: list[Number]
    missing: list[str]  # what data was absent, and where to get it
    seconds: float  # of the computation, when it was made
    command: str


def keys() -> list[str]:
    """The papers that there are."""
    return sorted(path.parent.name.replace("_", "-") for path in ROOT.glob("*/script.py"))


def script(key: str) -> ModuleType:
    """The script of a paper."""
    return importlib.import_module(f"papers.{key.replace('-', '_')}.script")


def run(key: str, options: Any) -> tuple[Outcome, dict[str, Any]]:
    """Compute or read back, draw, and write everything into options.out/KEY; options are those of the command."""
    paper, size = script(key), "full" if options.full else "test" if options.test else "default"
    found = {name: options.data or sets.find(name, options.fetch) for name in getattr(paper, "DATA", ())}
    missing = [sets.advice(name) for name, path in found.items() if path is None]
    found |= {name: sets.find(name) for name in getattr(paper, "OPTIONAL", ())}
    here = options.out / key
    here.mkdir(parents=True, exist_ok=True)
    arguments = dict(paper.SIZES[size])
    if found:
        arguments["data"] = found
    arrays, seconds = kept(paper.compute, here / f"{size}.npz", force=options.force, **arguments)
    result = {name: value.item() if value.ndim == 0 else value for name, value in arrays.items()}
    for name, figure in figures.paper(paper.figures)(result).items():
        figures.save(figure, here, name)
    flags = [f"--{size}"] if size != "default" else []
    own = ["--data", str(options.data)] if options.data else []
    command = shlex.join(["python", "-m", "papers", key, *flags, *own])
    outcome = Outcome(key, size, paper.numbers(result), missing, seconds, command)
    (here / "record.json").write_text(json.dumps(record(outcome), indent=1) + "\n", encoding="utf-8")
    return outcome, result


def record(outcome: Outcome) -> dict[str, Any]:
    """All that made the numbers, for JSON."""
    paper = script(outcome.key)
    head = {"paper": outcome.key, "title": paper.TITLE, "command": outcome.command, "versions": versions()}
    numbers = [{name: plain(value) for name, value in number._asdict().items()} for number in outcome.numbers]
    rest = {"size": paper.SIZES[outcome.size], "seconds": outcome.seconds, "missing": outcome.missing}
    return head | rest | {"numbers": numbers}


def text(value: float | str | None) -> str:
    """A value as it is printed."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "-"
    return value if isinstance(value, str) else f"{value:.6g}"


def table(outcomes: list[Outcome]) -> str:
    """All numbers of all papers, as text."""
    rows = [("paper", "number", "published", "ours", "difference", "note")]
    for outcome in outcomes:
        for number in outcome.numbers:
            cells = (number.name, text(number.published), text(number.ours), number.difference, number.note)
            rows.append((outcome.key, *cells))
    return aligned(rows)


def write(outcome: Outcome) -> None:
    """The numbers into the paper's README, between its two marks; those of the tests' size into expected.json."""
    folder = ROOT / outcome.key.replace("-", "_")
    if outcome.size == "test":
        expected = {number.name: plain(number.ours) for number in outcome.numbers}
        (folder / "expected.json").write_text(json.dumps(expected, indent=1) + "\n", encoding="utf-8")
        return
    path = folder / "README.md"
    before, rest = path.read_text(encoding="utf-8").split(BEGIN)
    after = rest.split(END)[1]
    lines = ["| number | published | ours | difference | note | command | seconds |", "|---|---|---|---|---|---|---|"]
    for number in outcome.numbers:
        cells = (number.name, text(number.published), text(number.ours), number.difference, number.note)
        lines.append(f"| {' | '.join(cells)} | `{outcome.command}` | {outcome.seconds:.1f} |")
    path.write_text(f"{before}{BEGIN}\n\n" + "\n".join(lines) + f"\n\n{END}{after}", encoding="utf-8")
