"""BLAS's and LAPACK's routines in SciPy, which shows many to compiled code alone; it is imported when they are used."""

import ctypes
from functools import cache
from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import cgutils
from numba.core import types as nbtypes
from numba.extending import get_cython_function_address, intrinsic

from oco._back import call_by_name, slot_for
from oco._jit import specialise

BLAS = ("dgemm", "dgemv")
# How many arguments the routines in use take, which are addresses all.
TAKES = {"dgemm": 13, "dgemv": 11}
TAKES |= {"dgebrd": 11, "dgemqrt": 14, "dormbr": 14, "dpttrf": 4, "dpttrs": 7, "dsytrd": 10, "dtpqrt": 12}


def lapack(call: str, *arguments: Any) -> int:
    """A routine of BLAS or LAPACK on arrays in place; what LAPACK's say in their last argument, 0 if all is well.

    call: the routine and, after a space, the letters it takes first: "dgemqrt RN" for side R and no transpose.
    Their matrices are columns in a row: a (m, n) in C order is the transpose, of leading dimension n.
    """
    name, _, letters = call.partition(" ")
    info = ctypes.c_int(0)
    taken = [*(ctypes.c_char_p(letter.encode()) for letter in letters), *map(_reference, arguments)]
    _routine(name)(*taken, *([] if name in BLAS else [ctypes.byref(info)]))
    return info.value


def _reference(argument: Any) -> Any:
    if isinstance(argument, np.ndarray):
        return ctypes.c_void_p(argument.ctypes.data)
    return ctypes.byref(ctypes.c_double(argument) if isinstance(argument, float) else ctypes.c_int(argument))


@cache
def _routine(name: str) -> Any:
    module = f"scipy.linalg.cython_{'blas' if name in BLAS else 'lapack'}"
    return ctypes.CFUNCTYPE(None)(get_cython_function_address(module, name))


def _reached(name: str) -> None:
    """Let compiled code call the routine; the first time it asks SciPy where that is."""

    def first(*arguments: int) -> None:
        routine = _routine(name)
        slot.value = ctypes.cast(routine, ctypes.c_void_p).value or 0
        routine(*map(ctypes.c_void_p, arguments))

    slot = slot_for(f"{__name__}.{name}", ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * TAKES[name])(first))


for _name in TAKES:
    _reached(_name)


@intrinsic(prefer_literal=True)
def _called(typing, call, arguments):  # type: ignore[no-untyped-def]
    name, _, letters = call.literal_value.partition(" ")

    def code(context, builder, signature, given):  # type: ignore[no-untyped-def]
        whole = ir.IntType(32)

        def placed(value: Any) -> Any:
            return cgutils.alloca_once_value(builder, value)

        taken = [placed(ir.IntType(8)(ord(letter))) for letter in letters]
        for k, kind in enumerate(arguments):
            value = builder.extract_value(given[1], k)
            if isinstance(kind, nbtypes.Array):
                taken.append(context.make_array(kind)(context, builder, value).data)
            else:
                number = nbtypes.float64 if isinstance(kind, nbtypes.Float) else nbtypes.int32
                taken.append(placed(context.cast(builder, value, kind, number)))
        info = placed(whole(0))
        call_by_name(builder, f"{__name__}.{name}", taken if name in BLAS else [*taken, info])
        return builder.load(info)

    return nbtypes.int32(call, arguments), code


@specialise(lapack, prefer_literal=True)
def _lapack(call, *arguments):  # type: ignore[no-untyped-def]
    return lambda call, *arguments: _called(call, arguments)
