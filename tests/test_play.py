"""The game: reproducible, a shorter play is the start of a longer one, memory flat, nothing lost, clear refusals."""

import gc
import itertools
import signal
import subprocess
import sys
import threading
import time
import tracemalloc
import weakref
from typing import NamedTuple

import numpy as np
import pytest

import oco
from oco import AdaGrad, Ball, Box, BrokenPlayError, FullMatrixAdaGrad, L1Ball, OGDSqrt, Player, Simplex, Space, play
from oco._jit import Kernel
from oco._twins import settled
from oco.game import Game, checkpoints
from oco.protocols import Dense
from oco.regret import COLUMNS
from oco.streams import block_rounds

LEARNERS = {"ogd": OGDSqrt(0.5), "adagrad": AdaGrad(0.5)}


def same(one, other):
    return all(
        np.array_equal(getattr(one, name), getattr(other, name))
        for name in ("t", "loss", "sumsq", "x", "peak", "reach")
    )


@pytest.mark.parametrize("stream", [oco.ZipfText(50), oco.Regression(3), oco.Orthogonal(4), oco.SignFlip(3)])
def test_same_seed_same_bytes(stream):
    one, other = (play(stream, LEARNERS, domain=Ball(), rounds=700, seed=5) for _ in range(2))
    assert all(same(a, b) for a, b in zip(one, other, strict=True))
    alone = play(stream, LEARNERS["adagrad"], domain=Ball(), rounds=700, seed=5)[0]
    assert same(alone, one[1])
    assert not same(play(stream, AdaGrad(0.5), domain=Ball(), rounds=700, seed=6)[0], alone) or "Flip" in str(stream)


def test_a_shorter_play_is_the_start_of_a_longer_one():
    stream = oco.Regression(3)
    n = block_rounds(stream)
    short, long = (play(stream, AdaGrad(0.5), domain=Ball(), rounds=r)[0] for r in (1000, n + 1000))
    shared = short.t[:-1]
    assert np.array_equal(long.t[: len(shared)], shared) and np.array_equal(long.loss[: len(shared)], short.loss[:-1])


@pytest.mark.parametrize("domain", [Ball(), Box()], ids=lambda part: type(part).__name__)
@pytest.mark.parametrize("stream", [oco.Regression(3), oco.RandomSigns(3)], ids=lambda part: type(part).__name__)
def test_slices_do_not_change_results(stream, domain, monkeypatch):
    """Nor what the comparator sees at a time, whose sums are rounded."""
    pieces, play_piece = [], Game._advance
    monkeypatch.setattr(Game, "_advance", lambda self, *given: pieces.append(given) or play_piece(self, *given))
    whole = play(stream, LEARNERS, domain=domain, rounds=500)
    assert len(pieces) < 100
    monkeypatch.setattr("oco.game.FIRST", 1)
    monkeypatch.setattr("oco.game.PIECE", 0.0)
    sliced = play(stream, LEARNERS, domain=domain, rounds=500)
    assert len(pieces) > 500
    for a, b in zip(whole, sliced, strict=True):
        assert same(a, b) and np.array_equal(a.regret, b.regret)


def test_compiled_equals_interpreted():
    for stream in (oco.ZipfText(30), oco.Regression(3), oco.Orthogonal(4)):
        one, other = (play(stream, LEARNERS, domain=Ball(), rounds=60, compiled=c) for c in (True, False))
        for a, b in zip(one, other, strict=True):
            assert np.allclose(a.x, b.x, rtol=1e-9, atol=1e-12)
            assert np.allclose(a.loss, b.loss, rtol=1e-9, atol=1e-12)


def test_decisions_on_the_sphere_stay_numbers():
    """Rounds without a gradient leave x on the boundary, where rounding decides whether it is projected again."""
    options = {"loss": oco.Hinge(), "domain": Ball(20.0), "rounds": 300}
    run = play(oco.ZipfText(d=2000), AdaGrad(), **options)[0]
    assert np.isfinite(run.x).all() and np.linalg.norm(run.x) <= 20.0 * (1.0 + 1e-12)


def test_sparse_equals_dense():
    from scipy.sparse import csr_array

    rng = np.random.default_rng(0)
    a = rng.standard_normal((200, 6)) * (rng.random((200, 6)) < 0.4)
    y = np.where(rng.random(200) < 0.5, -1.0, 1.0)
    learners = {"ogd": OGDSqrt(0.5), "adagrad": AdaGrad(0.5), "full": FullMatrixAdaGrad(0.5, 0.01)}
    for domain in (Space(), Box(), Ball()):
        dense, sparse = (play(oco.Data(x, y), learners, loss=oco.Hinge(), domain=domain) for x in (a, csr_array(a)))
        for one, other in zip(dense, sparse, strict=True):
            assert np.allclose(one.x, other.x, rtol=1e-9, atol=1e-12)
            for sums in ("loss", "size", "sumsq", "faded", "peak"):
                assert np.allclose(getattr(one, sums), getattr(other, sums), rtol=1e-9), sums
            assert np.allclose(one.regret.low, other.regret.low, rtol=1e-6, atol=1e-6)


def test_ledger_against_a_loop_in_numpy():
    stream, eta = oco.Regression(3), 0.3
    run = play(stream, AdaGrad(eta), rounds=100, seed=2)[0]
    block = next(oco.streams.blocks(stream, 2, 100, False))
    x, s, total, sumsq, faded, peak = np.zeros(3), np.zeros(3), 0.0, 0.0, 0.0, 0.0
    for t, (a, y) in enumerate(zip(block.a, block.y, strict=True), 1):
        g = (a @ x - y) * a
        total, sumsq, faded = total + (a @ x - y) ** 2 / 2.0, sumsq + g @ g, faded + g @ g / np.sqrt(t)
        peak = max(peak, np.linalg.norm(g))
        s += g * g
        x -= eta * g / np.sqrt(s)
    assert run.t[-1] == 100
    expected = (total, sumsq, faded, peak)
    assert np.allclose([run.loss[-1], run.sumsq[-1], run.faded[-1], run.peak[-1]], expected, rtol=1e-12)
    u = np.linalg.lstsq(block.a, block.y, rcond=None)[0]
    best = ((block.a @ u - block.y) ** 2).sum() / 2.0
    assert run.regret.low[-1] <= total - best <= run.regret.high[-1]
    assert run.regret.high[-1] - run.regret.low[-1] < 1e-9


def test_checkpoints():
    grid = [t for t, _ in zip(checkpoints(), range(40), strict=False)]
    assert grid[:8] == [1, 2, 3, 4, 6, 7, 10, 13] and all(b > a for a, b in itertools.pairwise(grid))
    assert play(oco.Regression(2), AdaGrad(1.0), rounds=1)[0].t.tolist() == [1]
    assert play(oco.Regression(2), AdaGrad(1.0), rounds=12)[0].t.tolist() == [1, 2, 3, 4, 6, 7, 10, 12]


def test_memory_is_flat_in_the_number_of_rounds():
    peaks = []
    for rounds in (300_000, 1_200_000):
        play(oco.RandomSigns(2), AdaGrad(), domain=Box(), rounds=rounds)  # what is compiled stays
        tracemalloc.start()
        play(oco.RandomSigns(2), AdaGrad(), domain=Box(), rounds=rounds)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.3 * peaks[0] + 2**20


def test_stepping_by_hand_is_the_same_play():
    stream = oco.Regression(3)
    run = play(stream, AdaGrad(0.3), domain=Ball(), rounds=50)[0]
    player = Player(AdaGrad(0.3), d=3, domain=Ball())
    block = next(oco.streams.blocks(stream, 0, 50, False))
    for a, y in zip(block.a, block.y, strict=True):
        player.update((a @ player.x - y) * a)
    assert np.allclose(player.x, run.x, rtol=1e-12)
    assert np.allclose(player.rates(), run.rates, rtol=1e-9)
    with pytest.raises(ValueError, match="finite gradient of shape"):
        player.update(np.array([np.nan, 0.0, 0.0]))


class Late(NamedTuple):
    """A user's loss that is not a number once the learner has moved far enough."""

    edge: float = -0.305

    def value(self, z, y):
        return z if z > self.edge else np.nan

    def slope(self, z, y):
        return 1.0


class Breaks(NamedTuple):
    d: int = 2
    loss = oco.Linear()

    def examples(self, rng, t, target):
        a = rng.standard_normal((len(t), self.d))
        if t[-1] >= 70_000:
            a[3] = np.inf
        return a, np.zeros(len(t))


def test_machine_code_is_called_for_the_very_types_it_was_made_for(monkeypatch):
    """Blocks whose arrays are of other kinds, and states and losses that others put there, are looked at again."""
    rng = np.random.default_rng(0)
    a, y = rng.standard_normal((60, 4)), np.sign(rng.standard_normal(60))
    looks = []
    plain = Kernel.entry
    monkeypatch.setattr(Kernel, "entry", lambda self, *given: looks.append(self) or plain(self, *given))
    loss, whole, player = oco.Logistic(), Player(AdaGrad(0.3), 4), Player(AdaGrad(0.3), 4)
    whole.advance(Dense(a, y), loss)
    fixed = a[20:30].copy()
    fixed.flags.writeable = False
    with settled():
        for block, looked in ((a[:10], 1), (a[10:20], 0), (fixed, 1), (a[30:40], 1), (a[40:50], 0)):
            looks.clear()
            player.advance(Dense(block, y[player.ledger.t :][:10]), loss)
            assert len(looks) == looked
        before = player.tally()
        player.move_to(player.state.copy(order="C"))
        assert player.tally() == pytest.approx(before, rel=1e-15)
        looks.clear()
        player.advance(Dense(a[50:], y[50:]), loss)
        assert len(looks) == 1 and np.allclose(player.state, whole.state, rtol=1e-14)
        assert player.ledger == pytest.approx(whole.ledger, rel=1e-14)
        player.advance(Dense(a[:10], y[:10]), oco.Squared())
        whole.advance(Dense(a[:10], y[:10]), loss)
        assert not np.allclose(player.x, whole.x)


class Uneven(NamedTuple):
    """A rule whose bounds read a sum of what coordinates remember."""

    eta: float = 0.3
    sums = ("roots",)

    def rule(self, now, g, x, s):
        s = s + g * g + 1e-3 * now.loss * now.loss
        return x - self.eta * g / np.sqrt(s + 1.0), s

    def share(self, s, width):
        return (np.sqrt(s) * width,)


@pytest.mark.parametrize("learner", [AdaGrad(0.3), OGDSqrt(0.1), Uneven()], ids=lambda part: type(part).__name__)
@pytest.mark.parametrize("domain", [Space(), Box(-0.05, 0.1)], ids=lambda part: type(part).__name__)
def test_machine_code_that_passes_checkpoints_notes_the_same(learner, domain, monkeypatch):
    """One call plays to several checkpoints; one call for each finds the same, but for the order of sums."""
    calls = []
    stride = Player.stride
    monkeypatch.setattr(Player, "stride", lambda self, *given: calls.append(given[-1]) or stride(self, *given))
    game = {"domain": domain, "rounds": 3000, "start": np.full(37, 0.01)}
    (swift,) = play(oco.Classification(37), learner, **game)
    assert sum(map(len, calls)) >= len(swift.t) - 1 and len(calls) < len(swift.t) / 2
    monkeypatch.setattr(Player, "strides", lambda self, block: False)
    (slow,) = play(oco.Classification(37), learner, **game)
    assert len(calls) < len(swift.t) / 2
    for name in COLUMNS:
        assert np.allclose(getattr(swift, name), getattr(slow, name), rtol=1e-13, atol=0.0), name
    assert swift.tally.keys() == slow.tally.keys() and len(set(swift.loss)) == len(swift.t)
    for name in swift.tally:
        assert np.allclose(swift.tally[name], slow.tally[name], rtol=1e-13, atol=0.0), name
    assert np.allclose(swift.regret, slow.regret, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("swift", [True, False])
def test_where_one_learner_breaks_off_all_keep_the_same_checkpoints(swift, monkeypatch):
    """OGD moves down by eta a round: the margin passes -0.305 in round 306, after 237 was noted in the same piece."""
    if not swift:
        monkeypatch.setattr(Player, "strides", lambda self, block: False)
    learners = {"slow": oco.OGD(0.0002), "quick": oco.OGD(0.001), "slower": oco.OGD(0.0001)}
    with pytest.raises(BrokenPlayError, match=r"quick: .* not finite in round 30[67]") as caught:
        play(oco.Data(np.ones((1000, 1)), np.zeros(1000)), learners, loss=Late(), domain=Box(), lanes=False)
    runs = caught.value.runs
    assert [run.t[-1] for run in runs] == [237, 237, 237] and len({len(run.t) for run in runs}) == 1
    assert len(runs[0].hindsight._rows._asked) == len(runs[0].t)
    assert runs[0].loss[-1] == pytest.approx(-0.0002 * sum(range(237)))


def test_a_loss_that_turns_nan_keeps_the_runs():
    # OGD moves down by 0.01 a round: the margin passes -0.305 in round 32.
    with pytest.raises(BrokenPlayError, match="not finite in round 32") as caught:
        play(oco.Data(np.ones((100, 1)), np.zeros(100)), oco.OGD(0.01), loss=Late())
    assert caught.value.runs[0].t[-1] == 32 - 8


def test_a_stream_that_breaks_keeps_the_runs():
    with pytest.raises(BrokenPlayError, match="NaN or infinity") as caught:
        play(Breaks(), OGDSqrt(0.1), rounds=200_000)
    assert caught.value.runs[0].t[-1] >= 56_234


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"rounds": 0}, ValueError, "a whole number of 1 or more"),
        ({"rounds": -3}, ValueError, "a whole number of 1 or more"),
        ({"start": [3.0, 0.0]}, ValueError, "start: x_1 must be a point"),
        ({"start": [0.0]}, ValueError, "with 2 coordinates"),
        ({"learners": AdaGrad(-0.1)}, ValueError, "eta = -0.1 must be a positive"),
        ({"learners": AdaGrad(0.1, delta=-1.0)}, ValueError, "delta = -1.0 must be a number >= 0"),
        ({"learners": AdaGrad(float("nan"))}, ValueError, "eta = nan"),
        ({"learners": AdaGrad(), "domain": Space()}, ValueError, "diameter is not known; give eta"),
        ({"learners": oco.OGD(), "rounds": None, "stream": oco.Data(np.ones((3, 2)), np.ones(3))}, ValueError, "known"),
        ({"learners": FullMatrixAdaGrad(0.1), "domain": L1Ball()}, ValueError, "not compatible with L1Ball: missing"),
        ({"learners": "adagrad"}, TypeError, "not a part"),
        ({"learners": Box()}, TypeError, "is not a learner: missing rule"),
        ({"domain": Ball(-1.0)}, ValueError, "radius = -1.0"),
        ({"domain": Box(1.0, 0.0)}, ValueError, "lower must not be above upper"),
        ({"loss": oco.Hinge()}, ValueError, "takes labels -1 and \\+1"),
        ({"stream": oco.Data(np.ones((3, 2)), np.ones(2))}, ValueError, "do not fit"),
        ({"stream": oco.Data(np.array([[np.nan]]), np.ones(1)), "loss": oco.Linear()}, ValueError, "NaN or infinity"),
        ({"stream": oco.Data(np.ones((3, 2)), np.ones(3)), "loss": None}, ValueError, "no loss of its own"),
        ({"learners": FullMatrixAdaGrad(0.1), "stream": oco.RandomSigns(5000)}, ValueError, "above 4096"),
    ],
)
def test_bad_input_is_refused(arguments, error, message):
    given = {
        "stream": oco.Regression(2),
        "learners": OGDSqrt(0.1),
        "domain": Ball(),
        "rounds": 10,
        "loss": oco.Squared(),
    }
    given |= arguments
    with pytest.raises(error, match=message):
        play(given.pop("stream"), given.pop("learners"), **given)


def test_growing_data_needs_a_domain_that_can_grow():
    first = oco.protocols.Sparse(np.array([0, 1]), np.array([0], np.int32), np.ones(1), np.ones(1), 1)
    second = first._replace(indices=np.array([3], np.int32), d=4)

    class Growing(NamedTuple):
        unused: int = 0

        def blocks(self, signed):
            yield first
            yield second

    runs = play(Growing(), {"a": AdaGrad(0.1), "full": FullMatrixAdaGrad(0.1)}, loss=oco.Logistic(), domain=Ball())
    assert [run.d for run in runs] == [4, 4] and runs[0].dimension.tolist() == [1, 4]
    assert np.allclose(runs[0].x, runs[1].x)
    with pytest.raises(ValueError, match="Simplex cannot grow"):
        play(Growing(), AdaGrad(0.1), loss=oco.Logistic(), domain=Simplex())


INTERRUPTED = """
import oco, sys
print("ready", flush=True)
runs = oco.play(oco.RandomSigns(2), oco.AdaGrad(), domain=oco.Box(), rounds=10**12)
print(runs[0].interrupted, runs[0].rounds, runs[0].regret.low[-1] <= runs[0].bounds()["adagrad-data"][-1])
"""


def test_ctrl_c_keeps_what_was_played():
    process = subprocess.Popen([sys.executable, "-c", INTERRUPTED], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline().strip() == "ready"
    time.sleep(4.0)
    process.send_signal(signal.SIGINT)
    interrupted, rounds, within = process.communicate(timeout=60)[0].split()
    assert process.returncode == 0 and interrupted == "True" and int(rounds) > 0 and within == "True"


def test_play_in_a_thread():
    runs = []
    thread = threading.Thread(target=lambda: runs.extend(play(oco.Regression(2), AdaGrad(1.0), rounds=50)))
    thread.start()
    thread.join()
    assert runs[0].rounds == 50


def test_a_finished_play_lets_go_of_its_rounds():
    """At once, not when the garbage collector comes by: thousands of plays in a row would fill the memory."""
    gc.disable()
    try:
        runs = oco.play(oco.ZipfText(d=20), {"a": AdaGrad(0.5), "b": OGDSqrt(0.5)}, rounds=50)
        assert runs[0].regret.high[-1] > 0.0
        held = weakref.ref(runs[0].hindsight)
        assert held() is not None  # control
        del runs
        assert held() is None
    finally:
        gc.enable()
