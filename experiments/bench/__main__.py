"""Time `oco`, its peers and the machine's limits, interleaved in one run, on one core with one thread.

pip install '.[bench]' && python -m experiments.bench [--only W4] [--json] [--write]
"""

import argparse
import json
import shlex
import sys
import time
from collections.abc import Sequence

from experiments.bench import rows
from experiments.bench.apart import measured
from experiments.bench.machine import describe

WORKLOADS = {
    "W1": "dense logistic rounds, diagonal AdaGrad",
    "W2": "sparse logistic rounds, diagonal AdaGrad",
    "W2f": "the same from a file, parse included",
    "W3": "two and ten coordinates, linear losses",
    "W4": "full-matrix AdaGrad",
    "W5": "Hedge",
    "W6": "a grid of step sizes",
    "W7": "comparators with certificates",
    "W8": "start",
    "memory": "peak memory beside the least it could be",
    "threads": "many plays on two threads",
}


def main(arguments: Sequence[str]) -> int:
    options = _parser().parse_args(arguments)
    sections, found = {}, []
    for name in options.only or WORKLOADS:
        these = measured(name, options.rounds, options.quick)
        found += these
        command = f"python -m experiments.bench --only {name} --rounds {options.rounds}"
        body = f"{rows.table(these)}\n\n`{command}`, {time.strftime('%Y-%m-%d')}"
        sections[f"{name}: {WORKLOADS[name]}"] = body
        if not options.json:
            print(f"### {name}: {WORKLOADS[name]}\n\n{rows.table(these)}\n", flush=True)
        if options.write:
            rows.write(sections, describe())
    if options.json:
        print(json.dumps([row.plain() for row in found], indent=1, allow_nan=False))
    else:
        print(describe())
        print(f"Command: {shlex.join(['python', '-m', 'experiments.bench', *arguments])}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m experiments.bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", action="append", choices=WORKLOADS, help="this workload alone; may be repeated")
    parser.add_argument("--rounds", type=_positive, default=7, help="interleaved rounds of timing (7)")
    parser.add_argument("--quick", action="store_true", help="small sizes: shows that all works, measures nothing")
    parser.add_argument("--json", action="store_true", help="print the rows as JSON")
    parser.add_argument("--write", action="store_true", help="put the table into experiments/README.md")
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("1 or more")
    return number


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
