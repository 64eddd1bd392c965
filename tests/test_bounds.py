"""The bounds of gradient descent and AdaGrad against their closed forms, written again from the papers; and growth."""

import numpy as np
import pytest
from scipy.linalg import sqrtm
from scipy.sparse import csr_array

import oco
from oco.bounds import provided

RADIUS, ETA = 1.5, 0.3
START = np.array([0.5, -0.2, 0.1])


def sums(run, t):
    """S_{t,i} by coordinate, the gradients, G, and the largest distances in the ball."""
    g = run.history.g[:t]
    return (g**2).sum(axis=0), g, run.promised, 2.0 * RADIUS, RADIUS + np.linalg.norm(START)


def ogd(run, t):
    s, _, G, _, reach = sums(run, t)
    return reach**2 / (2 * ETA) + ETA / 2 * s.sum(), reach**2 / (2 * ETA) + ETA / 2 * G**2 * t


def ogd_sqrt(run, t):
    _, g, G, D, _ = sums(run, t)
    faded = ((g**2).sum(axis=1) / np.sqrt(np.arange(1, t + 1))).sum()
    first = D**2 * np.sqrt(t) / (2 * ETA)
    return first + ETA / 2 * faded, first + ETA * G**2 * (np.sqrt(t) - 0.5)


def adagrad_norm(run, t):
    s, _, G, D, _ = sums(run, t)
    return (D**2 / (2 * ETA) + ETA) * np.sqrt(s.sum()), (D**2 / (2 * ETA) + ETA) * G * np.sqrt(t)


def adagrad(run, t, delta=0.0, q=0.0):
    s, _, G, D, reach = sums(run, t)
    roots, most = np.sqrt(s + q).sum(), np.sqrt(3 * (3 * q + G**2 * t))
    first, ground = delta * reach**2 / (2 * ETA), 3 * np.sqrt(q)
    return tuple(first + D**2 / (2 * ETA) * r + ETA * (r - ground) for r in (roots, most))


def full_matrix(run, t, delta=0.0):
    _, g, G, D, reach = sums(run, t)
    first = delta * reach**2 / (2 * ETA)
    traces = np.trace(sqrtm(g.T @ g)).real, G * np.sqrt(3 * t)
    return tuple(first + (D**2 / (2 * ETA) + ETA) * trace for trace in traces)


CASES = {
    "ogd": (oco.OGD(ETA), ogd),
    "ogd-sqrt": (oco.OGDSqrt(ETA), ogd_sqrt),
    "adagrad-norm": (oco.AdaGradNorm(ETA), adagrad_norm),
    "adagrad": (oco.AdaGrad(ETA), adagrad),
    "adagrad-delta": (oco.AdaGrad(ETA, delta=0.7), lambda run, t: adagrad(run, t, 0.7)),
    "adagrad-optax": (oco.AdaGrad(ETA, initial=0.1, eps=0.02), lambda run, t: adagrad(run, t, 0.0, 0.12)),
    "full-matrix": (oco.FullMatrixAdaGrad(ETA), full_matrix),
    "full-matrix-delta": (oco.FullMatrixAdaGrad(ETA, delta=0.4), lambda run, t: full_matrix(run, t, 0.4)),
}


@pytest.mark.parametrize("case", CASES)
def test_closed_forms(case):
    learner, formula = CASES[case]
    stream = oco.Regression(3, condition=30.0, rotated=True)
    options = {"domain": oco.Ball(RADIUS), "rounds": 40, "start": START, "audit": True, "compiled": False}
    run = oco.play(stream, learner, **options)[0]
    bounds = [bound for name, bound in run.bounds().items() if not name.endswith("trajectory")]
    expected = np.array([formula(run, int(t)) for t in run.t]).T
    # full-matrix data: the square root of a matrix of low rank is known to the root of rounding
    assert np.allclose(bounds, expected, rtol=1e-7 if "full" in case else 1e-12)


@pytest.mark.parametrize(
    ("learner", "eta"),
    [
        (oco.OGD(), RADIUS / (2.0 * np.sqrt(100))),
        (oco.OGDSqrt(), 2.0 * RADIUS / (2.0 * np.sqrt(2.0))),
        (oco.AdaGradNorm(), 2.0 * RADIUS / np.sqrt(2.0)),
        (oco.AdaGrad(), 2.0 * RADIUS / np.sqrt(2.0)),
        (oco.FullMatrixAdaGrad(), 2.0 * RADIUS / np.sqrt(2.0)),
    ],
)
def test_steps_by_theorem(learner, eta):
    run = oco.play(oco.RandomSigns(3, scale=2.0), learner, domain=oco.Ball(RADIUS), rounds=100, compiled=False)[0]
    assert run.learner.eta == pytest.approx(eta, rel=1e-12)


def test_bounds_hold_for_columns_that_come_late():
    """The distance to the farthest decision counts them: with two columns in place of 30 the bound would be broken."""
    late = np.zeros((400, 30))
    late[:200, 0], late[200:, 1:] = 1.0, 1.0

    class Late(oco.Data):
        def blocks(self, signed):
            for block, d in ((late[:200, :1], 1), (late[200:], 30)):
                yield oco.streams.as_block(csr_array(block), np.zeros(200), "Late")._replace(d=d)

    for start, audit in ((None, False), ([0.5], False), (None, True)):
        stream = Late(late, np.zeros(400))
        learners = [oco.OGD(1e-3), oco.AdaGrad(0.5, delta=1000.0)]
        options = {"loss": oco.Linear(), "domain": oco.Box(), "start": start, "audit": audit, "compiled": False}
        for run in oco.play(stream, learners, **options):
            assert run.d == 30
            for name, bound in run.bounds().items():
                assert (run.regret.high <= bound * (1.0 + 1e-9)).all(), name
    two = (1.0 + np.abs(0.5)) ** 2 / (2.0 * 1e-3)
    assert run.regret.high[-1] > two


def test_a_broken_assumption_makes_a_bound_infinite():
    assert np.isinf(provided(np.ones(3), np.array([True, False, True]))).tolist() == [False, True, False]
    run = oco.play(oco.RandomSigns(3), oco.KT(lipschitz=0.1), rounds=30, compiled=False)[0]
    assert all(np.isinf(bound).all() for bound in run.bounds().values())
