"""Dual averaging with L1: naive twins, regret with the penalty, idle coordinates, delta below the gradients."""

import numpy as np
import pytest
from naive_l1 import averaging
from penalised import (
    DOMAINS,
    ROUNDS,
    D,
    assert_any_scale,
    assert_idle,
    assert_regret,
    assert_sparse_play,
    assert_twin,
    gradient,
    walk,
)

import oco
from oco import Ball, Box, L1Ball, Simplex, Space, play
from oco.conformance import check
from oco.learners import RDA, AdaGradRDA
from oco.learners.dual_averaging import most_weighted
from oco.streams import Data

LEARNERS = {
    "rda": (RDA(1.7), lambda t, squares: np.full(D, 1.7 * np.sqrt(t))),
    "adagrad": (AdaGradRDA(0.4, 0.3), lambda t, squares: (0.3 + np.sqrt(squares)) / 0.4),
}


@pytest.mark.parametrize("l1", [0.0, 0.05])
@pytest.mark.parametrize("domain", DOMAINS)
@pytest.mark.parametrize("name", LEARNERS)
def test_threshold_then_projection_is_the_argmin(name, domain, l1):
    learner, gamma = LEARNERS[name]
    assert_twin(learner, DOMAINS[domain], l1, averaging(gradient, DOMAINS[domain], D, ROUNDS, gamma, l1))


@pytest.mark.parametrize("learner", [RDA(2.0), RDA(0.01), AdaGradRDA(0.5, 0.1)], ids=str)
@pytest.mark.parametrize("l1", [0.0, 1e-4, 0.003, 0.05, 1e4])
@pytest.mark.parametrize("domain", [Space(), Box(-0.3, 0.2)], ids=["space", "box"])
def test_idle_coordinates_cost_what_they_cost_when_touched(learner, l1, domain):
    assert_idle(learner, l1, domain)


@pytest.mark.parametrize("learner", [RDA(2.0), AdaGradRDA(0.5, 0.1)], ids=str)
def test_sparse_play_is_dense_play(learner):
    assert_sparse_play(learner)


@pytest.mark.parametrize(("learner", "given"), [(RDA(), RDA(2.0)), (AdaGradRDA(), AdaGradRDA(0.5, 30.0))], ids=str)
@pytest.mark.parametrize("l1", [0.0, 0.05])
def test_regret_with_the_penalty(learner, given, l1):
    for run in assert_regret(learner, given, l1):
        assert all(np.isfinite(bound).all() for bound in run.bounds().values()) or not run.domain.bounded


@pytest.mark.parametrize("learner", [RDA(2.0), AdaGradRDA(0.5, 1.0)], ids=str)
def test_compiled(learner):
    check(learner, Box(-0.5, 1.0))
    paths = [walk(learner, Ball(0.5), 0.1, compiled) for compiled in (False, True)]
    assert np.allclose(*paths, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("size", [1e-150, 1e150])
@pytest.mark.parametrize("l1", [0.0, 0.02])
def test_any_scale(size, l1):
    assert_any_scale(RDA(size), size, l1)
    assert_any_scale(AdaGradRDA(1.0, size), size, l1)


def test_parameters_by_theorem():
    box = Box(np.array([-1.0, -0.1, 0.0]), np.array([0.5, 3.0, 0.2]))
    runs = play(oco.RandomSigns(3), [RDA(), AdaGradRDA(), AdaGradRDA(delta=2.0)], domain=box, rounds=20, compiled=False)
    assert runs[0].learner.gamma == pytest.approx(np.sqrt(2.0 / (1.0 + 9.0 + 0.04)))
    assert np.allclose(runs[1].learner, (3.0 / np.sqrt(2.0), 1.0))  # |g|_inf <= |g|_2 <= 1 is what is promised
    assert np.allclose(runs[2].learner, (3.0 / np.sqrt(2.0), 2.0))
    with pytest.raises(ValueError, match="not compatible with Simplex"):
        play(oco.RandomSigns(3), RDA(1.0), domain=Simplex(), rounds=20)


@pytest.mark.parametrize("domain", [Box(np.array([-1.0, -0.1, 0.0]), 0.5), Ball(0.7), L1Ball(0.7)], ids=str)
def test_most_weighted_is_a_maximum(domain):
    rng, c = np.random.default_rng(0), np.array([0.3, 2.0, 0.9])
    values = [domain.minimiser(rng.standard_normal(3)) ** 2 @ c for _ in range(3000)]
    assert max(values) <= most_weighted(domain, c) + 1e-12
    assert max(values) >= 0.99 * most_weighted(domain, c)


def ratios(g, delta, eta):
    """AdaGradRDA in one dimension on [-1, 1]: regret over its bound, and over that with H_s in place of H_{s-1}."""
    stream = Data(g[:, None], np.zeros(len(g)))
    run = play(stream, AdaGradRDA(eta, delta), loss=oco.Linear(), domain=Box(), audit=True, compiled=False)[0]
    h = delta + np.sqrt(np.cumsum(g**2))
    u2 = np.array([float(u @ u) for u in run.comparators])
    wrong = (h * u2 / (2.0 * eta) + eta / 2.0 * np.cumsum(g**2 / h))[run.t - 1]
    return run, run.regret.low / run.bounds()["adagrad-rda-trajectory"], run.regret.low / wrong


def test_control_delta_below_the_gradients():
    """A small gradient sends x far off before a large one: the accumulator without g_s is what holds, and Theorem 5
    says nothing."""
    run, right, wrong = ratios(np.array([-1.0, 100.0]), delta=0.01, eta=np.sqrt(0.5))
    assert right.max() < 1.0 < 1.5 < wrong.max()
    assert np.isinf(run.bounds()["adagrad-rda-data"]).all() and np.isinf(run.bounds()["adagrad-rda-worst"]).all()
    theorem5 = (0.01 + run.tally["roots"]) / np.sqrt(2.0) + np.sqrt(0.5) * run.tally["roots"]
    assert run.regret.low[-1] > theorem5[-1]


def test_trajectory_bounds_are_tight():
    """Somewhere they are all but attained: a dropped term or a tenth of it would be noticed."""
    for learner in (RDA(2.0), AdaGradRDA(0.5, 0.5)):
        runs = play(oco.SignFlip(D), learner, domain=Box(-0.5, 1.0), rounds=100, audit=True, compiled=False)
        best = max(
            (run.regret.low / run.bounds()[name]).max() for run in runs for name in run.bounds() if "traj" in name
        )
        assert 0.85 < best <= 1.0 + 1e-9
