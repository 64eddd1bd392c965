"""W2f: the stream of W2 from a file, one pass, parse included."""

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import oco
from experiments.bench import data, with_vw
from experiments.bench.contest import Entry, Options, contest
from experiments.bench.ours import played
from experiments.bench.rows import Row
from experiments.bench.w2 import ETA

BITS = 20


def rows(options: Options) -> Iterator[Row]:
    matrix, y = data.hashed_words(options.size(200_000, 500), BITS)
    text = options.folder / "words.vw"
    text.write_text("".join(with_vw.lines(matrix, y)))
    yield from _from_text(text, len(y), options)
    if "cache" in oco.File._fields:
        yield from _from_binary(text, len(y), options)
    else:
        yield Row("W2f", "from a binary form", "oco (not in this version)")


def _from_text(text: Path, n: int, options: Options) -> list[Row]:
    play = _play(oco.File(str(text)))
    others = [
        Entry("limit: read the file", lambda: _read(text), n, limit=True),
        Entry("Vowpal Wabbit, driver on text", lambda: with_vw.driver(text, ETA, BITS, None), n, 2.0, tolerance=1e-4),
    ]
    case = f"from text, {text.stat().st_size / 1e6:.0f} MB"
    return contest("W2f", case, Entry("oco", lambda: play, n), others, options, cache(lambda _: play()))


def _from_binary(text: Path, n: int, options: Options) -> list[Row]:
    """Both read what they made of the text in a run before, which is not timed."""
    own, theirs = text.with_suffix(".oco"), text.with_suffix(".cache")
    play = _play(oco.File(str(text), cache=str(own)))
    play()
    name = "Vowpal Wabbit, driver on its cache"
    others = [
        Entry("limit: read the file", lambda: _read(own), n, limit=True),
        Entry(name, lambda: with_vw.driver(text, ETA, BITS, theirs), n, 4.0, tolerance=1e-4),
    ]
    case = f"from a binary form, {own.stat().st_size / 1e6:.0f} MB"
    return contest("W2f", case, Entry("oco", lambda: play, n), others, options, cache(lambda _: play()))


def _play(file: oco.File) -> Callable[[], float]:
    return played(file, oco.AdaGrad(ETA), loss=oco.Logistic())


def _read(path: Path) -> Callable[[], None]:
    """Every byte of the file once, into one buffer."""
    buffer = bytearray(1 << 22)

    def call() -> None:
        with open(path, "rb", buffering=0) as file:
            while file.readinto(buffer):
                pass

    return call
