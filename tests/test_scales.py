"""Gradients of any size, zero rounds, one coordinate, one round: no NaN, every decision feasible, every bound kept."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from oco import Data, Linear, NegativeLog, Simplex
from oco.bounds import ratios
from oco.fit import check_fit
from oco.learners import LEARNERS
from oco.losses import LOSSES
from oco.penalty import NONE
from oco.trials import PLACES, Trial


def places(learner, loss):
    for domain in PLACES:
        try:
            check_fit(learner, domain, loss)
        except ValueError:
            continue
        yield domain


@st.composite
def games(draw, name):
    """A learner, tuned by theorem or not at all, against rows of one size or of sizes all over."""
    learner = LEARNERS[name]()
    claimed = getattr(learner, "losses", ("Linear",))
    loss = next(kind() for kind in LOSSES.values() if kind.__name__ in claimed)
    domain = draw(st.sampled_from(list(places(learner, loss))))
    d, rounds = draw(st.integers(1, 3)), draw(st.integers(1, 25))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    exponent = draw(st.floats(-150.0, 150.0))
    spread = draw(st.sampled_from([0.0, 3.0]))
    if isinstance(loss, NegativeLog):
        return Trial(
            learner, Data(np.exp(spread * rng.standard_normal((rounds, d))), np.zeros(rounds)), domain, loss, NONE
        )
    exponent = exponent / 2.0 if not isinstance(loss, Linear) else exponent  # those square the features themselves
    a = rng.choice([-1.0, 0.0, 1.0], (rounds, d)) * rng.choice([1.0, 0.5], (rounds, d))
    if isinstance(domain, Simplex) and draw(st.booleans()):
        a = np.abs(a)
    a *= 10.0 ** (exponent - spread * rng.random((rounds, 1)))
    size = max(float(np.linalg.norm(a, axis=1).max()), 1e-300)
    known = {"norm": size, "label": 1.0} if draw(st.booleans()) else {}
    return Trial(learner, Data(a, rng.choice([-1.0, 1.0], rounds), **known), domain, loss, NONE)


@pytest.mark.parametrize("name", LEARNERS)
@settings(max_examples=12, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_any_scale(name, data):
    trial = data.draw(games(name))
    run = trial.run(compiled=False, rounds=len(trial.stream.y))
    assert np.isfinite(run.x).all(), f"{run.learner} went to {run.x}"
    assert run.domain.contains(run.x), f"{run.learner} left {run.domain}: {run.x}"
    assert not np.isnan(run.loss).any()
    unit = float(run.peak.max()) * (1.0 + float(np.abs(run.reach).max()))
    low, high = run.regret
    for bound_name, bound in run.bounds().items():
        assert not np.isnan(bound).any(), f"{bound_name} is not a number for {run.learner}"
        tight = run.domain.bounded & (high - low <= 1e-9 * unit)  # where the certificate is no wider than rounding
        regret = np.where(np.isfinite(low), np.where(tight, high, low), -np.inf)
        assert (ratios(regret, bound, unit) <= 1.0).all(), f"{bound_name}: {regret} > {bound} for {run.learner}"
