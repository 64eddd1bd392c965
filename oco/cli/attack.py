"""`oco worst` and `oco bounds`: theorems under attack."""

import argparse
import json
import shlex
from pathlib import Path
from typing import Any

from oco.attack import attack
from oco.cli.parts import build, chosen, default_domain
from oco.cli.play import bar, make_writable
from oco.learners import LEARNERS
from oco.record import aligned, plain, versions
from oco.worst import Worst, save, worst

WORST_EXAMPLE = """example:
  oco worst --learner ogd-sqrt --domain box --dimension 1 --rounds 16
"""


def add_to(commands: Any, formatter: Any) -> None:
    """The sub-commands."""
    _add_worst(commands, formatter)
    _add_bounds(commands, formatter)


def _add_worst(commands: Any, formatter: Any) -> None:
    parser = commands.add_parser(
        "worst",
        help="search for the sequence on which a learner comes nearest to its bounds",
        description="Hill-climb with restarts over sequences of losses; prints the largest regret/bound found for "
        "each bound and saves the sequences, which oco play --data replays.",
        epilog=WORST_EXAMPLE,
        formatter_class=formatter,
    )
    add = parser.add_argument
    add("--learner", action="append", required=True, metavar="NAME[:param=value,...]", help="repeatable")
    add("--loss", metavar="NAME", help="default linear")
    add("--domain", metavar="NAME[:param=value,...]", help="default: one that the learner claims")
    add("--penalty", metavar="l1=VALUE,l2=VALUE", help="l1 |x|_1 + l2/2 |x|_2^2 in the loss of every round")
    add("--rounds", type=int, default=16, help="length of the sequences; default 16")
    add("--dimension", type=int, default=2, help="coordinates; default 2")
    add("--evaluations", type=int, default=1000, help="plays for each learner; default 1000")
    add("--seed", type=int, default=0, help="of the search; default 0")
    add("--out", default="oco-worst", metavar="DIR", help="folder for the sequences; default oco-worst")
    add("--json", action="store_true", help="print the findings alone on standard output")
    parser.set_defaults(run=_worst)


def _worst(options: argparse.Namespace) -> int:
    for name in ("rounds", "dimension", "evaluations"):
        if getattr(options, name) < 1:
            raise ValueError(f"--{name} {getattr(options, name)}: at least 1 is needed")
    folder, game = Path(options.out), chosen(options)
    make_writable(folder)
    rows = []
    for label, learner in game["learners"].items():
        domain = default_domain([learner]) if game["domain"] is None else game["domain"]
        with bar(options.evaluations, label) as shown:
            found = worst(
                learner,
                domain=domain,
                loss=game["loss"],
                penalty=game["penalty"],
                d=options.dimension,
                rounds=options.rounds,
                seed=options.seed,
                evaluations=options.evaluations,
                progress=shown.update,
            )
        for name, case in found.items():
            path = folder / f"{name}.svm"
            save(case, path)
            rows.append({"learner": label, "bound": name, "ratio": case.ratio, "t": case.t, "sequence": str(path)})
            rows[-1]["replay"] = _replay(label, case, path, options)
    if options.json:
        print(json.dumps({"versions": versions(), "found": plain(rows)}, allow_nan=False))
    else:
        cells = [(row["learner"], row["bound"], f"{row['ratio']:.4f}", str(row["t"]), row["replay"]) for row in rows]
        print(aligned([("learner", "bound", "regret/bound", "at t", "replay"), *cells]))
    return 0 if all(row["ratio"] <= 1.0 for row in rows) else 1


def _replay(label: str, case: Worst, path: Path, options: argparse.Namespace) -> str:
    """The command that plays the sequence again, every number of the learner given."""
    numbers = {key: value for key, value in case.learner._asdict().items() if isinstance(value, (bool, int, float))}
    written = ",".join(f"{key}={str(value).lower()}" for key, value in numbers.items())
    name = label.partition(":")[0]
    words = ["oco", "play", "--data", str(path), "--loss", options.loss or "linear"]
    words += ["--learner", f"{name}:{written}" if written else name]
    for option in ("domain", "penalty"):
        if getattr(options, option):
            words += [f"--{option}", getattr(options, option)]
    return shlex.join(words)


def _add_bounds(commands: Any, formatter: Any) -> None:
    parser = commands.add_parser(
        "bounds",
        help="every theorem under attack: the tightest ratios of regret to bound, over streams and by search",
        description="Play every learner on every domain that it claims against streams of every kind, search for the "
        "worst sequence, and print the largest regret/bound for each bound beside the largest of an independent check "
        "of the formulas. Exits with 1 if a ratio is above 1.",
        epilog="example:\n  oco bounds --learner adagrad --learner hedge --evaluations 500",
        formatter_class=formatter,
    )
    add = parser.add_argument
    add("--learner", action="append", default=[], metavar="NAME", help="repeatable; default: all")
    add("--rounds", type=int, default=120, help="of each play; default 120")
    add("--evaluations", type=int, default=100, help="plays in each learner's search; default 100")
    add("--seed", type=int, default=0, help="of streams and search; default 0")
    add("--json", action="store_true", help="print the rows alone on standard output")
    parser.set_defaults(run=_bounds)


def _bounds(options: argparse.Namespace) -> int:
    for name in ("rounds", "evaluations"):
        if getattr(options, name) < 1:
            raise ValueError(f"--{name} {getattr(options, name)}: at least 1 is needed")
    chosen_learners = {name: build(name, LEARNERS, "learner") for name in options.learner or LEARNERS}
    rows: list[dict[str, Any]] = []
    with bar(len(chosen_learners), "learners", unit="learners") as shown:
        for name, learner in chosen_learners.items():
            shown.set_postfix_str(name)
            attacked = attack(learner, options.rounds, options.evaluations, options.seed)
            rows += [{"learner": name, "bound": bound} | ratios for bound, ratios in attacked.items()]
            shown.update()
    if options.json:
        print(json.dumps(plain(rows), allow_nan=False))
    else:
        header = ("learner", "bound", "streams", "search", "sheet")
        print(aligned([header, *((row["learner"], row["bound"], *map(_ratio, header[2:], [row] * 3)) for row in rows)]))
    ratios = [row[key] for row in rows for key in ("streams", "search") if row[key] is not None]
    return 0 if all(ratio <= 1.0 for ratio in ratios) else 1


def _ratio(key: str, row: dict[str, Any]) -> str:
    return "-" if row[key] is None else f"{row[key]:.3f}"
