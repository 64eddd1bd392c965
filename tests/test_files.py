"""Files of examples against a parser that is slow and obvious, and against the counts of known data."""

import bz2
import gzip
import lzma
import math
import os
import threading
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oco.streams import files
from oco.streams.files import File

PACK: dict[str, Callable[[bytes], bytes]] = {
    "plain": bytes,
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lambda data: lzma.compress(data, preset=0),
}


# A parser that is slow and obvious


def fnv(data: bytes, bits: int) -> int:
    h: int = 2166136261
    for byte in data:
        h = (h ^ byte) * 16777619 & 0xFFFFFFFF
    return (h ^ h >> bits) & (1 << bits) - 1


def naive(text: str, bits: int = 18) -> list[tuple[float, dict[int, float]]]:
    """(label, {column: value}) of every example, columns in the order in which they appear."""
    lines = [line for line in text.replace("\r", " ").split("\n") if line.strip() and line.strip()[0] != "#"]
    wabbit = bool(lines) and "|" in (" " + lines[0].replace("\t", " ")).split(" #")[0]
    return _naive_wabbit(lines, bits) if wabbit else _naive_svmlight(lines)


def _naive_svmlight(lines: list[str]) -> list[tuple[float, dict[int, float]]]:
    rows = []
    for line in lines:
        label, *words = line.partition("#")[0].split()
        row: dict[int, float] = {}
        for word in words:
            index, _, value = word.partition(":")
            if index != "qid":
                row[int(index)] = row[int(index)] + float(value) if int(index) in row else float(value)
        rows.append((float(label), row))
    return rows


def _naive_wabbit(lines: list[str], bits: int) -> list[tuple[float, dict[int, float]]]:
    rows = []
    first = None
    for line in lines:
        head, *spaces = line.split("|")
        row: dict[int, float] = {}
        for space in spaces:
            words = (" " + space if space[:1].isspace() or not space else space).replace("\t", " ").split(" ")
            name, _, scale = words[0].partition(":")
            first = name if first is None else first
            for word in filter(None, words[1:]):
                feature, colon, token = word.partition(":")
                value = (float(token) if colon else 1.0) * (float(scale) if scale else 1.0)
                whole = feature.isdigit() and name == first
                column = int(feature) if whole else fnv(f"{name}|{feature}".encode(), bits)
                row[column] = row[column] + value if column in row else value
        rows.append((float(head.split()[0]), row))
    return rows


# Comparison


def write(path: Path, text: str | bytes, pack: str = "plain") -> str:
    path.write_bytes(PACK[pack](text.encode() if isinstance(text, str) else text))
    return str(path)


def read(path: str, signed: bool = False, **options: Any) -> list[tuple[float, bytes, bytes]]:
    """The rows of all blocks as (label, bytes of the columns, bytes of the values), blocks checked on the way."""
    rows = []
    d = 0
    for block in File(path, **options).blocks(signed):
        rows += flat(block)
        assert block.d >= d
        d = block.d
        assert d == max([int(np.frombuffer(columns, np.int32).max(initial=-1)) for _, columns, _ in rows]) + 1
    return rows


def flat(block: Any) -> list[tuple[float, bytes, bytes]]:
    assert (block.indptr.dtype, block.indices.dtype, block.values.dtype, block.y.dtype) == ("i8", "i4", "f8", "f8")
    assert block.indptr[0] == 0 and block.indptr[-1] == len(block.indices) == len(block.values)
    assert 0 < len(block.y) == len(block.indptr) - 1 <= files.ROWS
    cuts = list(zip(block.indptr[:-1], block.indptr[1:], strict=True))
    return [
        (float(y), block.indices[a:b].tobytes(), block.values[a:b].tobytes())
        for y, (a, b) in zip(block.y, cuts, strict=True)
    ]


def outcome(path: str, signed: bool = False, **options: Any) -> tuple[list[tuple[float, bytes, bytes]], str]:
    """The rows and, where reading ends in an error, its text."""
    rows, told = [], ""
    try:
        for block in File(path, **options).blocks(signed):
            rows += flat(block)
    except ValueError as error:
        told = str(error)
    assert told == "" or (told.startswith(path) and len(told.splitlines()) == 1)
    return rows, told


def expected(text: str, bits: int = 18) -> list[tuple[float, bytes, bytes]]:
    return [
        (y, np.array(list(row), np.int32).tobytes(), np.array(list(row.values()), float).tobytes())
        for y, row in naive(text, bits)
    ]


# Generated text

NUMBERS = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.floats(-1e6, 1e6).map("{:.6g}".format),
    st.floats(-2.3e-308, 2.3e-308).map("{:.17e}".format),
    st.integers(-(10**25), 10**25).map(str),
    st.integers(2**53 - 3, 2**53 + 3).map(str),
    st.from_regex(r"[+-]?([0-9]{1,3}\.?|[0-9]{1,25}\.[0-9]{0,25}|\.[0-9]{1,25})([eE][+-]?[0-9]{1,3})?", fullmatch=True),
    st.sampled_from(
        [
            "1",
            "+1",
            "-1",
            "1.5",
            ".5",
            "1e-3",
            "6.2699720e-02",
            "-0",
            "0e999",
            "5e-324",
            "2.4e-324",
            "1.",
            "1.7976931348623157e308",
            "9007199254740993",
            "1" + "0" * 40,
            "0." + "0" * 400 + "1e400",
            "00012",
            "1e22",
            "1e23",
            "1e0000000000000000000000001",
            "123456789012345678901234567890e-30",
        ]
    ),
).filter(lambda token: math.isfinite(float(token)))
SMALL = st.floats(-99, 99).map("{:.5g}".format)
GAPS = st.sampled_from([" ", " ", " ", "  ", "\t", " \t "])
TAILS = st.sampled_from(["", "", "", " ", "\t", "\r", " \r"])
IGNORED = st.sampled_from(["", "   ", "\t\r", "# 1:2 | 3", "  #", "#|"])
COLUMNS = st.one_of(st.integers(0, 12), st.integers(0, 2**31 - 2), st.sampled_from(["007", "2147483646"])).map(str)
NAMES = st.text(st.sampled_from("abz019_^#'.-é"), min_size=1, max_size=6)


@st.composite
def svmlight(draw: st.DrawFn) -> str:
    lines = []
    for _ in range(draw(st.integers(1, 8))):
        words = [draw(NUMBERS)] + ["qid:7"] * draw(st.integers(0, 1))
        words += [f"{column}:{value}" for column, value in draw(st.lists(st.tuples(COLUMNS, NUMBERS), max_size=6))]
        text = "".join(draw(GAPS) + word for word in words)[draw(st.integers(0, 1)) :]
        lines += draw(st.lists(IGNORED, max_size=2))
        lines.append(text + draw(st.sampled_from(["", "", " # 5:6|7", "#x", " #"])) + draw(TAILS))
    return "\n".join(lines) + draw(st.sampled_from(["", "\n", "\r\n", "\n\n"]))


@st.composite
def wabbit(draw: st.DrawFn) -> str:
    lines = []
    for _ in range(draw(st.integers(1, 6))):
        text = draw(NUMBERS) + draw(st.sampled_from([" ", " 1 ", "\t1.0 ", " 'tag", " 'a#b ", " 1 tag"]))
        for _ in range(draw(st.integers(1, 3))):
            text += "|" + draw(st.sampled_from(["", "f", "f", "gé", "1", "f:2.5", "f:1e-30", "x:0.123456789012345678"]))
            for name in draw(st.lists(st.one_of(COLUMNS, NAMES), max_size=5)):
                text += draw(GAPS) + name + draw(st.one_of(st.just(""), SMALL.map(":{}".format), HARD))
            text += draw(st.sampled_from([" ", " ", "\t"]))
        lines += draw(st.lists(IGNORED, max_size=2))
        lines.append(text + draw(TAILS))
    return "\n".join(lines) + draw(st.sampled_from(["", "\n", "\r\n"]))


# Below 1e200 nothing adds up to infinity.
HARD = NUMBERS.filter(lambda token: abs(float(token)) < 1e200).map(":{}".format)
TEXTS = st.one_of(svmlight().filter(lambda text: finite(text)), wabbit().filter(lambda text: finite(text)))

PIECES = [*"10-+.e:|#' \t\r\nf", "qid:", "1:2 ", "1 |f ", "\n1 ", "9" * 12]
ANY = st.one_of(
    st.lists(st.sampled_from(PIECES), max_size=30).map(lambda pieces: "".join(pieces).encode()),
    st.tuples(st.sampled_from([b"1 1:1\n", b"1 |f 1\n"]), st.lists(st.sampled_from(PIECES), max_size=30)).map(
        lambda parts: parts[0] + "".join(parts[1]).encode()
    ),
    st.binary(max_size=60).filter(lambda data: not data.startswith((b"\x1f", b"B", b"\xfd"))),
)
PACKS = st.sampled_from(sorted(PACK))


def finite(text: str) -> bool:
    return all(math.isfinite(value) for _, row in naive(text) for value in row.values())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("files")


@settings(max_examples=250, deadline=None)
@given(text=TEXTS, pack=PACKS, bits=st.sampled_from([18, 3, 30]))
def test_equals_the_naive_parser(folder: Path, text: str, pack: str, bits: int) -> None:
    assert read(write(folder / "data", text, pack), bits=bits) == expected(text, bits)


@settings(max_examples=120, deadline=None)
@given(text=TEXTS, chunk=st.integers(7, 64), rows=st.integers(1, 4), entries=st.integers(1, 9), pack=PACKS)
def test_does_not_depend_on_chunks(folder: Path, text: str, chunk: int, rows: int, entries: int, pack: str) -> None:
    path = write(folder / "data", text, pack)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "ROWS", rows)
        patch.setattr(files, "ENTRIES", entries)
        whole = [flat(block) for block in File(path).blocks(False)]
        patch.setattr(files, "CHUNK", chunk)
        assert [flat(block) for block in File(path).blocks(False)] == whole
    assert [row for block in whole for row in block] == expected(text)


@settings(max_examples=60, deadline=None)
@given(text=TEXTS)
def test_compiled_equals_interpreted(folder: Path, text: str) -> None:
    path = write(folder / "data", text)
    compiled = outcome(path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "parse", files.parse.plain)
        patch.setattr(files, "merge", files.merge.plain)
        assert outcome(path) == compiled


@settings(max_examples=300, deadline=None)
@given(text=ANY, chunk=st.integers(7, 64))
def test_any_bytes_have_one_outcome(folder: Path, text: bytes, chunk: int) -> None:
    path = write(folder / "data", text)
    compiled = outcome(path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "CHUNK", chunk)
        assert outcome(path) == compiled
        patch.setattr(files, "parse", files.parse.plain)
        patch.setattr(files, "merge", files.merge.plain)
        assert outcome(path) == compiled


def test_numbers_are_rounded_as_python_rounds(folder: Path) -> None:
    rng = np.random.default_rng(0)
    tokens = [f"{m}e{e}" for m, e in zip(rng.integers(0, 2**54, 20000), rng.integers(-45, 46, 20000), strict=True)]
    tokens += [repr(x) for x in rng.integers(0, 2**63 - 2**53, 20000).view(float).tolist() if math.isfinite(x)]
    tokens += [repr(x) for x in rng.random(20000).tolist()]
    path = write(folder / "numbers", "".join(f"1 0:{token}\n" for token in tokens))
    values = np.concatenate([block.values for block in File(path).blocks(True)])
    assert values.tobytes() == np.array([float(token) for token in tokens]).tobytes()


def test_more_entries_than_there_is_room_for_at_first(folder: Path) -> None:
    many = " ".join(f"{3 * k + 1}:{k}.{'5' * 20}" for k in range(150_000))
    text = f"1 1:1\n-1 {many}\n1 0:1 0:2\n"
    assert read(write(folder / "wide", text, "gz"), True) == expected(text)


def test_a_row_without_features_and_columns_seen_so_far(folder: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "ROWS", 1)
        blocks = list(File(write(folder / "d", "1\n-1 5:1\n1 2:1\n")).blocks(True))
    assert [block.d for block in blocks] == [0, 6, 6]
    assert [len(block.indices) for block in blocks] == [0, 1, 1]


def test_hash_of_a_feature_is_fixed(folder: Path) -> None:
    published = 0xBF9CF968  # FNV-1a of "foobar"
    assert fnv(b"foobar", 18) == (published ^ published >> 18) % 2**18
    (block,) = File(write(folder / "hash", "1 |f 12 cat:2 |g 12")).blocks(True)
    assert block.indices.tolist() == [12, fnv(b"f|cat", 18), fnv(b"g|12", 18)] == [12, 97644, 256111]
    assert block.values.tolist() == [1, 2, 1]


# Labels


def test_labels(folder: Path) -> None:
    def labels(text: str, signed: bool, pair: tuple[float, float] | None = None) -> list[float]:
        return [y for y, _, _ in read(write(folder / "labels", text), signed, labels=pair)]

    assert labels("1\n-1\n+1", True) == [1, -1, 1]
    assert labels("1\n0\n1.0", True) == [1, -1, 1]
    assert labels("1\n0\n1.0", False) == [1, 0, 1]
    assert labels("1.5\n-0.25", False) == [1.5, -0.25]
    assert labels("1\n2", True, (2, 1)) == labels("1\n2", False, (2, 1)) == [1, -1]
    assert labels("0\n-1", True, (0, -1)) == [-1, 1]


def test_labels_are_remembered_from_block_to_block(folder: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "ROWS", 2)
        check(folder, "1\n0\n1\n\n1\n-1\n", 6, "labels 0 and -1 in one file, found '-1', give labels=(NEG, POS)", 4)


# Errors


def check(
    folder: Path, text: str | bytes, line: int, message: str, rows: int, pack: str = "plain", **options: Any
) -> None:
    """The one line of the error, and the rows before it, for chunks of all sizes."""
    path = write(folder / "bad", text, pack)
    for chunk in (7, 16, 64, 1 << 22):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(files, "CHUNK", chunk)
            seen, told = outcome(path, True, **options)
        assert told.startswith(f"{path}:{line}: {message}")
        assert len(seen) == rows


BAD_SVMLIGHT = {
    "1 3": "no value, found '3', write index:value",
    "1 3:": "no value, found '3:', write index:value",
    "1 3:#": "no value, found '3:#', write index:value",
    "1 3: 4": "no value, found '3:', write index:value",
    "1 :4": "nothing before the colon, found ':4', write index:value",
    "1 a:4": "index is not a whole number of 0 or more, found 'a:4', write index:value",
    "1 1.5:4": "index is not a whole number of 0 or more, found '1.5:4', write index:value",
    "1 cat": "index is not a whole number of 0 or more, found 'cat', write index:value",
    "1 -3:4": "index is not a whole number of 0 or more, found '-3:4', write index:value",
    "1 |f 3:4": "index is not a whole number of 0 or more, found '|f', write index:value",
    "1 2147483647:1": "index is above 2147483646, found '2147483647:1', count the columns from 0 or 1",
    "1 18446744073709551617:1": "index is above 2147483646, found '18446744073709551617:1', count",
    "1 3:x": "value is not a finite number, found '3:x', write a decimal number such as 1.5 or 1e-3",
    "1 3:1x": "value is not a finite number, found '3:1x', write",
    "1 3:1:2": "value is not a finite number, found '3:1:2', write",
    "1 3:nan": "value is not a finite number, found '3:nan', write",
    "1 3:-inf": "value is not a finite number, found '3:-inf', write",
    "1 3:1_0": "value is not a finite number, found '3:1_0', write",
    "1 3:1e": "value is not a finite number, found '3:1e', write",
    "1 3:.": "value is not a finite number, found '3:.', write",
    "1 3:0x1": "value is not a finite number, found '3:0x1', write",
    "1 3:1e999": "value is not a finite number, found '1e999', write",
    "1 3:" + "7" * 400: f"value is not a finite number, found '{'7' * 40}', write",
    "1 5:1 3:1e308 3:1e308": "equal columns add up to infinity, found 'inf', write them once",
    "nan 3:4": "label is not a finite number, found 'nan', begin the line with a decimal number",
    "inf 3:4": "label is not a finite number, found 'inf', begin",
    "-1e999 3:4": "label is not a finite number, found '-1e999', begin",
    "3:4": "label is not a finite number, found '3:4', begin",
    "cat": "label is not a finite number, found 'cat', begin",
    "é\x1b\x00 1:1": "label is not a finite number, found 'é\\x1b\\x00', begin",
    "y" * 99: f"label is not a finite number, found '{'y' * 40}', begin",
    "3 1:1": "label is not -1, 0 or 1, found '3', give labels=(NEG, POS), on the command line --labels NEG,POS",
    "1.5 1:1": "label is not -1, 0 or 1, found '1.5', give labels=(NEG, POS), on the command line --labels NEG,POS",
    "0 1:1": "labels 0 and -1 in one file, found '0', give labels=(NEG, POS), on the command line --labels NEG,POS",
}


@pytest.mark.parametrize("bad", BAD_SVMLIGHT)
def test_svmlight_errors(folder: Path, bad: str) -> None:
    if "|" not in bad and bad[0] != "0":
        check(folder, f"{bad}\n1 1:1\n-1\n", 1, BAD_SVMLIGHT[bad], 0)
    check(folder, f"# a\r\n-1 3:4 # b\r\n\n1 2:1e-1 4:0.{'3' * 30}\n \t\n{bad}\n1 x:y\n", 6, BAD_SVMLIGHT[bad], 2)
    check(folder, f"-1 3:4\n{bad}", 2, BAD_SVMLIGHT[bad], 1, "xz")


BAD_WABBIT = {
    "|f 3": "no label, found '|f', write label, space, |namespace (a word that touches | is a tag)",
    "1|f 3": "no label, found '1|f', write label, space, |namespace (a word that touches | is a tag)",
    "'tag |f 3": 'no label, found "\'tag", write label, space',
    "1 2.0 |f 3": "weighted examples are not supported, found '2.0', leave the importance out or make it 1",
    "1 0 'tag|f 3": "weighted examples are not supported, found '0', leave",
    "1 1 0.5 |f 3": "more than label, importance and 'tag before |, found '0.5', leave it out",
    "1 x y|f 3": "more than label, importance and 'tag before |, found 'x', leave it out",
    "1 'x 1 |f 3": "more than label, importance and 'tag before |, found '1', leave it out",
    "1 3:4": "more than label, importance and 'tag before |, found '3:4', leave it out",
    "1": "no | in a Vowpal Wabbit line, found '1', write label |namespace name:value",
    "nan |f 3": "label is not a finite number, found 'nan', begin",
    "1 |f:x 3": "scale of a namespace is not a finite number, found '|f:x', write |namespace:1.5 or |namespace",
    "1 |f: 3": "scale of a namespace is not a finite number, found '|f:', write |namespace:1.5 or |namespace",
    "1 |f:1e999 3": "scale of a namespace is not a finite number, found '1e999', write",
    "1 |f:1e200 3:1e200": "value is not a finite number, found '1e200', write",
    "1 |f :3": "nothing before the colon, found ':3', write index:value",
    "1 |f a:": "no value, found 'a:', write index:value",
    "1 |g a:b": "value is not a finite number, found 'a:b', write",
    "1 |f a:nan": "value is not a finite number, found 'a:nan', write",
    "1 |f 2147483647": "index is above 2147483646, found '2147483647', count",
    "2 |f 3": "label is not -1, 0 or 1, found '2', give labels=(NEG, POS), on the command line --labels NEG,POS",
}


@pytest.mark.parametrize("bad", BAD_WABBIT)
def test_wabbit_errors(folder: Path, bad: str) -> None:
    check(folder, f"# a\n\n-1 1 'tag |f 3:4 x |g:2 y\n1 'u|f 3 # z\n{bad}\n1 |f x:y\n", 5, BAD_WABBIT[bad], 2)
    if "|" in bad:
        check(folder, f"{bad}\n1 |f a\n", 1, BAD_WABBIT[bad], 0)


def test_label_that_is_not_of_the_pair(folder: Path) -> None:
    wrong = "label is not one of labels = (2, 1), found '0', give labels=(NEG, POS), on the command line --labels"
    check(folder, "1 1:1\n2 1:1\n0 1:1\n", 3, wrong, 2, labels=(2, 1))


@pytest.mark.parametrize("pack", ["gz", "bz2", "xz"])
def test_compressed_file_that_is_cut_short_or_damaged(folder: Path, pack: str) -> None:
    whole = PACK[pack]("".join(f"1 {k}:{math.sqrt(k)}\n" for k in range(1, 20000)).encode())
    for size in (len(whole) - 20, len(whole) // 2, 11):
        path = write(folder / "short", whole[:size])
        rows, told = outcome(path)
        assert told.startswith(f"{path}:{len(rows) + 1}: compressed data are cut short or damaged, found 'Compressed")
        assert told.endswith("', compress the file again")
        # bzip2 gives whole blocks of 900 kB only.
        assert pack == "bz2" or len(rows) > (size - 2000) / len(whole) * 18000
    damaged = bytearray(whole)
    damaged[len(whole) // 2] ^= 0xFF
    with pytest.raises(ValueError, match=r"short:\d+: "):
        list(File(write(folder / "short", bytes(damaged))).blocks(True))


def test_line_that_is_too_long(folder: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "LONGEST", 200)
        text = "1 1:1\n\n-1 " + " ".join(f"{k}:1" for k in range(100))
        patch.setattr(files, "CHUNK", 64)
        with pytest.raises(ValueError, match=":3: line is longer than 200 bytes, found '-1', split it"):
            list(File(write(folder / "long", text)).blocks(True))


def test_what_is_no_file_of_examples(folder: Path) -> None:
    for text in ("", "\n\n", "# nothing\n  \n\r\n"):
        for pack in PACK:
            path = write(folder / "empty", text, pack)
            assert outcome(path) == ([], f"{path}: no examples")
    with pytest.raises(FileNotFoundError):
        list(File(str(folder / "absent")).blocks(True))
    with pytest.raises(ValueError, match="is a directory, name a file"):
        list(File(str(folder)).blocks(True))
    garbage = np.random.default_rng(1).bytes(100_000)
    check(folder, b"\x80" + garbage, 1, "label is not a finite number, found '\ufffd", 0)
    check(folder, "\ufeff1 1:1".encode("utf-16"), 1, "label is not a finite number, found '", 0)


def test_parameters_that_make_no_sense(folder: Path) -> None:
    path = write(folder / "fine", "1 1:1")
    for options in ({"bits": 0}, {"bits": 31}, {"labels": (1, 1)}):
        with pytest.raises(ValueError, match=next(iter(options))):
            list(File(path, **options).blocks(True))


# Streams


def test_memory_is_bounded(folder: Path) -> None:
    lines = "".join(f"{k % 2} {k}:1.5 {k + 7}:0.25 {3 * k + 11}:1e-3 {9 * k + 12}:7\n" for k in range(30_000)).encode()
    with gzip.open(folder / "big.gz", "wb", compresslevel=1) as file:
        for _ in range(60_000_000 // len(lines)):
            file.write(lines)
    list(File(write(folder / "small", "1 2:1 2:1")).blocks(True))
    tracemalloc.start()
    rows = sum(len(block.y) for block in File(str(folder / "big.gz")).blocks(True))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert rows == 60_000_000 // len(lines) * 30_000
    assert peak < 16_000_000


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
@pytest.mark.parametrize("pack", sorted(PACK))
def test_a_pipe_is_read_once_whatever_its_portions(folder: Path, pack: str) -> None:
    text = "".join(f"1 {k}:{k}.5 # c\n" for k in range(20_000))
    data = PACK[pack](text.encode())
    path = folder / f"pipe-{pack}"
    os.mkfifo(path)

    def feed() -> None:
        with open(path, "wb", buffering=0) as pipe:
            pipe.write(data[:1])
            time.sleep(0.1)
            for k in range(1, len(data), 1 << 12):
                pipe.write(data[k : k + (1 << 12)])

    writer = threading.Thread(target=feed)
    writer.start()
    piped = [flat(block) for block in File(str(path)).blocks(True)]
    writer.join()
    assert piped == [flat(block) for block in File(write(folder / "unpiped", text)).blocks(True)]


# Known data


def joined(path: str, **options: Any) -> tuple[Any, Any, Any, Any, int]:
    blocks = list(File(path, **options).blocks(True))
    lengths = np.concatenate([np.diff(block.indptr) for block in blocks])
    indices = np.concatenate([block.indices for block in blocks])
    values = np.concatenate([block.values for block in blocks])
    return lengths, indices, values, np.concatenate([block.y for block in blocks]), blocks[-1].d


@pytest.mark.parametrize(
    ("name", "labels", "rows", "entries", "positive", "largest"),
    [
        ("a9a/a9a.gz", None, 32561, 451592, 7841, 123),
        ("a9a/a9a.t.gz", None, 16281, 225731, 3846, 122),
        ("mushrooms/mushrooms.gz", (2, 1), 8124, 170604, 3916, 112),
        ("mushrooms/agaricus.txt.train.gz", None, 6513, 143286, 3140, 126),
        ("rcv1_vw/rcv1_small.dat.gz", None, 1000, 77739, 459, 47117),
        ("sms_spam/sms_spam.svm.gz", None, 5574, 77971, 747, 7924),
    ],
)
def test_counts(
    data_folder: Path, name: str, labels: Any, rows: int, entries: int, positive: int, largest: int
) -> None:
    lengths, indices, _, y, d = joined(str(data_folder / name), labels=labels)
    assert (len(y), len(indices), lengths.sum(), (y == 1.0).sum(), d) == (rows, entries, entries, positive, largest + 1)
    assert set(y) == {-1.0, 1.0}


def test_both_formats_of_the_same_data_agree(data_folder: Path) -> None:
    a = joined(str(data_folder / "rcv1_vw/rcv1_small.dat.gz"))
    b = joined(str(data_folder / "rcv1_vw/rcv1_small.svm.gz"))
    for one, other in zip(a[:2] + a[3:], b[:2] + b[3:], strict=True):
        assert np.array_equal(one, other)
    np.testing.assert_allclose(a[2], b[2], rtol=1e-5)


def test_real_labels_and_bzip2(data_folder: Path) -> None:
    blocks = list(File(str(data_folder / "news20_multiclass/news20.bz2")).blocks(False))
    assert sum(len(block.y) for block in blocks) == 15935
    assert sum(len(block.indices) for block in blocks) == 1272569
    assert set(np.concatenate([block.y for block in blocks])) == set(range(1, 21))
    assert blocks[-1].d == 62062
