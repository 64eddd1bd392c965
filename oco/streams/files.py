"""Files of examples as streams in bounded memory: svmlight (libsvm) and Vowpal Wabbit text, plain or compressed."""

import bz2
import gzip
import io
import lzma
import os
import re
import zlib
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from oco.protocols import Sparse
from oco.streams import binary
from oco.streams.digits import SLACK
from oco.streams.rows import merge
from oco.streams.text import (
    CROWDED,
    INDEX,
    LABEL,
    LARGE,
    LARGEST,
    NAMELESS,
    NEWLINE,
    NO_BAR,
    NO_VALUE,
    SCALE,
    UNLABELLED,
    VALUE,
    WEIGHT,
    WORDS,
    Array,
    parse,
)

CHUNK = 1 << 22  # bytes of text held at a time, more only for a longer line
LONGEST = 1 << 28  # bytes that a line may have
ROWS = 8192  # rows in a block
ENTRIES = 1 << 18  # the row that brings a block to so many entries is its last
FAULTS = {
    LABEL: ("label is not a finite number", "begin the line with a decimal number"),
    UNLABELLED: ("no label", "write label, space, |namespace (a word that touches | is a tag)"),
    WEIGHT: ("weighted examples are not supported", "leave the importance out or make it 1"),
    WORDS: ("more than label, importance and 'tag before |", "leave it out"),
    NO_BAR: ("no | in a Vowpal Wabbit line", "write label |namespace name:value"),
    SCALE: ("scale of a namespace is not a finite number", "write |namespace:1.5 or |namespace"),
    NAMELESS: ("nothing before the colon", "write index:value"),
    INDEX: ("index is not a whole number of 0 or more", "write index:value"),
    LARGE: (f"index is above {LARGEST}", "count the columns from 0 or 1"),
    NO_VALUE: ("no value", "write index:value"),
    VALUE: ("value is not a finite number", "write a decimal number such as 1.5 or 1e-3"),
}
MAGIC: dict[bytes, Any] = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ\0": lzma.open}

Fault = tuple[str, str, str]  # what is wrong, what was found, what to do


class File(NamedTuple):
    """The examples of `path` in order; compression is told by the first bytes, the format by the first example.

    svmlight: `label index:value ... # comment`; qid:n is ignored. Column j is the file's index j, unshifted, so a file
    that counts from 1 leaves column 0 empty. Vowpal Wabbit (there is a |): `label [1] ['tag]|namespace[:scale]
    name[:value] ... |namespace ...`; no value means 1, no constant is added. In the namespace that the file names
    first a whole-number name is the column itself; any other feature has column (h ^ h >> bits) mod 2^bits, where h
    is the 32-bit FNV-1a hash of the bytes `namespace|name`, 1 <= bits <= 30. In both formats equal columns of a row
    are added up, blank lines and lines that begin with # are skipped, and a number is Python's float(token).

    `labels` = (NEG, POS) are the file's names for -1 and +1. `cache` = True keeps the rows in binary form in the cache
    folder, a path there, once they were all read; later passes read that until the file is written to. A pass opens the
    file once and reads forwards, so a FIFO has one. Malformed input is a ValueError `path:line: what is wrong, found
    'token', what to do`, raised after the rows before that line; a file that cannot be opened or read is an OSError.
    """

    path: str
    labels: tuple[float, float] | None = None
    bits: int = 18
    cache: bool | str = False

    def blocks(self, signed: bool) -> Iterator[Sparse]:
        """Blocks of up to 8192 rows or 2^18 entries, cut by content; `signed` asks for labels -1, +1 (a 0 is a -1)."""
        if not 1 <= self.bits <= 30:
            raise ValueError(f"{self.path}: bits = {self.bits} is not one of 1 .. 30")
        if self.labels is not None and self.labels[0] == self.labels[1]:
            raise ValueError(f"{self.path}: labels = {self.labels} are not two different numbers")
        d, pair, block = 0, self.labels, None
        for block in self._rows():
            indptr, indices, values, y, lines = block
            low = y[(y == 0.0) | (y == -1.0)]
            if signed and pair is None and low.size:
                pair = float(low[0]), 1.0
            names = pair or ((-1.0, 1.0) if signed else None)
            strange = np.flatnonzero((y != names[0]) & (y != names[1]) if names else y[:0])
            added = np.isinf([values.max(initial=0.0), values.min(initial=0.0)]).any()
            infinite = np.searchsorted(indptr, np.flatnonzero(np.isinf(values)) if added else [], "right") - 1
            good = int(min([len(y), *strange[:1], *infinite[:1]]))
            end = indptr[good]
            d = max(d, int(indices[:end].max(initial=-1)) + 1)
            if good:
                signs = np.where(y == names[1], 1.0, -1.0) if names else y
                yield Sparse(indptr[: good + 1], indices[:end], values[:end], signs[:good], d)
            if good in strange:
                raise _error(self.path, lines[good], _strange(y[good], self.labels))
            if good < len(y):
                raise _error(self.path, lines[good], ("equal columns add up to infinity", "inf", "write them once"))
        if block is None:
            raise ValueError(f"{self.path}: no examples")

    def _rows(self) -> Iterator[tuple[Array, ...]]:
        if not self.cache:
            return _blocks(self.path, self.bits)
        if not os.path.isfile(self.path):
            os.stat(self.path)
            raise ValueError(f"{self.path}: only of a regular file can a cache be kept")
        where, origin = binary.place(self.path, self.bits, self.cache), binary.source(self.path, self.bits)
        return binary.read(where, origin) or binary.written(where, origin, _blocks(self.path, self.bits))


def _strange(label: float, labels: tuple[float, float] | None) -> Fault:
    wrong = "labels 0 and -1 in one file" if label in (0.0, -1.0) else "label is not -1, 0 or 1"
    wrong = wrong if labels is None else f"label is not one of labels = {labels}"
    return wrong, repr(float(label)).removesuffix(".0"), "give labels=(NEG, POS), on the command line --labels NEG,POS"


def _error(path: str, line: int, fault: Fault) -> ValueError:
    wrong, found, remedy = fault
    return ValueError(f"{path}:{line}: {wrong}, found {found[:40]!r}, {remedy}")


def _word(text: bytearray, at: int) -> str:
    return b"".join(text[at : at + 160].split()[:1]).decode(errors="replace")


def _stretches(file: io.BufferedIOBase) -> Iterator[tuple[bytearray, int, Fault | None]]:
    """The file in whole lines text[:stop], `text` being used again and again; a fault ends it early."""
    text, size, over, fault = bytearray(CHUNK + 1 + SLACK), 0, False, None
    while not over:
        if size == len(text) - 1 - SLACK:
            text = text + bytes(size)
        view, before = memoryview(text)[: -1 - SLACK], size
        while size < len(view) and not over:
            try:
                read = file.readinto1(view[size : size + (1 << 18)])
            except (EOFError, zlib.error, lzma.LZMAError, OSError) as error:
                if isinstance(error, OSError) and error.errno is not None:
                    raise
                fault, read = ("compressed data are cut short or damaged", str(error), "compress the file again"), 0
            size, over = size + read, not read
        if over and not fault:
            text[size] = NEWLINE
            size += 1
        stop = text.rfind(b"\n", before, size) + 1
        if size - stop > LONGEST:
            over, fault = True, (f"line is longer than {LONGEST} bytes", _word(text, stop), "split it")
        if stop or fault:
            yield text, stop, fault
            size -= stop
            text[:size] = text[stop : stop + size]


def _namespace(text: bytearray, stop: int) -> bytes | None:
    """The first namespace behind its bar, b"" for svmlight, None where text[:stop] has no example."""
    example = re.compile(rb"^[ \t\r]*+([^\s#][^\n]*)", re.M).search(text, 0, stop)
    if example is None:
        return None
    _, bar, rest = re.split(rb"[ \t]#", example[1])[0].partition(b"|")
    return bar + re.split(rb"[\s:|]", rest)[0] if bar else b""


def _blocks(path: str, bits: int) -> Iterator[tuple[Array, ...]]:
    """(indptr, indices, values, y, line numbers) of every block, with the file's own labels."""
    if os.path.isdir(path):
        raise ValueError(f"{path}: is a directory, name a file")
    room = [np.zeros(ROWS + 1, np.int64), np.empty(ROWS), np.empty(ROWS, np.int64)]
    room += [np.empty(1 << 16, np.int32), np.empty(1 << 16), np.empty((1 << 12, 6), np.int64)]
    space, line, rows, entries, mixed, fault = None, 1, 0, 0, False, None
    with open(path, "rb") as source:
        head = source.peek(6)[:6]
        unpack = next((MAGIC[magic] for magic in MAGIC if head and magic[: len(head)] == head[: len(magic)]), None)
        for buffer, stop, fault in _stretches(unpack(source) if unpack else source):
            space = _namespace(buffer, stop) if space is None else space
            text, name, at = np.frombuffer(buffer, np.uint8), np.frombuffer(space or b"", np.uint8), 0
            while at < stop:
                state = parse(text, at, stop, line, name, bits, rows, entries, ENTRIES, *room)
                code, at, line, rows, entries, late, jumbled = state
                infinite = _settle(buffer, room[5][:late], room[1], room[4])
                if infinite:
                    code, at, rows = infinite
                    line = room[2][rows]
                mixed |= jumbled
                if code > CROWDED:
                    stop, fault = 0, (FAULTS[code][0], _word(buffer, at), FAULTS[code][1])
                elif code == CROWDED:
                    room[3:] = [np.concatenate([old, np.empty_like(old)]) for old in room[3:]]
                elif rows == ROWS or entries >= ENTRIES:
                    yield _cut(room, rows, mixed)
                    rows, entries, mixed = 0, 0, False
            if fault:
                break
    if rows:
        yield _cut(room, rows, mixed)
    if fault:
        raise _error(path, line, fault)


def _settle(text: bytearray, rough: Array, y: Array, values: Array) -> tuple[int, int, int] | None:
    """Fill in the numbers that were left to float(); (fault, place in the text, row) of the first infinite one."""
    number = np.array([float(text[a:b] or b"1") for a, b in rough[:, 2:4].tolist()])
    scale = np.array([float(text[a:b] or b"1") for a, b in rough[:, 4:].tolist()] if rough[:, 5].any() else [1.0])
    steep, label = np.isinf(scale) | np.zeros(len(rough), bool), rough[:, 1] < 0
    with np.errstate(over="ignore", invalid="ignore"):
        number *= scale
    y[rough[label, 0]], values[rough[~label, 1]] = number[label], number[~label]
    for k in np.flatnonzero(~np.isfinite(number)):
        return LABEL if label[k] else SCALE if steep[k] else VALUE, rough[k, 4 if steep[k] else 2], rough[k, 0]
    return None


def _cut(room: list[Array], rows: int, mixed: bool) -> tuple[Array, ...]:
    """A copy of the first rows; `mixed` where some row's columns do not rise."""
    indptr, end = room[0][: rows + 1].copy(), room[0][rows]
    indices, values = room[3][:end].copy(), room[4][:end].copy()
    if mixed:
        end = merge(indptr, indices, values, np.full((1 << int(2 * np.diff(indptr).max()).bit_length(), 2), -1))
    return indptr, indices[:end], values[:end], room[1][:rows].copy(), room[2][:rows].copy()
