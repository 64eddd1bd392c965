"""`oco study`: a grid of runs from a TOML file, kept in a folder, resumed by the same command."""

import argparse
import json
import math
import shlex
import sys
import warnings
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from oco.cli.play import make_writable
from oco.cli.toml import read
from oco.record import aligned
from oco.samples import samples
from oco.statistics import ratio_at_end
from oco.study import StoppedError, Study, Table
from oco.study.report import RECORD

EXAMPLE = """a file:
  rounds = 1000
  seeds = 20              # replicates; seed = 0 is the root of their seeds
  domain = "box"          # domain, loss and penalty as oco play takes them
  [[learner]]
  name = "adagrad"        # as in oco list; label = "..." for another name in the table
  eta = ["theory", 0.1, 1.0]
  [[learner]]
  name = "ogd-sqrt"
  [[stream]]              # name = ..., or data = "FILE", labels = [NEG, POS]
  name = "zipf"
  d = [50, 200]

example:
  oco study text.toml --workers 2
"""
SHOWN = 60  # lines of the table that are printed


def add_to(commands: Any, formatter: Any) -> None:
    """The sub-command."""
    parser = commands.add_parser(
        "study",
        help="learners x streams x seeds from a TOML file; resumes, runs in parallel; table and record",
        description="Play every learner on every stream with every seed, keep each run as it is done, and write one "
        "table. The same command goes on where it was stopped. A list in the file is an axis of the grid. Exits with 1 "
        "if runs failed.",
        epilog=EXAMPLE,
        formatter_class=formatter,
    )
    add = parser.add_argument
    add("file", metavar="FILE.toml", help="what to play")
    add("--out", metavar="DIR", help="folder for log, table and record; default oco-NAME for NAME.toml")
    add("--workers", type=int, metavar="N", help="plays at a time; default: one a core")
    add("--processes", action="store_true", help="processes in place of threads")
    add("--scheduler", metavar="ADDRESS", help="play on the Dask cluster of this scheduler")
    add("--force", action="store_true", help="play again what has been done")
    add("--collect", action="store_true", help="only write the table of what has been done")
    add("--dry-run", action="store_true", help="only print the plan and an estimate of time")
    add("--json", action="store_true", help="print the record alone on standard output")
    parser.set_defaults(run=_study)


def _study(options: argparse.Namespace) -> int:
    path = Path(options.file)
    study, folder = read(path), Path(options.out or f"oco-{path.stem}")
    if sum((options.dry_run, options.collect, options.force)) > 1:
        raise ValueError("--dry-run, --collect and --force exclude each other")
    if options.processes and options.scheduler:
        raise ValueError("--processes and --scheduler exclude each other")
    if options.dry_run:
        print(study.plan(folder, options.workers))
        return 0
    try:
        table = _table(study, folder, options)
    except (StoppedError, KeyboardInterrupt) as problem:
        print(f"oco: {str(problem) or 'interrupted'}", file=sys.stderr)
        return 130 if isinstance(problem, KeyboardInterrupt) else 2
    record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    print(json.dumps(record, allow_nan=False) if options.json else _summary(table, record, folder))
    return 1 if record["failed"] else 0


def _table(study: Study, folder: Path, options: argparse.Namespace) -> Table:
    command = shlex.join(["oco", *options.arguments])
    if options.collect:
        return study.collect(folder, command=command)
    make_writable(folder)
    with ExitStack() as opened, warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".* runs failed", RuntimeWarning)  # the summary tells
        pool: dict[str, Any] = {"workers": options.workers, "processes": options.processes}
        if options.scheduler:
            client = opened.enter_context(_client(options.scheduler))
            pool |= {
                "executor": client.get_executor(),
                "workers": options.workers or sum(client.nthreads().values()) or None,
            }
        return study.run(folder, force=options.force, command=command, **pool)


def _client(address: str) -> Any:
    try:
        from distributed import Client
    except ImportError:
        raise ValueError("--scheduler needs distributed: pip install 'oco[cluster]'") from None
    return Client(address)


def _summary(table: Table, record: dict[str, Any], folder: Path) -> str:
    rows = [("stream", "learner", "runs", "rounds", "loss", "regret: mean", "sd", "most regret/bound")]
    for sample in samples(table) if table.rows else ():
        regret, ratio = sample.middle[:, -1], ratio_at_end(sample)
        spread = f"{regret.std(ddof=1):.3g}" if len(regret) > 1 else "-"
        numbers = (f"{sample.loss[:, -1].mean():.6g}", f"{regret.mean():.6g}", spread)
        most = "-" if math.isnan(ratio) else f"{ratio:.3f}"
        rows.append((sample.stream, sample.learner, str(len(regret)), str(sample.t[-1]), *numbers, most))
    lines = [aligned(rows[: SHOWN + 1])]
    lines += [f"... and {len(rows) - 1 - SHOWN} more"] if len(rows) - 1 > SHOWN else []
    for failure in record["failed"][:5]:
        cell = f"{failure['learner']} on {failure['stream']}, replicate {failure['replicate']}"
        lines.append(f"failed: {cell}: {failure['message']}")
    failed = f", {len(record['failed'])} failed (tracebacks in {RECORD})" if record["failed"] else ""
    lines.append(f"\n{record['done']} of {record['runs']} runs done{failed}; table, record and log in {folder}")
    return "\n".join(lines)
