"""lower <= min F <= upper for every loss and domain, tight, against another solver; a wrong certificate is caught."""

import math
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog, minimize

from oco import Absolute, Ball, Box, Hinge, L1Ball, Linear, Logistic, Simplex, Space, Squared
from oco.comparators import Hindsight
from oco.domains import DOMAINS
from oco.losses import LOSSES
from oco.protocols import Dense, Sparse
from oco.streams import as_block

SETS = {"space": Space(), "box": Box(-0.5, 0.8), "ball": Ball(0.9), "l1": L1Ball(1.1), "simplex": Simplex()}


class Huber(NamedTuple):
    """A user's loss: value and slope only."""

    width: float = 0.3

    def value(self, z, y):
        r = abs(z - y)
        return 0.5 * r * r if r < self.width else self.width * (r - 0.5 * self.width)

    def slope(self, z, y):
        return min(max(z - y, -self.width), self.width)


class Pinball(NamedTuple):
    """A user's loss with a kink."""

    tau: float = 0.8

    def value(self, z, y):
        return self.tau * (y - z) if z < y else (1.0 - self.tau) * (z - y)

    def slope(self, z, y):
        return -self.tau if z < y else 1.0 - self.tau


def problem(seed, n=40, d=4, signed=False):
    rng = np.random.default_rng(seed)
    a = rng.standard_normal((n, d)) * (rng.random((n, d)) < 0.7)
    y = a @ rng.standard_normal(d) + 0.5 * rng.standard_normal(n)
    return a, np.where(y >= 0.0, 1.0, -1.0) if signed else y


def total(loss, a, y, u):
    return math.fsum(loss.value(z, label) for z, label in zip(a @ u, y, strict=True))


def enclose(loss, domain, a, y, marks=None, **options):
    from scipy.sparse import csr_array

    results = []
    for block in (as_block(a, y, "test"), as_block(csr_array(a), y, "test")):
        hindsight = Hindsight(loss, domain, **options)
        hindsight.see(block)
        hindsight.mark()
        results.append(hindsight.solve()[-1])
    dense, sparse = results
    assert sparse.upper == pytest.approx(dense.upper, rel=1e-6, abs=1e-8)
    return dense


def other_minimum(loss, domain, a, y, start):
    """By SLSQP from the solver's own point and from elsewhere; an upper bound of min F up to its tolerance."""
    constraints = {
        Ball: [{"type": "ineq", "fun": lambda u: domain.radius**2 - u @ u}],
        Simplex: [{"type": "eq", "fun": lambda u: u.sum() - 1.0}],
    }.get(type(domain), [])
    bounds = {Box: [(-0.5, 0.8)] * a.shape[1], Simplex: [(0.0, 1.0)] * a.shape[1]}.get(type(domain))
    f, d = lambda u: total(loss, a, y, u), a.shape[1]
    if isinstance(domain, L1Ball):  # u = p - q, p, q >= 0, sum p + q <= r
        g = lambda v: f(v[:d] - v[d:])  # noqa: E731
        limit = [{"type": "ineq", "fun": lambda v: domain.radius - v.sum()}]
        found = minimize(g, np.full(2 * d, 0.1), bounds=[(0.0, None)] * (2 * d), constraints=limit, tol=1e-12)
    else:
        found = minimize(f, domain.centre(d), method="SLSQP", bounds=bounds, constraints=constraints, tol=1e-12)
    return found.fun


@pytest.mark.parametrize("domain", SETS)
@pytest.mark.parametrize(
    "loss", [Squared(), Logistic(), Hinge(), Absolute(), Huber(), Pinball()], ids=lambda x: type(x).__name__
)
def test_brackets_the_minimum(loss, domain):
    smooth = isinstance(loss, (Squared, Logistic, Huber))
    for seed in range(3):
        a, y = problem(seed, signed=hasattr(loss, "labels"))
        best = enclose(loss, SETS[domain], a, y)
        assert SETS[domain].contains(best.x)
        assert best.upper == pytest.approx(total(loss, a, y, best.x), rel=1e-9, abs=1e-9)
        assert best.upper - best.lower <= (1e-6 if smooth else 1e-4) * best.upper + 1e-9
        if smooth:  # SLSQP needs derivatives
            other = other_minimum(loss, SETS[domain], a, y, best.x)
            assert best.lower <= other + 1e-9
            assert best.upper <= other + 1e-6 * (1.0 + abs(other))


@pytest.mark.parametrize("domain", ["space", "box", "simplex"])
def test_least_absolute_deviations_against_a_linear_program(domain):
    for seed in range(3):
        a, y = problem(seed)
        n, d = a.shape
        limits = {"space": (None, None), "box": (-0.5, 0.8), "simplex": (0.0, 1.0)}[domain]
        equal = {"A_eq": np.r_[np.ones(d), np.zeros(n)][None], "b_eq": [1.0]} if domain == "simplex" else {}
        rows = np.block([[a, -np.eye(n)], [-a, -np.eye(n)]])
        program = linprog(
            np.r_[np.zeros(d), np.ones(n)], rows, np.r_[y, -y], bounds=[limits] * d + [(0.0, None)] * n, **equal
        )
        best = enclose(Absolute(), SETS[domain], a, y)
        assert best.lower <= program.fun * (1.0 + 1e-9)
        assert program.fun * (1.0 - 1e-9) <= best.upper <= program.fun * (1.0 + 1e-4)


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(sorted(LOSSES)),
    st.sampled_from(sorted(DOMAINS)),
    st.integers(1, 30),
    st.integers(1, 4),
    st.integers(0, 10**6),
)
def test_no_feasible_point_is_below_the_certificate(loss, domain, n, d, seed):
    loss, domain = LOSSES[loss](), DOMAINS[domain]()
    a, y = problem(seed, n, d, hasattr(loss, "labels"))
    best = enclose(loss, domain, a, y)
    rng = np.random.default_rng(seed)
    for size in (0.1, 1.0, 10.0):
        u = size * rng.standard_normal(d)
        domain.project(u)
        if np.linalg.norm(u) <= best.within:
            assert total(loss, a, y, u) >= best.lower - 1e-9 * (1.0 + abs(best.lower))


def test_control_a_dual_point_outside_the_conjugates_domain_is_caught():
    """With slopes 10 % too steep the same formula claims more than the minimum."""
    a, y = problem(0)
    best = enclose(Absolute(), Ball(0.9), a, y)
    s = 1.1 * np.sign(a @ best.x - y)
    claimed = -(s @ y) - Ball(0.9).support(-(a.T @ s))
    honest = -(s / 1.1 @ y) - Ball(0.9).support(-(a.T @ s / 1.1))
    assert claimed > best.upper > honest or claimed > honest


def test_linear_is_closed_form():
    a, y = problem(1)
    g = a.sum(axis=0)
    best = enclose(Linear(), Ball(0.9), a, y)
    assert best.lower <= -0.9 * np.linalg.norm(g) <= best.upper
    assert best.upper - best.lower < 1e-11
    assert enclose(Linear(), Space(), a, y).lower == -math.inf
    assert enclose(Linear(), Space(), np.zeros((3, 2)), np.zeros(3)).upper == pytest.approx(0.0, abs=1e-12)


def test_separable_data_on_the_whole_space():
    best = enclose(Logistic(), Space(), np.array([[1.0, 0.0], [0.0, 2.0]]), np.array([1.0, -1.0]))
    assert 0.0 <= best.upper < 1e-6
    assert -1e-12 <= best.lower <= best.upper
    assert math.isinf(best.within)


def test_squared_on_the_whole_space_is_certified_everywhere():
    a, y = problem(2)
    best = enclose(Squared(), Space(), a, y)
    u = np.linalg.lstsq(a, y, rcond=None)[0]
    assert best.lower <= total(Squared(), a, y, u) <= best.upper
    assert math.isinf(best.within)
    assert best.upper - best.lower < 1e-9 * best.upper


def test_marks_growth_and_replay():
    a, y = problem(3, 60, 3, signed=True)
    rows = [Sparse(np.array([0, 1, 3]), np.array([0, 0, 2], np.int32), np.array([1.0, 2.0, -1.0]), y[:2], 3)]
    rows.append(as_block(a, y, "test"))

    def replay():
        yield from rows

    results = []
    for options in ({}, {"replay": replay, "memory": 0}):
        hindsight = Hindsight(Logistic(), Ball(2.0), **options)
        for block in rows:
            hindsight.see(block)
            hindsight.mark()
            hindsight.mark()
        results.append(hindsight.solve())
    for one, other in zip(*results, strict=True):
        assert one.lower <= other.upper * (1 + 1e-12)
        assert other.lower <= one.upper * (1 + 1e-12)
    assert len(results[0]) == 4
    with pytest.raises(MemoryError, match="cannot be read again"):
        Hindsight(Logistic(), Ball(2.0), memory=0).see(rows[0])


def test_nan_is_refused():
    with pytest.raises(ValueError, match="NaN or infinity"):
        Hindsight(Squared(), Ball()).see(Dense(np.array([[np.nan]]), np.ones(1)))
