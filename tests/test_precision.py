"""float32: what it costs in accuracy, and what it does not change."""

import numpy as np
import pytest

import oco
from oco import AdaGrad, Adam, Ball, Box, FTRLProximal, Linear, OGDSqrt, Player, play
from oco.streams import blocks

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
    """Up to the rounding of sums of products; an audited play has the float32 decisions and rows."""
    (run,) = play(stream, AdaGrad(0.3), domain=Box(), rounds=300, dtype=np.float32, audit=True)
    a, x = run.history.a.astype(float), run.history.x.astype(float)
    assert np.array_equal(x, x.astype(np.float32)) and np.array_equal(a, a.astype(np.float32))
    value = run.loss_function.value  # its slope is at most 1
    exact = sum(map(value, np.einsum("ti,ti->t", a, x), run.history.y))
    # Roundings are as good as independent, within a round (Higham and Mary 2019) and from round to round.
    sums = 2.0 * EPS * np.sqrt(run.d) * np.linalg.norm(np.abs(a * x).sum(axis=1))
    within = (sums if stream != SPARSE else 0.0) + 1e-13 * run.size[-1] * len(a)  # sparse rounds add up in float64
    assert abs(exact - run.loss[-1]) <= within
    # The control: decisions rounded to 11 bits are others.
    assert abs(sum(map(value, np.einsum("ti,ti->t", a, np.float64(np.float16(x))), run.history.y)) - exact) > within


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


def test_linear_losses_of_signs_are_exact():
    """Sums of +-1 / 2^k are exact in both precisions, so not one digit may differ."""
    runs = [
        play(oco.RandomSigns(4), oco.OGD(0.125), loss=Linear(), rounds=500, dtype=d)[0] for d in (float, np.float32)
    ]
    assert np.array_equal(runs[0].loss, runs[1].loss) and np.array_equal(runs[0].x, runs[1].x)
