"""W8: how long one waits at the start."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from tqdm import tqdm

from experiments.bench.contest import Options
from experiments.bench.machine import all_cores
from experiments.bench.rows import Row
from experiments.bench.timing import median

ROOT = Path(__file__).parents[2]
FIRST_PLAY = "import oco; oco.play(oco.ZipfText(d=200), oco.AdaGrad(), domain=oco.Box(), rounds=5000)"


def rows(options: Options) -> Iterator[Row]:
    least = _seconds([sys.executable, "-c", "import numpy, numba"], options.rounds, "import numba")
    imported = _seconds([sys.executable, "-c", "import oco"], options.rounds, "import oco")
    yield _row("import oco, seconds of the process", imported, 0.5, least / imported)
    warm = _seconds([sys.executable, "-c", FIRST_PLAY], options.rounds, "first play")
    yield _row("first play in a new process, warm cache, seconds", warm, 1.0, least / warm)
    if not options.quick:
        cold = _cold()
        yield _row("main job (oco play), cold cache, one core, seconds", cold, None, least / cold)
        with all_cores() as cores:
            cold = _cold()
        yield _row(f"main job (oco play), cold cache, {cores} cores, seconds", cold, 20.0, least / cold)


def _cold() -> float:
    with tempfile.TemporaryDirectory() as cache:
        return _seconds([sys.executable, "-m", "oco", "play"], 1, "main job", OCO_CACHE_DIR=cache)


def _row(case: str, seconds: float, goal: float | None, fraction: float) -> Row:
    peer = "oco (limit: import numpy, numba)"
    return Row("W8", case, peer, seconds, goal, fraction, at_most=True, ours=seconds)


def _seconds(command: Sequence[str], rounds: int, what: str, **environment: str) -> float:
    """Median wall time of a new process; one untimed run before where there are several."""
    own = os.environ | {"PYTHONPATH": str(ROOT), "MPLBACKEND": "Agg"} | environment
    times = []
    with tempfile.TemporaryDirectory() as folder:
        for _ in tqdm(range(rounds + (rounds > 1)), desc=f"W8 {what}", leave=False, disable=None):
            began = time.perf_counter()
            subprocess.run(
                command, cwd=folder, env=own, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            times.append(time.perf_counter() - began)
    return median(times[1:] or times)
