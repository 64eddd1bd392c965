"""Iterates: compiled = interpreted = naive twin = torch = optax; the worked example of introductory texts."""

import json
from pathlib import Path

import numpy as np
import pytest
from golden import gradients
from naive import adagrad as naive_adagrad
from naive import full_matrix as naive_full_matrix
from naive import ogd as naive_ogd
from naive_l1 import mirror

import oco
from oco import OGD, AdaGrad, AdaGradNorm, Ball, Box, FullMatrixAdaGrad, L1Ball, OGDSqrt, Player, Simplex, Space, play
from oco.bounds import bounds_of
from oco.learners import AdaGradWidths
from oco.streams import Data

DOMAINS = [Space(), Box(-0.4, 0.6), Ball(0.8), L1Ball(0.9), Simplex()]
IDS = ["space", "box", "ball", "l1", "simplex"]
ROUNDS, D = 60, 4


def gradient(t, x):
    """Of a moving quadratic, zero in round 1 and often zero in coordinate 3."""
    if t == 1:
        return np.zeros(D)
    g = np.arange(1.0, D + 1.0) * x - np.cos(np.arange(D) + t / 7.0)
    g[3] *= t % 5 == 0
    return g


def walk(learner, domain, compiled):
    player = Player(learner, D, domain, compiled=compiled)
    path = [player.x.copy()]
    for t in range(1, ROUNDS + 1):
        player.update(gradient(t, player.x))
        path.append(player.x.copy())
    return np.array(path)


def agree(learner, domain, naive, tolerance=1e-9):
    interpreted, compiled = walk(learner, domain, False), walk(learner, domain, True)
    assert np.allclose(interpreted, compiled, rtol=1e-12, atol=1e-12)
    assert np.allclose(compiled, naive, rtol=tolerance, atol=tolerance)
    assert np.array_equal(compiled[0], compiled[1]), "a zero first gradient must not move the decision"
    assert np.ptp(compiled, axis=0).max() > 0.01


@pytest.mark.parametrize("domain", DOMAINS, ids=IDS)
@pytest.mark.parametrize(
    ("learner", "step"),
    [
        (OGD(0.1), lambda t, s: 0.1),
        (OGDSqrt(0.3), lambda t, s: 0.3 / np.sqrt(t)),
        (AdaGradNorm(0.5), lambda t, s: 0.5 / np.sqrt(s)),
    ],
    ids=["ogd", "ogd-sqrt", "adagrad-norm"],
)
def test_gradient_descent(learner, step, domain):
    agree(learner, domain, naive_ogd(gradient, domain.centre(D), domain, ROUNDS, step))


@pytest.mark.parametrize("domain", DOMAINS, ids=IDS)
@pytest.mark.parametrize("form", [{}, {"delta": 0.1}, {"initial": 0.1, "eps": 1e-7}], ids=["theorem", "delta", "optax"])
def test_adagrad(form, domain):
    naive = naive_adagrad(gradient, domain.centre(D), domain, ROUNDS, 0.4, **form)
    agree(AdaGrad(0.4, **form), domain, naive, 1e-7)


@pytest.mark.parametrize("radius", [np.inf, 0.8])
def test_full_matrix(radius):
    domain = Space() if np.isinf(radius) else Ball(radius)
    naive = naive_full_matrix(gradient, np.zeros(D), radius, ROUNDS, 0.4, 0.1)
    agree(FullMatrixAdaGrad(0.4, 0.1), domain, naive)


def test_full_matrix_equals_diagonal_on_one_hot_gradients():
    full, diagonal = (Player(learner, 3, Box()) for learner in (FullMatrixAdaGrad(0.5, 0.01), AdaGrad(0.5, 0.01)))
    for t in range(30):
        g = np.zeros(3)
        g[t % 3] = np.sin(t)
        full.update(g)
        diagonal.update(g)
        assert np.allclose(full.x, diagonal.x, rtol=1e-10, atol=1e-12)


def test_full_matrix_without_delta_stays_in_the_span_of_the_gradients():
    player = Player(FullMatrixAdaGrad(0.5), 3)
    for t in range(1, 20):
        player.update(np.array([1.0, 2.0, 0.0]) * np.sin(t))
    assert np.isfinite(player.x).all()
    assert abs(player.x[1] - 2.0 * player.x[0]) < 1e-12 and player.x[2] == 0.0 and player.x[0] != 0.0


@pytest.mark.parametrize("name", ["torch", "torch-initial", "optax", "optax-zero"])
def test_agrees_with(name):
    """torch: sqrt(s) + eps; optax: sqrt(s + eps), no step while s = 0. A few ulp over 200 steps."""
    case = json.loads(Path(__file__).with_name("golden.json").read_text())[name]
    settings = case["settings"]
    form = {"delta": settings["eps"]} if name.startswith("torch") else {"eps": settings["eps"]}
    player = Player(AdaGrad(settings["lr"], initial=settings["initial"], **form), 5)
    expected = dict(zip(case["rounds"], np.array(case["x"]), strict=True))
    moved = np.zeros(5)
    for t, g in enumerate(gradients(), 1):
        before = player.x.copy()
        player.update(g)
        moved += np.abs(player.x - before)
        if t in expected:  # each step is rounded once to the size of x and once to that of the step
            assert (np.abs(player.x - expected[t]) <= 4e-16 * (moved + t * np.abs(player.x).max())).all()


def rates_of(gradients_seen):
    player = Player(AdaGrad(0.1, delta=1e-8), 1)
    rates, steps = [], []
    for g in gradients_seen:
        before = player.x[0]
        player.update(np.array([g]))
        rates.append(player.rates()[0])
        steps.append(abs(player.x[0] - before))
    return rates, steps


def test_worked_example():
    """alpha = 0.1, eps = 1e-8: a frequent feature's rate falls, a rare one keeps its large first step."""
    rates, steps = rates_of([10.0, 9.0, 11.0, 10.0, 10.0])
    assert np.allclose(rates, [0.01, 0.00743294, 0.00575435, 0.00498755, 0.00446322], rtol=1e-5)
    assert np.allclose(steps, [0.1, 0.0669, 0.0633, 0.0499, 0.0446], atol=5e-5)
    rates, steps = rates_of([0.0, 0.0, 0.0, 0.1, 0.0])
    assert rates[3] == pytest.approx(1.0, rel=1e-6) and steps[3] == pytest.approx(0.1, rel=1e-6)
    assert steps[:3] == [0.0, 0.0, 0.0] and steps[4] == 0.0


def test_rates_before_the_first_gradient():
    assert np.isnan(Player(AdaGrad(0.1), 2).rates()).all()
    player = Player(AdaGrad(0.1), 2)
    player.update(np.array([1.0, 0.0]))
    assert player.rates()[0] == pytest.approx(0.1) and np.isinf(player.rates()[1])


def test_steps_by_theorem():
    setting_rounds = 400
    runs = play(
        oco.RandomSigns(3), [OGD(), OGDSqrt(), AdaGradNorm(), AdaGrad()], domain=Ball(2.0), rounds=setting_rounds
    )
    etas = [run.learner.eta for run in runs]
    assert np.allclose(etas, [2.0 / 20.0, 4.0 / np.sqrt(2.0), 4.0 / np.sqrt(2.0), 4.0 / np.sqrt(2.0)])


WIDTHS = Box(np.array([-1.0, 0.0, -0.1, 3.0]), np.array([1.0, 0.5, 5.0, 3.0]))


@pytest.mark.parametrize("domain", [Space(), Box(-0.4, 0.6), Ball(0.8), L1Ball(0.9)], ids=IDS[:4])
@pytest.mark.parametrize("eta", [0.4, np.array([0.1, 0.2, 0.4, 0.8])], ids=["number", "array"])
def test_adagrad_with_a_step_a_coordinate(domain, eta):
    twin = mirror(gradient, domain, D, ROUNDS, lambda t, s: np.sqrt(s) / eta, 0.0, start=domain.centre(D))
    path = walk(AdaGradWidths(eta), domain, compiled=isinstance(domain, Ball))
    assert np.allclose(path, twin, rtol=1e-8, atol=1e-8) and np.ptp(path, axis=0).max() > 0.01


def test_adagrad_with_one_step_for_all_is_adagrad():
    for domain in (Box(-0.4, 0.6), Ball(0.8)):
        same = [walk(learner, domain, False) for learner in (AdaGradWidths(0.3), AdaGrad(0.3))]
        assert np.allclose(*same, rtol=1e-13, atol=1e-13)


def test_steps_by_width():
    """sqrt(2) sum_i D_i sqrt(S_i) on a box, whose last coordinate has no room."""
    run = play(oco.RandomSigns(4), AdaGradWidths(), domain=WIDTHS, rounds=60, audit=True, compiled=False)[0]
    widths = WIDTHS.widths(4)
    assert np.allclose(run.learner.eta[:3], widths[:3] / np.sqrt(2.0))
    squares = (run.history.g**2).cumsum(axis=0)[run.t - 1]
    assert np.allclose(run.bounds()["adagrad-widths-data"], np.sqrt(2.0) * np.sqrt(squares) @ widths)
    assert run.x[3] == 3.0
    alike = play(oco.RandomSigns(4), AdaGradWidths(), domain=Ball(), rounds=1, compiled=False)[0].learner
    assert isinstance(alike.eta, float) and alike.eta == pytest.approx(np.sqrt(2.0))


@pytest.mark.parametrize("domain", [WIDTHS, Box(-0.5, 1.0), Ball(1.5), L1Ball(), Simplex()], ids=str)
def test_regret_of_adagrad_with_a_step_a_coordinate(domain):
    streams = [oco.RandomSigns(4, bias=0.4), oco.SignFlip(4), oco.Orthogonal(4), oco.Regression(4, condition=50.0)]
    for stream in streams:
        for run in play(stream, AdaGradWidths(), domain=domain, rounds=100, seed=2, audit=True, compiled=False):
            kinds = {bound.name: bound.kind for bound in bounds_of(run.learner)}
            for name, bound in run.bounds().items():
                regret = run.regret.low if kinds[name] == "trajectory" else run.regret.high
                assert (regret <= bound + 1e-9 * (1.0 + np.abs(bound))).all(), f"{name} broken"


def test_control_half_of_the_second_term_is_not_enough():
    """(D^2 / (2 eta) + eta / 2) sqrt(S) for (D^2 / (2 eta) + eta) sqrt(S): twelve rounds in one dimension exceed it."""
    g = np.array([-0.42, 0.08, 0.1, 0.11, 0.16, -1.0] + 6 * [-0.08])
    run = play(
        Data(g[:, None], np.zeros(len(g))),
        AdaGradWidths(),
        loss=oco.Linear(),
        domain=Box(0.0, 1.0),
        start=np.zeros(1),
        compiled=False,
    )[0]
    half = (1.0 / (2.0 * run.learner.eta) + run.learner.eta / 2.0) * np.sqrt(np.sum(g**2))
    assert run.regret.low[-1] > 1.06 * half
    assert run.regret.high[-1] < run.bounds()["adagrad-widths-data"][-1] == pytest.approx(4.0 / 3.0 * half)
