"""Write README.md beside this file: what `oco bounds` prints. python tests/table.py"""

import contextlib
import io
from pathlib import Path

from oco.cli import main
from oco.record import versions

HEAD = """# Theorems under attack

`oco bounds`, made by `python tests/table.py` ({versions}).
For every bound of every learner: the largest regret/bound over all games that the learner claims (streams: each domain,
each stream, at every checkpoint of 120 rounds), the largest that a short search for the worst sequence found (search;
`oco worst` goes on for longer), and the largest of an independent check of the formulas (sheet). Above 1 would refute
the theorem, or the code. `-`: not tried, because the bound is infinite in such games or the search does not take it.

"""

if __name__ == "__main__":
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        status = main(["bounds"])
    table = "".join(f"    {line}\n" for line in out.getvalue().splitlines())
    kept = {name: versions()[name] for name in ("oco", "python", "numpy", "numba")}
    head = HEAD.format(versions=", ".join(f"{name} {version}" for name, version in kept.items()))
    Path(__file__).with_name("README.md").write_text(head + table)
    raise SystemExit(status)
