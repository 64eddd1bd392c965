"""The search for worst sequences and the table of bounds; a false theorem is found out by both."""

import json
import math
import shlex
from typing import NamedTuple

import numpy as np
import pytest

import oco
from oco.attack import attack
from oco.bounds import bound, ratios, span
from oco.cli import main
from oco.learners import LEARNERS
from oco.worst import save, worst


def test_finds_what_lower_bounds_are_made_of():
    """Up and down, then away: OGD tuned to T on a segment comes near its bound, and never past it."""
    found = worst(oco.OGD(), domain=oco.Box(), d=1, rounds=8, evaluations=300)
    assert set(found) == {"ogd-data", "ogd-worst"}
    for case in found.values():
        assert 0.7 < case.ratio <= 1.0 and case.data.X.shape == (8, 1) and 1 <= case.t <= 8


def test_the_same_seed_finds_the_same():
    runs = [worst(oco.AdaGrad(), domain=oco.Ball(), rounds=6, evaluations=40, seed=s) for s in (1, 1, 2)]
    ratios = [[case.ratio for case in run.values()] for run in runs]
    assert ratios[0] == ratios[1] != ratios[2]


def test_control_adagrad_norm_does_not_keep_d_sqrt_s():
    """D sqrt(S_t), without the factor sqrt(2) of the theorem, is false."""
    found = worst(oco.AdaGradNorm(), domain=oco.Box(), d=1, rounds=24, evaluations=1200, seed=1)
    assert 1.0 / np.sqrt(2.0) < found["adagrad-norm-data"].ratio <= 1.0


class Boastful(NamedTuple):
    """OGD, step eta / sqrt(t), with three tenths of Zinkevich's bound."""

    eta: float = 1.0

    def rule(self, now, g, x, s):
        return x - self.eta / math.sqrt(now.t) * g, s

    @bound("boast", "data", "nobody")
    def data(self, run):
        return 0.3 * (span(run) ** 2 * np.sqrt(run.t) / (2.0 * self.eta) + self.eta / 2.0 * run.faded)


def test_control_a_false_theorem_is_refuted(monkeypatch, capsys):
    found = worst(Boastful(), domain=oco.Box(), d=1, rounds=8, evaluations=100)
    assert found["boast"].ratio > 1.0
    assert attack(Boastful(), rounds=30, evaluations=5, seed=0)["boast"]["streams"] > 1.0
    monkeypatch.setitem(LEARNERS, "boastful", Boastful)
    assert main(["bounds", "--learner", "boastful", "--rounds", "20", "--evaluations", "3", "--json"]) == 1
    rows = json.loads(capsys.readouterr().out)
    assert rows[0]["learner"] == "boastful" and set(rows[0]) == {"learner", "bound", "streams", "search", "sheet"}


def test_bounds_of_real_learners(capsys):
    arguments = ["bounds", "--learner", "adagrad-norm", "--learner", "ader", "--learner", "exp3"]
    assert main([*arguments, "--rounds", "30", "--evaluations", "5"]) == 0
    out = capsys.readouterr().out
    for name in ("adagrad-norm-trajectory", "ader-dynamic", "exp3-expected"):
        assert name in out


def test_the_saved_sequence_replays(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    arguments = ["worst", "--learner", "ogd-sqrt", "--domain", "box", "--rounds", "6", "--evaluations", "30"]
    assert main([*arguments, "--out", str(tmp_path), "--json"]) == 0
    for row in json.loads(capsys.readouterr().out)["found"]:
        words = shlex.split(row["replay"])
        assert main([*words[1:], "--json", "--out", str(tmp_path / "again")]) == 0
        entry = json.loads(capsys.readouterr().out)["learners"][0]
        if row["t"] == 6 and row["bound"] == "ogd-sqrt-data":
            assert entry["regret"][1] / entry["bounds"][row["bound"]] == pytest.approx(row["ratio"], rel=1e-9)


def test_saved_text_is_exact(tmp_path):
    case = worst(oco.AdaGrad(), domain=oco.Ball(), rounds=5, evaluations=20)["adagrad-data"]
    save(case, tmp_path / "w.svm")
    block = next(oco.File(str(tmp_path / "w.svm")).blocks(False))
    assert np.array_equal(block.values.reshape(5, 2), case.data.X) and np.array_equal(block.y, case.data.y)


def test_ratios():
    assert ratios([1.0, 2.1, 2.0 + 1e-12], 2.0).tolist() == [0.5, 1.05, 1.0]
    assert ratios([1e-12, -np.inf], [0.0, 1.0]).tolist() == [-np.inf, -np.inf]  # next to zero: held to the difference
    assert ratios(1e-3, 0.0) > 1.0 and ratios(1e-3, 0.0, unit=1e9) == -np.inf
