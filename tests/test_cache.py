"""Kernels are found again by the next process, and never after anything they were compiled from has changed."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import oco
from oco._cache import fingerprint

SCRIPT = """
import sys, time
from typing import NamedTuple
import oco
from oco import engine
from helper import shrink, FACTOR
import helper

class Mine(NamedTuple):
    eta: float = 0.5
    def rule(self, now, g, x, s):
        return shrink(x - self.eta * g) * FACTOR + helper.shift(x), s  # edit me

run = oco.play(oco.RandomSigns(2), Mine(), rounds=20)[0]
hits = sum(engine.dense_rounds._compiled._cache_hits.values())
misses = sum(engine.dense_rounds._compiled._cache_misses.values())
print(repr(float(run.loss[-1])), hits, misses)
"""
HELPER = """
FACTOR = 0.9

def shrink(v):
    return 0.5 * v

def shift(v):
    return 0.0 * v
"""


@pytest.fixture
def project(tmp_path):
    """A copy of the package, a script with a learner, a helper module, and an empty kernel folder."""
    shutil.copytree(Path(oco.__file__).parent, tmp_path / "oco", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "script.py").write_text(SCRIPT)
    (tmp_path / "helper.py").write_text(HELPER)
    return tmp_path


def run(project):
    environment = os.environ | {"OCO_CACHE_DIR": str(project / "kernels"), "PYTHONPATH": str(project)}
    environment["PYTHONDONTWRITEBYTECODE"] = "1"
    command = [sys.executable, "script.py"]
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=True)
    loss, hits, misses = done.stdout.split()
    return float(loss), int(hits), int(misses)


def edit(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_second_process_hits_and_every_edit_is_seen(project):
    first, hits, misses = run(project)
    assert hits == 0 and misses > 0
    again, hits, misses = run(project)
    assert again == first and misses == 0 and hits > 0

    seen = [first]
    for path, old, new in (
        ("script.py", "return shrink(x - self.eta * g)", "return shrink(x - 2.0 * self.eta * g)"),
        ("helper.py", "return 0.5 * v", "return 0.25 * v"),
        ("helper.py", "FACTOR = 0.9", "FACTOR = 0.8"),
        ("helper.py", "return 0.0 * v", "return 0.1 * v"),
        ("oco/losses.py", "        return z\n", "        return 3.0 * z\n"),
    ):
        edit(project / path, old, new)
        loss, hits, misses = run(project)
        assert hits == 0 and misses > 0, f"an edit of {path} was not noticed"
        assert loss not in seen, f"old numbers after an edit of {path}"
        seen.append(loss)


def test_a_damaged_kernel_file_only_costs_a_compilation(project):
    first, _, _ = run(project)
    for path in (project / "kernels").glob("*.kernel"):
        path.write_bytes(path.read_bytes()[:-10])
    again, hits, misses = run(project)
    assert again == first and hits == 0 and misses > 0


def test_a_redefined_learner_in_one_process():
    def make(factor):
        scope = {"NamedTuple": __import__("typing").NamedTuple, "FACTOR": factor}
        exec(
            "class Mine(NamedTuple):\n    eta: float = 0.5\n"
            "    def rule(self, now, g, x, s):\n        return x - FACTOR * self.eta * g, s\n",
            scope,
        )
        return scope["Mine"]

    ends = [oco.play(oco.RandomSigns(2), make(factor)(), rounds=20)[0].x[0] for factor in (1.0, 3.0)]
    assert ends[1] == pytest.approx(3.0 * ends[0])


def test_a_patched_method_in_one_process(monkeypatch):
    before = oco.play(oco.RandomSigns(2), oco.OGD(0.5), rounds=20)[0].x[0]
    monkeypatch.setattr(oco.OGD, "rule", lambda self, now, g, x, s: (x - 2.0 * self.eta * g, s))
    assert oco.play(oco.RandomSigns(2), oco.OGD(0.5), rounds=20)[0].x[0] == pytest.approx(2.0 * before)


def test_fingerprint_follows_values():
    def outer(constant, inner):
        def function(x):
            return inner(x) + constant

        return function

    base = outer(1.0, lambda x: x)
    assert fingerprint(base) == fingerprint(outer(1.0, base.__closure__[1].cell_contents))
    assert fingerprint(base) != fingerprint(outer(2.0, base.__closure__[1].cell_contents))
    assert fingerprint(outer(1.0, lambda x: x)) != fingerprint(outer(1.0, lambda x: x + 1))


def test_import_is_quick_in_modules():
    """Nothing heavy is imported before it is needed."""
    heavy = ("matplotlib", "tqdm", "scipy.optimize", "scipy.sparse")
    code = f"import oco, sys; print([m for m in {heavy} if m in sys.modules])"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    )
