"""The binary form of a file's rows: the same rows, never those of another text, damage noticed wherever it is."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import oco
from oco.streams import binary, files
from oco.streams.files import File

LINES = [f"{1 - 2 * (k % 2)} {k % 7}:{k}.25 {7 + k % 5}:-0.1 {20 + k}:1e-3" for k in range(500)]


@pytest.fixture
def text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(files, "ROWS", 64)  # several blocks
    path = tmp_path / "rows.svm"
    path.write_text("\n".join(LINES))
    return path


def rows(path: Path, **options: Any) -> list[Any]:
    blocks = list(File(str(path), **options).blocks(True))
    return [[part.tolist() if isinstance(part, np.ndarray) else part for part in block] for block in blocks]


def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts that are parsed from now on."""
    parsed: list[str] = []
    honest = files._blocks

    def noted(path: str, bits: int) -> Any:
        parsed.append(path)
        return honest(path, bits)

    monkeypatch.setattr(files, "_blocks", noted)
    return parsed


def test_same_rows_and_the_text_is_parsed_once(text: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain, parsed = rows(text), opened(monkeypatch)
    kept = text.with_name("kept")
    for _ in range(3):
        assert rows(text, cache=str(kept)) == plain
    assert parsed == [str(text)]
    assert [path.name for path in text.parent.iterdir() if path.name.startswith("kept")] == ["kept"]
    named = rows(text, cache=str(kept), labels=(1, -1))
    assert named == rows(text, labels=(1, -1)) != plain
    players = [oco.play(File(str(text), cache=cache), oco.AdaGrad(eta=0.1), loss=oco.Logistic())[0] for cache in
               (False, str(kept))]  # fmt: skip
    assert players[0].loss.tolist() == players[1].loss.tolist()


def test_place_in_the_cache_folder(text: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OCO_CACHE_DIR", str(text.parent / "kernels"))
    other = text.with_name("other.svm")
    other.write_text("1 1:1\n-1 2:1\n")
    for path in (text, other, text):
        assert rows(path, cache=True) == rows(path)
    assert len({binary.place(str(path), bits, True) for path in (text, other) for bits in (3, 4)}) == 4
    assert (
        sorted(path.suffix for path in (text.parent / "kernels").iterdir() if path.suffix == ".rows") == [".rows"] * 2
    )


def test_a_text_that_was_written_to_is_read_again(text: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = str(text.with_name("kept"))
    before = rows(text, cache=kept)
    parsed = opened(monkeypatch)
    about = os.stat(text)
    text.write_text(text.read_text().replace("0.1", "0.2"))  # of equal length
    os.utime(text, ns=(about.st_atime_ns, about.st_mtime_ns))  # and as old
    after = rows(text, cache=kept)
    assert after != before and after == rows(text)
    parsed.clear()
    assert rows(text, cache=kept) == after and not parsed  # the control: unchanged, it is not parsed
    wabbit = text.with_name("rows.vw")
    wabbit.write_text("1 |f a b:2\n-1 |f c\n")
    for bits in (4, 5, 4):
        assert rows(wabbit, bits=bits, cache=kept) == rows(wabbit, bits=bits)


def outcome(text: Path, kept: Path) -> str:
    try:
        return str(rows(text, cache=str(kept)))
    except ValueError as error:
        return str(error)


def test_every_flipped_bit_is_noticed(text: Path) -> None:
    kept = text.with_name("kept")
    plain = rows(text, cache=str(kept))
    whole = kept.read_bytes()
    rng = np.random.default_rng(0)
    for place in [*range(0, 200, 3), *rng.integers(200, len(whole), 300).tolist()]:
        damaged = bytearray(whole)
        damaged[place] ^= 1 << int(rng.integers(8))
        kept.write_bytes(damaged)
        if place < binary.PAD:  # the header: not of this text, made anew
            assert rows(text, cache=str(kept)) == plain
            assert kept.read_bytes() == whole
        else:
            told = outcome(text, kept)
            assert told.startswith(f"{kept}: damaged after byte ") or (told == str(plain) and place in idle(whole))
    kept.write_bytes(whole)
    assert rows(text, cache=str(kept)) == plain


def idle(whole: bytes) -> set[int]:
    """Bytes behind the checksum of each block, which nobody reads."""
    at, places = binary.PAD, set()
    while at < len(whole):
        rows, entries = np.frombuffer(whole, "<u8", 2, at).tolist()
        at += 2 * binary.PAD + sum(binary._lengths(rows, entries))
        places |= set(range(at - binary.PAD + 8, at))
    return places


def test_a_file_that_was_cut_is_made_anew(text: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = text.with_name("kept")
    plain = rows(text, cache=str(kept))
    whole, parsed = kept.read_bytes(), opened(monkeypatch)
    for size in (0, 1, 63, 64, len(whole) // 2, len(whole) - 1):
        kept.write_bytes(whole[:size])
        assert rows(text, cache=str(kept)) == plain
        assert kept.read_bytes() == whole
    assert len(parsed) == 6


def test_nothing_is_kept_of_a_pass_that_did_not_end(text: Path) -> None:
    kept = text.with_name("kept")
    oco.play(File(str(text), cache=str(kept)), oco.AdaGrad(eta=0.1), loss=oco.Logistic(), rounds=100)
    assert os.listdir(text.parent) == ["rows.svm"]
    text.write_text("\n".join([*LINES, "1 x:1"]))
    with pytest.raises(ValueError, match=":501: index is not a whole number"):
        rows(text, cache=str(kept))
    assert os.listdir(text.parent) == ["rows.svm"]


def test_labels_of_kept_rows_are_checked_with_their_lines(text: Path) -> None:
    kept = str(text.with_name("kept"))
    text.write_text("1 1:1\n\n# two\n2 1:1\n")
    assert [block.y.tolist() for block in File(str(text), cache=kept).blocks(False)] == [[1, 2]]
    for cache in (False, kept):
        with pytest.raises(ValueError, match=r"rows\.svm:4: label is not -1, 0 or 1, found '2'"):
            rows(text, cache=cache)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_only_regular_files(text: Path) -> None:
    with pytest.raises(FileNotFoundError):
        rows(text.with_name("absent"), cache=True)
    pipe = text.with_name("pipe")
    os.mkfifo(pipe)
    with pytest.raises(ValueError, match="pipe: only of a regular file can a cache be kept"):
        rows(pipe, cache=True)


def test_checksum_against_its_definition() -> None:
    words = np.random.default_rng(0).integers(0, 2**63, 64).astype(np.uint64)
    with np.errstate(over="ignore"):
        assert binary.checksum(words) == binary.checksum.plain(words)
        for k in range(64):
            changed = words.copy()
            changed[k] ^= np.uint64(1 << k)
            assert binary.checksum(changed) != binary.checksum(words)
