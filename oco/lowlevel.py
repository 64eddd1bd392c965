"""What Python cannot say of machine code: each function has its plain meaning, and a compiled one of its own."""

import math
from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic
from numba.np.arrayobj import populate_array

from oco._jit import specialise
from oco.estimate import estimate, offered
from oco.protocols import Matrix, Vector

LINE = 64  # bytes of a cache line
BRANCHES = 4  # so many in a row are worth predicting


def inverse_root(v: Any) -> Any:
    """1 / sqrt(v) for v >= 0 but 0 for v below the normal floats, and so at 0; compiled a few ulp from exact."""
    return 0.0 if v < np.finfo(type(v)).tiny else 1.0 / math.sqrt(v)


@specialise(inverse_root, fastmath={"arcp"})  # in float32 the processor may estimate and improve
def _inverse_root(v):  # type: ignore[no-untyped-def]
    if v == types.float32:
        zero, one, least = np.float32(0.0), np.float32(1.0), np.finfo(np.float32).tiny
        return lambda v: zero if v < least else one / math.sqrt(v)
    if v != types.float64:
        return lambda v: inverse_root(np.float64(v))

    def estimated(v):  # type: ignore[no-untyped-def]
        # v y^2 = 1 - e with |e| < 1.23e-4, and 1 / sqrt(1 - e) = 1 + e (p e + 1 / 2) + (35 / 128) e^4 with
        # p = 3 / 8 + 5 e / 16; a multiple of e^2 stands for the last term in p, at an error of 2e-17.
        y = estimate(v)
        e = multiply_add(-v * y, y, 1.0)
        y = multiply_add(y * e, multiply_add(multiply_add(0.3125, e, 0.37500000408), e, 0.5), y)
        return 0.0 if v < 2.2250738585072014e-308 else y

    def compiled(v):  # type: ignore[no-untyped-def]
        # Halving and negating the exponent gives y sqrt(v) within 0.035 of 1; with v y^2 = 1 - e a polynomial for
        # 1 / sqrt(1 - e), interpolated in Chebyshev's points, makes that 8e-7, and the series the rest.
        y = _as_float(0x5FE6EB50C7B537A9 - (_as_integer(v) >> 1))
        e = multiply_add(-v * y, y, 1.0)
        p = multiply_add(0.3127980808537693, e, 0.37627813616774125)
        y *= multiply_add(multiply_add(p, e, 0.5000013185788321), e, 0.9999992549659242)
        e = multiply_add(-v * y, y, 1.0)
        y = multiply_add(y * e, multiply_add(0.375, e, 0.5), y)
        return 0.0 if v < 2.2250738585072014e-308 else y

    return estimated if offered() else compiled


def order(v: Any) -> Any:
    """|v| as an integer, which orders as |v| does, NaN last: LLVM takes maxima of integers in SIMD, not of floats."""
    return abs(v).view(np.int32 if isinstance(v, np.float32) else np.int64)


@specialise(order)
def _order(v):  # type: ignore[no-untyped-def]
    return lambda v: _as_integer(abs(v))


def unordered(k: Any) -> Any:
    """The inverse of order."""
    return k.view(np.float32 if isinstance(k, np.int32) else np.float64)


@specialise(unordered)
def _unordered(k):  # type: ignore[no-untyped-def]
    return lambda k: _as_float(k)


def signed(size: float, v: float, n: int) -> float:
    """Size where v >= 0, else -size, as one of n such; where n is known to be small, machine code predicts which.

    Then nothing that follows has to wait for v; many are selected at once instead.
    """
    return size if v >= 0.0 else -size


@specialise(signed)
def _signed(size, v, n):  # type: ignore[no-untyped-def]
    return lambda size, v, n: _either(v >= 0.0, size, -size, n)


@intrinsic
def _either(typing, which, yes, no, n):  # type: ignore[no-untyped-def]
    """A conditional expression that stays a branch where n <= BRANCHES is a constant: assembly, though empty, does."""

    def code(context, builder, signature, given):  # type: ignore[no-untyped-def]
        bit, number = ir.IntType(1), given[3].type
        kind = ir.FunctionType(bit, [number])
        constant = cgutils.get_or_insert_function(builder.module, kind, "llvm.is.constant.i64")
        few = builder.and_(builder.call(constant, [given[3]]), builder.icmp_signed("<=", given[3], number(BRANCHES)))
        chosen = cgutils.alloca_once_value(builder, builder.select(given[0], given[1], given[2]))
        with builder.if_then(few):
            builder.store(given[2], chosen)
            with builder.if_then(given[0]):
                builder.asm(ir.FunctionType(ir.VoidType(), []), "", "", [], True)
                builder.store(given[1], chosen)
        return builder.load(chosen)

    return yes(types.boolean, yes, no, types.intp), code


def uncounted(a: Any) -> Any:
    """The same array, or tuple of arrays and others; machine code does not count references to these arrays.

    Whoever called the kernel holds them.
    """
    return a


@specialise(uncounted)
def _uncounted(a):  # type: ignore[no-untyped-def]
    return lambda a: _without_owner(a)


def with_known_width(w: Any, memory: Any) -> Any:
    """The same array (d, 1 + k), with k from the shape of `memory`, which machine code knows: loops need no gathers."""
    return w


@specialise(with_known_width)
def _with_known_width(w, memory):  # type: ignore[no-untyped-def]
    return lambda w, memory: _of_width(_without_owner(w), memory)


def counted(a: Any, before: Any) -> Any:
    """What became of uncounted(before), to leave the kernel: arrays are those of `before` or have owners."""
    return a


@specialise(counted)
def _counted(a, before):  # type: ignore[no-untyped-def]
    return lambda a, before: _with_owner(a, before)


def part(a: Matrix, start: int, rows: int, columns: int) -> Matrix:
    """The view (rows, columns) of the numbers of a, in C order, from number `start` on; a outlives it."""
    return a.reshape(-1)[start : start + rows * columns].reshape(rows, columns)


@specialise(part)
def _part(a, start, rows, columns):  # type: ignore[no-untyped-def]
    return lambda a, start, rows, columns: _within(a, start, rows, columns)


def prefetch(a: Vector, low: int, high: int) -> None:
    """Nothing but a hint that a[low:high] will be read soon."""


@specialise(prefetch)
def _prefetch(a, low, high):  # type: ignore[no-untyped-def]
    step = LINE * 8 // a.dtype.bitwidth

    def compiled(a, low, high):  # type: ignore[no-untyped-def]
        for i in range(low, high, step):
            _touch(a, i)

    return compiled


def prefetch_far(a: Vector, low: int, high: int) -> None:
    """A hint that a[low:high], which may lie beyond the end of a, will be read, but not so soon."""


@specialise(prefetch_far)
def _prefetch_far(a, low, high):  # type: ignore[no-untyped-def]
    step = LINE * 8 // a.dtype.bitwidth

    def compiled(a, low, high):  # type: ignore[no-untyped-def]
        for i in range(low, high, step):
            _touch_far(a, i)

    return compiled


def _same_bits(context, builder, signature, given):  # type: ignore[no-untyped-def]
    return builder.bitcast(given[0], context.get_value_type(signature.return_type))


@intrinsic
def _as_integer(typing, v):  # type: ignore[no-untyped-def]
    return (types.int32 if v == types.float32 else types.int64)(v), _same_bits


@intrinsic
def _as_float(typing, k):  # type: ignore[no-untyped-def]
    return (types.float32 if k == types.int32 else types.float64)(k), _same_bits


@intrinsic
def multiply_add(typing, a, b, c):  # type: ignore[no-untyped-def]
    """a b + c, rounded once."""
    kind = types.float64
    return kind(kind, kind, kind), lambda context, builder, signature, given: builder.fma(*given)


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
def _within(typing, a, start, rows, columns):  # type: ignore[no-untyped-def]
    def code(context, builder, signature, given):  # type: ignore[no-untyped-def]
        array = context.make_array(a)(context, builder, given[0])
        made, width = context.make_array(a)(context, builder), array.itemsize
        data, shape = builder.gep(array.data, [given[1]]), given[2:]
        strides = [builder.mul(shape[1], width), width]
        populate_array(made, data=data, shape=shape, strides=strides, itemsize=width, meminfo=None)
        return made._getvalue()

    return a(a, types.intp, types.intp, types.intp), code


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


def fetch(builder: Any, place: Any, write: int, near: int = 3) -> None:
    """The instruction that brings a line into the data cache, all levels or (2) but the first.

    It is soon to be read or (1) written.
    """
    number = ir.IntType(32)
    kind = ir.FunctionType(ir.VoidType(), [place.type, number, number, number])
    hint = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
    builder.call(hint, [place, number(write), number(near), number(1)])


def _fetching(near: int) -> Any:
    def code(context, builder, signature, given):  # type: ignore[no-untyped-def]
        array = context.make_array(signature.args[0])(context, builder, given[0])
        place = builder.bitcast(builder.gep(array.data, [given[1]]), ir.IntType(8).as_pointer())
        fetch(builder, place, write=0, near=near)
        return context.get_dummy_value()

    return code


@intrinsic
def _touch(typing, a, i):  # type: ignore[no-untyped-def]
    return types.void(a, types.intp), _fetching(3)


@intrinsic
def _touch_far(typing, a, i):  # type: ignore[no-untyped-def]
    return types.void(a, types.intp), _fetching(2)
