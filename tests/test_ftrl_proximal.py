"""FTRL-Proximal: naive twins, regret with the game's penalty and with its own terms, idle coordinates."""

import numpy as np
import pytest
from naive_l1 import proximal
from penalised import (
    DOMAINS,
    ROUNDS,
    D,
    assert_any_scale,
    assert_bounds,
    assert_idle,
    assert_regret,
    assert_sparse_play,
    assert_twin,
    gradient,
    walk,
)

import oco
from oco import Ball, Box, Player, Space, play
from oco.conformance import check
from oco.learners import FTRLProximal

FORMS = {"plain": (0.0, 0.0, 0.0), "beta": (1.0, 0.0, 0.0), "own": (0.5, 0.2, 0.3), "own-l2": (0.0, 0.0, 0.3)}
RATES = {"number": 0.4, "array": np.array([0.2, 0.4, 0.6, 0.8])}


@pytest.mark.parametrize("l1", [0.0, 0.05])
@pytest.mark.parametrize("domain", DOMAINS)
@pytest.mark.parametrize("form", FORMS)
def test_threshold_then_projection_is_the_argmin(form, domain, l1):
    for alpha in RATES.values():
        twin = proximal(gradient, DOMAINS[domain], D, ROUNDS, alpha, *FORMS[form], l1)
        assert_twin(FTRLProximal(alpha, *FORMS[form]), DOMAINS[domain], l1, twin)


def test_the_published_pseudocode():
    """McMahan et al. 2013, Algorithm 1, line by line: z, n and w of one coordinate at a time."""
    alpha, beta, lambda1, lambda2 = 0.1, 1.0, 0.3, 0.2
    player = Player(FTRLProximal(alpha, beta, lambda1, lambda2), D, compiled=False)
    z, n, w = np.zeros(D), np.zeros(D), np.zeros(D)
    for t in range(1, 100):
        g = gradient(t, w)
        player.update(g)
        for i in np.flatnonzero(g):
            sigma = (np.sqrt(n[i] + g[i] ** 2) - np.sqrt(n[i])) / alpha
            z[i] += g[i] - sigma * w[i]
            n[i] += g[i] ** 2
        for i in range(D):
            w[i] = 0.0
            if abs(z[i]) > lambda1:
                w[i] = -(z[i] - np.sign(z[i]) * lambda1) / ((beta + np.sqrt(n[i])) / alpha + lambda2)
        assert np.allclose(player.x, w, rtol=1e-12, atol=1e-14)
    assert np.abs(w).max() > 0.05


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("l1", [0.0, 1e-4, 0.003, 0.05, 1e4])
@pytest.mark.parametrize("domain", [Space(), Box(-0.3, 0.2)], ids=["space", "box"])
def test_idle_coordinates_cost_what_they_cost_when_touched(form, l1, domain):
    assert_idle(FTRLProximal(0.5, *FORMS[form]), l1, domain)


def test_sparse_play_is_dense_play():
    assert_sparse_play(FTRLProximal(0.5, 1.0, 0.1, 0.1))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("l1", [0.0, 0.05])
def test_regret_with_the_penalty(form, l1):
    learner = FTRLProximal(None, *FORMS[form])
    assert_regret(learner, learner._replace(alpha=0.5), l1)


def test_regret_with_a_rate_a_coordinate_on_the_whole_space():
    run = play(
        oco.Regression(D, condition=10.0), FTRLProximal(RATES["array"], 1.0), rounds=80, audit=True, compiled=False
    )[0]
    assert_bounds(run)


def test_the_theorem_rate():
    """sqrt(2) sum_i D_i sqrt(S_i), with every coordinate's own width."""
    run = play(oco.RandomSigns(D), FTRLProximal(), domain=DOMAINS["box"], rounds=50, audit=True, compiled=False)[0]
    widths = DOMAINS["box"].widths(D)
    assert np.allclose(run.learner.alpha, widths / np.sqrt(2.0))
    squares = (run.history.g**2).cumsum(axis=0)[run.t - 1]
    assert np.allclose(run.bounds()["ftrl-proximal-data"], np.sqrt(2.0) * np.sqrt(squares) @ widths)


def test_a_coordinate_without_room():
    box = Box(np.array([-1.0, 0.0]), np.array([1.0, 0.0]))
    run = play(oco.RandomSigns(2), FTRLProximal(), domain=box, rounds=50, audit=True, compiled=False)[0]
    assert_bounds(run)
    assert run.x[1] == 0.0
    assert run.bounds()["ftrl-proximal-data"][-1] == pytest.approx(np.sqrt(2.0) * 2.0 * np.sqrt(50 / 2.0))


@pytest.mark.parametrize("alpha", RATES)
def test_compiled(alpha):
    learner = FTRLProximal(RATES[alpha], 0.5, 0.1, 0.2)
    check(learner, Box(-0.5, 1.0))
    paths = [walk(learner, Ball(0.5), 0.05, compiled) for compiled in (False, True)]
    assert np.allclose(*paths, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("size", [1e-150, 1e150])
@pytest.mark.parametrize("l1", [0.0, 0.02])
def test_any_scale(size, l1):
    assert_any_scale(FTRLProximal(1.0), size, l1)
    assert_any_scale(FTRLProximal(1.0, size, 0.1 * size, 0.1 * size), size, l1)


@pytest.mark.parametrize("own", [(0.0, 3.0, 0.0), (0.0, 0.0, 30.0), (30.0, 0.0, 0.0)], ids=["l1", "l2", "beta"])
def test_control_its_own_terms_are_part_of_the_bound(own):
    """Without r(u) the bound is exceeded: what holds x back costs regret."""
    run = play(
        oco.RandomSigns(D, bias=0.9), FTRLProximal(1.0, *own), domain=Box(), rounds=30, audit=True, compiled=False
    )[0]
    assert_bounds(run)
    u2 = np.array([u @ u for u in run.comparators])
    u1 = np.array([np.abs(u).sum() for u in run.comparators])
    beta, l1, l2 = own
    without = run.bounds()["ftrl-proximal-trajectory"] - l1 * u1 - (beta + l2) * u2 / 2.0
    assert (run.regret.low - without).max() > 0.1


def test_trajectory_bound_is_tight():
    run = play(oco.SignFlip(D), FTRLProximal(0.5), domain=Box(-0.5, 1.0), rounds=100, audit=True, compiled=False)[0]
    assert 0.9 < (run.regret.low / run.bounds()["ftrl-proximal-trajectory"]).max() <= 1.0 + 1e-9
