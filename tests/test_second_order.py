"""ML-Prod, ML-Poly, BOA, Squint, Fixed Share, KT: twins, bounds against every expert and sequence, controls."""

import math

import naive_experts as naive
import numpy as np
import pytest
from test_hedge import SKEWED, STREAMS, assert_bounds, draw, expert_regrets, walk

import oco
from oco import Simplex, play
from oco.conformance import check
from oco.learners import BOA, FixedShare, KTExperts, MLPoly, MLProd, Squint
from oco.streams import Data, Experts

ROUNDS = 150
UNIFORM = np.full(4, 0.25)
GRID = 0.5 ** np.arange(1, 9)
LEARNERS = [
    MLProd(1.0), MLPoly(1.0), BOA(0.2, 1.0), Squint(8, 1.0), FixedShare(0.5, 0.05, 1.0), KTExperts(0.0, 1.0),
    KTExperts(ROUNDS / 2, 1.0),
]  # fmt: skip
ids = [type(learner).__name__ for learner in LEARNERS]


def squint(prior):
    return lambda r, v: prior * (GRID[:, None] * np.exp(GRID[:, None] * r - GRID[:, None] ** 2 * v)).sum(axis=0)


@pytest.mark.parametrize("prior", [UNIFORM, SKEWED], ids=["uniform", "skewed"])
@pytest.mark.parametrize("spread", [1.0, 2.5])
def test_twins(prior, spread):
    losses = draw()
    given = spread * losses - 7.0
    by_regret = {
        MLPoly(spread): lambda r, v: np.maximum(r, 0.0) / (1.0 + v),
        BOA(0.2, spread): lambda r, v: prior * np.exp(0.2 * r - 0.04 * v),
        Squint(8, spread): squint(prior),
    }
    twins = [(learner, naive.by_regret(losses, prior, weigh)) for learner, weigh in by_regret.items()]
    twins.append((FixedShare(0.6 / spread, 0.1, spread), naive.fixed_share(losses, prior, 0.6, 0.1)))
    twins.append((KTExperts(0.0, spread), naive.kt_experts(losses, prior, 0.0)))
    twins.append((KTExperts(30.0, spread), naive.kt_experts(losses, prior, 30.0)))
    if prior is UNIFORM:
        twins.append((MLProd(spread), naive.ml_prod(losses, prior)))
    for learner, twin in twins:
        assert np.allclose(walk(learner, given, prior), twin, rtol=1e-9, atol=1e-12), learner


@pytest.mark.parametrize("learner", [*LEARNERS[:4], LEARNERS[4], LEARNERS[5]], ids=ids[:6])
def test_conformance(learner):
    check(learner, Simplex())


def against(run):
    """The bound against every expert at every checkpoint, (K, N)."""
    if isinstance(run.learner, KTExperts):
        costs = -np.log(run.start)
        return np.array([run.learner.inverse(run.t, cost) for cost in costs]).T
    if isinstance(run.learner, FixedShare):
        return np.repeat(run.bounds()["fixed-share-data"][:, None], len(run.start), axis=1)
    return run.learner.against(run, run.tally["squares"])


@pytest.mark.parametrize("stream", STREAMS)
def test_regret_is_within_every_bound(stream):
    for start in (None, SKEWED) if STREAMS[stream].d == 4 else (None,):
        for run in play(
            STREAMS[stream], LEARNERS, domain=Simplex(), rounds=ROUNDS, start=start, audit=True, compiled=False
        ):
            assert_bounds(run)
            assert (expert_regrets(run)[run.t - 1] <= against(run) + 1e-9).all(), run.name


def test_regret_on_convex_losses():
    learners = [learner._replace(spread=6.0) for learner in LEARNERS]
    for run in play(oco.Regression(4), learners, domain=Simplex(), rounds=ROUNDS, audit=True, compiled=False):
        assert_bounds(run)


@pytest.mark.parametrize("m", [0, 1, 3, 10])
def test_fixed_share_against_sequences_that_switch(m):
    rng = np.random.default_rng(5)
    losses = (rng.random((ROUNDS, 4)) < 0.5 - 0.4 * (np.arange(ROUNDS)[:, None] // 30 % 4 == np.arange(4))).astype(
        float
    )
    stream, given = (
        Data(losses, np.zeros(ROUNDS)),
        {"loss": oco.Linear(), "domain": Simplex(), "rounds": ROUNDS, "compiled": False},
    )
    for learner in (FixedShare(0.8, 0.03, 1.0), FixedShare(spread=1.0, switches=max(m, 1))):
        run = play(stream, learner, **given)[0]
        best = np.array([naive.switching(losses[:t], m) for t in run.t])
        bound = run.learner.switching(run, m)
        assert (run.loss - best <= bound + 1e-9).all()
        if m == 10:
            assert ((run.loss - best)[-1] > run.learner.switching(run, 0)[-1]) or learner.alpha is None
    bits = math.log(4) + m * math.log(3) + 149 * entropy(max(m, 1) / 149)
    if m > 0:  # the bracket of the tuned learner, in closed form
        assert (math.log(4) + run.learner.paths(4, ROUNDS, m)) == pytest.approx(bits)
        assert bound[-1] <= math.sqrt(bits * ROUNDS / 2.0) + 1e-9


def entropy(p):
    return -p * math.log(p) - (1.0 - p) * math.log(1.0 - p)


def test_coin_betting_bounds():
    """The closed form is for delta = t/2; without a horizon it is no consequence of the theorem: the control."""
    for t, cost in [(10, 0.0), (100, 2.0), (10_000, 0.1), (10**6, 5.0)]:
        closed = math.sqrt(3.0 * t * (3.0 + cost))
        assert KTExperts(t / 2, 1.0).inverse(np.array([t]), cost)[0] <= closed
    assert KTExperts(0.0, 1.0).inverse(np.array([10**6]), 0.0)[0] > math.sqrt(9.0e6)
    run = play(Experts(4), KTExperts(ROUNDS / 2), domain=Simplex(), rounds=ROUNDS, compiled=False)[0]
    assert run.bounds()["kt-experts-closed"][-1] == pytest.approx(math.sqrt(3 * ROUNDS * (3 + math.log(4))))
    assert np.isinf(run.bounds()["kt-experts-closed"][:-1]).all()
    y = KTExperts(0.0, 1.0).inverse(np.array([50]), 2.0)
    assert KTExperts(0.0, 1.0).potential(50, y)[0] == pytest.approx(2.0)
    assert KTExperts(0.0, 1.0).inverse(np.array([5]), 1e3)[0] == 5.0


def test_broken_promises_make_bounds_infinite():
    learners = [learner._replace(spread=0.5) for learner in LEARNERS]
    for run in play(Experts(4), learners, domain=Simplex(), rounds=50, audit=True, compiled=False):
        assert np.isinf([value[-1] for name, value in run.bounds().items() if name.endswith("worst")]).all()
        assert run.domain.contains(run.x)
    run = play(Experts(4), MLProd(1.0), domain=Simplex(), rounds=50, start=SKEWED, compiled=False)[0]
    assert np.isinf(run.bounds()["ml-prod-data"]).all()


def test_parameters_are_checked():
    for learner, message in [(BOA(0.6, 1.0), "at most 1/2"), (FixedShare(1.0, 1.0, 1.0), "below 1")]:
        with pytest.raises(ValueError, match=message):
            oco.Player(learner, 3, Simplex())
    for kind in (BOA, Squint, MLProd, MLPoly, FixedShare, KTExperts):
        with pytest.raises(ValueError, match="spread is not known"):
            play(Data(draw(), np.zeros(60)), kind(), loss=oco.Linear(), domain=Simplex())
        run = play(Experts(4), kind(), domain=Simplex(), rounds=20, compiled=False)[0]
        assert run.learner.spread == 1.0 and not any(value is None for value in run.learner)


@pytest.mark.parametrize("scale", [1e-200, 1e-150, 1e150])
def test_scales_and_vertices(scale):
    with np.errstate(all="raise", under="ignore"):
        for learner in LEARNERS:
            for start in (UNIFORM, np.array([0.0, 1.0, 0.0, 0.0])):
                for n in (4, 1):
                    path = walk(learner, scale * draw(n), np.ones(1) if n == 1 else start)
                    assert np.isfinite(path).all() and np.allclose(path.sum(axis=1), path[0].sum())


def test_controls_bounds_are_near():
    """The bounds of BOA and Squint against single experts are nearly attained: 0.6 of them would be broken."""
    ratios = {}
    for stream in ("experts", "alternating", "punisher"):
        for run in play(STREAMS[stream], LEARNERS, domain=Simplex(), rounds=ROUNDS, audit=True, compiled=False):
            ratio = (expert_regrets(run)[run.t - 1] / against(run)).max()
            ratios[type(run.learner).__name__] = max(ratio, ratios.get(type(run.learner).__name__, 0.0))
    assert ratios["BOA"] > 0.8 and ratios["Squint"] > 0.6


def test_control_a_wrong_sign_is_caught():
    class Loser(BOA):
        def update(self, now, g, state, domain):
            return super().update(now, 1.0 - g, state, domain)

    run = play(Experts(4, 0.5), {"loser": Loser(0.2, 1.0)}, domain=Simplex(), rounds=ROUNDS, compiled=False)[0]
    with pytest.raises(AssertionError):
        assert_bounds(run)
