"""Every paper at a small size against its expected values, what its theorems allow, and the command."""

import gzip
import json
import os
import subprocess
import sys
from argparse import Namespace
from pathlib import Path

import numpy as np
import pytest

from papers import data, paper
from papers.__main__ import main

DRIFT = 1e-3  # what other processors and libraries may change


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    return tmp_path_factory.mktemp("papers")


def options(out, **changed):
    given = {"full": False, "test": True, "data": None, "fetch": False, "out": out, "force": False}
    return Namespace(**(given | changed))


@pytest.mark.parametrize("key", paper.keys())
def test_numbers_are_the_expected_ones(key, out, data_folder):
    outcome, _ = paper.run(key, options(out))
    expected = json.loads((paper.ROOT / key.replace("-", "_") / "expected.json").read_text())
    assert not outcome.missing and [number.name for number in outcome.numbers] == list(expected)
    for number in outcome.numbers:
        if isinstance(number.ours, str):
            assert number.ours == expected[number.name], number.name
        else:
            value = np.nan if expected[number.name] is None else expected[number.name]
            assert number.ours == pytest.approx(value, rel=DRIFT, abs=DRIFT, nan_ok=True), number.name
        if number.note == "1 at most":
            assert number.ours <= 1.0 + 1e-9, number.name
    assert any((out / key).glob("*.pdf")) and json.loads((out / key / "record.json").read_text())["numbers"]


def test_published_wealth_to_the_last_printed_digit(out, data_folder):
    outcome, _ = paper.run("agarwal2006", options(out))
    for number in outcome.numbers:
        if number.published is not None:
            assert abs(number.ours - number.published) <= 6e-5, number.name


def test_another_learner_is_not_expected(monkeypatch, out, data_folder):
    """Control: a step twice too long is seen."""
    import oco

    made = oco.OGD
    monkeypatch.setattr(oco, "OGD", lambda *eta: made(2.0 * eta[0]) if eta else made())
    outcome, _ = paper.run("zhang2018", options(out / "control", force=True))
    expected = json.loads((paper.ROOT / "zhang2018" / "expected.json").read_text())
    assert any(abs(number.ours / expected[number.name] - 1.0) > 10 * DRIFT for number in outcome.numbers)


def test_a_result_is_kept_and_drawn_again_without_computing(monkeypatch, tmp_path):
    first, result = paper.run("abernethy2008", options(tmp_path))
    (tmp_path / "abernethy2008" / "game.pdf").unlink()
    again, same = paper.run("abernethy2008", options(tmp_path))
    assert (tmp_path / "abernethy2008" / "game.pdf").exists()
    assert again.seconds == first.seconds and all(np.array_equal(result[name], same[name]) for name in result)
    # Controls: what computes is not what it was, and what is asked for is not.
    forced, _ = paper.run("abernethy2008", options(tmp_path, force=True))
    assert forced.seconds != first.seconds
    monkeypatch.setattr("oco.play", None)
    with pytest.raises(TypeError):
        paper.run("abernethy2008", options(tmp_path))
    monkeypatch.undo()
    monkeypatch.setattr(paper.script("abernethy2008"), "SIZES", {"test": {"rounds": 301, "d": 5}})
    assert paper.run("abernethy2008", options(tmp_path))[1]["rounds"] == 301


def test_without_data_it_says_what_to_get_and_goes_on(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("OCO_DATA", str(tmp_path / "nothing"))
    monkeypatch.setattr(data, "roots", lambda: [Path(os.environ["OCO_DATA"])])
    assert main(["agarwal2006", "adagrad-lesson", "--test", "--out", str(tmp_path)]) == 0
    printed = capsys.readouterr()
    assert "portfolio/nyse_o.csv.gz" in printed.err and "worked" not in printed.err
    assert "effective rate in round 5" in printed.out


def test_the_whole_of_rcv1_is_taken_where_all_of_it_is(monkeypatch, tmp_path):
    rng = np.random.default_rng(0)
    (tmp_path / "rcv1").mkdir()
    for name in data.RCV1:
        y = rng.choice([-1, 1], 60)
        lines = [f"{label} {1 + (label > 0)}:1 {rng.integers(3, 40)}:0.5" for label in y]
        path = tmp_path / data.SOURCES[name].path
        path.write_bytes(gzip.compress("\n".join(lines).encode() + b"\n"))
    monkeypatch.setattr(data, "roots", lambda: [tmp_path])
    outcome, result = paper.run("duchi2011", options(tmp_path / "out"))
    names = {number.name.split(":")[0] for number in outcome.numbers}
    assert {"ECAT", "CCAT", "GCAT", "MCAT"} <= names and len(outcome.missing) == len(paper.script("duchi2011").DATA)
    assert result["text GCAT"][2, 0] == 0.0  # the label's own word
    (tmp_path / data.SOURCES["rcv1_MCAT_test"].path).unlink()  # control: not all of it
    outcome, _ = paper.run("duchi2011", options(tmp_path / "out"))
    assert not any(number.name.startswith("ECAT") for number in outcome.numbers)


def test_any_table_of_price_relatives(tmp_path, capsys):
    rng = np.random.default_rng(0)
    table = np.exp(0.02 * rng.standard_normal((40, 3)))
    np.savetxt(tmp_path / "own.csv", table, delimiter=",")
    assert main(["agarwal2006", "--data", str(tmp_path / "own.csv"), "--json", "--out", str(tmp_path)]) == 0
    wealth = json.loads(capsys.readouterr().out)["wealth"]
    assert list(wealth) == ["market", "best_stock", "best_crp", "eg", "ons"]
    assert wealth["market"] == pytest.approx(table.prod(axis=0).mean())
    assert (
        wealth["best_stock"] == pytest.approx(table.prod(axis=0).max()) and wealth["best_crp"] >= wealth["best_stock"]
    )


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["nobody1999"], "nobody1999"),
        (["reddi2018", "--data", "x.csv"], "--data"),
        (["agarwal2006", "--data", "absent.csv"], "absent.csv"),
        (["agarwal2006", "--data", "words.csv"], "numbers"),
    ],
)
def test_bad_input_is_one_sentence(arguments, word, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("words.csv").write_text("a,b\n1.0,2.0\nx,y\n")
    assert main([*arguments, "--out", str(tmp_path)]) != 0
    assert word in capsys.readouterr().err


def test_the_command_lists_the_papers():
    listed = subprocess.run([sys.executable, "-m", "papers"], capture_output=True, text=True, check=True).stdout
    assert [line.split()[0] for line in listed.splitlines()] == paper.keys()
    assert len(paper.keys()) >= 12
