"""Peak memory of a play beside the least it could be: the examples and the learner's state.

python -m experiments.bench.memory W1 prints both in bytes for one workload, in a process of its own.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tqdm import tqdm

from experiments.bench import data
from experiments.bench.contest import Options
from experiments.bench.rows import Row

ROOT = Path(__file__).parents[2]


def rows(options: Options) -> Iterator[Row]:
    if not Path("/proc/self/clear_refs").exists():
        yield Row("memory", "peak", "oco (this system does not tell it)")
        return
    for name in tqdm(CASES, desc="memory", leave=False, disable=None):
        size = ["--quick"] if options.quick else []
        command = [sys.executable, "-m", "experiments.bench.memory", name, *size]
        own = os.environ | {"PYTHONPATH": str(ROOT)}
        done = subprocess.run(command, cwd=ROOT, env=own, check=True, stdout=subprocess.PIPE, text=True)
        peak, least = json.loads(done.stdout)
        case, peer = f"{name}: peak {peak / 1e6:.0f} MB", f"examples and state: {least / 1e6:.0f} MB"
        yield Row("memory", case, peer, peak / least)


def _w1(quick: bool) -> tuple[Any, int]:
    from experiments.bench import w1

    a, y = data.dense_logistic(*((300, 50) if quick else (20_000, 1000)))
    return w1.play(a, y, len(y)), a.nbytes + y.nbytes + 16 * a.shape[1]


def _w2(quick: bool) -> tuple[Any, int]:
    from experiments.bench import w2

    matrix, y = data.hashed_words(*((500, 10) if quick else (200_000, 20)))
    examples = matrix.data.nbytes + matrix.indices.nbytes + matrix.indptr.nbytes + y.nbytes
    return w2.play(matrix, y, len(y)), examples + 16 * matrix.shape[1]


def _w3(quick: bool) -> tuple[Any, int]:
    from experiments.bench import w3

    a = data.signs(2000 if quick else 10_000_000, 2)
    return w3.play(a, "ogd", False, len(a)), a.nbytes


def _w4(quick: bool) -> tuple[Any, int]:
    from experiments.bench import w4

    n, d = (200, 20) if quick else (4000, 100)
    g = data.gradients("gaussian", n, d)
    return w4.Game(d, lazy=False, ball=False).play(g), g.nbytes + 8 * d * d


def _w5(quick: bool) -> tuple[Any, int]:
    from experiments.bench import w5

    losses = data.losses(*((400, 50) if quick else (20_000, 1000)))
    return w5.play(losses, 1.0, len(losses)), losses.nbytes + 8 * losses.shape[1]


CASES: dict[str, Callable[[bool], tuple[Any, int]]] = {"W1": _w1, "W2": _w2, "W3": _w3, "W4": _w4, "W5": _w5}


def measured(name: str, quick: bool) -> tuple[int, int]:
    """(peak of the play over what the process held before it made the examples, the least)."""
    CASES[name](True)[0]()  # imports and compiles
    before = _status("VmRSS")
    play, least = CASES[name](quick)
    Path("/proc/self/clear_refs").write_text("5")  # the peak so far, of making the examples, is forgotten
    play()
    return _status("VmHWM") - before, least


def _status(key: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{key}:"):
            return int(line.split()[1]) * 1024
    raise OSError(f"/proc/self/status has no {key}")


if __name__ == "__main__":
    print(json.dumps(measured(sys.argv[1], "--quick" in sys.argv)))
