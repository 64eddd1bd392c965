"""`oco list`: what there is, a line each."""

import argparse
from typing import Any

from oco.bounds import bounds_of
from oco.domains import DOMAINS
from oco.learners import LEARNERS
from oco.losses import LOSSES
from oco.streams import STREAMS


def add_to(commands: Any, formatter: Any) -> None:
    """The sub-command."""
    parser = commands.add_parser(
        "list",
        help="learners, streams, losses, domains and bounds, a line each",
        epilog="example:\n  oco list",
        formatter_class=formatter,
    )
    parser.set_defaults(run=_list)


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
