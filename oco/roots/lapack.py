"""LAPACK's routines in SciPy, many of which it shows to compiled code alone; SciPy is imported when they are used."""

import ctypes
from functools import cache
from typing import Any

import numpy as np
from numba.extending import get_cython_function_address


def lapack(name: str, *arguments: Any) -> int:
    """A routine of LAPACK on arrays in place; what it says in its last argument, 0 if all is well."""
    info = ctypes.c_int(0)
    _routine(name)(*(_reference(argument) for argument in arguments), ctypes.byref(info))
    return info.value


def _reference(argument: Any) -> Any:
    if isinstance(argument, np.ndarray):
        return ctypes.c_void_p(argument.ctypes.data)
    return ctypes.c_char_p(argument.encode()) if isinstance(argument, str) else ctypes.byref(ctypes.c_int(argument))


@cache
def _routine(name: str) -> Any:
    return ctypes.CFUNCTYPE(None)(get_cython_function_address("scipy.linalg.cython_lapack", name))
