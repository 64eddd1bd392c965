"""exp, log1p and their relatives: within their ulps of the truth over all floats, compiled and in Python; controls."""

import math

import numpy as np
import pytest

from oco._jit import kernel
from oco.lowlevel import exponentials, numbers

EDGES = [0.0, -0.0, 5e-324, 1e-300, 709.782712893384, -708.4, -744.9, -745.2, -746.1, 1e9, -1e9, 1e308, -1e308]


@kernel
def exps(x, y):
    for i in range(len(x)):
        y[i] = exponentials.exp(x[i])


@kernel
def near_exps(x, eta, y):
    for i in range(len(x)):
        y[i] = 1.0 - x[i] * exponentials.near_fall(x[i], eta)


@kernel
def far_exps(x, eta, y):
    for i in range(len(x)):
        y[i] = exponentials.far_exp(x[i], eta)


@kernel
def log1ps(x, y):
    for i in range(len(x)):
        y[i] = exponentials.log1p(x[i])


@kernel
def extremes(x, y):
    y[0] = y[1] = x[0]
    for i in range(len(x)):
        y[0], y[1] = numbers.smaller(y[0], x[i]), numbers.larger(y[1], x[i])


def applied(run, x):
    y = np.empty(len(x))
    run(x, y)
    return y


def ulps(y, x):
    """|y - e^x| in units in the last place, where e^x is finite."""
    wide = np.exp(np.asarray(x, np.longdouble))
    assert np.finfo(np.longdouble).eps < 1e-18
    return np.abs((y - wide) / np.spacing(np.exp(x))).astype(float)


def sweep():
    rng = np.random.default_rng(0)
    return np.concatenate([rng.uniform(-746.0, 709.7, 20_000), rng.uniform(-1.0, 1.0, 20_000), EDGES])


def test_exp_within_two_ulp_from_underflow_to_overflow():
    x = sweep()
    y = applied(exps, x)
    some = np.abs(x) < 1e4
    assert ulps(y[some], x[some]).max() <= 2.0
    assert (y[x < -746.0] == 0.0).all() and (y[x > 710.0] == math.inf).all()
    assert (y[(x > -745.0) & (x < -708.5)] > 0.0).all()  # subnormal, not flushed
    assert np.allclose(y, [exponentials.exp(v) for v in x], rtol=1e-15, atol=5e-324)


def test_exp_at_poles_and_nan():
    y = applied(exps, np.array([math.inf, -math.inf, math.nan, 0.0]))
    assert y[0] == math.inf and y[1] == 0.0 and math.isnan(y[2]) and y[3] == 1.0
    assert exponentials.exp(math.inf) == math.inf and math.isnan(exponentials.exp(math.nan))


def test_log1p_within_two_ulp_from_the_least_number_to_one():
    x = np.concatenate([np.linspace(0.0, 1.0, 20_001), np.geomspace(5e-324, 1.0, 20_001), [1.0 - 2.0**-53]])
    exact = np.log1p(x.astype(np.longdouble))

    def ulps_off(y):
        return np.abs((y - exact) / np.spacing(np.log1p(x))).astype(float).max()

    assert ulps_off(applied(log1ps, x)) <= 2.0 and ulps_off(np.array([exponentials.log1p(v) for v in x])) <= 2.0
    assert math.isnan(applied(log1ps, np.array([math.nan, 1.0]))[0])
    assert ulps_off(np.log(1.0 + x)) > 2.0  # control: what cancellation leaves of small numbers


@pytest.mark.parametrize("eta", [1.0, 0.7, 3e-40, 3e40])
@pytest.mark.parametrize(
    ("run", "most", "error"), [(near_exps, exponentials.NEAR, 3e-15), (far_exps, exponentials.FAR, 1.5e-15)]
)
def test_exp_of_a_rate_times_small_numbers(run, most, error, eta):
    z = np.concatenate([np.linspace(0.0, most, 5001), [0.0, 1e-300, 1e-17, 1e-9]])
    for each in (run, run.plain):
        y = np.empty(len(z))
        each(z / eta, eta, y)
        assert np.abs(y / np.exp(-z) - 1.0).max() <= error and y[0] == 1.0 and (y <= 1.0).all()
    run(400.0 * z / eta, eta, y)
    with np.errstate(invalid="ignore"):
        assert not np.allclose(y, np.exp(-400.0 * z), rtol=1e-9, atol=0.0)  # control: not to be used further out


def test_extremes_of_all_lengths():
    rng = np.random.default_rng(1)
    for n in range(1, 70):
        x = rng.standard_normal(n)
        assert (applied(extremes, np.resize(x, max(n, 2)))[:2] == [x.min(), x.max()]).all()


def test_control_an_exp_of_fewer_terms_is_seen():
    x = sweep()[:1000]
    r = np.remainder(x, math.log(2.0))
    short = sum(r**k / math.factorial(k) for k in range(11)) * np.exp(x - r)
    assert ulps(short, x).max() > 2.0
