"""`oco play`: learners on a stream or a file, with certified regret against the theorems."""

import argparse
import json
import re
import shlex
import sys
import time
from collections.abc import Iterable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

from oco.cli.ahead import compiling_ahead
from oco.cli.parts import add_game, build, chosen, default_domain
from oco.domains import Ball, Box
from oco.learners import AdaGrad, AdaGradNorm, FullMatrixAdaGrad, OGDSqrt
from oco.losses import Logistic
from oco.play import BrokenPlayError, play
from oco.streams import STREAMS, Classification, File, Orthogonal, ZipfText

SMALL = 128  # columns up to which a file is also played by full-matrix AdaGrad by default

EXAMPLES = """examples:
  oco play
  oco play --stream signs:d=5 --learner ogd-sqrt --learner adagrad:eta=0.5 --domain box:lower=-1,upper=1 --rounds 1000
  oco play --data a9a.gz --loss logistic --learner adagrad:eta=0.1 --domain space --json
"""


def add_to(commands: Any, formatter: Any) -> None:
    """The sub-command."""
    parser = commands.add_parser(
        "play",
        help="play learners on a stream or file; table, figure, curves, record",
        description="Play learners on a stream or a file and report certified regret against the theorems. "
        "Without arguments: OGD, diagonal and full-matrix AdaGrad on three embedded streams.",
        epilog=EXAMPLES,
        formatter_class=formatter,
    )
    parser._negative_number_matcher = re.compile(r"-\d[\d.,e+-]*")  # so that --labels -1,1 needs no equals sign
    parser.add_argument("--stream", metavar="NAME[:param=value,...]", help="a generated stream (see oco list)")
    parser.add_argument("--data", metavar="FILE", help="svmlight or Vowpal Wabbit text, plain or .gz, .bz2, .xz")
    parser.add_argument("--labels", metavar="NEG,POS", help="the file's two labels where they are not -1,+1 or 0,1")
    cache_help = "keep the file's rows in binary form in the cache folder and read those from then on"
    parser.add_argument("--cache", action="store_true", help=cache_help)
    precision = "of rows and decisions; default float64"
    parser.add_argument("--dtype", choices=("float64", "float32"), default="float64", help=precision)
    add_game(parser)
    parser.set_defaults(run=_play)


def default_games() -> list[tuple[str, dict[str, Any]]]:
    """Rare features matter; rotation hides them from a diagonal; an adversary against which nothing helps."""
    trio = {"ogd-sqrt": OGDSqrt(), "adagrad": AdaGrad(), "full-matrix": FullMatrixAdaGrad()}
    text = ZipfText(d=50, words=3, exponent=2.0, noise=0.0)
    on_box = trio | {"full-matrix": FullMatrixAdaGrad(delta=1e-3)}
    rotated = Classification(d=20, condition=1e4, rotated=True)
    return [
        ("sparse", {"stream": text, "domain": Box(), "learners": on_box, "rounds": 4000}),
        ("rotated", {"stream": rotated, "domain": Ball(20.0), "learners": trio, "rounds": 10_000}),
        ("adversarial", {"stream": Orthogonal(5), "domain": Ball(), "learners": trio, "rounds": 10_000}),
    ]


def _chosen_game(options: argparse.Namespace) -> tuple[str, dict[str, Any]]:
    game = chosen(options)
    if options.data:
        stream: Any = File(options.data, _labels(options.labels), cache=options.cache)
        title = Path(options.data).name
        game["loss"] = Logistic() if game["loss"] is None else game["loss"]
        game["learners"] = game["learners"] or _file_learners(stream, hasattr(game["loss"], "labels"))
    else:
        stream = build(options.stream or "zipf", STREAMS, "stream")
        title = (options.stream or "zipf").partition(":")[0]
        game["learners"] = game["learners"] or {"ogd-sqrt": OGDSqrt(), "adagrad": AdaGrad()}
    # Parts without fields are empty tuples: only None says that nothing was asked for.
    if game["domain"] is None:
        game["domain"] = default_domain(game["learners"].values())
    return title, game | {"stream": stream, "rounds": options.rounds}


def _file_learners(stream: File, signed: bool) -> dict[str, Any]:
    learners = {"adagrad-norm": AdaGradNorm(), "adagrad": AdaGrad()}
    if Path(stream.path).is_file():  # a pipe can be read only once
        first = next(stream.blocks(signed), None)
        if first is not None and first.d <= SMALL:
            learners["full-matrix"] = FullMatrixAdaGrad()
    return learners


def _labels(text: str | None) -> tuple[float, float] | None:
    if text is None:
        return None
    try:
        negative, positive = (float(part) for part in text.split(","))
    except ValueError:
        raise ValueError(f"--labels {text}: two numbers NEG,POS are needed, such as --labels 2,1") from None
    return negative, positive


def bar(total: int | None, what: str, unit: str = "rounds") -> Any:
    """Progress on standard error, where that is a terminal."""
    from tqdm import tqdm

    return tqdm(total=total, desc=what, unit=f" {unit}", unit_scale=True, leave=False, disable=None, file=sys.stderr)


def _play_games(games: Iterable[tuple[str, dict[str, Any]]], **options: Any) -> tuple[list[Any], BaseException | None]:
    """The games that were played and have their comparators, and what stopped the rest."""
    played: list[Any] = []
    for title, game in games:
        total = game["rounds"] and game["rounds"] * len(game["learners"])
        with bar(total, title) as shown:
            try:
                runs = play(**game, **options, progress=shown.update)
            except BrokenPlayError as problem:
                broken = [replace(run, interrupted=True) for run in problem.runs]
                return [*played, (title, broken)] if broken else played, problem
        distinct = {id(run.hindsight): len(run.t) for run in runs}
        with bar(sum(distinct.values()), f"{title}: comparators", unit="checkpoints") as shown:
            try:
                for run in runs:
                    run.solve(progress=shown.update)
            except KeyboardInterrupt:  # what has its comparators is kept
                runs = [run.head(n) for run in runs if (n := min(run.hindsight.solved, len(run.t))) > 0]
        if runs:
            played.append((title, runs))
        if not runs or any(run.interrupted for run in runs):
            break
    return played, None


def _play(options: argparse.Namespace) -> int:
    began = time.perf_counter()
    folder = Path(options.out)
    make_writable(folder)
    asked = (options.stream, options.data, options.loss, options.domain, options.penalty)
    plain = not options.learner and all(option is None for option in asked)
    if "" in asked:
        raise ValueError("an option is empty: leave it out, or give it a value")
    if options.stream and options.data:
        raise ValueError("--stream and --data exclude each other")
    if options.labels and not options.data:
        raise ValueError("--labels goes with --data")
    if options.cache and not options.data:
        raise ValueError("--cache goes with --data")
    games = default_games() if plain else [_chosen_game(options)]
    if plain and options.rounds is not None:
        games = [(title, game | {"rounds": options.rounds}) for title, game in games]
    how = {"seed": options.seed, "dtype": options.dtype}
    with compiling_ahead([game for _, game in games], **how) if plain else nullcontext():
        played, problem = _play_games(games, **how)
    if played:
        _report(played, options, folder)
        if not options.json:
            print(f"\n{time.perf_counter() - began:.1f} s; figure, curves and record in {folder}")
    if problem is not None:
        raise problem
    return 130 if any(run.interrupted for _, runs in played for run in runs) else 0


def _report(played: list[Any], options: argparse.Namespace, folder: Path) -> None:
    from oco import figures, record

    command = shlex.join(["oco", *options.arguments])
    # Printed first: a full disk must not lose it.
    print(json.dumps(record.record(played, command), allow_nan=False) if options.json else record.table(played))
    record.write(played, command, folder)
    figures.save(figures.games(played), folder, "regret")


def make_writable(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".oco"
        probe.touch()
        probe.unlink()
    except OSError as problem:
        raise ValueError(f"--out {folder}: cannot write there ({problem.strerror})") from None
