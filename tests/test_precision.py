"""float32: what it costs in accuracy, and what it does not change."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import oco
from oco import AdaGrad, Adam, Ball, Box, FTRLProximal, Linear, OGDSqrt, Player, play
from oco._jit import kernel
from oco.lowlevel.estimate import offered
from oco.lowlevel.numbers import BRANCHES, finite, inverse_root, order, signed, unordered
from oco.streams import blocks

ROOT = Path(__file__).parents[1]
EPS = float(np.finfo(np.float32).eps)
DENSE, SPARSE = oco.Classification(d=40), oco.ZipfText(d=200)
GAMES = {
    "dense": (DENSE, AdaGrad()),
    "sparse": (SPARSE, AdaGrad()),
    "several memories": (oco.Regression(d=10), Adam(0.01)),
    "sparse, drifting": (SPARSE, FTRLProximal()),
    "adversary": (oco.Greedy(4), OGDSqrt()),
}


def loss_of_accuracy(stream, learner, dtype, **game):
    """|regret in `dtype` - regret in float64| relative to the sum of sizes of losses, at every checkpoint."""
    exact, rough = (
        play(stream, learner, domain=Box(-0.3, 0.3), rounds=2000, dtype=d, **game)[0] for d in (float, dtype)
    )
    return np.abs(exact.regret.middle - rough.regret.middle) / np.maximum(exact.size, 1e-9)


@pytest.mark.parametrize("game", GAMES)
def test_regret_moves_by_some_roundings_of_a_round(game):
    """Rounding moves each decision by some eps of its size, and losses as much in relation to their own."""
    assert loss_of_accuracy(*GAMES[game], np.float32).max() <= 20.0 * EPS


def test_control_in_half_precision_it_would_move_far_more():
    """The same rule on decisions rounded to 11 bits a round misses the bound: it does see a loss of accuracy."""
    block = next(blocks(DENSE, 0, 2000, True))
    x, s, paid, exact = np.zeros(40, np.float16), np.zeros(40), 0.0, 0.0
    (run,) = play(DENSE, AdaGrad(0.3), rounds=2000)
    for a, y in zip(block.a, block.y, strict=True):
        z = float(a @ x.astype(float))
        paid += run.loss_function.value(z, y)
        g = run.loss_function.slope(z, y) * a
        s += g * g
        x = (x - 0.3 * g / np.sqrt(s)).astype(np.float16)
    exact = run.loss[-1]
    assert abs(paid - exact) / run.size[-1] > 20.0 * EPS


@pytest.mark.parametrize("stream", [DENSE, SPARSE, oco.Greedy(4)], ids=lambda stream: type(stream).__name__)
def test_the_ledger_is_exact_for_the_decisions_played(stream):
    """An audited play has the float32 decisions and rows: their losses, summed in float64, are the ledger's."""
    (run,) = play(stream, AdaGrad(0.3), domain=Box(), rounds=300, dtype=np.float32, audit=True)
    history = run.history
    assert np.array_equal(history.x, history.x.astype(np.float32)) and np.array_equal(
        history.a, history.a.astype(np.float32)
    )
    z = [float(np.dot(a, x)) for a, x in zip(history.a.astype(float), history.x.astype(float), strict=True)]
    losses = [run.loss_function.value(margin, y) for margin, y in zip(z, history.y, strict=True)]
    assert abs(sum(losses) - run.loss[-1]) <= 1e-13 * run.size[-1] * len(losses)
    # The control: margins in float32 would not do.
    rough = [
        float(np.dot(a.astype(np.float32), x.astype(np.float32))) for a, x in zip(history.a, history.x, strict=True)
    ]
    assert (
        stream != DENSE
        or abs(sum(map(run.loss_function.value, rough, history.y)) - run.loss[-1]) > 1e-13 * run.size[-1]
    )


@pytest.mark.parametrize(
    "domain", [Box(-0.1, 0.1), Ball(0.3), oco.L1Ball(0.3)], ids=lambda domain: type(domain).__name__
)
def test_compiled_is_interpreted_and_inside_the_domain(domain):
    """Bounds that float32 cannot hold exactly, such as 0.1, are not a reason to end a play."""
    game = {"domain": domain, "rounds": 200, "dtype": np.float32}
    compiled, plain = (play(DENSE, Adam(0.1), compiled=c, **game)[0] for c in (True, False))
    assert np.allclose(compiled.x, plain.x, rtol=0.0, atol=50.0 * EPS * np.abs(plain.x).max())
    assert compiled.dtype == "float32" and compiled.x.dtype == np.float64


def test_a_decision_far_outside_is_still_noticed():
    player = Player(AdaGrad(0.1), 3, Box(-0.1, 0.1), dtype=np.float32)
    assert player.feasible()
    player.x[0] = 0.1001
    assert not player.feasible()


def test_memory_is_half_and_data_are_not_copied():
    a = np.ones((50, 8), np.float32)
    block = next(blocks(oco.Data(a, np.zeros(50)), 0, None, False, np.float32))
    assert block.a is a
    assert Player(Adam(), 8, dtype=np.float32).state.nbytes == Player(Adam(), 8).state.nbytes / 2


def test_what_is_refused():
    with pytest.raises(ValueError, match="FullMatrixAdaGrad has no rule by coordinate and is played in float64 only"):
        play(DENSE, oco.FullMatrixAdaGrad(0.1), rounds=10, dtype=np.float32)
    for dtype in (np.float16, int, "single or so"):
        with pytest.raises(ValueError, match="float64 or float32 is needed"):
            play(oco.RandomSigns(2), OGDSqrt(0.1), rounds=10, dtype=dtype)


@kernel
def inverse_roots(v, out):
    for i in range(len(v)):
        out[i] = inverse_root(v[i])


def test_inverse_root_everywhere():
    """Within 1.25 ulp (4 in float32) of the root in extended precision, and 0 where nothing is known."""
    v = np.concatenate([2.0 ** np.random.default_rng(0).uniform(-1022.0, 1024.0, 100_000), [2.3e-308, 1.7e308]])
    for kind, most in ((np.float64, 1.25), (np.float32, 4.0)):
        some = v[(v > np.finfo(kind).tiny) & (v < np.finfo(kind).max)].astype(kind)
        out, exact = np.empty_like(some), 1.0 / np.sqrt(some.astype(np.longdouble))
        for function, least in ((inverse_roots, most), (inverse_roots.plain, 1.5)):
            function(some, out)
            assert np.abs((out - exact) / np.spacing(exact.astype(kind))).max() <= least
        ends, out = np.array([0.0, np.finfo(kind).tiny / 2, 4.0, np.nan], kind), np.empty(4, kind)
        for function in (inverse_roots, inverse_roots.plain):
            function(ends, out)
            assert np.array_equal(out, [0.0, 0.0, 0.5, np.nan], equal_nan=True)


def test_inverse_root_without_the_processors_estimate(tmp_path):
    """The same on a processor of the plainest kind; the estimate's name must be gone from both kinds of code."""
    check = (
        "from tests.test_precision import inverse_roots, test_inverse_root_everywhere as check; check()\n"
        "text = ''.join(inverse_roots._compiled.inspect_asm().values())\n"
        "called = [line for line in text.splitlines() if 'call' in line and 'estimate' in line]\n"
        "print('rsqrt14pd' in text, bool(called))"
    )
    for plain in (True, False):
        only = {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": ""} if plain else {}
        env = os.environ | only | {"OCO_CACHE_DIR": str(tmp_path / str(plain))}
        run = subprocess.run([sys.executable, "-c", check], env=env, cwd=ROOT, capture_output=True, text=True)
        assert run.stdout.split() == [str(offered() and not plain), "False"], run.stderr


def test_order_of_sizes():
    for kind in (np.float64, np.float32):
        v = kind([0.0, -1e-40, 1e-30, -1.0, 1.5, -2.0, 3e38, -np.inf, np.nan])
        keys = [order(x) for x in v]
        assert keys == sorted(keys)
        assert np.array_equal([unordered(key) for key in keys], np.abs(v), equal_nan=True)
        assert [order(x) for x in -v] == keys


def test_linear_losses_of_signs_are_exact():
    """Sums of +-1 / 2^k are exact in both precisions, so not one digit may differ."""
    runs = [
        play(oco.RandomSigns(4), oco.OGD(0.125), loss=Linear(), rounds=500, dtype=d)[0] for d in (float, np.float32)
    ]
    assert np.array_equal(runs[0].loss, runs[1].loss) and np.array_equal(runs[0].x, runs[1].x)


@kernel
def looks(v, is_finite, few, many):
    for i in range(len(v)):
        is_finite[i] = finite(v[i])
        few[i], many[i] = signed(2.0, v[i], 1), signed(2.0, v[i], BRANCHES + 1)


def test_looks_at_numbers():
    """Finite or not, and the sign with which zeros of both signs are taken."""
    v = np.array([0.0, -0.0, 5e-324, -1.0, 1.7e308, -1.7e308, np.inf, -np.inf, np.nan, -np.nan])
    for function in (looks, looks.plain):
        is_finite, few, many = np.empty((3, len(v)))
        function(v, is_finite, few, many)
        assert (is_finite == np.isfinite(v)).all()
        for signs in (few, many):
            assert (signs[:-2] == np.where(v[:-2] >= 0.0, 2.0, -2.0)).all()
