"""What the command prints: one row a comparison, as a table, as JSON, and in experiments/README.md."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

README = Path(__file__).parents[1] / "README.md"
BEGIN, END = "<!-- made by python -m experiments.bench --write -->", "<!-- end of what it made -->"
JSON_KEYS = ("workload", "case", "peer", "ratio", "goal", "limit_fraction", "met")


class Row(NamedTuple):
    """One comparison.

    ratio: the peer's time over ours; for a goal of "at most" ours over the peer's, or the measured figure itself.
    limit_fraction: the time of what the machine must do anyway over ours.
    """

    workload: str
    case: str
    peer: str
    ratio: float | None = None
    goal: float | None = None
    limit_fraction: float | None = None
    at_most: bool = False
    ours: float | None = None  # seconds for a round, or as the case says
    theirs: float | None = None
    check: str = ""

    @property
    def met(self) -> bool | None:
        reached = self.ratio if self.ratio is not None else self.limit_fraction
        if self.goal is None or reached is None:
            return None
        return reached <= self.goal if self.at_most else reached >= self.goal

    def plain(self) -> dict[str, Any]:
        """The row as JSON knows it."""
        values = {key: getattr(self, key) for key in JSON_KEYS}
        return {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in values.items()}


HEADER = ("case", "peer", "ours", "peer's", "ratio", "of limit", "goal", "met", "check")


def table(rows: Sequence[Row]) -> str:
    """Markdown with columns aligned, so that it reads on a terminal too."""
    cells = [HEADER, *(_cells(row) for row in rows)]
    widths = [max(len(line[j]) for line in cells) for j in range(len(HEADER))]
    lines = ["| " + " | ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)) + " |" for line in cells]
    return "\n".join([lines[0], "|" + "|".join("-" * (w + 2) for w in widths) + "|", *lines[1:]])


def _cells(row: Row) -> tuple[str, ...]:
    goal = "" if row.goal is None else f"{'<=' if row.at_most else '>='} {row.goal:g}"
    met = {None: "", True: "yes", False: "**no**"}[row.met]
    figures = (figure(row.ratio), figure(row.limit_fraction), goal, met, row.check)
    return row.case, row.peer, seconds(row.ours), seconds(row.theirs), *figures


def figure(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}" if abs(value) < 1000.0 else f"{value:.0f}"


def seconds(value: float | None) -> str:
    """A time in the unit that suits it."""
    if value is None:
        return ""
    for size, unit in ((1e-9, "ns"), (1e-6, "us"), (1e-3, "ms")):
        if value < 999.5 * size:
            return f"{value / size:.3g} {unit}"
    return f"{value:.3g} s"


def write(sections: dict[str, str], machine: str, readme: Path = README) -> None:
    """Put each section, its heading as the key, between the marks of `readme`; those not run again are kept."""
    text = readme.read_text(encoding="utf-8") if readme.exists() else f"# Experiments\n\n{BEGIN}\n{END}\n"
    before, begin, rest = text.partition(BEGIN)
    old, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{readme}: the lines {BEGIN!r} and {END!r} say where the table goes; one is missing")
    kept = {part.partition("\n")[0]: part.partition("\n")[2].strip("\n") for part in old.split("\n### ")[1:]}
    body = "".join(f"\n### {title}\n\n{text}\n" for title, text in sorted((kept | sections).items()))
    readme.write_text(f"{before}{BEGIN}\n\n{machine}\n{body}\n{END}{after}", encoding="utf-8")
