"""Agreement with the world on real files: Vowpal Wabbit's progressive loss, the best logistic model of a9a."""

import json
import subprocess
import sys

import pytest

from oco import AdaGrad, File, Logistic, Space, play
from oco.cli import main


@pytest.mark.parametrize(
    ("file", "eta", "published"),
    [
        ("rcv1_vw/rcv1_small.dat.gz", 0.5, 0.365044),
        ("rcv1_vw/rcv1_small.svm.gz", 0.5, 0.365044),
        ("a9a/a9a.gz", 0.1, 0.332596),
    ],
)
def test_progressive_loss_of_vowpal_wabbit(data_folder, file, eta, published):
    """vw --loss_function logistic --adaptive -l ETA --noconstant: its arithmetic is float32, hence 2e-6."""
    run = play(File(str(data_folder / file)), AdaGrad(eta), loss=Logistic(), domain=Space())[0]
    assert run.loss[-1] / run.rounds == pytest.approx(published, abs=2e-6)


def test_best_logistic_model_of_a9a(data_folder):
    run = play(File(str(data_folder / "a9a/a9a.gz")), AdaGrad(0.1), loss=Logistic(), domain=Space())[0]
    best = run.solve()[-1]
    assert best.upper / run.rounds == pytest.approx(0.322620708, abs=5e-10)
    assert best.lower / run.rounds == pytest.approx(0.322620708, abs=5e-8)
    assert not run.regret.loose[-1]


@pytest.mark.parametrize(
    ("file", "more", "rounds"),
    [
        ("mushrooms/mushrooms.gz", ["--labels", "2,1"], 8124),
        ("mushrooms/agaricus.txt.train.gz", [], 6513),
        ("rcv1_vw/rcv1_small.dat.gz", [], 1000),
    ],
)
def test_command_line_on_real_files(data_folder, file, more, rounds, tmp_path, capsys):
    arguments = ["play", "--data", str(data_folder / file), "--loss", "logistic", "--learner", "adagrad:eta=0.5", *more]
    assert main([*arguments, "--json", "--out", str(tmp_path)]) == 0
    entry = json.loads(capsys.readouterr().out)["learners"][0]
    assert entry["rounds"] == rounds and not entry["certificate_loose"]
    assert entry["regret"][0] <= entry["bounds"]["adagrad-data"]


def test_labels_of_mushrooms_need_a_name(data_folder, tmp_path):
    command = [sys.executable, "-m", "oco", "play", "--data", str(data_folder / "mushrooms/mushrooms.gz")]
    done = subprocess.run([*command, "--out", str(tmp_path)], capture_output=True, text=True)
    assert done.returncode == 2 and "--labels" in done.stderr and "mushrooms.gz:" in done.stderr
