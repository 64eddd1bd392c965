"""The benchmark: its arithmetic on clocks that we set, its rows, and a run without any peer."""

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import oco
from experiments.bench import data, rows, timing, w7
from experiments.bench.breaks import Breaks, Turn
from experiments.bench.contest import Entry, Options, contest
from experiments.bench.rows import Row

ROOT = Path(__file__).parents[1]
PEERS = ("jax", "optax", "torch", "sklearn", "vowpalwabbit", "river", "lightning")


class Clock:
    """A clock that calls move: `work` takes CPU time, `wait` does not."""

    def __init__(self):
        self.wall = self.cpu = 0.0

    def work(self, seconds):
        self.wall, self.cpu = self.wall + seconds, self.cpu + seconds

    def wait(self, seconds):
        self.wall += seconds

    def perf_counter(self):
        return self.wall

    def process_time(self):
        return self.cpu


@pytest.fixture
def clock(monkeypatch):
    made = Clock()
    monkeypatch.setattr(timing, "time", made)
    monkeypatch.setattr("experiments.bench.breaks.time", made)
    return made


def test_what_slows_a_round_cancels_in_paired_ratios():
    slower = [1.0, 7.0, 1.0, 3.0, 9.0]
    ours, theirs = [2.0 * s for s in slower], [5.0 * s for s in slower]
    assert timing.paired(theirs, ours) == pytest.approx(2.5)
    # The control: pairs from different rounds.
    assert timing.paired(theirs[1:] + theirs[:1], ours) != pytest.approx(2.5, rel=0.1)
    with pytest.raises(ValueError, match="zip"):
        timing.paired(theirs, ours[1:])


def test_a_disturbed_call_is_repeated_and_an_undisturbed_one_is_not(clock):
    waits = [0.5, 0.3, 0.05, 0.0]
    calls = []

    def call():
        calls.append(waits[len(calls)])
        clock.work(1.0)
        clock.wait(calls[-1])

    assert timing.once(call) == pytest.approx(1.05)  # 5 % is let pass
    assert calls == [0.5, 0.3, 0.05]


def test_of_five_disturbed_tries_the_least_disturbed_counts(clock):
    waits = iter([0.5, 0.3, 0.2, 0.4, 0.6])

    def call():
        clock.work(1.0)
        clock.wait(next(waits))

    assert timing.once(call) == pytest.approx(1.2)
    assert next(waits, None) is None


def test_the_order_rotates(clock):
    order = []
    calls = {name: lambda name=name: (order.append(name), clock.work(1.0)) for name in "abc"}
    assert timing.interleaved(calls, 3, "test") == {name: [1.0] * 3 for name in "abc"}
    assert "".join(order) == "abcbcacab"


def test_peers_in_the_breaks_are_not_charged_to_us(clock):
    breaks = Breaks(20, 30, {"peer": Turn(lambda: clock.work(8.0), 4)}, SimpleNamespace(update=lambda n: None))
    for n in (10, 10, 10, 20, 15, 15):
        clock.work(0.25 * n)
        breaks(n)
    assert breaks.ours == [0.25, 0.25] and breaks.theirs == {"peer": [2.0, 2.0]}


def entry(name, loss, **options):
    return Entry(name, lambda: lambda: loss, 10, **options)


def test_a_contest_checks_losses_and_tells_who_is_missing(tmp_path):
    def absent():
        raise ModuleNotFoundError("No module named 'sklearn.svm'", name="sklearn.svm")

    others = [
        entry("agrees", 3.0 + 1e-10),
        entry("differs", 3.1),
        entry("nan", float("nan")),
        entry("other", 9.0, tolerance=None),
        Entry("liblinear", absent, 10),
    ]
    found = contest("W0", "case", entry("oco", 3.0), others, Options(2, True, tmp_path), lambda n: 0.3 * n)
    agrees, differs, nan, other, missing = found
    assert agrees.check == "3.3e-11" and agrees.ratio > 0.0
    assert differs.check.startswith("DIFFERS") and nan.check.startswith("DIFFERS")
    assert other.check == "another algorithm"
    assert missing.peer == "liblinear (missing: pip install scikit-learn)" and missing.ratio is None


def test_goals_are_met_from_their_own_side():
    assert Row("W", "", "", ratio=2.0, goal=1.5).met is True
    assert Row("W", "", "", ratio=2.0, goal=1.5, at_most=True).met is False
    assert Row("W", "", "", limit_fraction=0.3, goal=0.4).met is False
    assert Row("W", "", "", ratio=2.0).met is None and Row("W", "", "", goal=2.0).met is None
    plain = Row("W1", "c", "p", ratio=float("inf"), goal=1.0).plain()
    assert json.loads(json.dumps(plain, allow_nan=False))["ratio"] is None


def test_times_are_written_in_their_unit():
    shown = [rows.seconds(value) for value in (3.1e-9, 9.999e-7, 2.5e-5, 0.0123, 61.0, None)]
    assert shown == ["3.1 ns", "1 us", "25 us", "12.3 ms", "61 s", ""]


def test_writing_replaces_the_sections_that_were_run_and_nothing_else(tmp_path):
    readme = tmp_path / "README.md"
    rows.write({"W1: dense": "old 1", "W2: sparse": "old 2"}, "machine A", readme)
    readme.write_text(readme.read_text().replace("# Experiments", "# Experiments\n\nWords of ours.") + "\nThe end.\n")
    rows.write({"W1: dense": "new 1"}, "machine B", readme)
    text = readme.read_text()
    assert "new 1" in text and "old 2" in text and "old 1" not in text
    assert "machine B" in text and "machine A" not in text
    assert "Words of ours." in text and text.endswith("The end.\n")
    readme.write_text("# Experiments\n")
    with pytest.raises(ValueError, match="one is missing"):
        rows.write({}, "", readme)


def test_without_peers_every_row_is_there_and_says_what_to_install(tmp_path):
    for name in PEERS:
        (tmp_path / f"{name}.py").write_text(f"raise ModuleNotFoundError('none', name={name!r})\n")
    paths = os.pathsep.join([str(tmp_path), str(ROOT)])
    chosen = ["--quick", "--rounds", "1", "--json", "--only", "W3", "--only", "W5"]
    command = [sys.executable, "-m", "experiments.bench", *chosen]
    done = subprocess.run(command, cwd=tmp_path, env=os.environ | {"PYTHONPATH": paths}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert {tuple(row) for row in found} == {rows.JSON_KEYS}
    assert {row["workload"] for row in found} == {"W3", "W5"}
    jax = [row for row in found if "JAX" in row["peer"]]
    assert len(jax) == 20 and all("pip install jax" in row["peer"] and row["ratio"] is None for row in jax)
    ours = [row for row in found if row["peer"] == "Numba loop by hand"]
    assert len(ours) == 8 and all(
        row["ratio"] > 0.0 and row["goal"] == 1.5 and row["met"] in (True, False) for row in ours
    )


def test_comparators_are_those_of_a_play():
    matrix, y = data.hashed_words(300, 9)
    penalty = oco.Penalty(l2=w7.L2 / len(y))
    run = oco.play(oco.Data(matrix, y), oco.OGD(0.01), loss=oco.Logistic(), penalty=penalty)[0]
    played, alone = run.solve(), w7.best(matrix, y)
    assert len(played) == len(alone) > 1
    assert np.allclose([best[1:] for best in played], [best[1:] for best in alone], rtol=1e-12, atol=0.0)
    assert len(alone) > 15 and all(best.upper - best.lower <= 1e-6 * best.upper for best in alone)
