"""exp and log1p that loops may call and still become SIMD code; in Python they are math's.

Compiled, math's functions are calls of the C library, one number at a time. These are arithmetic without branches.
Each says how far it may be from the truth.
"""

import math
from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import cgutils
from numba.core import types as nbtypes
from numba.extending import intrinsic

from oco._jit import relaxed, specialise
from oco.lowlevel.late import Late, avx512, late, offered
from oco.lowlevel.numbers import multiply_add

NEAR = 1.0 / 32.0  # as far as near_fall goes
FAR = 8.0  # as far as far_exp goes

ROUND = 6755399441055744.0  # 1.5 * 2^52: once added, the low bits hold the nearest integer
SIXTEENTHS = 23.083120654223414  # 16 log2(e), of which it lacks
SIXTEENTHS_REST = 3.2568437985489653e-16
TOP = 709.782712893384  # exp of more is infinite


def exp(x: float) -> float:
    """e^x within 2 ulp, infinity where that overflows, subnormal where it underflows, NaN of NaN."""
    return math.inf if x > TOP else math.exp(x)


# 2^(k / 16) as integers less k << 48: what is added to make the exponent adds k there too.
_ROOTS = np.exp2(np.arange(16) / 16.0).view(np.int64) - (np.arange(16) << 48)


@relaxed("contract")
def _above_one(f: float) -> float:
    """2^(f / 16) - 1 for |f| <= 1/2."""
    # Divided by f, interpolated in Chebyshev's points.
    p = 9.181334960907254e-12
    p = p * f + 1.2716085030349987e-09
    p = p * f + 1.4676100321837672e-07
    p = p * f + 1.355080777749983e-05
    p = p * f + 0.0009383847928089873
    return f * (p * f + 0.04332169878499661)


def _permuted(builder: Any, given: Any, width: int) -> Any:
    """_ROOTS[k & 15] by an instruction for eight k."""
    number, lanes = ir.IntType(64), ir.IntType(32)
    eight = ir.VectorType(number, 8)
    k = given[0] if width > 1 else builder.insert_element(ir.Constant(eight, None), given[0], lanes(0))
    if 1 < width < 8:
        k = builder.shuffle_vector(k, k, ir.Constant(ir.VectorType(lanes, 8), [i % width for i in range(8)]))
    kind = ir.FunctionType(eight, [eight] * 3)
    permute = cgutils.get_or_insert_function(builder.module, kind, "llvm.x86.avx512.vpermi2var.q.512")
    low, high = (ir.Constant(eight, part.tolist()) for part in (_ROOTS[:8], _ROOTS[8:]))
    made = builder.call(permute, [low, k, high])
    if width == 1:
        return builder.extract_element(made, lanes(0))
    return (
        made
        if width == 8
        else builder.shuffle_vector(made, made, ir.Constant(ir.VectorType(lanes, width), list(range(width))))
    )


_PERMUTED = late(Late("oco_root_of_two", ir.IntType(64), (2, 4, 8), (), _permuted))


def _root(k: Any) -> Any:
    """The bits of 2^(k / 16) for 0 <= k < 16, less k << 48; of a larger k the four low bits count."""
    return _ROOTS[k & 15]


@specialise(_root)
def _root_compiled(k):  # type: ignore[no-untyped-def]
    if offered() and avx512():
        return lambda k: _looked_up(k)
    return lambda k: _ROOTS[k & 15]


@intrinsic
def _looked_up(typing, k):  # type: ignore[no-untyped-def]
    return nbtypes.int64(nbtypes.int64), lambda context, builder, signature, given: _PERMUTED.call(builder, given)


@specialise(exp)
def _exp(x):  # type: ignore[no-untyped-def]
    def compiled(x):  # type: ignore[no-untyped-def]
        shifted = multiply_add(x, SIXTEENTHS, ROUND)
        f = multiply_add(x, SIXTEENTHS_REST, multiply_add(x, SIXTEENTHS, ROUND - shifted))
        k = np.float64(shifted).view(np.int64)
        root = np.int64(_root(k) + ((k & 15) << 48)).view(np.float64)
        # The power of two in 2^(k / 16) as two factors with valid exponents: e^x may overflow or be subnormal.
        biased = (k >> 4) + 2046
        half = (biased & 0xFFF) >> 1
        y = multiply_add(root, _above_one(f), root)
        y *= np.int64(half << 52).view(np.float64)
        y *= np.int64((biased - half) << 52).view(np.float64)
        return math.inf if x > TOP else 0.0 if x < -746.0 else y

    return compiled


def log1p(v: float) -> float:
    """log(1 + v) for 0 <= v <= 1, within 2 ulp, NaN of NaN."""
    return math.log1p(v)


@specialise(log1p)
def _log1p(v):  # type: ignore[no-untyped-def]
    def compiled(v):  # type: ignore[no-untyped-def]
        # 2 artanh(s) = 2 s + s^3 p(s^2), p interpolated in Chebyshev's points. 2 s = v - v^2 / 2 + s v^2 / 2, where the
        # rounding of s counts for less.
        s = v / (2.0 + v)
        w = s * s
        p = multiply_add(0.17780763826113302, w, 0.09880789048764786)
        p = multiply_add(p, w, 0.13591305485579894)
        p = multiply_add(p, w, 0.15363676248891633)
        p = multiply_add(p, w, 0.1818285980047391)
        p = multiply_add(p, w, 0.22222190861346283)
        p = multiply_add(p, w, 0.2857142911165716)
        p = multiply_add(p, w, 0.399999999952876)
        p = multiply_add(p, w, 0.6666666666668257)
        half = 0.5 * v * v
        return v - multiply_add(-s, multiply_add(p, w, half), half)

    return compiled


def far_exp(v: float, eta: float) -> float:
    """e^(-eta v) for 0 <= eta v <= FAR, exactly 1 at v = 0: within 2 ulp for a rate that is half an ulp from eta."""
    return math.exp(-eta * v)


@specialise(far_exp)
def _far_exp(v, eta):  # type: ignore[no-untyped-def]
    def compiled(v, eta):  # type: ignore[no-untyped-def]
        # What SIXTEENTHS lacks is less than half an ulp here, and the exponent of e^-z is a valid one.
        rate = -SIXTEENTHS * eta
        shifted = multiply_add(v, rate, ROUND)
        k = np.float64(shifted).view(np.int64)
        power = np.int64(_root(k) + (k << 48)).view(np.float64)
        return multiply_add(power, _above_one(multiply_add(v, rate, ROUND - shifted)), power)

    return compiled


@relaxed("contract")
def near_fall(v: float, eta: float) -> float:
    """(1 - e^(-eta v)) / v for 0 <= eta v <= NEAR: 1 - v times this is e^(-eta v) within 3e-15."""
    # The series of (1 - e^-z) / z in z = eta v, interpolated in Chebyshev's points; loops over v take its coefficients
    # times powers of eta once.
    square = eta * eta
    p = 0.008225609426820723 * square * square * eta
    p = p * v - 0.04166372789750008 * square * square
    p = p * v + 0.16666663390191197 * square * eta
    p = p * v - 0.4999999998720727 * square
    return p * v + 0.9999999999999201 * eta
