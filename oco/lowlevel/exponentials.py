"""exp, max and min that loops may call and still become SIMD code; in Python they are math's.

Compiled, math's functions are calls of the C library, one number at a time, and a comparison keeps its rule for NaN.
These are arithmetic without branches. Each says how far it may be from the truth.
"""

import math
from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import types as nbtypes
from numba.extending import intrinsic

from oco._jit import relaxed, specialise
from oco.lowlevel.numbers import multiply_add

NEAR = 1.0 / 32.0  # as far as near_exp goes
FAR = 8.0  # as far as far_exp goes

ROUND = 6755399441055744.0  # 1.5 * 2^52: once added, the low bits hold the nearest integer
LOG2E = 1.4426950408889634  # log2(e), of which it lacks
LOG2E_REST = 2.0355273740931033e-17
TOP = 709.782712893384  # exp of more is infinite


def exp(x: float) -> float:
    """e^x within 2 ulp, infinity where that overflows, subnormal where it underflows, NaN of NaN."""
    return math.inf if x > TOP else math.exp(x)


@relaxed("contract")
def _power(f: float) -> float:
    """2^f for |f| <= 1/2."""
    # (2^f - 1) / f, interpolated in Chebyshev's points.
    p = 4.4549605968859425e-10
    p = p * f + 7.072585949301304e-09
    p = p * f + 1.01780624458531e-07
    p = p * f + 1.3215442587921528e-06
    p = p * f + 1.5252733829836104e-05
    p = p * f + 0.0001540353044173605
    p = p * f + 0.0013333558146416936
    p = p * f + 0.009618129107606888
    p = p * f + 0.0555041086648216
    p = p * f + 0.24022650695910097
    p = p * f + 0.6931471805599453
    return p * f + 1.0


@specialise(exp)
def _exp(x):  # type: ignore[no-untyped-def]
    def compiled(x):  # type: ignore[no-untyped-def]
        shifted = multiply_add(x, LOG2E, ROUND)
        f = multiply_add(x, LOG2E_REST, multiply_add(x, LOG2E, ROUND - shifted))
        # 2^n as two factors with valid exponents: e^x may overflow or be subnormal.
        biased = np.float64(shifted).view(np.int64) + 2046
        half = (biased & 0xFFF) >> 1
        y = _power(f) * np.int64(half << 52).view(np.float64) * np.int64((biased - half) << 52).view(np.float64)
        return math.inf if x > TOP else 0.0 if x < -746.0 else y

    return compiled


def far_exp(v: float, eta: float) -> float:
    """e^(-eta v) for 0 <= eta v <= FAR, exactly 1 at v = 0: within 2 ulp for a rate that is half an ulp from eta."""
    return math.exp(-eta * v)


@specialise(far_exp)
def _far_exp(v, eta):  # type: ignore[no-untyped-def]
    def compiled(v, eta):  # type: ignore[no-untyped-def]
        # What LOG2E lacks is less than half an ulp here, and the exponent of e^-z is a valid one.
        shifted = multiply_add(v, -LOG2E * eta, ROUND)
        p = _power(multiply_add(v, -LOG2E * eta, ROUND - shifted))
        return np.int64(np.float64(p).view(np.int64) + (np.float64(shifted).view(np.int64) << 52)).view(np.float64)

    return compiled


@relaxed("contract")
def near_exp(v: float, eta: float) -> float:
    """e^(-eta v) for 0 <= eta v <= NEAR within 3e-15, exactly 1 at v = 0."""
    # The series of (1 - e^-z) / z in z = eta v, interpolated in Chebyshev's points; loops over v take its coefficients
    # times powers of eta once.
    square = eta * eta
    p = 0.008225609426820723 * square * square * eta
    p = p * v - 0.04166372789750008 * square * square
    p = p * v + 0.16666663390191197 * square * eta
    p = p * v - 0.4999999998720727 * square
    return 1.0 - v * (p * v + 0.9999999999999201 * eta)


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
