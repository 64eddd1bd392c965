"""Online Newton Step and Vovk-Azoury-Warmuth: twins, bounds, an identity, assumptions."""

import numpy as np
import pytest
from attack import D, assert_bounds, attacked, moving, tightness, walk
from naive import weighted_ball

import oco
from oco import Ball, Box, Player, play
from oco.conformance import check
from oco.learners import OnlineNewtonStep, VovkAzouryWarmuth
from oco.penalty import Penalty

CONCAVE = {
    "regression": oco.Regression(D, condition=100.0, rotated=True),
    "drifting": oco.Regression(D, period=40.0),
    "noise": oco.Regression(D, noise=2.0),
    "classification": oco.Classification(D),
    "turning": oco.Classification(D, period=30.0, noise=0.3),
}
SQUARED = {name: stream for name, stream in CONCAVE.items() if isinstance(stream, oco.Regression)}


@pytest.mark.parametrize("radius", [0.2, 1.0])
def test_newton_twin_on_the_ball(radius):
    path, outer = walk(OnlineNewtonStep(0.5, 0.3), Ball(radius)), 0.3 * np.eye(D)
    for t in range(1, len(path)):
        g = moving(t, path[t - 1])
        outer = outer + np.outer(g, g)
        y = path[t - 1] - np.linalg.solve(outer, g) / 0.5
        h, q = np.linalg.eigh(outer)
        assert np.allclose(path[t], q @ weighted_ball(q.T @ y, h, radius), atol=1e-8)
    assert np.array_equal(path[0], path[1])


@pytest.mark.parametrize("domain", [Box(-0.5, 1.0), Ball(0.7)], ids=["box", "ball"])
def test_newton_bounds(domain):
    """As tuned by theorem, and the closed form max(1/alpha, G D) (1 + d ln(1 + t/(4d)))."""
    for run in attacked(OnlineNewtonStep(), domain, rounds=80, streams=CONCAVE):
        assert_bounds(run)
        alpha, size = run.exp_concavity, run.promised * domain.diameter(D)
        clean = max(1.0 / alpha, size) * (1.0 + D * np.log1p(run.t / (4.0 * D)))
        assert (run.bounds()["newton-worst"] <= clean * (1.0 + 1e-9)).all()
        assert (run.bounds()["newton-data"] <= run.bounds()["newton-logdet"] * (1.0 + 1e-9)).all()


def test_newton_checks_its_assumptions():
    stream, names = CONCAVE["regression"], ("newton-data", "newton-logdet", "newton-worst")
    tuned = play(stream, OnlineNewtonStep(), domain=Ball(), rounds=20, compiled=False)[0]
    run = play(stream, OnlineNewtonStep(4.0 * tuned.learner.gamma, 1.0), domain=Ball(), rounds=20, compiled=False)[0]
    assert_bounds(run, infinite=names)
    run = play(oco.RandomSigns(D), OnlineNewtonStep(0.05, 1.0), domain=Ball(), rounds=20, compiled=False)[0]
    assert_bounds(run, infinite=names)  # linear losses
    with pytest.raises(ValueError, match="not known to be exp-concave"):
        play(oco.RandomSigns(D), OnlineNewtonStep(), domain=Ball(), rounds=20)
    with pytest.raises(ValueError, match="OnlineNewtonStep"):
        Player(OnlineNewtonStep(0.1, 1.0), D)


def test_control_linear_losses_break_the_logarithm():
    """What the check is for: without curvature regret passes the bound that exp-concave losses would have."""
    run = play(oco.Orthogonal(D), OnlineNewtonStep(0.25, 4.0), domain=Ball(), rounds=3000)[0]
    logdet = run.tally["logdet"] / 0.5 + 0.25 * 4.0 / 2.0 * 4.0
    assert run.regret.low[-1] > logdet[-1]


@pytest.mark.parametrize("loss", [oco.Squared(), oco.Logistic()], ids=["squared", "logistic"])
def test_exp_concavity(loss):
    """exp(-alpha f) has no positive second difference within the margin, and has for 1.05 alpha."""
    margin, step = 1.5, 1e-3
    alpha = loss.exp_concavity(margin, 1.0)
    z = np.arange(-margin + step, margin - step, step)

    def most(a):
        f = np.exp(-a * np.array([[loss.value(p, 1.0) for p in z + shift] for shift in (-step, 0.0, step)]))
        return (f[0] - 2.0 * f[1] + f[2]).max()

    assert most(alpha) <= 1e-12 < most(1.05 * alpha)


def test_forward_twin():
    rng, player = np.random.default_rng(3), Player(VovkAzouryWarmuth(0.7), D, compiled=False)
    a, y = rng.standard_normal((50, D)) * [1.0, 1e-3, 30.0], rng.standard_normal(50)
    outer, moment = 0.7 * np.eye(D), np.zeros(D)
    for z, label in zip(a, y, strict=True):
        outer = outer + np.outer(z, z)
        player.foresee(z)
        assert np.allclose(player.x, np.linalg.solve(outer, moment), rtol=1e-7, atol=1e-10)
        player.update((z @ player.x - label) * z)
        moment = moment + label * z


@pytest.mark.parametrize("ridge", [0.01, 1.0])
def test_forward_bounds(ridge):
    for run in attacked(VovkAzouryWarmuth(ridge), None, rounds=80, streams=SQUARED):
        assert_bounds(run)
        assert (run.bounds()["forward-data"] <= run.bounds()["forward-logdet"] * (1.0 + 1e-9)).all()
        assert (run.bounds()["forward-logdet"] <= run.bounds()["forward-worst"] * (1.0 + 1e-9)).all()


def regularised(run, ridge):
    """Loss less min_u lam/2 |u|^2 + sum f_s(u)."""
    a, y = run.history.a, run.history.y
    u = np.linalg.solve(ridge * np.eye(D) + a.T @ a, a.T @ y)
    return run.history.loss.sum() - ridge / 2.0 * u @ u - ((a @ u - y) ** 2).sum() / 2.0


@pytest.mark.parametrize("name", SQUARED)
def test_forward_identity(name):
    """= (1/2) sum_s y_s^2 z_s^T A_s^{-1} z_s - (1/2) sum_s yhat_s^2 z_s^T A_{s-1}^{-1} z_s."""
    run = attacked(VovkAzouryWarmuth(0.5), None, rounds=80, streams={name: SQUARED[name]})[0]
    outer, right = 0.5 * np.eye(D), 0.0
    for z, y, x in zip(run.history.a, run.history.y, run.history.x, strict=True):
        right -= (z @ x) ** 2 * (z @ np.linalg.solve(outer, z)) / 2.0
        outer = outer + np.outer(z, z)
        right += y**2 * (z @ np.linalg.solve(outer, z)) / 2.0
    assert regularised(run, 0.5) == pytest.approx(right, rel=1e-9, abs=1e-10)
    assert run.tally["spent"][-1] / 2.0 >= right


def test_control_forward_identity_is_sharp_in_the_first_round():
    run = attacked(VovkAzouryWarmuth(0.5), None, rounds=1, streams={"noise": SQUARED["noise"]})[0]
    assert regularised(run, 0.5) == pytest.approx(run.tally["spent"][0] / 2.0, rel=1e-9)
    assert tightness([run], "forward-data") <= 1.0 + 1e-9


def test_forward_claims():
    with pytest.raises(ValueError, match="VovkAzouryWarmuth"):
        play(oco.Classification(D), VovkAzouryWarmuth(), rounds=5)
    with pytest.raises(ValueError, match="VovkAzouryWarmuth"):
        play(SQUARED["noise"], VovkAzouryWarmuth(), domain=Ball(), rounds=5)
    with pytest.raises(ValueError, match="features"):
        play(oco.SignFlip(D), VovkAzouryWarmuth(), loss=oco.Squared(), rounds=5)
    run = play(SQUARED["noise"], VovkAzouryWarmuth(), rounds=5, penalty=Penalty(l2=0.1), compiled=False)[0]
    assert all(np.isinf(bound).all() for bound in run.bounds().values())


@pytest.mark.parametrize("size", [1e-140, 1e70])
def test_forward_at_any_scale(size):
    rng, player = np.random.default_rng(5), Player(VovkAzouryWarmuth(), 2, compiled=False)
    for _ in range(20):
        z = rng.standard_normal(2) * [size, 1.0]
        player.foresee(z)
        player.update((z @ player.x - 1.0) * z)
        assert np.isfinite(player.x).all()


def test_newton_conforms():
    check(OnlineNewtonStep(0.5, 0.3), Ball())


def test_forward_compiled_is_interpreted():
    runs = [play(SQUARED["noise"], VovkAzouryWarmuth(), rounds=60, compiled=way)[0] for way in (True, False)]
    assert np.allclose(runs[0].x, runs[1].x, rtol=1e-9, atol=1e-12)
