"""Hints that memory will be wanted soon, which mean nothing else."""

from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from oco._jit import specialise
from oco.lowlevel.late import Late, late, offered
from oco.protocols import Vector

LINE = 64  # bytes of a cache line
LATER = 3  # rows after the one at hand, whose memory is asked for on the way


def prefetch(a: Vector, low: int, high: int) -> None:
    """Nothing but a hint that a[low:high] will be read soon."""


@specialise(prefetch)
def _prefetch(a, low, high):  # type: ignore[no-untyped-def]
    step = LINE * 8 // a.dtype.bitwidth

    def compiled(a, low, high):  # type: ignore[no-untyped-def]
        for i in range(low, high, step):
            _touch(a, i)

    return compiled


def entry(row: Vector, i: int) -> float:
    """row[i] of a row of a matrix, and a hint that entry i of the next row, and of one that comes later, will be read.

    For loops that LLVM makes vectors of, which a line after another would keep from it.
    """
    return row[i]


@specialise(entry)
def _entry(row, i):  # type: ignore[no-untyped-def]
    return (lambda row, i: _passing(row[i], row, i)) if offered() else lambda row, i: row[i]


def fetch(builder: Any, place: Any, write: int, near: int = 3) -> None:
    """The instruction that brings a line into the data cache, all levels or (2) but the first.

    It is soon to be read or (1) written.
    """
    number = ir.IntType(32)
    kind = ir.FunctionType(ir.VoidType(), [place.type, number, number, number])
    hint = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
    builder.call(hint, [place, number(write), number(near), number(1)])


@intrinsic
def _touch(typing, a, i):  # type: ignore[no-untyped-def]
    def code(context, builder, signature, given):  # type: ignore[no-untyped-def]
        array = context.make_array(signature.args[0])(context, builder, given[0])
        place = builder.bitcast(builder.gep(array.data, [given[1]]), ir.IntType(8).as_pointer())
        fetch(builder, place, write=0)
        return context.get_dummy_value()

    return types.void(a, types.intp), code


def _with_hint(builder: Any, given: Any, width: int) -> Any:
    number, i, row, length = given
    row = builder.bitcast(row, (number.type if width == 1 else number.type.element).as_pointer())
    for rows, near in ((1, 3), (LATER, 2)):
        where = builder.gep(row, [builder.add(i, builder.mul(length, length.type(rows)))])
        fetch(builder, builder.bitcast(where, ir.IntType(8).as_pointer()), write=0, near=near)
    return number


def _hinting(number: ir.Type, widths: tuple[int, ...]) -> Late:
    scalars = (("l", ir.IntType(64)), ("u", ir.IntType(8).as_pointer()), ("u", ir.IntType(64)))
    return late(Late(f"oco_entry_{number}", number, widths, scalars, _with_hint))


_HINTS = {
    types.float64: _hinting(ir.DoubleType(), (2, 4, 8)),
    types.float32: _hinting(ir.FloatType(), (4, 8, 16)),
}


@intrinsic
def _passing(typing, v, row, i):  # type: ignore[no-untyped-def]
    def code(context, builder, signature, given):  # type: ignore[no-untyped-def]
        array = context.make_array(row)(context, builder, given[1])
        place = builder.bitcast(array.data, ir.IntType(8).as_pointer())
        return _HINTS[v].call(builder, [given[0], given[2], place, builder.extract_value(array.shape, 0)])

    return v(v, row, types.int64), code
