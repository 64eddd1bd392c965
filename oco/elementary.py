"""exp, max and min that loops may call and still become SIMD code; in Python they are math's.

Compiled, math's functions are calls of the C library, one number at a time, and a comparison keeps its rule for NaN.
These are arithmetic without branches, within 2 ulp for all floats and with IEEE's values at overflow and for NaN.
"""

import math
from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import types as nbtypes
from numba.extending import intrinsic

from oco._jit import relaxed, specialise

NEAR = 1.0 / 16.0  # as far as near_exp goes
FAR = 512.0  # as far as far_exp goes

ROUND = 6755399441055744.0  # 1.5 * 2^52: once added, the low bits hold the nearest integer
# ln 2 in two parts; the first has so few digits that exponents times it are exact.
LN2_HIGH = 6.93147180369123816490e-01
LN2_LOW = 1.90821492927058770002e-10
TOP = 709.782712893384  # exp of more is infinite


def exp(x: float) -> float:
    """e^x, infinity where that overflows."""
    return math.inf if x > TOP else math.exp(x)


@relaxed("contract")
def _power(x: float) -> tuple[float, float]:
    """p and n + ROUND with e^x = p 2^n."""
    # x = n ln 2 + r with |r| <= ln 2 / 2; e^r = 1 + r + r^2 (...), interpolated in Chebyshev's points.
    shifted = x * 1.4426950408889634 + ROUND
    n = shifted - ROUND
    r = (x - n * LN2_HIGH) - n * LN2_LOW
    p = 2.510037583256132e-08
    p = p * r + 2.762007587998348e-07
    p = p * r + 2.7557268480310024e-06
    p = p * r + 2.4801521322368692e-05
    p = p * r + 0.00019841269863040545
    p = p * r + 0.0013888888917196719
    p = p * r + 0.008333333333330065
    p = p * r + 0.041666666666624164
    p = p * r + 0.16666666666666669
    p = p * r + 0.5
    return (p * r + 1.0) * r + 1.0, shifted


@specialise(exp, fastmath={"contract"})
def _exp(x):  # type: ignore[no-untyped-def]
    def compiled(x):  # type: ignore[no-untyped-def]
        p, shifted = _power(x)
        # 2^n as two factors with valid exponents: e^x may overflow or be subnormal.
        biased = np.float64(shifted).view(np.int64) + 2046
        half = (biased & 0xFFF) >> 1
        y = p * np.int64(half << 52).view(np.float64) * np.int64((biased - half) << 52).view(np.float64)
        return math.inf if x > TOP else 0.0 if x < -746.0 else y

    return compiled


def far_exp(z: float) -> float:
    """e^-z for 0 <= z <= FAR, exactly 1 at 0."""
    return math.exp(-z)


@specialise(far_exp, fastmath={"contract"})
def _far_exp(z):  # type: ignore[no-untyped-def]
    def compiled(z):  # type: ignore[no-untyped-def]
        p, shifted = _power(-z)  # the exponent of e^-z is a valid one
        return np.int64(np.float64(p).view(np.int64) + (np.float64(shifted).view(np.int64) << 52)).view(np.float64)

    return compiled


@relaxed("contract")
def near_exp(z: float) -> float:
    """e^-z for 0 <= z <= NEAR, exactly 1 at 0."""
    # The series of (e^-z - 1 + z) / z^2, interpolated in Chebyshev's points.
    p = -0.000193822383988727
    p = p * z + 0.0013885674904203175
    p = p * z - 0.008333322938209193
    p = p * z + 0.04166666651455174
    p = p * z - 0.16666666666585217
    p = p * z + 0.4999999999999993
    return 1.0 - z * (1.0 - p * z)


def mid_exp(z: float) -> float:
    """e^-z for 0 <= z <= 16 NEAR, exactly 1 at 0, within 32 ulp."""
    e = near_exp(0.0625 * z)
    for _ in range(4):
        e *= e
    return e


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
            kind = ir.FunctionType(ir.DoubleType(), [ir.DoubleType()] * 2)
            function = builder.module.declare_intrinsic(name, [ir.DoubleType()], kind)
            return builder.call(function, arguments, fastmath=("nnan", "nsz"))

        return nbtypes.float64(nbtypes.float64, nbtypes.float64), generate

    return call


_maximum, _minimum = _instruction("llvm.maxnum"), _instruction("llvm.minnum")


@specialise(larger)
def _larger(a, b):  # type: ignore[no-untyped-def]
    return lambda a, b: _maximum(a, b)


@specialise(smaller)
def _smaller(a, b):  # type: ignore[no-untyped-def]
    return lambda a, b: _minimum(a, b)
