"""What machine code knows of arrays: where they begin, who counts references to them, how wide they are, parts."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic
from numba.np.arrayobj import populate_array

from oco._jit import specialise
from oco.lowlevel.prefetch import LINE
from oco.protocols import Matrix


def aligned(shape: tuple[int, ...], dtype: Any) -> Any:
    """Zeros that start with a cache line."""
    size = math.prod(shape) * np.dtype(dtype).itemsize
    room = np.zeros(size + LINE, np.uint8)
    start = -room.ctypes.data % LINE
    return room[start : start + size].view(dtype).reshape(shape)


def columns_apart(d: int, columns: int, dtype: Any) -> Any:
    """Zeros (d or more, columns) in Fortran order, whose columns start with a cache line each.

    Where a column begins within some ten lines of a multiple of 4096 bytes after another, loads from the one can wait
    for stores to the other, as if only some bits of addresses were compared: with 1000 coordinates on Zen 4 on 4 of 100
    pairs of pages, not told apart by their virtual addresses, where an update took 1.3 to 2.6 times as long. So a
    column has 13 lines more than a multiple of 64, and of up to five no two are closer than 12.
    """
    line = LINE // np.dtype(dtype).itemsize
    lines = -(-d // line)
    return aligned((columns, (lines + (13 - lines) % 64) * line), dtype).T


def on_lines(state: Any) -> Any:
    """A state whose vectors start with a cache line each, which registers as wide as a line read in one piece.

    One with arrays that share memory stays as it is.
    """
    arrays = list(_arrays(state))
    shared = not all(a.flags.owndata for a in arrays) or len({id(a) for a in arrays}) < len(arrays)
    return state if shared else _moved(state)


def _arrays(state: Any) -> Iterator[Any]:
    if isinstance(state, np.ndarray):
        yield state
    elif isinstance(state, tuple):
        for part in state:
            yield from _arrays(part)


def _moved(state: Any) -> Any:
    if isinstance(state, np.ndarray) and state.ndim == 1:
        room = aligned(state.shape, state.dtype)
        room[:] = state
        return room
    if isinstance(state, tuple):
        parts = map(_moved, state)
        return type(state)(*parts) if hasattr(state, "_fields") else tuple(parts)
    return state


def on_stack(context: Any, builder: Any, kind: Any, rows: int, columns: int) -> Any:
    """An array (rows, columns) in Fortran order, uninitialised, on the stack of the function that is built."""
    number, whole = context.get_data_type(kind.dtype), ir.IntType(64)
    size = context.get_abi_sizeof(number)
    room = cgutils.alloca_once(builder, ir.ArrayType(number, rows * columns))
    room.align = LINE
    array = context.make_array(kind)(context, builder)
    populate_array(
        array,
        data=builder.bitcast(room, number.as_pointer()),
        shape=[whole(rows), whole(columns)],
        strides=[whole(size), whole(rows * size)],
        itemsize=whole(size),
        meminfo=None,
    )
    return array._getvalue()


def uncounted(a: Any) -> Any:
    """The same array, or tuple of arrays and others; machine code does not count references to these arrays.

    Whoever called the kernel holds them.
    """
    return a


@specialise(uncounted)
def _uncounted(a):  # type: ignore[no-untyped-def]
    return lambda a: _without_owner(a)


def counted(a: Any, before: Any) -> Any:
    """What became of uncounted(before), to leave the kernel: arrays are those of `before` or have owners."""
    return a


@specialise(counted)
def _counted(a, before):  # type: ignore[no-untyped-def]
    return lambda a, before: _with_owner(a, before)


def with_known_width(w: Any, memory: Any) -> Any:
    """The same array (d, 1 + k), with k from the shape of `memory`, which machine code knows: loops need no gathers."""
    return w


@specialise(with_known_width)
def _with_known_width(w, memory):  # type: ignore[no-untyped-def]
    return lambda w, memory: _of_width(_without_owner(w), memory)


def part(a: Matrix, start: int, rows: int, columns: int) -> Matrix:
    """The view (rows, columns) of the numbers of a, in C order, from number `start` on; a outlives it."""
    return a.reshape(-1)[start : start + rows * columns].reshape(rows, columns)


@specialise(part)
def _part(a, start, rows, columns):  # type: ignore[no-untyped-def]
    return lambda a, start, rows, columns: _within(a, start, rows, columns)


def _each_array(context: Any, builder: Any, kind: Any, values: Any, change: Any) -> Any:
    """values[0] with change(kind, *arrays) for every array in it, where the other values have one in its place."""
    if isinstance(kind, types.Array) and kind.layout in "CF":
        return change(kind, *values)
    if isinstance(kind, types.BaseTuple):
        parts = zip(kind, *(cgutils.unpack_tuple(builder, value) for value in values), strict=True)
        changed = [_each_array(context, builder, item, part, change) for item, *part in parts]
        return context.make_tuple(builder, kind, changed)
    context.nrt.incref(builder, kind, values[0])
    return values[0]


@intrinsic
def _without_owner(typing, a):  # type: ignore[no-untyped-def]
    def code(context, builder, signature, given):  # type: ignore[no-untyped-def]
        def change(kind, value):  # type: ignore[no-untyped-def]
            array = context.make_array(kind)(context, builder, value)
            array.meminfo = cgutils.get_null_value(array.meminfo.type)
            return array._getvalue()

        return _each_array(context, builder, a, given, change)

    return a(a), code


@intrinsic
def _with_owner(typing, a, before):  # type: ignore[no-untyped-def]
    def code(context, builder, signature, given):  # type: ignore[no-untyped-def]
        def change(kind, value, old):  # type: ignore[no-untyped-def]
            return context.compile_internal(builder, _owned, kind(kind, kind), (value, old))

        return _each_array(context, builder, a, given, change)

    return a(a, a), code


def _owned(a, before):  # type: ignore[no-untyped-def]
    if _has_owner(a):
        return a
    return before if a.ctypes.data == before.ctypes.data and a.shape == before.shape else a.copy()


@intrinsic
def _has_owner(typing, a):  # type: ignore[no-untyped-def]
    def code(context, builder, signature, given):  # type: ignore[no-untyped-def]
        array = context.make_array(signature.args[0])(context, builder, given[0])
        return cgutils.is_not_null(builder, array.meminfo)

    return types.boolean(a), code


@intrinsic
def _of_width(typing, w, memory):  # type: ignore[no-untyped-def]
    width = 1 + (len(memory) if isinstance(memory, types.BaseTuple) else 1)

    def code(context, builder, signature, given):  # type: ignore[no-untyped-def]
        array = context.make_array(signature.args[0])(context, builder, given[0])
        known = {"shape": (None, width)}
        if w.layout == "C":
            size = w.dtype.bitwidth // 8
            known["strides"] = (width * size, size)
        for name, numbers in known.items():
            found = cgutils.unpack_tuple(builder, getattr(array, name))
            made = [
                was if n is None else context.get_constant(types.intp, n) for was, n in zip(found, numbers, strict=True)
            ]
            setattr(array, name, cgutils.pack_array(builder, made))
        return array._getvalue()

    return w(w, memory), code


@intrinsic
def _within(typing, a, start, rows, columns):  # type: ignore[no-untyped-def]
    def code(context, builder, signature, given):  # type: ignore[no-untyped-def]
        array = context.make_array(a)(context, builder, given[0])
        made, width = context.make_array(a)(context, builder), array.itemsize
        data, shape = builder.gep(array.data, [given[1]]), given[2:]
        strides = [builder.mul(shape[1], width), width]
        populate_array(made, data=data, shape=shape, strides=strides, itemsize=width, meminfo=None)
        return made._getvalue()

    return a(a, types.intp, types.intp, types.intp), code
