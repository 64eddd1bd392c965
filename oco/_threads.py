"""One BLAS thread while we compute: the matrices here are small, and spinning threads cost more than they bring.

Beside one other busy process on two cores, OpenBLAS with its default of a thread a core was seen to take 1,000 times
as long for a product of two vectors of 47,000 numbers. NumPy and SciPy wheels each carry an OpenBLAS of their own.
"""

import ctypes
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

PREFIXES = ("scipy_openblas_", "openblas_")
SUFFIXES = ("64_", "")


@cache
def _library(path: str) -> tuple[Any, Any] | None:
    """The functions that read and set the number of threads of one OpenBLAS."""
    library = ctypes.PyDLL(path)  # keeps the interpreter's lock, which is fought for at every call that gives it up
    for prefix in PREFIXES:
        for suffix in SUFFIXES:
            names = (f"{prefix}get_num_threads{suffix}", f"{prefix}set_num_threads{suffix}")
            if all(hasattr(library, name) for name in names):
                return getattr(library, names[0]), getattr(library, names[1])
    return None


def _libraries() -> list[tuple[Any, Any]]:
    """Those that this process has loaded; none where the system does not tell."""
    return _loaded(len(sys.modules))


@lru_cache(1)
def _loaded(modules: int) -> list[tuple[Any, Any]]:
    """Looked for again where modules came since, and libraries may have come with them: it takes a millisecond."""
    try:
        lines = Path("/proc/self/maps").read_text().splitlines()
    except OSError:
        return []
    paths = {line.split(maxsplit=5)[5] for line in lines if "openblas" in line and ".so" in line}
    return [found for path in sorted(paths) if (found := _library(path)) is not None]


_turn = threading.Lock()
_inside: list[dict[int, tuple[Any, int]]] = []  # an entry for each who is inside, all the same: what to set back


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Inside, OpenBLAS uses one thread; as many as before when the last of several threads of ours has left."""
    with _turn:
        before = _inside[0] if _inside else {}
        _inside.append(before)
        for get, put in _libraries():
            if (number := get()) != 1:
                before.setdefault(id(put), (put, number))
                put(1)
    try:
        yield
    finally:
        with _turn:
            _inside.pop()
            if not _inside:
                for put, number in before.values():
                    put(number)
