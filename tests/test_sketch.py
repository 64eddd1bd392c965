"""The sketched AdaGrad: twin with full matrices, the two ends of the number of directions, bounds, memory."""

import tracemalloc

import numpy as np
import pytest
from attack import D, assert_bounds, attacked, moving, tightness, walk
from naive import weighted_ball

import oco
from oco import AdaGradNorm, Ball, Box, FullMatrixAdaGrad, Player, Space
from oco.conformance import check
from oco.learners import SketchedAdaGrad

DOMAINS = [Space(), Ball(0.8)]


def naive(domain, rounds, eta, ell, d):
    """Frequent directions with d x d matrices, as Feinberg et al. 2023 state it."""
    x, sketch, escaped, path = np.zeros(d), np.zeros((d, d)), 0.0, [np.zeros(d)]
    for t in range(1, rounds + 1):
        g = moving(t, x)
        lam, q = np.linalg.eigh(sketch + np.outer(g, g))
        rho = max(lam[-ell], 0.0) if ell <= d else 0.0
        lam = np.maximum(lam - rho, 0.0)
        sketch, escaped = (q * lam) @ q.T, escaped + rho
        h = np.sqrt(lam + escaped)
        h[lam + escaped < 1e-13 * max(lam[-1], 1e-300)] = 0.0
        step = q @ np.divide(q.T @ g, h, out=np.zeros(d), where=h > 0.0)
        x = x - eta * step
        if isinstance(domain, Ball) and h.max() > 0.0 and np.linalg.norm(x) > domain.radius:
            x = q @ weighted_ball(q.T @ x, np.maximum(h, 1e-12 * h.max()), domain.radius)
        path.append(x)
    return np.array(path)


@pytest.mark.parametrize("domain", DOMAINS, ids=["space", "ball"])
@pytest.mark.parametrize("ell", [1, 2, 3, 4, 7])
def test_twin(ell, domain):
    assert np.allclose(walk(SketchedAdaGrad(0.4, ell), domain, d=5), naive(domain, 60, 0.4, ell, 5), atol=1e-6)


@pytest.mark.parametrize("domain", DOMAINS, ids=["space", "ball"])
def test_ends(domain):
    """One direction is AdaGradNorm; more than d are the full matrix."""
    assert np.allclose(walk(SketchedAdaGrad(0.4, 1), domain), walk(AdaGradNorm(0.4), domain), atol=1e-9)
    assert np.allclose(walk(SketchedAdaGrad(0.4, D + 1), domain), walk(FullMatrixAdaGrad(0.4), domain), atol=1e-7)


@pytest.mark.parametrize("domain", DOMAINS, ids=["space", "ball"])
@pytest.mark.parametrize("ell", [1, 2, 5])
def test_bounds(ell, domain):
    for run in attacked(SketchedAdaGrad(0.5, ell), domain, rounds=60):
        assert_bounds(run)
        spectrum = run.bounds()["sketch-spectrum"]
        assert (run.bounds()["sketch-data"] <= spectrum * (1.0 + 1e-9)).all()
        assert (spectrum <= run.bounds()["sketch-worst"] * (1.0 + 1e-9)).all()


def test_step_by_theorem():
    for run in attacked(SketchedAdaGrad(directions=2), Ball(1.5), rounds=60):
        assert run.learner.eta == pytest.approx(3.0 / np.sqrt(2.0))
        assert_bounds(run)
    with pytest.raises(ValueError, match="SketchedAdaGrad"):
        Player(SketchedAdaGrad(0.5), 3, Box())


def test_control_what_escapes_must_be_kept():
    """The metric never falls: without R in H it would, and the trajectory bound is all but attained."""
    runs = attacked(SketchedAdaGrad(0.4, 2), Space(), rounds=60)
    assert 0.99 < tightness(runs, "sketch-trajectory") <= 1.0 + 1e-9
    run = runs[0]
    changes = np.diff(run.history.gamma, axis=0)
    assert np.linalg.eigvalsh(changes).min() > -1e-9
    escaped = np.array([state.escaped for state in run.history.states])
    without = run.history.gamma * 0.4
    without = np.array([h @ h - r * np.eye(D) for h, r in zip(without, escaped, strict=True)])
    assert np.linalg.eigvalsh(np.diff(without, axis=0)).min() < -1e-3


def test_memory_is_linear_in_the_dimension():
    d = 2000
    player, g = Player(SketchedAdaGrad(0.4, 4), d, compiled=False), np.zeros(d)
    g[::500] = 1.0
    player.update(g)
    tracemalloc.start()
    player.update(np.roll(g, 1))
    assert tracemalloc.get_traced_memory()[1] < 50 * 8 * d
    tracemalloc.stop()


def test_conforms():
    check(SketchedAdaGrad(0.4, 2), Ball())
    assert oco.learners.LEARNERS["sketch"] is SketchedAdaGrad
