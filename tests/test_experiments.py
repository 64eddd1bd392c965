"""The scripts of experiments/ run from the checkout, and the README shows what they print."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def run(name, folder):
    command = [sys.executable, "-m", f"experiments.{name}", str(folder)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True).stdout


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
