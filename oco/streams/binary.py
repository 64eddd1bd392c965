"""Rows of a text file kept in binary form beside it, or in the cache folder: read once as text, mapped ever after.

A header (magic, length, what the rows were read from), then block after block: numbers of rows and entries, the arrays
indptr, indices, values, y, lines, and a checksum of all that, little-endian, each padded to 64 bytes. The file gets its
name when it is whole; it is made anew where the text or the way to read it has changed since, or its length is wrong.
"""

import hashlib
import mmap
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from oco._cache import folder
from oco._jit import kernel

MAGIC = b"oco rows v1\n\0\0\0\0"
PAD = 64
KINDS = ("<i8", "<i4", "<f8", "<f8", "<i8")  # indptr, indices, values, y, lines
PRIME = np.uint64(0x9E3779B97F4A7C15)
BASIS = np.uint64(0xCBF29CE484222325)

Array = NDArray[Any]
Rows = tuple[Array, ...]


class Source(NamedTuple):
    """What rows were read from, and how: equal only if the text was not written to in between."""

    size: int
    modified: int  # ns
    changed: int  # ns: of the inode, where there are any, which no program sets back
    bits: int


def source(path: str, bits: int) -> Source:
    about = os.stat(path)
    return Source(about.st_size, about.st_mtime_ns, about.st_ctime_ns, bits)


def place(path: str, bits: int, chosen: Any) -> Path:
    """Where the binary form is: as chosen, or named after the file in the cache folder."""
    if chosen is not True:
        return Path(chosen)
    name = f"{os.path.abspath(path)}\0{bits}"
    return folder() / f"{Path(path).name}-{hashlib.sha256(name.encode()).hexdigest()[:16]}.rows"


@kernel
def checksum(words: Array) -> Any:
    """Of 64-bit words, a multiple of four: every change of one word changes it."""
    a, b, c, d = BASIS, BASIS + PRIME, BASIS ^ PRIME, PRIME
    for k in range(0, len(words) - 3, 4):
        a = (a ^ words[k]) * PRIME
        b = (b ^ words[k + 1]) * PRIME
        c = (c ^ words[k + 2]) * PRIME
        d = (d ^ words[k + 3]) * PRIME
    return (((a * PRIME ^ b) * PRIME ^ c) * PRIME) ^ d


def _counts(rows: int, entries: int) -> tuple[int, ...]:
    return rows + 1, entries, entries, rows, rows


def _lengths(rows: int, entries: int) -> list[int]:
    """Bytes of each array, as padded."""
    bytes_each = zip(_counts(rows, entries), KINDS, strict=True)
    return [-(-count * int(kind[2:]) // PAD) * PAD for count, kind in bytes_each]


def read(where: Path, origin: Source) -> Iterator[Rows] | None:
    """The blocks, or None if there is no whole file of this origin; a damaged block is a ValueError."""
    try:
        with open(where, "rb") as file:
            head = file.read(PAD)
            size = os.fstat(file.fileno()).st_size
            # A private mapping: its arrays are writable, like all others that kernels are compiled for.
            content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY) if size else b""
    except FileNotFoundError:
        return None
    if head[:16] != MAGIC or len(head) < PAD or head[16:] != _header(size, origin)[16:]:
        return None
    return _blocks(where, content, size)


def _header(size: int, origin: Source) -> bytes:
    return MAGIC + np.array([size, *origin, 0], "<i8").tobytes()


def _blocks(where: Path, content: Any, size: int) -> Iterator[Rows]:
    at = PAD
    while at < size:
        rows, entries = np.frombuffer(content, "<u8", 2, at).tolist()
        counts, lengths = _counts(rows, entries), _lengths(rows, entries)
        end = at + PAD + sum(lengths)
        words = np.frombuffer(content, "<u8", min(end + PAD, size) // 8 - at // 8, at)
        if end + PAD > size or checksum(words[: -PAD // 8]) != words[-PAD // 8]:
            raise ValueError(f"{where}: damaged after byte {at}; delete it, and it will be made anew")
        starts = np.cumsum([at + PAD, *lengths]).tolist()
        yield tuple(map(np.frombuffer, [content] * len(KINDS), KINDS, counts, starts))
        at = end + PAD


def written(where: Path, origin: Source, blocks: Iterator[Rows]) -> Iterator[Rows]:
    """The blocks as they come, kept in `where` once all have."""
    where.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=where.parent, prefix=where.name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(bytes(PAD))
            for block in blocks:
                file.write(_packed(block).data)
                yield block
            size = file.tell()
            file.seek(0)
            file.write(_header(size, origin))
        os.replace(temporary, where)
    finally:
        Path(temporary).unlink(missing_ok=True)


def _packed(block: Rows) -> Array:
    """The bytes of a block."""
    rows, entries = len(block[3]), len(block[1])
    lengths = _lengths(rows, entries)
    packed = np.zeros(sum(lengths) + 2 * PAD, np.uint8)
    packed[:16] = np.array([rows, entries], "<u8").view(np.uint8)
    at = PAD
    for part, kind, length in zip(block, KINDS, lengths, strict=True):
        packed[at : at + part.nbytes] = np.ascontiguousarray(part, kind).view(np.uint8)
        at += length
    words = packed.view("<u8")
    words[-PAD // 8] = checksum(words[: -PAD // 8])
    return packed
