"""The scripts of experiments/: each at a tiny size, its claim, its record; the README shows what they print."""

import ast
import gzip
import importlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import oco
from experiments import __main__ as command
from oco.study.kept import kept

ROOT = Path(__file__).parents[1]

TINY = {
    "changing_target": {"changes": [50, 200], "seed": 0, "step": 0.05, "short": 40},
    "experts": {"rounds": 600, "seeds": 3, "seed": 0, "experts": 5, "gap": 0.2},
    "lower_bound": {"rounds": 100, "seeds": 20, "seed": 0, "d": 4},
    "matrix_cost": {"rounds": 20, "seeds": 2, "seed": 0, "dimensions": [4, 64]},
    "momentum": {"rounds": 200, "seeds": 2, "seed": 0, "d": 4, "steps": 3},
    "own_parts": {"rounds": 300, "seed": 0},
    "parameter_free": {"rounds": 300, "seeds": 2, "seed": 0, "distances": [0.1, 10.0], "steps": 7},
    "rare_words": {"etas": [0.1, 1.0], "eta": 0.1, "file": "words.svm.gz"},
    "rotation": {"rounds": 400, "seeds": 2, "seed": 0, "d": 10, "steps": 4},
    "sparse_features": {"rounds": 600, "seeds": 4, "seed": 0, "d": 300},
    "step_size": {"rounds": 200, "seeds": 2, "seed": 0, "d": 20, "steps": 5},
    "worked_example": {},
}


@pytest.fixture(scope="module")
def performed(tmp_path_factory):
    """Every script, once: its folder, by name. One seed-free little file stands for the messages."""
    folder = tmp_path_factory.mktemp("experiments")
    with gzip.open(folder / "words.svm.gz", "wt") as file:
        for block in oco.streams.blocks(oco.ZipfText(d=100, words=5, exponent=1.5, noise=0.0), 0, 400, True):
            for start, end, y in zip(block.indptr[:-1], block.indptr[1:], block.y, strict=True):
                print(f"{y:+.0f}", *(f"{i + 1}:1" for i in block.indices[start:end]), file=file)
    with gzip.open(folder / "words.vocab.txt.gz", "wt") as file:
        print(*(f"w{i}" for i in range(100)), sep="\n", file=file)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OCO_DATA", str(folder))
        for name, size in TINY.items():
            patch.setattr(importlib.import_module(f"experiments.{name}"), "SMALL", size)
        assert command.main([*TINY, "--out", str(folder)]) == 0
    return folder


def numbers(performed, name):
    return json.loads((performed / name / f"{name}.json").read_text())["numbers"]


def columns(lines, first):
    """Rows of a printed table that begin with `first`, cut at runs of spaces."""
    return [re.split(r"  +", line) for line in lines if line.startswith(first)]


def test_every_script_is_tried():
    assert set(command.found()) == set(TINY)


@pytest.mark.parametrize("name", TINY)
def test_beside_the_figure_stands_how_it_came_about(performed, name):
    record = json.loads((performed / name / f"{name}.json").read_text())
    module = importlib.import_module(f"experiments.{name}")
    assert record["parameters"] == TINY[name] and record["command"].startswith("python -m experiments changing_target")
    assert record["caption"] == " ".join(module.__doc__.split()) and "numba" in record["versions"]
    assert (performed / name / f"{name}.pdf").read_bytes().startswith(b"%PDF")
    assert module.FULL.keys() == module.SMALL.keys() or name == "worked_example"


@pytest.mark.parametrize("name", ["sparse_features", "changing_target", "rare_words"])
def test_a_new_style_plays_nothing_again(performed, name, monkeypatch):
    def again(*given, **named):
        raise AssertionError("played again")

    monkeypatch.setenv("OCO_DATA", str(performed))
    monkeypatch.setattr(oco.study.cells, "play", again)
    monkeypatch.setattr("oco.study.kept.whole", again)
    module = importlib.import_module(f"experiments.{name}")
    figure = performed / name / f"{name}.pdf"
    before = figure.read_bytes()
    figure.unlink()
    assert module.main(performed / name, TINY[name]).splitlines() == numbers(performed, name)
    assert figure.read_bytes() == before


def test_sparse_features(performed):
    told = [line for line in numbers(performed, "sparse_features") if line.startswith("loss of")]
    assert len(told) == 2 and all(line.endswith("the claim holds") for line in told)


def test_rotation(performed):
    told = numbers(performed, "rotation")
    assert told[-1].endswith("holds") and not told[-1].endswith("not hold")
    at_theory = {row[1]: float(row[2]) for row in columns(told, "rotated ")}
    assert at_theory["ogd-sqrt"] < min(at_theory["adagrad"], at_theory["full-matrix"])  # what does not hold


def test_lower_bound(performed):
    told = numbers(performed, "lower_bound")
    row = next(row for row in columns(told, "orthogonal") if row[1] == "minimax-ball")
    assert row[5] == "1.000" and row[6] == "0.50 [0.50, 0.50]"
    assert all("not consistent" not in line for line in told)


def test_step_size(performed):
    ratio = {(row[0], row[1]): float(row[-1]) for row in columns(numbers(performed, "step_size"), ("greedy", "text"))}
    assert ratio["greedy", "ogd"] == 1.0 and min(ratio.values()) >= 1.0


def test_matrix_cost(performed):
    rows = columns(numbers(performed, "matrix_cost"), ("4 ", "64 "))
    assert [len(row) for row in rows] == [5, 5]  # times themselves are not asserted


def test_changing_target(performed):
    rows = columns(numbers(performed, "changing_target"), "adagrad  ")
    assert float(rows[0][2]) < float(rows[1][2])  # the later the change, the longer the way back


def test_momentum(performed):
    bounds = {(row[0], row[1]): float(row[3]) for row in columns(numbers(performed, "momentum"), "greedy ") if row[3:]}
    assert bounds["greedy", "ogd"] < min(bounds["greedy", "momentum"], bounds["greedy", "nesterov"])


def test_rare_words(performed):
    rates = [float(row[2]) for row in columns(numbers(performed, "rare_words"), ("4 ..", "11 ..", "101 .."))]
    assert rates == sorted(rates, reverse=True)


def test_parameter_free(performed):
    for row in columns(numbers(performed, "parameter_free"), ("0.1 ", "10 ")):
        kt, bound, *_, tuned, less, more = (float(word) for word in row[1:])
        assert kt <= bound and tuned <= min(less, more) and kt < max(less, more)


def test_experts(performed):
    ends = {row[1]: float(row[4].split()[0]) for row in columns(numbers(performed, "experts"), "gap")}
    assert ends["adahedge"] < ends["hedge"]


def test_what_was_computed_is_kept_until_parameters_or_code_change(tmp_path):
    calls = []

    def square(n):
        calls.append(n)
        return {"squares": np.arange(n) ** 2}

    def cube(n):
        return {"squares": np.arange(n) ** 3}

    for n in (3, 3, 4):
        assert kept(square, tmp_path / "a.npz", n=n)[0]["squares"].tolist() == [k * k for k in range(n)]
    assert kept(cube, tmp_path / "a.npz", n=4)[0]["squares"].tolist() == [0, 1, 8, 27]


def test_what_was_computed_is_kept_until_engine_or_data_change(tmp_path, monkeypatch):
    def read(file):
        return {"text": file.read_text()}

    def told():
        return str(kept(read, tmp_path / "a.npz", file=tmp_path / "data")[0]["text"])

    (tmp_path / "data").write_text("one")
    assert told() == "one"
    (tmp_path / "data").write_text("two")
    assert told() == "two"
    before = kept(read, tmp_path / "a.npz", file=tmp_path / "data")[1]
    assert kept(read, tmp_path / "a.npz", file=tmp_path / "data")[1] == before  # the same seconds: read back
    assert kept(read, tmp_path / "a.npz", file=tmp_path / "data", force=True)[1] != before
    monkeypatch.setattr("oco.study.kept.setting", lambda: "another engine")
    before = kept(read, tmp_path / "a.npz", file=tmp_path / "data")[1]
    monkeypatch.undo()
    assert kept(read, tmp_path / "a.npz", file=tmp_path / "data")[1] != before


def test_without_arguments_a_list(capsys):
    assert command.main([]) == 0
    out = capsys.readouterr().out
    assert all(name in out for name in TINY) and "Sparse features favour AdaGrad" in out


def test_the_readmes_commands_are_there():
    shown = re.findall(r"^    python -m experiments(.*)$", (ROOT / "README.md").read_text(), re.M)
    names = {word for line in shown for word in line.partition("--")[0].split()}
    assert len(shown) == 3 and names and names <= set(TINY) and " --all" in shown


def test_an_unknown_name_is_told(capsys):
    with pytest.raises(SystemExit) as stop:
        command.main(["no_such"])
    told = capsys.readouterr().err
    assert stop.value.code == 2 and "no experiment is called 'no_such'; there are changing_target" in told


def test_missing_data_is_told_with_what_to_get(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("OCO_DATA", str(tmp_path))
    assert command.main(["rare_words", "--out", str(tmp_path / "out")]) == 1
    out = capsys.readouterr().out
    assert f"{tmp_path}/sms_spam/sms_spam.svm.gz is not there. Get the UCI SMS Spam Collection" in out


def run(name, folder):
    """As the README has it."""
    done = [sys.executable, "-m", f"experiments.{name}", str(folder)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(done, cwd=folder, env=environment, capture_output=True, text=True, check=True).stdout


def test_worked_example(tmp_path):
    out = run("worked_example", tmp_path)
    assert "effective rate 0.010000  step 0.1000" in out
    assert "t=4  g=0.1   effective rate 1.000000  step 0.1000" in out
    assert (tmp_path / "worked_example.pdf").exists()


def test_the_readmes_python_runs_as_it_is_written(tmp_path):
    blocks = (ROOT / "README.md").read_text().split("```python\n")[1:]
    script = blocks[0].split("```")[0]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "MPLBACKEND": "Agg"}
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert len(script.strip().splitlines()) <= 12 and "adagrad-data" in done.stdout


def test_own_parts(tmp_path):
    out = run("own_parts", tmp_path)
    assert len(out.splitlines()) == 2
    assert (tmp_path / "own_parts.png").exists()
    readme = (ROOT / "README.md").read_text()
    assert all(line in readme for line in out.splitlines()), f"the README should show:\n{out}"


@pytest.mark.parametrize("name", ["Normalised", "HeavyTails", "Huber"])
def test_own_parts_take_at_most_12_lines(name):
    tree = ast.parse((ROOT / "experiments" / "own_parts.py").read_text())
    part = next(node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == name)
    body = part.body[1:]  # after the docstring
    lines = sum(node.end_lineno - node.lineno + 1 for node in body)
    assert lines <= 12
