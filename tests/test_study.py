"""Studies: paired, the same whatever else runs and on how many workers, and never played twice."""

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from study_parts import TOML, lines, same, tiny

import oco
from oco.cli import main
from oco.cli.toml import read
from oco.study import keys


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    return tiny().run(tmp_path_factory.mktemp("reference"), workers=1)


@pytest.mark.parametrize(
    "pool", [{"workers": 2}, {"workers": 5}, {"workers": 2, "processes": True}, {"executor": ThreadPoolExecutor(3)}]
)
def test_bitwise_the_same_on_any_workers(tmp_path, reference, pool):
    assert same(tiny().run(tmp_path, **pool), reference)


def test_another_root_seed_is_another_table(tmp_path, reference):
    assert not same(tiny(seed=1).run(tmp_path), reference)


def test_bitwise_the_same_in_a_larger_grid_and_any_order(tmp_path, reference):
    learners = oco.grid(oco.AdaGrad, eta=[2.0, 0.5]) | oco.grid(oco.OGDSqrt)
    larger = tiny(learners=learners, streams=oco.grid(oco.RandomSigns, d=[5, 3, 2]), seeds=4)
    table = larger.run(tmp_path / "larger")
    assert table.rows == reference.rows * 3 * 3 * 4 // (2 * 2 * 3)
    for (learner, stream, replicate), part in reference.groups("learner", "stream", "replicate"):
        found = table.where(learner=learner, stream=stream, replicate=replicate)
        for name in ("seed", "t", "loss", "regret_low", "regret_high", "dimension", "learner.eta", "stream.d"):
            assert found[name].tobytes() == part[name].tobytes()
    # What is in the log of a larger grid is not played again in a smaller one.
    before = lines(tmp_path / "larger")
    assert same(tiny().run(tmp_path / "larger"), reference) and lines(tmp_path / "larger") == before


def test_every_learner_meets_the_same_stream(reference):
    children = np.random.SeedSequence(0).spawn(3)
    expected = [int(child.generate_state(1, np.uint64)[0] >> np.uint64(11)) for child in children]
    assert len(set(expected)) == 3
    for _, part in reference.groups("learner", "stream"):
        assert part.unique("seed") == expected
    (run,) = oco.play(oco.RandomSigns(3), oco.AdaGrad(0.5), domain=oco.Box(), rounds=40, seed=expected[1])
    found = reference.where(learner="adagrad:eta=0.5", stream="signs:d=3", replicate=1)
    assert found["loss"].tolist() == run.loss.tolist() and found["regret_low"].tolist() == run.regret.low.tolist()
    assert found["bound.adagrad-data"].tolist() == run.bounds()["adagrad-data"].tolist()
    assert np.isnan(found["bound.ogd-sqrt-data"]).all()  # a theorem of another learner


def test_what_draws_draws_anew_in_every_replicate_and_whatever_else_is_played(tmp_path):
    game = {"streams": oco.ExpertsGame(3), "domain": oco.Simplex(), "rounds": 30, "seeds": 2}
    alone = oco.Study(oco.grid(oco.Exp3, eta=0.1), **game).run(tmp_path / "alone")
    beside = oco.Study(oco.grid(oco.Exp3, eta=[0.2, 0.1]), **game).run(tmp_path / "beside")
    found = beside.where(learner="exp3:eta=0.1")
    assert len(alone.unique("learner.seed")) == 2 and not set(alone["learner.seed"]) & set(alone["seed"])
    assert found["loss"].tobytes() == alone["loss"].tobytes()
    assert beside.unique("learner.seed") == alone.unique("learner.seed")
    control = oco.Study(oco.grid(oco.Exp3, eta=0.1, seed=1), **game).run(tmp_path / "control")
    assert control["loss"].tobytes() != alone["loss"].tobytes()


def learner_with(source):
    """A learner class from source, as after an edit in a session."""
    scope = {"NamedTuple": NamedTuple, "__name__": "edited"}
    exec(source, scope)
    return scope["Mine"]


SOURCE = """
def step(g):
    return 0.1 * g

class Mine(NamedTuple):
    def rule(self, now, g, x, s):
        return x - step(g), s
"""


def test_what_changed_is_played_again_and_nothing_else(tmp_path, monkeypatch):
    def played(**changes):
        before = lines(tmp_path)
        tiny(**changes).run(tmp_path)
        return lines(tmp_path) - before

    mine = learner_with(SOURCE)()
    assert played(learners={"a": mine, "ogd": oco.OGDSqrt()}) == 12
    assert played(learners={"renamed": mine, "ogd": oco.OGDSqrt()}) == 0
    assert played(learners={"a": learner_with(SOURCE)(), "ogd": oco.OGDSqrt()}) == 0  # the same text again
    edited = learner_with(SOURCE.replace("0.1", "0.2"))()  # what the learner calls
    assert played(learners={"a": edited, "ogd": oco.OGDSqrt()}) == 6
    assert played(learners={"a": mine, "ogd": oco.AdaGrad(1.0)}) == 6
    assert played(learners=oco.AdaGrad(1.0), streams=oco.grid(oco.RandomSigns, d=[2, 3, 4])) == 3
    assert played(learners=oco.AdaGrad(1.0), rounds=41) == 6
    assert played(learners=oco.AdaGrad(1.0), domain=oco.Box(-2.0, 2.0)) == 6
    assert played(learners=oco.AdaGrad(1.0), penalty=oco.Penalty(l1=0.1)) == 6
    assert played(learners=oco.AdaGrad(1.0), seeds=5) == 4
    known = oco.record.versions() | {"numpy": "9.9"}
    monkeypatch.setattr(keys, "versions", lambda: known)
    assert played(learners=oco.AdaGrad(1.0)) == 6
    before = lines(tmp_path)
    tiny(learners=oco.AdaGrad(1.0)).run(tmp_path, force=True)
    assert lines(tmp_path) - before == 6


def test_a_stream_is_its_source_its_facts_and_its_data(tmp_path):
    digest = keys.Digests()
    path = tmp_path / "a.svm"
    path.write_text("1 1:1\n-1 2:1\n")
    file = digest(oco.File(str(path)))
    shutil.copy(path, tmp_path / "b.svm")
    assert digest(oco.File(str(tmp_path / "b.svm"))) == file
    path.write_text("1 1:1\n-1 2:2\n")
    assert digest(oco.File(str(path))) != file
    X, y = np.eye(3), np.ones(3)
    assert digest(oco.Data(X, y)) == digest(oco.Data(X.copy(), y)) != digest(oco.Data(2.0 * X, y))

    class One(NamedTuple):
        d: int = 2
        norm = 1.0

    class Two(NamedTuple):
        d: int = 2
        norm = 2.0

    Two.__name__ = Two.__qualname__ = "One"
    assert keys.Digests()(One()) != keys.Digests()(Two())


def test_an_edit_of_the_engine_makes_results_old_and_one_of_the_figures_does_not(tmp_path):
    root = tmp_path / "oco"
    shutil.copytree(Path(oco.__file__).parent, root, ignore=shutil.ignore_patterns("__pycache__"))

    def after(name):
        with open(root / name, "a") as file:
            file.write("\n# edited\n")
        keys.engine.cache_clear()
        return keys.engine(root)

    whole = keys.engine(root)
    assert after("record.py") == whole and after("study/table.py") == whole and after("learners/adam.py") == whole
    for name in (
        "play.py",
        "engine/dense.py",
        "hindsight/comparators.py",
        "_jit.py",
        "bounds.py",
        "streams/__init__.py",
    ):
        assert after(name) != whole
        whole = keys.engine(root)


def test_toml_and_python_are_the_same_study(tmp_path, reference, capsys):
    (tmp_path / "a.toml").write_text(TOML.format(rounds=40, seeds=3))
    out = tmp_path / "out"
    assert main(["study", str(tmp_path / "a.toml"), "--out", str(out), "--json"]) == 0
    told = capsys.readouterr()
    assert told.err == ""  # no bar where there is no terminal
    assert json.loads(told.out) == json.loads((out / "record.json").read_text())
    assert same(oco.Table.read(out / "table.npz"), reference)
    assert main(["study", str(tmp_path / "a.toml"), "--out", str(out), "--dry-run"]) == 0
    assert "12 runs, 12 done, 0 to do" in capsys.readouterr().out
    (out / "table.npz").unlink()
    assert main(["study", str(tmp_path / "a.toml"), "--out", str(out), "--collect"]) == 0
    assert same(oco.Table.read(out / "table.npz"), reference) and "12 of 12 runs done" in capsys.readouterr().out
    assert {path.name for path in out.iterdir()} >= {"runs.log", "record.json", "table.csv", "table.npz"}
    assert {path.name for path in tmp_path.iterdir()} == {"a.toml", "out"}


def test_readme_says_the_same_in_both_languages(tmp_path):
    text = (Path(__file__).parents[1] / "README.md").read_text()
    python = text.split("```python\nstudy = ")[1].split("\ntable = ")[0]
    (tmp_path / "a.toml").write_text(text.split("```toml\n")[1].split("```")[0])
    assert read(tmp_path / "a.toml") == eval(python) != tiny()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("eta", "etta", "learner 2: learner adagrad takes no parameter 'etta'; its parameters: eta, delta"),
        ("0.5", '"x"', "learner 2: learner adagrad: eta=x is not a number"),
        ("0.5", "-1", "learner adagrad:eta=-1: AdaGrad: eta = -1 must be a positive number"),
        ('"signs"', '"sings"', "stream 1: no stream is called 'sings'; did you mean signs"),
        ("[2, 3]", "[2, 2]", "signs:d=2 is there twice"),
        ("[2, 3]", "[]", "d has no values"),
        ("[2, 3]", "2.5", "d = 2.5 must be a whole number"),
        ("seeds = 3", "seeds = 2.5", "seeds = 2.5 must be a whole number"),
        ("rounds", "ruonds", "no key is called 'ruonds'; did you mean rounds"),
        ('"box"', '"bxo"', "no domain is called 'bxo'; did you mean box"),
        ('name = "adagrad"', "", "learner 2: it needs a name"),
        ('name = "adagrad"\neta = 0.5', 'name = "ogd-sqrt"', "ogd-sqrt is there twice: give one of them a label"),
        ('name = "signs"\nd = [2, 3]', 'data = "none.svm"', "none.svm: there is no such file"),
        ("[[stream]]", "[[stream", "Expected"),
        ('"box"', '"box:upper=1"', None),
    ],
)
def test_bad_files_are_refused_in_one_line_before_any_work(tmp_path, capsys, old, new, message):
    (tmp_path / "a.toml").write_text(TOML.format(rounds=40, seeds=3).replace(old, new, 1))
    status = main(["study", str(tmp_path / "a.toml"), "--out", str(tmp_path / "out"), "--dry-run"])
    error = capsys.readouterr().err
    if message is None:  # the control
        assert status == 0
    else:
        assert status == 2 and message in error and len(error.splitlines()) == 1
        assert not (tmp_path / "out").exists()


def test_grid():
    assert oco.grid(oco.AdaGrad, eta=[0.1, 10], delta=1e-8) == {
        "adagrad:eta=0.1,delta=1e-08": oco.AdaGrad(0.1, 1e-8),
        "adagrad:eta=10,delta=1e-08": oco.AdaGrad(10, 1e-8),
    }
    steps = oco.grid(oco.AdaGrad, "mine", eta=np.array([0.5, 1.0]))
    assert list(steps) == ["mine:eta=0.5", "mine:eta=1"] and type(steps["mine:eta=0.5"].eta) is float
    assert list(oco.grid(oco.AdaGradWidths, eta=[np.ones(2), np.zeros(2)])) == [
        "adagrad-widths:eta=#0",
        "adagrad-widths:eta=#1",
    ]
    with pytest.raises(ValueError, match="takes no parameter 'etta'"):
        oco.grid(oco.AdaGrad, etta=1.0)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"learners": []}, "needs a learner"),
        ({"learners": 3}, "learner int: 3 is not a part"),
        ({"seeds": 0}, "seeds = 0"),
        ({"rounds": 1.5}, "rounds = 1.5"),
        ({"learners": oco.Hedge()}, "learner hedge: Hedge is not compatible with Box"),
        ({"streams": oco.Data(np.eye(2), np.ones(2))}, "stream Data has no loss of its own"),
    ],
)
def test_bad_studies_are_refused(changes, message):
    with pytest.raises((ValueError, TypeError), match=message):
        tiny(**changes)


def test_theory_is_marked_with_the_value_that_was_played(tmp_path):
    study = tiny(learners=oco.grid(oco.AdaGrad, eta=[None, 0.5]), streams=oco.RandomSigns(2), seeds=1)
    table = study.run(tmp_path)
    by_theory = table.where({"learner.theory": "eta"})
    assert by_theory.unique("learner", "learner.eta") == [("adagrad:eta=theory", 2.0 / np.sqrt(2.0))]
    assert table.where({"learner.theory": ""}).unique("learner.eta") == [0.5]


def test_tables_come_back_as_they_were(tmp_path, reference):
    reference.write(tmp_path / "a.npz")
    reference.write(tmp_path / "a.csv")
    npz, text = oco.Table.read(tmp_path / "a.npz"), oco.Table.read(tmp_path / "a.csv")
    assert same(npz, reference) and same(text, reference) and npz.about == reference.about
    assert npz["seconds"].tolist() == text["seconds"].tolist() == reference["seconds"].tolist()
    assert {path.name for path in tmp_path.iterdir()} == {"a.npz", "a.csv"}
    with pytest.raises(ValueError, match="a table is kept as"):
        reference.write(tmp_path / "a.xlsx")


def test_parquet_and_pandas(tmp_path, reference):
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    reference.write(tmp_path / "a.parquet")
    assert same(oco.Table.read(tmp_path / "a.parquet"), reference)
    for frame in (pandas.read_parquet(tmp_path / "a.parquet"), pandas.DataFrame(reference)):
        assert list(frame.columns) == list(reference) and len(frame) == reference.rows
        assert frame["regret_low"].to_numpy().tobytes() == reference["regret_low"].tobytes()


def test_table_rows():
    table = oco.Table({"a": ["x", "x", "y"], "b": [1.0, np.nan, np.nan], "t": [1, 2, 2]})
    assert table.where({"b": np.nan}, t=2)["a"].tolist() == ["x", "y"]
    assert table.where(a=["y", "z"]).rows == 1 and table.unique("a") == ["x", "y"]
    assert [(key, part["t"].tolist()) for key, part in table.groups("a")] == [("x", [1, 2]), ("y", [2])]
    assert [part.rows for _, part in table.groups("t", "b")] == [1, 2]
    with pytest.raises(KeyError, match="no column 'c'; there are a, b, t"):
        table["c"]
    with pytest.raises(ValueError, match="one length"):
        oco.Table({"a": [1], "b": [1, 2]})
