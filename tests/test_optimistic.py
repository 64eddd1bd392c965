"""Optimistic learners: twins with every hint, bounds, hints that pay."""

import numpy as np
import pytest
from attack import D, assert_bounds, attacked, moving, tightness, walk

import oco
from oco import Ball, Box, L1Ball, Simplex, Space, play
from oco.conformance import check
from oco.learners import (
    AdaptiveOptimisticOMD,
    GivenHints,
    LastGradient,
    MeanGradient,
    OptimisticFTRL,
    OptimisticOMD,
)

DOMAINS = [Space(), Box(-0.4, 0.6), Ball(0.8), L1Ball(0.9), Simplex()]
IDS = ["space", "box", "ball", "l1", "simplex"]
ROWS = np.random.default_rng(8).standard_normal((40, D)) / 2.0
HINTS = {"last": LastGradient(), "mean": MeanGradient(), "given": GivenHints(ROWS)}
SMALL = GivenHints(ROWS / 4.0)


def hint(kind, t, seen):
    """m_t from the gradients g_1 .. g_{t-1}."""
    if t == 1 or (kind == "given" and t > len(ROWS)):
        return np.zeros(D)
    return ROWS[t - 1] if kind == "given" else seen[-1] if kind == "last" else np.mean(seen, axis=0)


def project(domain, y):
    y = y.copy()
    domain.project(y)
    return y


def naive(which, kind, domain, rounds, eta, most):
    """From the definitions: x_t from y_t or from all gradients, the same eta_t in both half-steps."""
    y, total, path, seen, surprises = domain.centre(D), np.zeros(D), [], [], 0.0
    for t in range(1, rounds + 2):
        step = eta if which == "fixed" else eta / np.sqrt(most**2 + surprises)
        m = hint(kind, t, seen)
        x = project(domain, domain.centre(D) - step * (total + m) if which == "ftrl" else y - step * m)
        path.append(x)
        g = moving(t, x)
        surprises += (g - m) @ (g - m)
        y, total = project(domain, y - step * g), total + g
        seen.append(g)
    return np.array(path)


@pytest.mark.parametrize("domain", DOMAINS, ids=IDS)
@pytest.mark.parametrize("kind", HINTS)
def test_twins(kind, domain):
    part = HINTS[kind]
    for which, learner in {
        "fixed": OptimisticOMD(0.1, part),
        "adaptive": AdaptiveOptimisticOMD(0.7, 2.0, part),
        "ftrl": OptimisticFTRL(0.7, 2.0, part),
    }.items():
        twin = naive(which, kind, domain, 50, learner.eta, 2.0)
        assert np.allclose(walk(learner, domain, rounds=50), twin, rtol=1e-9, atol=1e-9), which


@pytest.mark.parametrize("domain", DOMAINS, ids=IDS)
def test_bounds(domain):
    learners = [OptimisticOMD(0.1), OptimisticOMD(0.1, SMALL), OptimisticFTRL(0.7, 6.0, MeanGradient())]
    if domain.bounded:
        learners += [AdaptiveOptimisticOMD(0.7, 6.0), OptimisticFTRL(0.7, 6.0, SMALL)]
    for learner in learners:
        for run in attacked(learner, domain, rounds=50):
            assert_bounds(run)


def test_steps_by_theorem():
    for learner in (OptimisticOMD(), AdaptiveOptimisticOMD(), OptimisticFTRL(hint=MeanGradient())):
        for run in attacked(learner, Ball(1.5), rounds=50):
            assert_bounds(run)
            root = np.hypot(2.0 * run.promised, np.sqrt(run.tally["errors"]))
            if not isinstance(learner, OptimisticOMD):
                bound = next(value for name, value in run.bounds().items() if name.endswith("-data"))
                assert np.allclose(bound, np.sqrt(2.0) * (1.5 if isinstance(learner, OptimisticFTRL) else 3.0) * root)


def test_a_good_hint_pays():
    """Constant gradients: the last one is a perfect hint, sum |g - m|^2 = |g|^2, and regret stays bounded."""
    stream = oco.RandomSigns(1, bias=1.0)
    for learner in (OptimisticOMD(0.5), AdaptiveOptimisticOMD(), OptimisticFTRL()):
        run = play(stream, learner, domain=Ball(), rounds=200, compiled=False)[0]
        assert_bounds(run)
        assert run.tally["errors"][-1] == 1.0 and run.regret.high[-1] < 8.0


def test_control_surprises_beyond_the_constant():
    for learner in (AdaptiveOptimisticOMD(0.7, 0.5), OptimisticFTRL(0.7, 0.5)):
        run = play(oco.RandomSigns(D), learner, domain=Ball(), rounds=30, compiled=False)[0]
        names = [name for name in run.bounds() if name.endswith(("-data", "-worst"))]
        assert_bounds(run, infinite=names)
    run = play(oco.RandomSigns(D), AdaptiveOptimisticOMD(0.7, 9.0), rounds=30, compiled=False)[0]
    assert_bounds(run, infinite=run.bounds().keys())  # no diameter


def test_control_the_bounds_are_all_but_attained():
    """So that a tenth less, or |x - y|^2 / eta in place of its half, would be broken."""
    runs = attacked(OptimisticOMD(0.1), Space())
    assert 0.99 < tightness(runs, "optimistic-data") <= 1.0 + 1e-9
    run = next(run for run in runs if tightness([run], "optimistic-data") > 0.99)
    gained = run.tally["ahead"] / (2.0 * 0.1)
    assert (run.regret.low > run.bounds()["optimistic-data"] - gained + 1e-6).any()
    runs = attacked(OptimisticFTRL(0.3, 2.0, MeanGradient()), Space())
    assert 0.75 < tightness(runs, "optimistic-ftrl-lagged") <= 1.0 + 1e-9


@pytest.mark.parametrize(
    "learner",
    [
        OptimisticOMD(0.1),
        OptimisticOMD(0.1, GivenHints(np.vstack([np.zeros((2, 4)), np.ones((9, 4))]))),
        AdaptiveOptimisticOMD(0.7, 6.0, MeanGradient()),
        OptimisticFTRL(0.7, 6.0),
    ],
    ids=["fixed", "given", "adaptive", "ftrl"],
)
def test_conforms(learner):
    check(learner, Ball())
