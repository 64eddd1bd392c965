"""Hints that memory will be wanted soon, which mean nothing else."""

from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from oco._jit import specialise
from oco.protocols import Vector

LINE = 64  # bytes of a cache line


def prefetch(a: Vector, low: int, high: int) -> None:
    """Nothing but a hint that a[low:high] will be read soon."""


@specialise(prefetch)
def _prefetch(a, low, high):  # type: ignore[no-untyped-def]
    return _line_by_line(a, _touching(3))


def prefetch_far(a: Vector, low: int, high: int) -> None:
    """A hint that a[low:high], which may lie beyond the end of a, will be read, but not so soon."""


@specialise(prefetch_far)
def _prefetch_far(a, low, high):  # type: ignore[no-untyped-def]
    return _line_by_line(a, _touching(2))


def _line_by_line(a: Any, touch: Any) -> Any:
    step = LINE * 8 // a.dtype.bitwidth

    def compiled(a, low, high):  # type: ignore[no-untyped-def]
        for i in range(low, high, step):
            touch(a, i)

    return compiled


def fetch(builder: Any, place: Any, write: int, near: int = 3) -> None:
    """The instruction that brings a line into the data cache, all levels or (2) but the first.

    It is soon to be read or (1) written.
    """
    number = ir.IntType(32)
    kind = ir.FunctionType(ir.VoidType(), [place.type, number, number, number])
    hint = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
    builder.call(hint, [place, number(write), number(near), number(1)])


def _touching(near: int) -> Any:
    @intrinsic
    def touch(typing, a, i):  # type: ignore[no-untyped-def]
        def code(context, builder, signature, given):  # type: ignore[no-untyped-def]
            array = context.make_array(signature.args[0])(context, builder, given[0])
            place = builder.bitcast(builder.gep(array.data, [given[1]]), ir.IntType(8).as_pointer())
            fetch(builder, place, write=0, near=near)
            return context.get_dummy_value()

        return types.void(a, types.intp), code

    return touch
