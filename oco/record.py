"""What a play leaves behind: a table to read, curves as CSV, and a record as JSON with all that made it."""

import csv
import json
import math
import platform
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

import oco
from oco.regret import Run

Games = Sequence[tuple[str, Sequence[Run]]]


def versions() -> dict[str, str]:
    """Versions of everything that numbers depend on."""
    packages = ("numpy", "scipy", "numba", "llvmlite", "matplotlib")
    own = {"oco": oco.__version__, "python": platform.python_version()}
    return own | {name: metadata.version(name) for name in packages}


def plain(value: Any) -> Any:
    """Parts, arrays and NumPy numbers as what JSON knows; NaN and infinity become null."""
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        fields = zip(value._fields, value, strict=True)
        return {"name": type(value).__name__} | {key: plain(item) for key, item in fields}
    if isinstance(value, np.ndarray) or hasattr(value, "tocsr"):
        return f"array of shape {value.shape}"
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def tightest(run: Run) -> tuple[str, float]:
    """The smallest of the run's bounds at the end; NaN where it has none."""
    last = {name: float(value[-1]) for name, value in run.bounds().items() if np.isfinite(value[-1])}
    return min(last.items(), key=lambda item: item[1], default=("none", math.nan))


def learner_record(title: str, run: Run) -> dict[str, Any]:
    """One entry of the record's "learners"."""
    low, high = float(run.regret.low[-1]), float(run.regret.high[-1])
    return {
        "name": run.name,
        "stream": title,
        "rounds": run.rounds,
        "dimension": run.d,
        "loss": float(run.loss[-1]),
        "mean_loss": float(run.loss[-1]) / run.rounds,
        "regret": [plain(low), plain(high)],
        "certified_within": plain(run.certified_within),
        "certificate_loose": bool(run.regret.loose[-1]),
        "bounds": {name: plain(value[-1]) for name, value in run.bounds().items()},
        "expected_bounds": {name: plain(value[-1]) for name, value in run.expected_bounds().items()},
        "expected_lower_bounds": {name: plain(value[-1]) for name, value in run.expected_lower_bounds().items()},
        "lower_bounds": {name: plain(value[-1]) for name, value in run.lower_bounds().items()},
        "exponent": plain(run.exponent()),
        "seconds": run.seconds,
        "interrupted": run.interrupted,
        "parameters": plain(run.learner),
        "game": {
            "stream": plain(run.stream),
            "loss": type(run.loss_function).__name__,
            "domain": plain(run.domain),
            "penalty": plain(run.penalty),
            "seed": run.seed,
            "dtype": run.dtype,
        },
    }


def record(games: Games, command: str) -> dict[str, Any]:
    """The record: versions, command, and every learner of every game."""
    learners = [learner_record(title, run) for title, runs in games for run in runs]
    return {"command": command, "versions": versions(), "learners": learners}


def write(games: Games, command: str, folder: Path) -> None:
    """record.json and curves.csv in `folder`."""
    text = json.dumps(record(games, command), indent=1, allow_nan=False)
    (folder / "record.json").write_text(text + "\n", encoding="utf-8")
    with open(folder / "curves.csv", "w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        out.writerow(["stream", "learner", "t", "loss", "regret_low", "regret_high", "kind", "bound", "value"])
        for title, runs in games:
            for run in runs:
                _curves(out, title, run)


def _curves(out: Any, title: str, run: Run) -> None:
    low, high = run.regret
    bounds = {("upper", name): value for name, value in run.bounds().items()}
    bounds |= {("lower", name): value for name, value in run.lower_bounds().items()}
    for k in range(len(run.t)):
        head = [title, run.name, run.t[k], repr(float(run.loss[k])), repr(float(low[k])), repr(float(high[k]))]
        for (kind, name), value in bounds.items():
            out.writerow([*head, kind, name, repr(float(value[k]))])
        if not bounds:
            out.writerow([*head, "", "", ""])


def table(games: Games) -> str:
    """The main results as text, with a line under any certificate wider than 1 % of its regret."""
    header = ("stream", "learner", "rounds", "loss", "regret interval", "bound", "regret/bound", "exponent", "rounds/s")
    rows, notes = [header], []
    for title, runs in games:
        for run in runs:
            low, high = float(run.regret.low[-1]), float(run.regret.high[-1])
            _, bound = tightest(run)
            speed = run.rounds / run.seconds if run.seconds > 0.0 else math.nan
            interval = f"[{low:.6g}, {high:.6g}]"
            cells = (f"{run.loss[-1]:.6g}", interval, f"{bound:.5g}", _quotient(high, bound), f"{run.exponent():.2f}")
            rows.append((title, run.name, str(run.rounds), *cells, f"{speed:.3g}"))
            notes += _notes(title, run)
    return "\n".join([aligned(rows), *notes])


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """A table as text: the first row its header, columns as wide as they need."""
    widths = [max(len(row[j]) for row in rows) for j in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]])


def _quotient(regret: float, bound: float) -> str:
    return f"{regret / bound:.3f}" if bound > 0.0 else "-"


def _notes(title: str, run: Run) -> list[str]:
    notes = []
    regret = run.regret
    if regret.loose.any():
        width = regret.high - regret.low
        worst = int(np.where(regret.loose, width / np.maximum(np.abs(regret.middle), 1e-9), 0.0).argmax())
        notes.append(
            f"note: {title}, {run.name}: the certificate is wider than 1 % of the regret at {regret.loose.sum()} of "
            f"{len(run.t)} checkpoints, most at t = {run.t[worst]}: {width[worst]:.3g} of {regret.middle[worst]:.3g}"
        )
    if math.isfinite(run.certified_within):
        notes.append(
            f"note: {title}, {run.name}: regret is certified against every u with |u|_2 <= {run.certified_within:.3g}"
        )
    if math.isinf(run.regret.high[-1]):
        notes.append(f"note: {title}, {run.name}: no decision in hindsight is best, losses fall without end")
    if run.interrupted:
        notes.append(f"note: {title}, {run.name}: interrupted after {run.rounds} rounds")
    return notes
