"""Composite mirror descent with L1: naive twins, regret with the penalty, idle coordinates, wrong starts."""

import numpy as np
import pytest
from naive_l1 import mirror
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

from oco import Ball, Box, Penalty, Player, Space
from oco.conformance import check
from oco.learners import FOBOS, AdaGrad, AdaGradFOBOS, OGDSqrt

LEARNERS = {
    "fobos": (FOBOS(0.6), lambda t, squares: np.full(D, np.sqrt(t) / 0.6)),
    "adagrad": (AdaGradFOBOS(0.4), lambda t, squares: np.sqrt(squares) / 0.4),
    "adagrad-delta": (AdaGradFOBOS(0.4, 0.1), lambda t, squares: (0.1 + np.sqrt(squares)) / 0.4),
}


@pytest.mark.parametrize("l1", [0.0, 0.15])
@pytest.mark.parametrize("domain", DOMAINS)
@pytest.mark.parametrize("name", LEARNERS)
def test_threshold_then_projection_is_the_argmin(name, domain, l1):
    learner, gamma = LEARNERS[name]
    assert_twin(learner, DOMAINS[domain], l1, mirror(gradient, DOMAINS[domain], D, ROUNDS, gamma, l1))


def test_without_penalty_they_are_the_learners_without_threshold():
    for learner, other in ((FOBOS(0.6), OGDSqrt(0.6)), (AdaGradFOBOS(0.4, 0.1), AdaGrad(0.4, 0.1))):
        assert np.allclose(walk(learner, Ball(0.5), 0.0), walk(other, Ball(0.5), 0.0), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("learner", [FOBOS(0.5), AdaGradFOBOS(0.5), AdaGradFOBOS(0.5, 0.1)], ids=str)
@pytest.mark.parametrize("l1", [0.0, 1e-4, 0.003, 0.05, 1e4])
@pytest.mark.parametrize("domain", [Space(), Box(-0.3, 0.2)], ids=["space", "box"])
def test_idle_coordinates_cost_what_they_cost_when_touched(learner, l1, domain):
    assert_idle(learner, l1, domain)


@pytest.mark.parametrize("learner", [FOBOS(0.5), AdaGradFOBOS(0.5, 0.1)], ids=str)
def test_sparse_play_is_dense_play(learner):
    assert_sparse_play(learner)


@pytest.mark.parametrize("learner", [FOBOS(), AdaGradFOBOS(), AdaGradFOBOS(delta=0.1)], ids=str)
@pytest.mark.parametrize("l1", [0.0, 0.05])
def test_regret_with_the_penalty(learner, l1):
    assert_regret(learner, learner._replace(eta=0.5), l1)


@pytest.mark.parametrize("learner", [FOBOS(0.5), AdaGradFOBOS(0.5)], ids=str)
def test_compiled(learner):
    check(learner, Box(-0.5, 1.0))
    paths = [walk(learner, Ball(0.5), 0.1, compiled) for compiled in (False, True)]
    assert np.allclose(*paths, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("size", [1e-150, 1e150])
@pytest.mark.parametrize("l1", [0.0, 0.1])
def test_any_scale(size, l1):
    assert_any_scale(FOBOS(1.0 / size), size, l1)
    assert_any_scale(AdaGradFOBOS(1.0), size, l1)


def test_control_the_bound_needs_a_start_where_the_penalty_is_least():
    """From x_1 = 1 the penalty of x_1, which no gradient pays for, exceeds the bound many times over."""
    l1, tiny, eta = 1.0, 1e-3, np.sqrt(0.5)
    path = mirror(lambda t, x: np.full(1, tiny), Box(0.0, 1.0), 1, 30, lambda t, s: np.sqrt(s) / eta, l1, start=1.0)
    regret = np.cumsum((tiny + l1) * path[:-1, 0])  # the comparator is 0
    bound = np.sqrt(2.0) * np.sqrt(np.arange(1, 31)) * tiny
    assert (regret / bound).max() > 190.0
    assert (regret <= bound + l1 * path[0, 0]).all()
    with pytest.raises(ValueError, match="starts at x_1 = 0"):
        Player(AdaGradFOBOS(0.5), 1, Box(0.0, 1.0), start=np.ones(1), penalty=Penalty(l1))
