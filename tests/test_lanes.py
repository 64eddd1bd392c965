"""Learners that differ in numbers, side by side in SIMD lanes: the very same plays as one after the other."""

import math
import re
from typing import NamedTuple

import numpy as np
import pytest
from scipy.sparse import csr_array

import oco
from oco import AdaGrad, Ball, Box, Data, OGDSqrt, Penalty, Space, play
from oco._jit import Kernel
from oco.engine.lanes import dense_lanes
from oco.lowlevel.arrays import aligned
from oco.lowlevel.simd import LANES, each_lane, local, of_lane, put, take
from oco.protocols import Sparse, declare
from oco.study.cells import Game, Task, perform
from oco.table import FEWEST, Table, seated

ETAS = np.geomspace(0.01, 1.0, LANES).tolist()
GRID = {f"eta={eta:.2g}": AdaGrad(eta) for eta in ETAS}
SIDES = Box(-np.linspace(0.05, 0.3, 12), 0.2)


def examples(n=150, d=12, seed=0):
    rng = np.random.default_rng(seed)
    a = rng.standard_normal((n, d)) * (rng.random((n, d)) < 0.4)
    return a, np.where(a @ rng.standard_normal(d) + 0.3 * rng.standard_normal(n) > 0.0, 1.0, -1.0)


def dense(**options):
    return Data(*examples(**options))


def sparse(**options):
    a, y = examples(**options)
    return Data(csr_array(a), y)


def numbers(run):
    """All that a run says in numbers, but for the time it took."""
    columns = (run.t, run.loss, run.size, run.sumsq, run.faded, run.peak, run.reach, run.x, run.rates)
    return np.concatenate([np.ravel(column) for column in (*columns, *(run.tally[key] for key in sorted(run.tally)))])


def agree(runs, others, rtol):
    return all(
        one.name == other.name and np.allclose(numbers(one), numbers(other), rtol=rtol, atol=rtol, equal_nan=True)
        for one, other in zip(runs, others, strict=True)
    )


def one_by_one(stream, learners, **options):
    return [play(stream, {name: learner}, **options)[0] for name, learner in learners.items()]


@pytest.fixture
def tables(monkeypatch):
    """How many seats each table had."""
    made = []
    begin = Table.__init__
    monkeypatch.setattr(Table, "__init__", lambda self, seats: made.append(len(seats)) or begin(self, seats))
    return made


@pytest.mark.parametrize("stream", [dense(), sparse()], ids=["dense", "sparse"])
@pytest.mark.parametrize("domain", [Space(), SIDES], ids=["space", "box"])
def test_the_same_as_one_after_the_other(stream, domain, tables):
    options = {"loss": oco.Logistic(), "domain": domain}
    for compiled, rtol in ((False, 0.0), (True, 1e-12)):
        together = play(stream, GRID, compiled=compiled, **options)
        alone = one_by_one(stream, GRID, compiled=compiled, **options)
        assert agree(together, alone, rtol)
        assert not agree(together[1:], alone[:-1], 1e-3)
    assert tables == [LANES, LANES]


def grids():
    """A grid of every learner that goes by a rule and has a number to choose."""
    for cls in oco.learners.LEARNERS.values():
        field = next((name for name in getattr(cls, "positive", ()) if name != "dimension"), None)
        if hasattr(cls, "rule") and field is not None:
            rest = dict.fromkeys((name for name, value in cls._field_defaults.items() if value is None), 0.5)
            yield cls, {f"{field}={eta}": cls(**rest | {field: eta}) for eta in (0.05, 0.1, 0.3, 0.5)}


@pytest.mark.parametrize(("cls", "grid"), [pytest.param(*pair, id=pair[0].__name__) for pair in grids()])
def test_every_rule(cls, grid, tables):
    """Those that are tied together elsewhere play alone, and agree all the more."""
    domain = Box(-0.2, 0.3) if "Box" in getattr(cls, "domains", ("Box",)) else Space()
    options = {"loss": oco.Squared(), "domain": domain, "rounds": 40, "compiled": False}
    for stream in (dense(), sparse()):
        assert agree(play(stream, grid, **options), one_by_one(stream, grid, **options), 0.0)
    assert tables[:1] == [4] or not all(isinstance(value, float) for value in next(iter(grid.values())))


def test_who_sits_together(tables):
    def count(learners, stream=None, **options):
        tables.clear()
        given = {"loss": oco.Logistic(), "compiled": False, "rounds": 3} | options
        names = [run.name for run in play(stream or sparse(), learners, **given)]
        assert names == list(learners)
        return tables[:]

    assert count(GRID) == [LANES]
    twice = GRID | {f"again {name}": learner for name, learner in GRID.items()}
    assert count(twice) == [LANES, LANES]
    assert count(twice | {"one more": AdaGrad(2.0)}) == [LANES, LANES]
    few = dict(list(GRID.items())[: FEWEST - 1])
    assert count(few) == [] and count(few | {"ogd": OGDSqrt(1.0)}) == []
    other = {f"ogd {eta}": OGDSqrt(eta) for eta in ETAS}
    mixed = {name: part for pair in zip(GRID.items(), other.items(), strict=True) for name, part in pair}
    assert count(mixed) == [LANES, LANES]
    assert count(GRID, domain=Ball()) == [] and count(GRID, penalty=Penalty(l2=0.1)) == []
    assert count(GRID, audit=True) == [] and count(GRID, stream=oco.SignFlip(3), loss=oco.Linear()) == []
    drifting = {f"{eta}": oco.RDA(eta) for eta in ETAS}
    assert count(drifting) == [] and count(drifting, stream=dense()) == [LANES]


class Stages(NamedTuple):
    """Two memories, a whole number and a number: halves its step every `every` rounds."""

    eta: float = 0.5
    every: int = 10

    def memory(self, x):
        return 0.0, self.eta

    def rule(self, now, g, x, s):
        step = s[1] if now.t % self.every else s[1] / 2.0
        return x - step * g, (s[0] + abs(g), step)


@declare(lazy=True)
class LazyStages(Stages):
    pass


@pytest.mark.parametrize("cls", [Stages, LazyStages])
@pytest.mark.parametrize("compiled", [False, True])
def test_a_learner_of_ones_own(cls, compiled, tables):
    """Learners sit with those of the same whole numbers; sparse rounds of a rule that is not lazy are dense ones."""
    grid = {f"{every} {eta:.2g}": cls(eta, every) for every in (7, 10) for eta in ETAS[:5]}
    for stream, expected in ((dense(), [5, 5]), (sparse(), [5, 5] if cls is LazyStages else [])):
        tables.clear()
        together = play(stream, grid, loss=oco.Logistic(), compiled=compiled)
        assert tables == expected
        assert agree(together, one_by_one(stream, grid, loss=oco.Logistic(), compiled=compiled), 1e-12)


def test_growing_data(tables):
    class Growing(NamedTuple):
        unused: int = 0

        def blocks(self, signed):
            for d in (3, 3, 7, 12):
                a, y = examples(n=20, d=d, seed=d)
                rows = csr_array(a)
                yield Sparse(rows.indptr.astype(np.int64), rows.indices.astype(np.int32), rows.data, y, d)

    together = play(Growing(), GRID, loss=oco.Logistic())
    assert tables == [LANES] and together[0].dimension[-1] == 12
    assert agree(together, one_by_one(Growing(), GRID, loss=oco.Logistic()), 1e-12)


@pytest.mark.parametrize("compiled", [False, True])
def test_a_diverging_lane_says_so(compiled):
    """The same words, round and size as alone; the others keep their checkpoints, which alone they reach as well."""
    steps = {f"ogd-{eta}": oco.OGD(eta) for eta in (0.001, 0.01, 1e12, 0.1, 0.2)}
    options = {"loss": oco.Squared(), "compiled": compiled}
    with pytest.raises(oco.BrokenPlayError, match=r"ogd-1000000000000\.0: .* not finite in round") as together:
        play(dense(), steps, **options)
    with pytest.raises(oco.BrokenPlayError) as alone:
        play(dense(), {"ogd-1000000000000.0": steps["ogd-1000000000000.0"]}, **options)
    assert str(together.value) == str(alone.value)
    kept = {run.name: run for run in together.value.runs}
    assert kept.keys() == steps.keys()
    for run in one_by_one(dense(), {name: part for name, part in steps.items() if part.eta < 1.0}, **options):
        seen = len(kept[run.name].t)
        assert 1 < seen < len(run.t)
        assert np.allclose(kept[run.name].loss, run.loss[:seen], rtol=1e-12)


def test_cuts_do_not_change_results(monkeypatch):
    whole = play(sparse(), GRID, loss=oco.Logistic())
    monkeypatch.setattr("oco.game.FIRST", 1)
    monkeypatch.setattr("oco.game.PIECE", 0.0)
    assert agree(whole, play(sparse(), GRID, loss=oco.Logistic()), 0.0)


def test_many_coordinates():
    """More than are copied at a time between the table and the players."""
    a, y = examples(n=300, d=6)
    rng = np.random.default_rng(1)
    columns = np.array([rng.choice(5000, 6, replace=False) for _ in range(300)])
    wide = csr_array((a.ravel(), columns.ravel(), np.arange(0, 1801, 6)), shape=(300, 5000))
    options = {"loss": oco.Logistic(), "domain": Box(-0.1, 0.1)}
    assert agree(play(Data(wide, y), GRID, **options), one_by_one(Data(wide, y), GRID, **options), 1e-12)


def test_single_precision(tables):
    options = {"loss": oco.Logistic(), "dtype": np.float32}
    together, alone = play(dense(), GRID, **options), one_by_one(dense(), GRID, **options)
    assert tables == [LANES] and agree(together, alone, 1e-5)
    assert not agree(together, play(dense(), GRID, loss=oco.Logistic()), 1e-12)


class Rooted(NamedTuple):
    """AdaGrad's branch and square root, twice: compiled code is made once for each class."""

    eta: float = 0.5

    def rule(self, now, g, x, s):
        s = s + g * g
        return (x - self.eta * g / math.sqrt(s) if s > 0.0 else x), s


class RootedToo(Rooted):
    pass


def test_lanes_are_vectors(monkeypatch, tmp_path):
    """The square root behind the rule's branch is one instruction for several lanes; not if the loop is unrolled."""
    monkeypatch.setenv("OCO_CACHE_DIR", str(tmp_path))

    def code(cls):
        fresh = Kernel(dense_lanes.plain)
        monkeypatch.setattr("oco.table.dense_lanes", fresh)
        play(dense(), {f"{eta}": cls(eta) for eta in ETAS}, loss=oco.Squared())
        return "".join(fresh._compiled.inspect_llvm().values())

    vector_root = re.compile(r"<\d+ x double> @llvm\.sqrt")
    assert vector_root.search(code(Rooted))
    monkeypatch.setattr("oco.lowlevel.simd.WHOLE", "llvm.loop.nothing")
    assert not vector_root.search(code(RootedToo))


def _double(lane, room, factor):
    room[lane, 1] = factor * room[lane, 0]


def _moved(part, numbers, w):
    room = local(w, (0.0, 0.0))
    take(w, 1, room)
    each_lane(_double, room, of_lane(part, numbers, 3).eta)
    put(room, w, 2)
    return of_lane(part, numbers, 2).every


def test_compiled_primitives_mean_what_they_say():
    numbers = (np.array(ETAS), None)
    for moved in (_moved, Kernel(_moved)):
        w = np.arange(6.0 * LANES).reshape(3, 2, LANES)
        assert moved(Stages(), numbers, w) == Stages().every
        assert np.array_equal(w[2], [w[1, 0], ETAS[3] * w[1, 0]]) and w[1, 1, 0] == 3 * LANES
    for shape in ((3, 2, LANES), (1001, 3, LANES)):
        room = aligned(shape, np.float32)
        assert room.ctypes.data % 64 == 0 and room.shape == shape and room.flags.c_contiguous


@pytest.mark.parametrize("stream", [dense(d=200), sparse(d=200)], ids=["dense", "sparse"])
def test_a_run_of_a_study_does_not_depend_on_who_else_plays(stream):
    """To the last bit: alone, among three and among eight; side by side in lanes it would."""
    groups = [{name: GRID[name] for name in list(GRID)[:count]} for count in (1, 3, LANES)]
    game, first = Game(loss=oco.Logistic()), next(iter(GRID))

    def studied(learners):
        outcomes = perform(Task(stream, 0, learners, {name: name for name in learners}, game))
        return next(outcome.result["columns"] for outcome in outcomes if outcome.key == first)

    assert all(studied(group) == studied(groups[0]) for group in groups)
    together = [run.loss.tolist() for run in play(stream, groups[2], loss=game.loss)]
    alone = [play(stream, learner, loss=game.loss)[0].loss.tolist() for learner in groups[2].values()]
    assert together != alone, "control: in lanes some last digit is another"


def test_nobody_is_lost():
    assert seated([]) == []


def test_a_zero_among_the_numbers_of_lanes():
    """Machine code may count on a zero only where all lanes have it; alone each learner says the same."""
    learners = {f"{delta}": oco.AdaGrad(0.3, delta=delta) for delta in (0.0, 0.5, 1.0, 2.0)}
    together = oco.play(oco.RandomSigns(3), learners, rounds=200)
    alone = [oco.play(oco.RandomSigns(3), learner, rounds=200)[0] for learner in learners.values()]
    assert np.allclose([run.loss for run in together], [run.loss for run in alone], rtol=1e-12)
    assert len({float(run.x[0]) for run in together}) == 4  # control: delta matters


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("lanes", [True, False])
def test_sums_that_bounds_read_are_those_of_the_state(lanes, dtype):
    """sum_i sqrt(S_i) and sum_i D_i^2 sqrt(S_i), from the state itself, in one pass for all lanes or for one player."""
    learners = {f"{eta}": oco.AdaGrad(eta) for eta in (0.1, 0.2, 0.4, 0.8)}
    runs = oco.play(sparse(), learners, loss=oco.Logistic(), domain=SIDES, dtype=dtype, lanes=lanes)
    for run in runs:
        roots = np.sqrt(run.player.state[:, 1].astype(float))
        assert np.isclose(run.tally["roots"][-1], roots.sum(), rtol=1e-12)
        weighted = (SIDES.widths(run.d) ** 2 * roots).sum()
        assert np.isclose(run.tally["weighted"][-1], weighted, rtol=1e-12)
        assert not np.isclose(weighted, roots.sum(), rtol=1e-3), "control: widths matter"


class Lost(NamedTuple):
    """Does not know where to go after round `last`."""

    eta: float = 0.1
    last: float = 60.0

    def rule(self, now, g, x, s):
        return (math.nan if now.t >= self.last else x - self.eta * g), s


def test_the_last_decision_of_a_lane_is_looked_at():
    """No loss is suffered for it."""
    learners = {f"{eta}": Lost(eta) for eta in ETAS}
    with pytest.raises(oco.BrokenPlayError, match="outside Space"):
        play(oco.Classification(5), learners, loss=oco.Linear(), rounds=60)
    runs = play(oco.Classification(5), {f"{eta}": Lost(eta, 61.0) for eta in ETAS}, loss=oco.Linear(), rounds=60)
    assert all(run.t[-1] == 60 for run in runs)
