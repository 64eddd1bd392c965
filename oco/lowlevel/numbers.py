"""Single numbers: quotients by roots, maxima, sizes as integers, signs, products that are rounded once."""

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


def over_root(g: Any, v: Any, eta: Any) -> Any:
    """eta g / sqrt(v), where the least normal float stands for what is smaller: 0 / 0 is 0. Compiled a few ulp off."""
    return eta * (g / math.sqrt(max(v, np.finfo(type(v)).tiny)))


@specialise(over_root, fastmath={"contract", "arcp"})  # in float32 without our estimate it may take its own
def _over_root(g, v, eta):  # type: ignore[no-untyped-def]
    kind: Any = np.float32 if v == types.float32 else np.float64
    one, half, least = kind(1.0), kind(0.5), np.finfo(kind).tiny

    # With v y^2 = 1 - e the root is sqrt(1 - e) / y. A polynomial stands for eta / sqrt(1 - e): loops multiply its
    # numbers by eta once.

    def single(g, v, eta):  # type: ignore[no-untyped-def]
        v = larger(v, least)
        y = estimate(v)
        return (g * y) * (half * eta * (one - v * y * y) + eta)

    def double(g, v, eta):  # type: ignore[no-untyped-def]
        # |e| < 1.23e-4: 1 + e / 2 + 3 e^2 / 8 + 5 e^3 / 16 + 35 e^4 / 128, where a multiple of e^2 stands for the last
        # term at an error of 2e-17.
        v = larger(v, least)
        y = estimate(v)
        e = multiply_add(-v * y, y, 1.0)
        p = multiply_add(multiply_add(0.3125 * eta, e, 0.37500000408 * eta), e, 0.5 * eta)
        return (g * y) * multiply_add(p, e, eta)

    def by_bits(g, v, eta):  # type: ignore[no-untyped-def]
        # Halving and negating the exponent gives y sqrt(v) within 0.035 of 1; a polynomial for 1 / sqrt(1 - e),
        # interpolated in Chebyshev's points, makes that 8e-7, and the series the rest.
        v = larger(v, least)
        y = _as_float(0x5FE6EB50C7B537A9 - (_as_integer(v) >> 1))
        e = multiply_add(-v * y, y, 1.0)
        p = multiply_add(0.3127980808537693, e, 0.37627813616774125)
        y *= multiply_add(multiply_add(p, e, 0.5000013185788321), e, 0.9999992549659242)
        e = multiply_add(-v * y, y, 1.0)
        return (g * y) * multiply_add(eta * e, multiply_add(0.375, e, 0.5), eta)

    def by_root(g, v, eta):  # type: ignore[no-untyped-def]
        return (g * (one / math.sqrt(larger(v, least)))) * eta

    if v == types.float32:
        return single if offered() else by_root
    if v != types.float64:
        return lambda g, v, eta: over_root(g, np.float64(v), eta)
    return double if offered() else by_bits


def larger(a: float, b: float) -> float:
    """max(a, b) of numbers that are not NaN."""
    return a if a > b else b


def smaller(a: float, b: float) -> float:
    """min(a, b) of numbers that are not NaN."""
    return a if a < b else b


def _instruction(name: str) -> Any:
    """A function of two floats that is one LLVM instruction, which is free to ignore NaN and the sign of 0."""

    @intrinsic
    def call(typing: Any, a: Any, b: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            number = arguments[0].type
            function = builder.module.declare_intrinsic(name, [number], ir.FunctionType(number, [number] * 2))
            return builder.call(function, arguments, fastmath=("nnan", "nsz"))

        return a(a, a), generate

    return call


_maximum, _minimum = _instruction("llvm.maxnum"), _instruction("llvm.minnum")


@specialise(larger)
def _larger(a, b):  # type: ignore[no-untyped-def]
    return lambda a, b: _maximum(a, b)


@specialise(smaller)
def _smaller(a, b):  # type: ignore[no-untyped-def]
    return lambda a, b: _minimum(a, b)


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
