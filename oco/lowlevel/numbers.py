"""Single numbers: inverse roots, sizes as integers, signs, products that are rounded once."""

import math
from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from oco._jit import specialise
from oco.lowlevel.estimate import estimate, offered

INFINITY = 0x7FF << 52  # as an integer
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


def bits(v: Any) -> Any:
    """The same as `order` for a number that is known to be a size: not negative, nor a NaN with a sign."""
    return v.view(np.int32 if isinstance(v, np.float32) else np.int64)


@specialise(bits)
def _bits(v):  # type: ignore[no-untyped-def]
    return lambda v: _as_integer(v)


def unordered(k: Any) -> Any:
    """The inverse of order."""
    return k.view(np.float32 if isinstance(k, np.int32) else np.float64)


@specialise(unordered)
def _unordered(k):  # type: ignore[no-untyped-def]
    return lambda k: _as_float(k)


def finite(v: float) -> bool:
    """Whether v is a number; machine code looks at its exponent, away from the units that all other numbers need."""
    return math.isfinite(v)


@specialise(finite)
def _finite(v):  # type: ignore[no-untyped-def]
    return lambda v: _as_integer(abs(v)) < INFINITY


def signed(size: float, v: float, n: int) -> float:
    """Size >= 0 where v >= 0, else -size, as one of n such; where n is known to be small, machine code predicts which.

    Then nothing that follows has to wait for v; many take the sign of v at once instead, were it NaN's.
    """
    return size if v >= 0.0 else -size


@specialise(signed)
def _signed(size, v, n):  # type: ignore[no-untyped-def]
    return lambda size, v, n: _either(v >= 0.0, size, -size, math.copysign(size, v + 0.0), n)  # -0 + 0 is 0


@intrinsic
def _either(typing, which, yes, no, chosen, n):  # type: ignore[no-untyped-def]
    """The one of yes and no that was chosen; where n <= BRANCHES is a constant a branch that assembly, empty, keeps."""

    def code(context, builder, signature, given):  # type: ignore[no-untyped-def]
        bit, number = ir.IntType(1), given[4].type
        kind = ir.FunctionType(bit, [number])
        constant = cgutils.get_or_insert_function(builder.module, kind, "llvm.is.constant.i64")
        few = builder.and_(builder.call(constant, [given[4]]), builder.icmp_signed("<=", given[4], number(BRANCHES)))
        room = cgutils.alloca_once_value(builder, given[3])
        with builder.if_then(few):
            builder.store(given[2], room)
            with builder.if_then(given[0]):
                builder.asm(ir.FunctionType(ir.VoidType(), []), "", "", [], True)
                builder.store(given[1], room)
        return builder.load(room)

    return yes(types.boolean, yes, no, yes, types.intp), code


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
