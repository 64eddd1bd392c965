"""What the tests of the learners with L1 share: domains, a stream of gradients, and the checks that all must pass."""

import numpy as np
import pytest
from naive_l1 import by_support, long_gaps
from scipy.sparse import csr_array

import oco
from oco import Ball, Box, L1Ball, Penalty, Player, Space, play
from oco.bounds import bounds_of
from oco.streams import Data

D, ROUNDS = 4, 60
DOMAINS = {
    "space": Space(),
    "box": Box(np.array([-0.4, -0.1, -1.0, 0.0]), np.array([0.6, 0.2, 0.1, 0.5])),
    "ball": Ball(0.5),
    "l1": L1Ball(0.7),
}


def gradient(t, x):
    """Of a moving quadratic, zero in round 1, often zero in coordinate 3."""
    g = np.arange(1.0, D + 1.0) * x - np.cos(np.arange(D) + t / 7.0)
    g[3] *= t % 5 == 0
    return g * (t > 1)


def walk(learner, domain, l1, compiled=False):
    player = Player(learner, D, domain, penalty=Penalty(l1), compiled=compiled)
    path = [player.x.copy()]
    for t in range(1, ROUNDS + 1):
        player.update(gradient(t, player.x))
        path.append(player.x.copy())
    return np.array(path)


def assert_twin(learner, domain, l1, twin):
    """The decisions are the twin's; those for another penalty are not."""
    path = walk(learner, domain, l1)
    assert np.allclose(path, twin, rtol=1e-8, atol=1e-8)
    assert np.ptp(path, axis=0).max() > 0.01
    if l1 > 0.0:
        assert (path[2:] == 0.0).any() and not np.allclose(path, walk(learner, domain, 1.01 * l1), atol=1e-5)


def assert_bounds(run):
    """Regret, penalty included, within every bound at every checkpoint."""
    kinds = {bound.name: bound.kind for bound in bounds_of(run.learner)}
    seen = np.isfinite(run.regret.low)
    for name, bound in run.bounds().items():
        at_comparator = kinds[name] == "trajectory" or not run.domain.bounded
        regret = run.regret.low if at_comparator else run.regret.high
        assert (regret <= bound + 1e-9 * (1.0 + np.abs(bound)))[seen].all(), f"{run.name}: {name} broken"


def assert_regret(learner, given, l1, rounds=80):
    """`learner` on bounded domains, `given`, whose parameters need no theorem, on the whole space."""
    seen = []
    for domain in (Box(-0.5, 1.0), DOMAINS["box"], Ball(1.5), L1Ball()):
        for stream in (oco.RandomSigns(D, bias=0.4), oco.SignFlip(D), oco.Orthogonal(D)):
            seen += play(stream, learner, domain=domain, rounds=rounds, penalty=Penalty(l1), audit=True, compiled=False)
    for stream in (oco.ZipfText(d=D, words=2), oco.Regression(D, condition=10.0)):
        seen += play(stream, given, rounds=rounds, penalty=Penalty(l1), audit=True, compiled=False)
    for run in seen:
        assert_bounds(run)
    return seen


def assert_idle(learner, l1, domain):
    """Touching coordinates only where their gradient is not zero changes neither losses nor decisions."""
    rows = long_gaps(2000)
    dense = Player(learner, D, domain, penalty=Penalty(l1), compiled=False)
    loss = 0.0
    for g in rows:
        loss += g @ dense.x + l1 * np.abs(dense.x).sum()
        dense.update(g)
    sparse_loss, x, memory = by_support(learner, domain, rows, l1)
    assert sparse_loss == pytest.approx(loss, rel=1e-11, abs=1e-11)
    assert np.allclose(x, dense.x, rtol=1e-9, atol=1e-13)
    assert np.array_equal(memory[:, -1], np.full(D, len(rows)))


def assert_sparse_play(learner):
    """So do sparse plays, interpreted and compiled."""
    rows = long_gaps(400)
    y = np.sign(rows.sum(axis=1) + 0.1)
    runs = [
        play(Data(a, y), learner, loss=oco.Logistic(), penalty=Penalty(0.01), compiled=compiled)[0]
        for a, compiled in ((rows, False), (csr_array(rows), False), (csr_array(rows), True))
    ]
    for run in runs[1:]:
        assert np.allclose(run.loss, runs[0].loss, rtol=1e-11) and np.allclose(run.x, runs[0].x, atol=1e-11)
        assert np.allclose(run.regret.high[-1], runs[0].regret.high[-1], rtol=1e-6, atol=1e-6)


def assert_any_scale(learner, size, l1):
    """Gradients around `size`, some of them far smaller or zero: decisions stay finite, in the domain, and move."""
    for domain in (Box(-0.5, 1.0), Ball(), L1Ball()):
        player = Player(learner, D, domain, penalty=Penalty(l1 * size), compiled=False)
        rng, path = np.random.default_rng(0), []
        for t in range(40):
            g = rng.standard_normal(D) * size * (1e-30 if t % 7 == 3 else 1.0) * (t > 0)
            player.update(np.where(rng.random(D) < 0.3, 0.0, g))
            path.append(player.x.copy())
        assert np.isfinite(path).all() and np.ptp(path) > 1e-3
        assert all(domain.contains(x) for x in path)
