"""The command line."""

import argparse
import os
import sys
from collections.abc import Callable
from typing import NoReturn

from oco import __version__
from oco.cli import attack, listing, play


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"oco: error: {message}\n")


def _parser() -> argparse.ArgumentParser:
    formatter = argparse.RawDescriptionHelpFormatter
    parser = _Parser(
        prog="oco",
        description="Online convex optimization with certified regret.",
        epilog="example:\n  oco play --stream zipf:d=200 --learner adagrad --domain box --rounds 5000",
        formatter_class=formatter,
    )
    parser.add_argument("--version", action="version", version=f"oco {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", parser_class=_Parser)
    for command in (play, listing, attack):
        command.add_to(commands, formatter)
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; bad input is one line on standard error and status 2."""
    arguments = sys.argv[1:] if arguments is None else arguments
    options = _parser().parse_args(arguments)
    options.arguments = arguments
    run: Callable[[argparse.Namespace], int] = options.run
    try:
        return run(options)
    except BrokenPipeError:  # whoever read the output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except (ValueError, TypeError, OSError, MemoryError) as problem:
        known = isinstance(problem, OSError) and problem.filename is not None and problem.strerror
        sentence = f"{problem.filename}: {problem.strerror}" if known else str(problem)  # type: ignore[union-attr]
        print(f"oco: error: {' '.join(sentence.split())}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("oco: interrupted", file=sys.stderr)
        return 130
