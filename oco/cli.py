"""The command line: `oco play` and `oco list`."""

import argparse
import json
import re
import shlex
import sys
import time
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NoReturn

from oco.bounds import bounds_of
from oco.domains import DOMAINS, Ball, Box, Space
from oco.learners import LEARNERS, AdaGrad, AdaGradNorm, FullMatrixAdaGrad, OGDSqrt
from oco.losses import LOSSES, Logistic
from oco.play import BrokenPlayError, play
from oco.streams import STREAMS, Classification, File, Orthogonal, ZipfText

SMALL = 128  # columns up to which a file is also played by full-matrix AdaGrad by default

PLAY_EXAMPLES = """examples:
  oco play
  oco play --stream signs:d=5 --learner ogd-sqrt --learner adagrad:eta=0.5 --domain box:lower=-1,upper=1 --rounds 1000
  oco play --data a9a.gz --loss logistic --learner adagrad:eta=0.1 --domain space --json
"""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"oco: error: {message}\n")


def _number(text: str) -> Any:
    if text in ("theory", "none"):
        return None
    if text in ("true", "false"):
        return text == "true"
    try:
        return int(text)
    except ValueError:
        return float(text)


def build(text: str, known: dict[str, Any], noun: str) -> Any:
    """A part from NAME[:param=value,...]; ValueError names what is wrong and what there is."""
    name, _, rest = text.partition(":")
    name = name.replace("_", "-")
    if name not in known:
        near = get_close_matches(name, known, n=3, cutoff=0.4)
        hint = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(known)}"
        raise ValueError(f"no {noun} is called {name!r}; {hint}")
    kind, given = known[name], {}
    fields = getattr(kind, "_fields", ())
    for item in filter(None, rest.split(",")):
        key, equals, value = item.partition("=")
        if key not in fields or not equals:
            takes = ", ".join(fields) or "none"
            raise ValueError(
                f"{noun} {name} takes no parameter {key!r}; its parameters (as {name}:param=value): {takes}"
            )
        try:
            given[key] = _number(value)
        except ValueError:
            raise ValueError(f"{noun} {name}: {key}={value} is not a number") from None
        if given[key] is None and kind._field_defaults.get(key, 0) is not None:
            raise ValueError(f"{noun} {name}: there is no {key} by theorem; give a number")
    return kind(**given)


def _named_learners(texts: list[str]) -> dict[str, Any]:
    learners: dict[str, Any] = {}
    names = [text.partition(":")[0] for text in texts]
    for text, name in zip(texts, names, strict=True):
        label = name if names.count(name) == 1 else text
        if label in learners:
            raise ValueError(f"learner {text} is given twice")
        learners[label] = build(text, LEARNERS, "learner")
    return learners


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
    learners = _named_learners(options.learner)
    loss = build(options.loss, LOSSES, "loss") if options.loss else None
    if options.data:
        stream: Any = File(options.data, _labels(options.labels))
        title = Path(options.data).name
        loss = Logistic() if loss is None else loss
        learners = learners or _file_learners(stream, hasattr(loss, "labels"))
    else:
        stream = build(options.stream or "zipf", STREAMS, "stream")
        title = (options.stream or "zipf").partition(":")[0]
        learners = learners or {"ogd-sqrt": OGDSqrt(), "adagrad": AdaGrad()}
    if options.domain:
        domain = build(options.domain, DOMAINS, "domain")
    else:  # steps by theorem need a bounded domain; given steps do not
        domain = Ball() if any(None in learner for learner in learners.values()) else Space()
    return title, {"stream": stream, "loss": loss, "domain": domain, "learners": learners, "rounds": options.rounds}


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


def _bar(total: int | None, what: str) -> Any:
    from tqdm import tqdm

    return tqdm(total=total, desc=what, unit=" rounds", unit_scale=True, leave=False, disable=None, file=sys.stderr)


def _play_games(games: Iterable[tuple[str, dict[str, Any]]], seed: int) -> tuple[list[Any], BaseException | None]:
    """The games that were played and have their comparators, and what stopped the rest."""
    played: list[Any] = []
    for title, game in games:
        total = game["rounds"] and game["rounds"] * len(game["learners"])
        with _bar(total, title) as bar:
            try:
                runs = play(**game, seed=seed, progress=bar.update)
            except BrokenPlayError as problem:
                return [*played, (title, problem.runs)] if problem.runs else played, problem
        with _bar(len(runs), f"{title}: comparators") as bar:
            try:
                for run in runs:
                    run.solve()
                    bar.update()
            except KeyboardInterrupt as problem:
                return played, problem
        played.append((title, runs))
        if any(run.interrupted for run in runs):
            break
    return played, None


def _play(options: argparse.Namespace) -> int:
    began = time.perf_counter()
    folder = Path(options.out)
    _make_writable(folder)
    plain = not (options.stream or options.data or options.learner or options.loss or options.domain)
    if options.stream and options.data:
        raise ValueError("--stream and --data exclude each other")
    if options.labels and not options.data:
        raise ValueError("--labels goes with --data")
    games = default_games() if plain else [_chosen_game(options)]
    if plain and options.rounds is not None:
        games = [(title, game | {"rounds": options.rounds}) for title, game in games]
    played, problem = _play_games(games, options.seed)
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
    record.write(played, command, folder)
    for _ in figures.save(figures.games(played), folder, "regret"):
        pass
    print(json.dumps(record.record(played, command), allow_nan=False) if options.json else record.table(played))


def _make_writable(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".oco"
        probe.touch()
        probe.unlink()
    except OSError as problem:
        raise ValueError(f"--out {folder}: cannot write there ({problem.strerror})") from None


def _first_line(part: Any) -> str:
    return (part.__doc__ or "").strip().splitlines()[0]


def _list(options: argparse.Namespace) -> int:
    for title, parts in (("learners", LEARNERS), ("streams", STREAMS), ("losses", LOSSES), ("domains", DOMAINS)):
        print(f"{title}:")
        for name, part in parts.items():
            fields = ",".join(getattr(part, "_fields", ()))
            print(f"  {name + (':' + fields if fields else ''):46} {_first_line(part)}")
    print("bounds:")
    for parts in (LEARNERS, STREAMS):
        for name, part in parts.items():
            for bound in bounds_of(part):
                print(f"  {bound.name:46} {name}, {bound.kind}: {bound.source}")
    return 0


def _parser() -> argparse.ArgumentParser:
    formatter = argparse.RawDescriptionHelpFormatter
    parser = _Parser(
        prog="oco",
        description="Online convex optimization with certified regret.",
        epilog="example:\n  oco play --stream zipf:d=200 --learner adagrad --domain box --rounds 5000",
        formatter_class=formatter,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND", parser_class=_Parser)
    add = commands.add_parser(
        "play",
        help="play learners on a stream or file; table, figure, curves, record",
        description="Play learners on a stream or a file and report certified regret against the theorems. "
        "Without arguments: OGD, diagonal and full-matrix AdaGrad on three embedded streams.",
        epilog=PLAY_EXAMPLES,
        formatter_class=formatter,
    )
    add._negative_number_matcher = re.compile(r"-\d[\d.,e+-]*")  # so that --labels -1,1 needs no equals sign
    add.add_argument("--learner", action="append", default=[], metavar="NAME[:param=value,...]", help="repeatable")
    add.add_argument("--stream", metavar="NAME[:param=value,...]", help="a generated stream (see oco list)")
    add.add_argument("--data", metavar="FILE", help="svmlight or Vowpal Wabbit text, plain or .gz, .bz2, .xz")
    add.add_argument("--labels", metavar="NEG,POS", help="the file's two labels where they are not -1,+1 or 0,1")
    add.add_argument("--loss", metavar="NAME", help="default: the stream's own; logistic for files")
    domain_help = "default: space where every step size is given, else ball:radius=1"
    add.add_argument("--domain", metavar="NAME[:param=value,...]", help=domain_help)
    add.add_argument("--rounds", type=int, help="default: 10000, or all of a file")
    add.add_argument("--seed", type=int, default=0, help="of generated streams; default 0")
    add.add_argument("--out", default="oco-play", metavar="DIR", help="folder for results; default oco-play")
    add.add_argument("--json", action="store_true", help="print the record alone on standard output")
    add.set_defaults(run=_play)
    lists = commands.add_parser(
        "list",
        help="learners, streams, losses, domains and bounds, a line each",
        epilog="example:\n  oco list",
        formatter_class=formatter,
    )
    lists.set_defaults(run=_list)
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; bad input is one line on standard error and status 2."""
    arguments = sys.argv[1:] if arguments is None else arguments
    options = _parser().parse_args(arguments)
    options.arguments = arguments
    run: Callable[[argparse.Namespace], int] = options.run
    try:
        return run(options)
    except (ValueError, TypeError, OSError, MemoryError) as problem:
        print(f"oco: error: {' '.join(str(problem).split())}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("oco: interrupted", file=sys.stderr)
        return 130
