"""Kernels that read svmlight and Vowpal Wabbit text: lines of bytes to compressed rows, every number exact."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from oco._jit import kernel
from oco.streams.digits import TENS, append_digits, eight, eight_digits

LARGEST = 2**31 - 2  # the last column
POWERS = np.array([float(10**k) for k in range(23)])  # the powers of ten that float64 holds exactly
BASIS, PRIME = 2166136261, 16777619  # of FNV-1a
QID = np.frombuffer(b"qid", np.uint8)
TAB, NEWLINE, RETURN, SPACE, HASH, QUOTE, COLON, BAR, MINUS, PLUS, POINT, ZERO, NINE = b"\t\n\r #':|-+.09"
EXACT, ROUGH, BAD = 0, 1, 2  # a number read exactly, one that is left to float(), none
BLANK, ROW, CROWDED = 0, 1, 2  # what a line without a fault came to
LABEL, UNLABELLED, WEIGHT, WORDS, NO_BAR, SCALE, NAMELESS, INDEX, LARGE, NO_VALUE, VALUE = range(3, 14)

Array = NDArray[Any]


@kernel
def parse(
    text: Array,
    at: int,
    stop: int,
    line: int,
    space: Array,
    bits: int,
    rows: int,
    entries: int,
    most: int,
    indptr: Array,
    y: Array,
    lines: Array,
    indices: Array,
    values: Array,
    rough: Array,
) -> tuple[int, int, int, int, int, int, bool]:
    """Append the lines of text[at:stop] to a block of `rows` rows and `entries` entries until it is full.

    Returns code, place (of the bad word at a fault), line, rows, entries, length of `rough`, columns out of order.
    rough[k] = row, entry (-1: the label), then ends of a number and of its scale in the text, both left to float().
    """
    late, mixed = 0, False
    while at < stop and rows < y.size and entries < most:
        code, end, count, queue, jumbled = _line(text, at, space, bits, rows, entries, late, y, indices, values, rough)
        if code > CROWDED:
            return code, end, line, rows, entries, late, mixed
        if code == ROW:
            if count > indices.size or queue > rough.shape[0]:
                return CROWDED, at, line, rows, entries, late, mixed
            lines[rows], entries, late, mixed = line, count, queue, mixed or jumbled
            rows += 1
            indptr[rows] = entries
        while text[end] != NEWLINE:
            end += 1
        at, line = end + 1, line + 1
    return BLANK, at, line, rows, entries, late, mixed


def _line(
    text: Array,
    at: int,
    space: Array,
    bits: int,
    row: int,
    count: int,
    late: int,
    y: Array,
    indices: Array,
    values: Array,
    rough: Array,
) -> tuple[int, int, int, int, bool]:
    """Code, place, entries, length of `rough`, columns out of order; what finds no room is counted all the same."""
    mark = BAR if space.size else HASH
    at = _skip(text, at)
    if text[at] == NEWLINE or text[at] == HASH:
        return BLANK, at, count, late, False
    code, at, late = _label(text, at, mark, row, late, y, rough)
    own, seed, scale, c, e, unread, last, jumbled = mark == HASH, BASIS, 1.0, 0, 0, False, -1, False
    while code == ROW and text[at] != NEWLINE and (mark == BAR or text[at] != HASH):
        if own and not unread:
            at, count, last, jumbled = _plain_features(text, at, scale, count, last, jumbled, indices, values)
            if text[at] == NEWLINE or (mark == HASH and text[at] == HASH):
                break
        bar = text[at] == BAR and mark == BAR
        begin, column, name = _name(text, at + 1 if bar else at, mark, BASIS if bar else seed, own and not bar)
        first, end, value, state = begin, begin, 1.0, EXACT
        if text[begin] == COLON:
            first = begin + 1
            value, end, state = _number(text, first)
            if state == BAD or not _ends(text[end], mark):
                code = NO_VALUE if _ends(text[first], mark) else VALUE
        elif mark == HASH:
            code = NO_VALUE
        if bar:
            own, seed, scale, c, e = np.array_equal(text[at:begin], space), _fold(name, BAR), value, first, end
            unread, code = state == ROUGH, ROW if code == ROW else SCALE
        elif mark == HASH and column < 0 and np.array_equal(text[at:begin], QID):
            code = ROW
            while not _ends(text[end], mark):
                end += 1
        else:
            if column < 0:
                code = NAMELESS if begin == at else code if mark == BAR else INDEX
                column = (name ^ name >> bits) & ((1 << bits) - 1)
            elif column > LARGEST:
                code = LARGE
            if state == ROUGH or unread:
                late = _queue(rough, late, row, count, first, end, c, e)
            if count < indices.size:
                indices[count], values[count] = column, value * scale
            count, last, jumbled = count + 1, column, jumbled or column <= last
        at = _skip(text, end) if code == ROW else at
    return code, at, count, late, jumbled


def _plain_features(
    text: Array, at: int, scale: float, count: int, last: int, jumbled: bool, indices: Array, values: Array
) -> tuple[int, int, int, bool]:
    """Read features such as 12:0.5, as nearly all are; stops where anything else begins."""
    while count < indices.size:
        digits, column = eight_digits(eight(text, at))
        first = at + digits + 1
        if digits == 0 or digits == 8 or text[first - 1] != COLON:
            break
        negative = text[first] == MINUS
        first += negative
        digits, mantissa = eight_digits(eight(text, first))
        end, places = first + digits, 0
        if text[end] == POINT:
            places, fraction = eight_digits(eight(text, end + 1))
            mantissa = mantissa * TENS[places] + fraction
            end += 1 + places
        if digits == 0 or digits + places >= 16 or not (text[end] == SPACE or text[end] == NEWLINE):
            break
        value = mantissa / POWERS[places]
        indices[count], values[count] = column, (-value if negative else value) * scale
        count, last, jumbled = count + 1, column, jumbled or column <= last
        at = _skip(text, end)
    return at, count, last, jumbled


def _label(text: Array, at: int, mark: int, row: int, late: int, y: Array, rough: Array) -> tuple[int, int, int]:
    """Code, the place behind all that stands before the features, length of `rough`."""
    begin, words = at, 0
    while text[at] != BAR and (mark == BAR or words == 0):
        value, end, state = _number(text, at)
        number = state != BAD and _ends(text[end], mark)
        while not _ends(text[end], mark):
            end += 1
        if end == at:
            return NO_BAR, begin, late
        if mark == BAR and (text[end] == BAR or text[at] == QUOTE):
            if words == 0:
                return UNLABELLED, at, late
            words = 2
        elif words == 0 and not number:
            return LABEL, at, late
        elif words == 0:
            y[row] = value
            if state == ROUGH:
                late = _queue(rough, late, row, -1, at, end, 0, 0)
        elif words > 1 or not number:
            return WORDS, at, late
        elif value != 1.0 or state != EXACT:
            return WEIGHT, at, late
        words += 1
        at = _skip(text, end)
    return ROW if words else UNLABELLED, at, late


def _number(text: Array, at: int) -> tuple[float, int, int]:
    """The decimal number at `at`, its end, and whether it is EXACT, ROUGH or BAD."""
    negative = text[at] == MINUS
    at = at + 1 if negative or text[at] == PLUS else at
    mantissa, end = append_digits(text, 0, at)
    power, digits = 0, end - at
    if text[end] == POINT:
        at = end + 1
        mantissa, end = append_digits(text, mantissa, at)
        power, digits = at - end, digits + end - at
    if digits and (text[end] == ord("e") or text[end] == ord("E")):
        falling = text[end + 1] == MINUS
        at = end + 2 if falling or text[end + 1] == PLUS else end + 1
        exponent, last = append_digits(text, 0, at)
        if last > at:
            power, end = power - exponent if falling else power + exponent, last
    if mantissa == 0:
        return -0.0 if negative else 0.0, end, EXACT if digits else BAD
    # Mantissa and power of ten are exact, so a single operation rounds the decimal correctly (Clinger 1990).
    if mantissa > 2**53 or abs(power) > 22:
        return 0.0, end, ROUGH
    value = mantissa / POWERS[-power] if power < 0 else mantissa * POWERS[power]
    return -value if negative else value, end, EXACT


def _name(text: Array, at: int, mark: int, seed: int, own: bool) -> tuple[int, int, int]:
    """The end of the name at `at`, the whole number that it is if that matters (else -1), else its hash."""
    if own:
        column, end = append_digits(text, 0, at)
        if end > at and (text[end] == COLON or _ends(text[end], mark)):
            return end, min(column, LARGEST + 1), seed
    while text[at] != COLON and not _ends(text[at], mark):
        seed = _fold(seed, text[at])
        at += 1
    return at, -1, seed


def _fold(seed: int, byte: int) -> int:
    return ((seed ^ int(byte)) * PRIME) & 0xFFFFFFFF


def _queue(rough: Array, late: int, row: int, entry: int, a: int, b: int, c: int, e: int) -> int:
    if late < rough.shape[0]:
        rough[late, 0], rough[late, 1], rough[late, 2] = row, entry, a
        rough[late, 3], rough[late, 4], rough[late, 5] = b, c, e
    return late + 1


def _ends(byte: int, mark: int) -> bool:
    return byte in (SPACE, NEWLINE, TAB, RETURN, mark)


def _skip(text: Array, at: int) -> int:
    while text[at] == SPACE or text[at] == TAB or text[at] == RETURN:
        at += 1
    return at
