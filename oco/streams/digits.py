"""Decimal digits eight at a time, as in Lemire 2021; eight bytes are looked at from any place of the text on."""

from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.cpython.unsafe.numbers import trailing_zeros
from numba.extending import intrinsic
from numpy.typing import NDArray

from oco._jit import specialise

SLACK = 8  # bytes that a text needs behind its last character
HUGE = 2**62
TENS = np.array([10**k for k in range(9)])
FITS = HUGE // TENS - 1  # numbers that so many digits may follow
ZEROS, ABOVE_NINE, LOW_BITS, HIGH_BITS = (np.uint64(byte * 0x0101010101010101) for byte in (0x30, 0x76, 0x7F, 0x80))
TEN, HUNDRED, MYRIAD = np.uint64(10), np.uint64(100), np.uint64(10_000)
BYTES, SHORTS, WORD = np.uint64(0x00FF00FF00FF00FF), np.uint64(0x0000FFFF0000FFFF), np.uint64(0xFFFFFFFF)


def append_digits(text: NDArray[Any], number: int, at: int) -> tuple[int, int]:
    """`number` with the digits at `at` appended, and their end; what would be far above 2^53 becomes HUGE."""
    count = 8
    while count == 8:
        count, value = eight_digits(eight(text, at))
        number = number * TENS[count] + value if number <= FITS[count] else HUGE
        at += count
    return number, at


def eight_digits(word: Any) -> tuple[int, int]:
    """How many digits the eight characters begin with, and their number."""
    digits = word ^ ZEROS
    other = (((digits & LOW_BITS) + ABOVE_NINE) | digits) & HIGH_BITS  # a bit in every byte that is no digit
    count = first_bit(other) >> 3
    if count == 0:
        return 0, 0
    digits <<= np.uint64(64 - 8 * count)  # the last ones, behind zeros
    twos = (digits * TEN + (digits >> np.uint64(8))) & BYTES
    fours = (twos * HUNDRED + (twos >> np.uint64(16))) & SHORTS
    eights = (fours * MYRIAD + (fours >> np.uint64(32))) & WORD
    return count, int(np.int64(eights))


def eight(text: NDArray[Any], at: int) -> Any:
    """The eight bytes at `at` as one number, the first one lowest."""
    return text[at : at + 8].view("<u8")[0]


@specialise(eight)
def _eight(text, at):  # type: ignore[no-untyped-def]
    return lambda text, at: _load_eight(text, at)


@intrinsic
def _load_eight(typing, text, at):  # type: ignore[no-untyped-def]
    def code(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        place = cgutils.pointer_add(builder, array.data, arguments[1], ir.IntType(64).as_pointer())
        return builder.load(place, align=1)

    return types.uint64(text, types.intp), code


def first_bit(word: Any) -> int:
    """The place of the lowest bit that is 1, 64 if there is none."""
    return (int(word) & -int(word)).bit_length() - 1 if word else 64


@specialise(first_bit)
def _first_bit(word):  # type: ignore[no-untyped-def]
    return lambda word: np.int64(trailing_zeros(word))
