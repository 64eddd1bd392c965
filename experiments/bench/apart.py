"""Each workload in a process of its own: memory that another has broken up is slower."""

import tempfile
from concurrent.futures import ProcessPoolExecutor
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path

from experiments.bench.contest import Options
from experiments.bench.machine import one_thread
from experiments.bench.rows import Row


def measured(name: str, rounds: int, quick: bool) -> list[Row]:
    """The rows of a workload."""
    one_thread()  # NumPy, JAX and torch count their threads when the process imports them
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        return pool.submit(_rows, name, rounds, quick).result()


def _rows(name: str, rounds: int, quick: bool) -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        workload = import_module(f"experiments.bench.{name.lower()}")
        return list(workload.rows(Options(rounds, quick, Path(folder))))
