"""Back from compiled code to Python, for work so rare that compiling it would cost more than it ever takes."""

import ctypes
from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import binding
from numba.core import types as nbtypes

from oco._jit import specialise
from oco.protocols import Matrix

Work = Callable[[tuple[Matrix, ...]], None]

_CALL = ctypes.CFUNCTYPE(None, ctypes.c_int64, ctypes.c_int64)
_entries: list[Any] = []  # what compiled code calls must not be collected


def in_python(work: Work) -> Work:
    """Decorator: compiled code runs `work` in the interpreter.

    Its argument is a tuple of arrays (., .) of float64 in C order, in which it leaves its results; it must not raise.
    Compiled code knows it by a name that is bound anew in every process, so that kernels can be kept on disk.
    """

    @_CALL
    def entry(where: int, count: int) -> None:
        table = np.ctypeslib.as_array((ctypes.c_int64 * (3 * count)).from_address(where)).reshape(count, 3)
        with np.errstate(all="ignore"):  # as compiled code is silent about infinities
            work(tuple(_view(*row) for row in table.tolist()))

    name = f"{work.__module__}.{work.__qualname__}"
    binding.add_symbol(name, ctypes.cast(entry, ctypes.c_void_p).value)
    _entries.append(entry)
    external = nbtypes.ExternalFunction(name, nbtypes.void(nbtypes.int64, nbtypes.int64))

    @specialise(work)
    def choose(arrays):  # type: ignore[no-untyped-def]
        def call(arrays):  # type: ignore[no-untyped-def]
            table = np.empty((len(arrays), 3), np.int64)
            for k in range(len(arrays)):
                table[k, 0] = arrays[k].ctypes.data
                table[k, 1], table[k, 2] = arrays[k].shape
            external(table.ctypes.data, len(arrays))
            return table[0, 0]  # the table, and the tuple, must live until here

        return call

    return work


def _view(address: int, rows: int, columns: int) -> Matrix:
    if rows * columns == 0:
        return np.zeros((rows, columns))
    return np.ctypeslib.as_array((ctypes.c_double * (rows * columns)).from_address(address)).reshape(rows, columns)
