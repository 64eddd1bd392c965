"""`python -m papers KEY ...`: published numbers and figures, one command each."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from papers import paper


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="python -m papers", description="Published numbers and figures beside ours.")
    made.add_argument("keys", nargs="*", metavar="KEY", help="papers; none: list them")
    made.add_argument("--all", action="store_true", help="every paper")
    size = made.add_mutually_exclusive_group()
    size.add_argument("--full", action="store_true", help="full size; default: some minutes on two cores in all")
    size.add_argument("--test", action="store_true", help="the size of the tests")
    made.add_argument("--data", type=Path, metavar="FILE", help="a file of your own for a paper that reads one")
    made.add_argument("--fetch", action="store_true", help="fetch absent data where its source is known")
    made.add_argument("--out", type=Path, default=Path("oco-papers"), metavar="DIR", help="default oco-papers")
    made.add_argument("--force", action="store_true", help="compute again what is kept")
    made.add_argument("--json", action="store_true", help="print the record alone")
    made.add_argument("--write", action="store_true", help="numbers into README.md; with --test, expected.json")
    return made


def main(arguments: list[str] | None = None) -> int:
    """Run it; bad input is one line on standard error and status 2."""
    options = parser().parse_args(arguments)
    try:
        return _run(options)
    except (ValueError, OSError) as problem:
        print(f"papers: error: {problem}", file=sys.stderr)
        return 2


def _run(options: argparse.Namespace) -> int:
    known = paper.keys()
    chosen = known if options.all else options.keys
    for key in chosen:
        if key not in known:
            raise ValueError(f"no paper is called {key!r}; there are {', '.join(known)}")
    if not chosen:
        print("\n".join(f"{key:16}{paper.script(key).TITLE}" for key in known))
        return 0
    if options.data is not None and (len(chosen) != 1 or len(getattr(paper.script(chosen[0]), "DATA", ())) != 1):
        raise ValueError("--data FILE goes with one paper that reads one data set")
    outcomes: list[paper.Outcome] = []
    printed: dict[str, Any] = {}
    failed = False
    for done, key in enumerate(chosen, 1):
        print(f"[{done}/{len(chosen)}] {key}: {paper.script(key).TITLE}", file=sys.stderr)
        try:
            outcome, result = paper.run(key, options)
        except (ValueError, OSError) as problem:
            failed = True  # the other papers go on
            print(f"    failed: {problem}", file=sys.stderr)
            continue
        outcomes.append(outcome)
        printed[key] = paper.record(outcome) | getattr(paper.script(key), "summary", lambda _: {})(result)
        for sentence in outcome.missing:
            print(f"    {sentence}", file=sys.stderr)
        print(f"    {outcome.seconds:.1f} s; {options.out / key}", file=sys.stderr)
        if options.write:
            paper.write(outcome)
    if options.json:
        print(json.dumps(printed[chosen[0]] if len(printed) == len(chosen) == 1 else printed))
    elif outcomes:
        print(paper.table(outcomes))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
