"""Portfolios: twins, bounds, the universal portfolio's equality on horse races, markets."""

import math

import naive_experts as naive
import numpy as np
import pytest
from test_hedge import assert_bounds

import oco
from oco import Player, Simplex, play
from oco.conformance import check
from oco.learners import EG, ONSPortfolio, UniversalPortfolio
from oco.learners.portfolio import curvature
from oco.learners.universal import simplex_grid
from oco.losses import NegativeLog
from oco.streams import Data, Kelly, Market, blocks

ROUNDS = 120


def relatives(n, rounds=60):
    return np.exp(0.3 * np.random.default_rng(n).standard_normal((rounds, n)))


def walk(learner, prices, start=None):
    player = Player(learner, prices.shape[1], Simplex(), start=start, compiled=False)
    path = [player.x.copy()]
    for a in prices:
        player.update(-a / (player.x @ a))
        path.append(player.x.copy())
    return np.array(path)


@pytest.mark.parametrize("prior", [0.5, 1.0])
def test_universal_portfolio_of_two_assets(prior):
    prices = relatives(2, 150)
    assert np.allclose(walk(UniversalPortfolio(prior), prices), naive.universal(prices, prior), rtol=1e-10)


def test_other_twins():
    prices = relatives(3)
    assert np.allclose(simplex_grid(3, 100), sorted(naive.lattice(3, 12).tolist(), key=lambda p: (p[1], p[0]))) or (
        {tuple(p) for p in np.round(simplex_grid(3, 100), 9)} == {tuple(p) for p in np.round(naive.lattice(3, 12), 9)}
    )
    assert np.allclose(walk(UniversalPortfolio(points=100), prices), naive.mixture(prices, naive.lattice(3, 12)))
    start = np.array([0.5, 0.3, 0.2])
    assert np.allclose(walk(EG(0.4), prices, start), naive.eg(prices, start, 0.4))
    for form in ((0.3, 1.0, 0.0), (1.0, 0.125, 0.1)):
        twin = naive.ons_portfolio(prices, *form)
        assert np.allclose(walk(ONSPortfolio(*form), prices), twin, rtol=1e-8, atol=1e-10)


def test_grids():
    assert [len(simplex_grid(n, 1000)) for n in (1, 3, 4, 36, 2000)] == [1, 990, 969, 666, 2000]


@pytest.mark.parametrize("learner", [EG(0.3), ONSPortfolio(0.3), UniversalPortfolio()], ids=lambda x: type(x).__name__)
def test_conformance(learner):
    check(learner, Simplex())


@pytest.mark.parametrize("stream", [Market(2), Market(4, 0.1), Kelly(2, 0.2)], ids=["two", "four", "races"])
def test_regret_is_within_every_bound(stream):
    learners = {"eg": EG(), "half": UniversalPortfolio(), "one": UniversalPortfolio(1.0, 50)}
    if isinstance(stream, Market):
        learners |= {"ons": ONSPortfolio(ratio=0.4), "wild": ONSPortfolio(2.0)}
    for run in play(stream, learners, domain=Simplex(), rounds=ROUNDS, audit=True, compiled=False):
        assert_bounds(run)
        if isinstance(stream, Market) and run.name in ("eg", "ons"):
            assert np.isfinite(list(run.bounds().values())).all()
        elif run.name == "half":
            assert np.isfinite(run.bounds()["universal-data"]).all()


@pytest.mark.parametrize(("prior", "closed"), [(1.0, 1.0), (0.5, 0.96)])
def test_equality_on_horse_races(prior, closed):
    """One asset wins every day: regret is exactly the bound, ln(t + 1) for the uniform prior."""
    run = play(Kelly(2, 1.0), UniversalPortfolio(prior), domain=Simplex(), rounds=ROUNDS, compiled=False)[0]
    assert np.allclose(run.regret.middle, run.bounds()["universal-data"], rtol=1e-9)
    assert (run.regret.high / run.bounds()["universal-closed"]).max() == pytest.approx(closed, abs=0.01)


def test_wealth_on_horse_races():
    """Against any order of winners the universal portfolio's wealth is E[b^k (1 - b)^(t - k)] 2^t."""
    stream = Kelly(2, 0.4)
    a = next(blocks(stream, 3, ROUNDS, False)).a
    run = play(stream, UniversalPortfolio(1.0), domain=Simplex(), rounds=ROUNDS, seed=3, compiled=False)[0]
    k = int((a[:, 0] > 0.0).sum())
    expected = math.lgamma(k + 1) + math.lgamma(ROUNDS - k + 1) - math.lgamma(ROUNDS + 2) + ROUNDS * math.log(2.0)
    assert run.loss[-1] == pytest.approx(-expected, rel=1e-10)


def test_universal_portfolio_recovers_what_floats_would_lose():
    """An asset that looked hopeless at odds of 1e-361 comes back: the masses are kept as logarithms."""
    prices = np.vstack([np.tile([1.0, 0.25], (600, 1)), np.tile([0.001, 1.0], (5000, 1))])
    player = Player(UniversalPortfolio(), 2, Simplex())
    for a in prices:
        player.update(-a / (player.x @ a))
    # Of the posterior b^{-1/2} (1 + 3 b)^600 (1 - b)^5000 near 0: Gamma(1/2) with rate 5000 - 1800.
    assert player.x[0] == pytest.approx(0.5 / 3200.0, rel=0.02)


@pytest.mark.parametrize("most", [1.0, 1.2, 2.0, 10.0, 1e6])
def test_curvature_constant(most):
    """The quadratic lies below the loss for every y up to the end, and touches it there: no larger beta will do."""
    y = np.concatenate([-1.0 + np.geomspace(1e-9, 1.0, 200), np.linspace(0.0, most - 1.0, 200)])
    beta = curvature(most)
    assert (-np.log1p(y) + y - beta * y**2 / 2.0 >= -1e-12 * most).all()
    if most >= 1.2:
        assert -np.log(most) + (most - 1.0) - 1.01 * beta * (most - 1.0) ** 2 / 2.0 < 0.0


def test_broken_assumptions_make_bounds_infinite():
    learners = {"beta": ONSPortfolio(5.0), "delta": ONSPortfolio(0.1, delta=0.125), "eta": ONSPortfolio(0.1, eta=0.1)}
    for run in play(Market(3, 0.1), learners, domain=Simplex(), rounds=30, audit=True, compiled=False):
        assert np.isinf([value[-1] for value in run.bounds().values()]).all(), run.name
    run = play(Kelly(2), EG(ratio=0.9), domain=Simplex(), rounds=30, compiled=False)[0]
    assert np.isinf(run.bounds()["eg-worst"][-1]) and np.isfinite(run.bounds()["eg-data"]).all()


def test_portfolios_want_their_loss_and_domain():
    for learner in (EG(), ONSPortfolio(), UniversalPortfolio()):
        with pytest.raises(ValueError, match="NegativeLog"):
            play(oco.RandomSigns(2), learner, domain=Simplex())
        with pytest.raises(ValueError, match="Simplex"):
            play(Market(2), learner, domain=oco.Box(0.1, 1.0))


@pytest.mark.parametrize("scale", [1e-150, 1e150])
def test_scales(scale):
    prices = relatives(3)
    for learner in (EG(0.3), UniversalPortfolio(points=50), ONSPortfolio(0.3)):
        stream = Data(scale * prices, np.zeros(len(prices)))
        run = play(stream, learner, loss=NegativeLog(), domain=Simplex(), compiled=False)[0]
        twin = play(Data(prices, np.zeros(len(prices))), learner, loss=NegativeLog(), domain=Simplex(), compiled=False)[
            0
        ]
        assert np.allclose(run.x, twin.x, rtol=1e-8, atol=1e-10)


def test_certified_best_portfolio_of_many_assets():
    run = play(Market(36), EG(), domain=Simplex(), rounds=1000, compiled=False)[0]
    assert (run.regret.high - run.regret.low).max() < 1e-5
