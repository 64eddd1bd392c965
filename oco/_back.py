"""Calls out of a kernel: to Python, for work too rare to be worth compiling, and to code that all kernels share."""

import ctypes
import types
from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import binding, ir
from numba.core import cgutils
from numba.core import types as nbtypes
from numba.extending import intrinsic
from numba.np.arrayobj import populate_array

from oco._jit import Kernel, specialise
from oco.protocols import Matrix

Work = Callable[[tuple[Matrix, ...]], None]

_CALL = ctypes.CFUNCTYPE(None, ctypes.c_int64, ctypes.c_int64)
_living: list[Any] = []  # what compiled code refers to must not be collected


def in_python(work: Work) -> Work:
    """Decorator: compiled code runs `work` in the interpreter.

    Its argument is a tuple of arrays (., .) of float64 in C order, in which it leaves its results; it must not raise.
    """

    def entry(where: int, count: int) -> None:
        table = np.ctypeslib.as_array((ctypes.c_int64 * (3 * count)).from_address(where)).reshape(count, 3)
        with np.errstate(all="ignore"):  # as compiled code is silent about infinities
            work(tuple(_view(*row) for row in table.tolist()))

    _reached(work, entry)
    return work


def apart(work: Work) -> Work:
    """Decorator: `work`, with arguments as for `in_python`, is compiled once, for all kernels that call it."""
    name = work.__name__
    body = types.FunctionType(work.__code__, work.__globals__, name, work.__defaults__, work.__closure__)
    kernels: list[Kernel] = []

    def compiled(count: int) -> int:
        if not kernels:

            def entry(where: int) -> None:
                body(_arrays(where, count))

            entry.__name__ = name
            kernels.append(Kernel(entry, no_cfunc_wrapper=False, no_cpython_wrapper=True))
        return kernels[0].address(nbtypes.int64)

    def first(where: int, count: int) -> None:
        slot.value = compiled(count)
        _CALL(slot.value)(where, count)

    slot = _reached(work, first, lambda count: setattr(slot, "value", compiled(count)))
    return work


def slot_for(name: str, called: Any) -> Any:
    """A slot for the address of a function, at first that of `called`, which `call_by_name` finds by this name.

    The name is bound anew in every process, so that kernels can be kept on disk.
    """
    slot = ctypes.c_int64(ctypes.cast(called, ctypes.c_void_p).value or 0)
    _living.extend((called, slot))
    binding.add_symbol(name, ctypes.addressof(slot))
    return slot


def call_by_name(builder: Any, name: str, arguments: list[Any]) -> None:
    """Compiled code calls the function, without a result, whose address is in the slot of this name."""
    slot = builder.module.globals.get(name) or ir.GlobalVariable(builder.module, ir.IntType(64), name)
    kind = ir.FunctionType(ir.VoidType(), [argument.type for argument in arguments]).as_pointer()
    builder.call(builder.inttoptr(builder.load(slot), kind), arguments)


def _reached(work: Work, entry: Any, prepare: Callable[[int], None] | None = None) -> Any:
    """Let compiled code call `work` through a slot that holds an address, at first that of `entry`."""
    name = f"{work.__module__}.{work.__qualname__}"
    slot = slot_for(name, _CALL(entry))

    @intrinsic
    def through(typing, arrays):  # type: ignore[no-untyped-def]
        def code(context, builder, signature, given):  # type: ignore[no-untyped-def]
            number = ir.IntType(64)
            table = cgutils.alloca_once(builder, number, 3 * len(arrays))
            for k in range(len(arrays)):
                array = context.make_array(arrays[k])(context, builder, builder.extract_value(given[0], k))
                rows, columns = cgutils.unpack_tuple(builder, array.shape)
                for j, value in enumerate((builder.ptrtoint(array.data, number), rows, columns)):
                    builder.store(value, builder.gep(table, [number(3 * k + j)]))
            call_by_name(builder, name, [builder.ptrtoint(table, number), number(len(arrays))])
            return context.get_dummy_value()

        return nbtypes.void(arrays), code

    @specialise(work)
    def choose(arrays):  # type: ignore[no-untyped-def]
        if prepare is not None:
            prepare(len(arrays))
        return lambda arrays: through(arrays)

    return slot


def _view(address: int, rows: int, columns: int) -> Matrix:
    if rows * columns == 0:
        return np.zeros((rows, columns))
    return np.ctypeslib.as_array((ctypes.c_double * (rows * columns)).from_address(address)).reshape(rows, columns)


@intrinsic(prefer_literal=True)
def _arrays(typing, where, count):  # type: ignore[no-untyped-def]
    """The arrays of a table of addresses and shapes."""
    kind = nbtypes.UniTuple(nbtypes.Array(nbtypes.float64, 2, "C"), count.literal_value)

    def code(context, builder, signature, given):  # type: ignore[no-untyped-def]
        number = ir.IntType(64)
        table = builder.inttoptr(given[0], number.as_pointer())
        made = []
        for k in range(kind.count):
            where, rows, columns = (builder.load(builder.gep(table, [number(3 * k + j)])) for j in range(3))
            array = context.make_array(kind.dtype)(context, builder)
            data = builder.inttoptr(where, array.data.type)
            strides = [builder.mul(columns, number(8)), number(8)]
            populate_array(array, data=data, shape=[rows, columns], strides=strides, itemsize=number(8), meminfo=None)
            made.append(array._getvalue())
        return context.make_tuple(builder, kind, made)

    return kind(nbtypes.int64, count), code
