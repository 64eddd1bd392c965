"""The command line: what scripts rely on, and one line with status 2 for everything that is wrong."""

import csv
import json
import multiprocessing
import subprocess
import sys

import pytest

import oco
from oco._cache import cold
from oco.cli import ahead, main
from oco.cli.parts import build
from oco.learners import LEARNERS

SMALL = ["--stream", "signs:d=3", "--rounds", "50"]


def play(tmp_path, *arguments):
    return main(["play", "--out", str(tmp_path / "out"), *arguments])


def test_json_is_the_record_alone(tmp_path, capsys):
    arguments = [*SMALL, "--domain", "box:lower=-1,upper=1", "--learner", "ogd-sqrt", "--learner", "adagrad:eta=0.5"]
    assert play(tmp_path, *arguments, "--json") == 0
    shown = json.loads(capsys.readouterr().out)
    assert [entry["name"] for entry in shown["learners"]] == ["ogd-sqrt", "adagrad"]
    for entry in shown["learners"]:
        low, high = entry["regret"]
        assert entry["rounds"] == 50 and low <= high <= min(entry["bounds"].values())
        assert entry["mean_loss"] == pytest.approx(entry["loss"] / 50) and entry["seconds"] > 0
    assert shown["learners"][1]["parameters"]["eta"] == 0.5
    assert set(shown["versions"]) >= {"oco", "numpy", "numba", "python"} and "--learner" in shown["command"]
    assert json.loads((tmp_path / "out" / "record.json").read_text())["learners"][0]["name"] == "ogd-sqrt"


def test_files_and_table(tmp_path, capsys):
    assert play(tmp_path, *SMALL) == 0
    out = capsys.readouterr().out
    assert "regret interval" in out and "adagrad" in out
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"record.json", "curves.csv", "regret.pdf", "regret.png"}
    with open(tmp_path / "out" / "curves.csv") as file:
        rows = list(csv.DictReader(file))
    assert all(float(row["regret_low"]) <= float(row["regret_high"]) <= float(row["value"]) for row in rows)
    assert (tmp_path / "out" / "regret.pdf").read_bytes().startswith(b"%PDF")


def test_same_command_same_bytes(tmp_path, capsys):
    for name in "ab":
        assert main(["play", "--out", str(tmp_path / name), *SMALL]) == 0
    for file in ("curves.csv", "regret.pdf", "regret.png"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_same_learner_twice_is_told_apart(tmp_path, capsys):
    assert play(tmp_path, *SMALL, "--learner", "adagrad:eta=1", "--learner", "adagrad:eta=2", "--json") == 0
    names = [entry["name"] for entry in json.loads(capsys.readouterr().out)["learners"]]
    assert names == ["adagrad:eta=1", "adagrad:eta=2"]


def test_a_second_process_compiles_on_an_empty_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("OCO_CACHE_DIR", str(tmp_path))
    games = [{"stream": oco.RandomSigns(2), "learners": {"ogd": oco.OGD(0.1)}, "rounds": 10}]
    before = set(multiprocessing.active_children())

    def started():
        return set(multiprocessing.active_children()) - before

    monkeypatch.setattr(ahead, "cores", lambda: 1)
    with ahead.compiling_ahead(games):
        assert not started()  # no core is free
    assert cold()
    monkeypatch.setattr(ahead, "cores", lambda: 2)
    with ahead.compiling_ahead(games):
        (process,) = started()
        process.join()
    assert process.exitcode == 0 and not cold()
    with ahead.compiling_ahead(games):
        assert not started()  # there is nothing to be done
    for kernel in tmp_path.iterdir():
        kernel.unlink()
    with ahead.compiling_ahead(games):
        pass
    assert not started()  # nor is it waited for


def test_list_shows_everything(capsys):
    assert main(["list"]) == 0
    out = capsys.readouterr().out
    for name in (
        "adagrad-norm",
        "full-matrix",
        "zipf",
        "sign-flip",
        "logistic",
        "hinge",
        "simplex",
        "l1",
        "adagrad-data",
    ):
        assert name in out


def test_a_real_file(tmp_path, capsys):
    data = tmp_path / "small.svm"
    data.write_text("1 1:1 3:0.5\n0 2:1\n1 1:2\n0 2:1 3:-1\n")
    assert play(tmp_path, "--data", str(data), "--loss", "logistic", "--json") == 0
    first = capsys.readouterr().out
    assert play(tmp_path, "--data", str(data), "--labels", "-0,1", "--json") == 0
    entries = json.loads(capsys.readouterr().out)["learners"]
    assert [entry["loss"] for entry in entries] == [entry["loss"] for entry in json.loads(first)["learners"]]
    assert [entry["name"] for entry in entries] == ["adagrad-norm", "adagrad", "full-matrix"]
    assert all(entry["rounds"] == 4 and entry["dimension"] == 4 for entry in entries)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--learner", "adagard"], "no learner is called 'adagard'; did you mean adagrad"),
        (["--stream", "zpif"], "did you mean zipf"),
        (["--loss", "qqq"], "no loss is called 'qqq'; there are linear"),
        (["--domain", "bal"], "did you mean ball"),
        (["--learner", "adagrad:etta=1"], "takes no parameter 'etta'"),
        (["--learner", "adagrad:eta=abc"], "eta=abc is not a number"),
        (["--learner", "adagrad:delta=theory"], "no delta by theorem"),
        (["--learner", "adagrad:eta=-1"], "eta = -1 must be a positive"),
        (["--domain", "space", "--learner", "adagrad"], "diameter is not known"),
        (["--domain", "ball:radius=0"], "radius = 0"),
        (["--domain", "l1", "--learner", "full-matrix"], "not compatible with L1Ball: missing project_metric"),
        (["--rounds", "0"], "a whole number of 1 or more"),
        (["--rounds", "x"], "invalid int value"),
        (["--data", "no-such-file"], "no-such-file"),
        (["--labels", "1,2"], "--labels goes with --data"),
        (["--cache"], "--cache goes with --data"),
        (["--data", "f", "--labels", "1"], "two numbers NEG,POS"),
        (["--data", "f", "--stream", "zipf"], "exclude each other"),
        (["--out", "/proc/oco"], "cannot write there"),
        (["--learner", "ogd", "--learner", "ogd"], "given twice"),
        (["--nonsense"], "unrecognized arguments"),
    ],
)
def test_errors_are_one_line_and_status_2(tmp_path, arguments, message):
    command = [sys.executable, "-m", "oco", "play", "--out", str(tmp_path / "out"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 2 and done.stdout == ""
    assert message in done.stderr and len(done.stderr.strip().splitlines()) == 1


def test_bad_line_in_a_file_keeps_what_was_played(tmp_path, capsys):
    data = tmp_path / "bad.svm"
    data.write_text("1 1:1\n" * 9000 + "1 1:x\n")
    assert play(tmp_path, "--data", str(data), "--learner", "adagrad:eta=1") == 2
    told = capsys.readouterr()
    assert f"{data}:9001" in told.err and len(told.err.strip().splitlines()) == 1
    assert json.loads((tmp_path / "out" / "record.json").read_text())["learners"][0]["rounds"] >= 7499


@pytest.mark.parametrize("command", [["--help"], ["play", "--help"], ["list", "--help"]])
def test_help_has_an_example(command, capsys):
    with pytest.raises(SystemExit) as stop:
        main(command)
    assert stop.value.code == 0 and "example" in capsys.readouterr().out


def test_build():
    learner = build("adagrad:eta=0.5,delta=1e-8", LEARNERS, "learner")
    assert learner.eta == 0.5 and learner.delta == 1e-8 and build("adagrad:eta=theory", LEARNERS, "learner").eta is None
