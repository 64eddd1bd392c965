"""What a round asks of its features and of the decision, found in one loop over both."""

import math
from typing import Any, NamedTuple

import numpy as np

from oco._jit import SUMS, specialise
from oco.lowlevel.numbers import BRANCHES, larger, smaller
from oco.lowlevel.short import dot_in_registers
from oco.protocols import Vector

# Products of float32 numbers are added in float32, so many at a time, and these sums in float64: to turn each number
# into float64 takes as long as all else of a glance. In any order |z - <a, x>| <= SHORT u sum_i |a_i x_i|, u = 2^-24: z
# is the exact margin of a decision whose numbers are within SHORT u |x_i| of x_i, in SIMD within some 20 u |x_i|.
SHORT = 1024


class Glance(NamedTuple):
    """Of features a and the decision x, both (d,)."""

    z: float  # <a, x>, as exact as SHORT says
    square: float  # |a|_2^2, likewise
    size: float  # max_i |x_i| but for NaN; 0 where others see to it
    low: float = math.nan  # min_i a_i and max_i a_i, where they were asked for
    high: float = math.nan


def unseen() -> Glance:
    """Where nobody looked."""
    return Glance(0.0, 0.0, 0.0, math.nan, math.nan)


@SUMS
def glance(a: Vector, x: Vector) -> Glance:
    """All but the extremes."""
    z = 0.0
    square = 0.0
    size: Any = x.dtype.type(0.0)  # taken here, where the processor's units for maxima have nothing else to do
    for low in range(0, len(x), SHORT):
        some, own = a[low : low + SHORT], x[low : low + SHORT]
        product: Any = x.dtype.type(0.0)
        norm2: Any = x.dtype.type(0.0)
        for i in range(len(own)):
            product += some[i] * own[i]
            norm2 += some[i] * some[i]
            size = larger(size, abs(own[i]))
        z += np.float64(product)
        square += np.float64(norm2)
    return Glance(z, square, np.float64(size), math.nan, math.nan)


@SUMS
def glance_at_multiple(a: Vector, x: Vector, factor: float, size: float) -> Glance:
    """All of it for the decision factor x, of which size = max_i |factor x_i| is known; numbers in float64."""
    z = 0.0
    square = 0.0
    low = a[0]
    high = a[0]
    for i in range(len(x)):
        z += a[i] * x[i]
        square += a[i] * a[i]
        low = smaller(low, a[i])
        high = larger(high, a[i])
    return Glance(factor * z, square, size, low, high)


def glance_at_few(a: Vector, x: Vector, rows: Any) -> Glance:
    """The sums alone of as many numbers as the tuple `rows` has."""
    z, square, *_ = glance(a, x)
    return Glance(z, square, 0.0, math.nan, math.nan)


@specialise(glance_at_few)
def _glance_at_few(a, x, rows):  # type: ignore[no-untyped-def]
    # So few as branches are taken for are at hand one by one: to join them would take longer than it saves.
    if len(rows) > BRANCHES:
        return lambda a, x, rows: Glance(
            dot_in_registers(a, x, rows), dot_in_registers(a, a, rows), 0.0, math.nan, math.nan
        )

    def one_by_one(a, x, rows):  # type: ignore[no-untyped-def]
        seen = glance(a, x)
        return Glance(seen.z, seen.square, 0.0, math.nan, math.nan)

    return one_by_one
