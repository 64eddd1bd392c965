"""What tests of learners share: streams and gradients to play them on, and the assertion that bounds hold."""

import numpy as np

import oco
from oco.bounds import bounds_of

D = 3


def moving(t, x):
    """Gradient of a moving quadratic: zero in round 1 and often zero in the last coordinate."""
    if t == 1:
        return np.zeros(len(x))
    g = np.arange(1.0, len(x) + 1.0) * x - np.cos(np.arange(len(x)) + t / 7.0)
    g[-1] *= t % 5 == 0
    return g


def walk(learner, domain, gradient=moving, rounds=60, d=D, **options):
    """The decisions x_1 .. x_{rounds+1}, interpreted."""
    player = oco.Player(learner, d, domain, compiled=False, **options)
    path = [player.x.copy()]
    for t in range(1, rounds + 1):
        player.update(gradient(t, player.x))
        path.append(player.x.copy())
    return np.array(path)


def assert_bounds(run, infinite=()):
    """Certified regret <= every bound at every checkpoint; bounds are finite but for those named."""
    kinds = {bound.name: bound.kind for bound in bounds_of(run.learner)}
    assert {"data", "worst"} <= set(kinds.values())
    for name, bound in run.bounds().items():
        assert not np.isnan(bound).any()
        assert np.isfinite(bound).all() != (name in infinite), f"{name}: {bound}"
        at_comparator = kinds[name] == "trajectory" or not run.domain.bounded
        regret = run.regret.low if at_comparator else run.regret.high
        assert (regret <= bound + 1e-9 * (1.0 + np.abs(bound))).all(), f"{name} broken: {(regret / bound).max():g}"


def tightness(runs, name):
    """The largest regret / bound, where the bound is more than rounding errors."""
    ratios = [run.regret.low / np.maximum(run.bounds()[name], 1e-9) for run in runs]
    return float(np.max(ratios))


STREAMS = {
    "signs": oco.RandomSigns(D),
    "biased": oco.RandomSigns(D, bias=0.4),
    "sign-flip": oco.SignFlip(D),
    "orthogonal": oco.Orthogonal(D),
    "regression": oco.Regression(D, condition=100.0, rotated=True),
    "drifting": oco.Classification(D, period=80.0),
}


def attacked(learner, domain, rounds=100, streams=STREAMS, **options):
    """Runs of `learner` on all streams, audited and interpreted."""
    return [
        oco.play(stream, learner, domain=domain, rounds=rounds, audit=True, compiled=False, seed=5, **options)[0]
        for stream in streams.values()
    ]
