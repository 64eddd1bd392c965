"""Every projection satisfies its variational inequality, and a wrong one does not."""

import math
from fractions import Fraction

import numpy as np
import pytest
from naive import project as naive_project

from oco import Ball, Box, L1Ball, Simplex, Space
from oco._jit import kernel
from oco.projections import to_simplex

DOMAINS = [
    Box(-1.0, 0.5),
    Box(np.array([-1.0, 0.0, -0.2, -3.0]), np.array([1.0, 0.1, 0.3, -2.0])),
    Ball(0.7),
    L1Ball(1.3),
]
DOMAINS += [Simplex(), Space()]
IDS = ["box", "box-by-coordinate", "ball", "l1", "simplex", "space"]
METRICS = ["euclidean", "even", "wide", "some-zero"]


@kernel
def project(domain, x):
    domain.project(x)


@kernel
def project_diagonal(domain, x, h):
    domain.project_diagonal(x, h)


@kernel
def project_metric(domain, x, h, q):
    domain.project_metric(x, h, q)


def draw(metric, rng, d=4):
    if metric == "wide":
        return 10.0 ** rng.uniform(-4, 4, d)
    h = rng.uniform(0.5, 2.0, d)
    if metric == "some-zero":
        h[rng.integers(d)] = 0.0
    return np.ones(d) if metric == "euclidean" else h


def violation(domain, x, y, metric):
    """How far x is from argmin_u |u - y|^2 in the metric: max_u <metric (x - y), x - u>, relative."""
    slope = metric @ (x - y)
    scale = np.abs(metric).max() * (1.0 + np.abs(y).max()) ** 2
    if isinstance(domain, Space):
        return np.abs(slope).max() / scale
    return (slope @ x + domain.support(-slope)) / scale


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("domain", DOMAINS, ids=IDS)
def test_diagonal_projection(domain, metric):
    rng = np.random.default_rng(1)
    for _ in range(100):
        y, h = rng.standard_normal(4) * 10.0 ** rng.uniform(-2, 3), draw(metric, rng)
        x = y.copy()
        project(domain, x) if metric == "euclidean" else project_diagonal(domain, x, h)
        assert domain.contains(x)
        assert violation(domain, x, y, np.diag(h)) < 1e-11
        if metric != "some-zero":
            assert np.allclose(x, naive_project(domain, y, h), rtol=1e-6, atol=1e-6)
        interpreted = y.copy()
        domain.project_diagonal(interpreted, h)
        assert np.allclose(x, interpreted, rtol=1e-12, atol=1e-12 * np.abs(y).max())


@pytest.mark.parametrize(
    "domain",
    [Box(-1.0, 0.5), DOMAINS[1], Ball(0.7), Simplex(), Space()],
    ids=["box", "boxes", "ball", "simplex", "space"],
)
def test_full_metric_projection(domain):
    rng = np.random.default_rng(2)
    for trial in range(100):
        y, h = rng.standard_normal(4) * 10.0 ** rng.uniform(-2, 2), draw(METRICS[trial % 4], rng)
        q = np.linalg.qr(rng.standard_normal((4, 4)))[0]
        x = y.copy()
        project_metric(domain, x, h, q)
        assert domain.contains(x)
        assert violation(domain, x, y, (q * h) @ q.T) < 1e-11


def test_large_full_metric_projection_on_box():
    rng = np.random.default_rng(3)
    y, h, q = rng.standard_normal(60), 10.0 ** rng.uniform(-3, 3, 60), np.linalg.qr(rng.standard_normal((60, 60)))[0]
    x = y.copy()
    project_metric(Box(-0.3, 0.3), x, h, q)
    assert violation(Box(-0.3, 0.3), x, y, (q * h) @ q.T) < 1e-11


@pytest.mark.parametrize("rank", [50, 20, 1])
def test_large_full_metric_projection_on_simplex(rank):
    rng = np.random.default_rng(3)
    for size in (0.1, 1.0, 100.0):
        y, h = size * rng.standard_normal(50), 10.0 ** rng.uniform(-3, 3, 50) * (np.arange(50) < rank)
        q = np.linalg.qr(rng.standard_normal((50, 50)))[0]
        x = y.copy()
        project_metric(Simplex(), x, h, q)
        assert Simplex().contains(x) and 0 < np.count_nonzero(x) <= 50
        assert violation(Simplex(), x, y, (q * h) @ q.T) < 1e-12


@pytest.mark.parametrize("scale", [1e-150, 1e150])
def test_full_metric_projection_on_simplex_at_extreme_scales(scale):
    rng = np.random.default_rng(6)
    y, h, q = rng.standard_normal(4), rng.uniform(0.5, 2.0, 4), np.linalg.qr(rng.standard_normal((4, 4)))[0]
    x, scaled = y.copy(), y.copy()
    project_metric(Simplex(), x, h, q)
    project_metric(Simplex(), scaled, scale * h, q)
    assert np.allclose(x, scaled, rtol=1e-12, atol=1e-14)
    far = scale * y
    project_metric(Simplex(), far, h, q)
    assert Simplex().contains(far)


def test_control_projecting_in_the_wrong_metric_is_caught():
    """Rescaling is the projection onto a ball in the Euclidean metric only: the check must reject it elsewhere."""
    y, h = np.array([3.0, 1.0]), np.array([1.0, 100.0])
    rescaled = 0.7 * y / np.linalg.norm(y)
    assert violation(Ball(0.7), rescaled, y, np.eye(2)) < 1e-12
    assert violation(Ball(0.7), rescaled, y, np.diag(h)) > 1e-2


@pytest.mark.parametrize("size", [1e-150, 1e150])
def test_extreme_sizes(size):
    y = np.array([3.0, -4.0]) * size
    x = y.copy()
    project(Ball(size), x)
    assert np.allclose(x / size, [0.6, -0.8], rtol=1e-12)


@pytest.mark.parametrize("domain", DOMAINS[:-1], ids=IDS[:-1])
def test_support_minimiser_widths_reach(domain):
    rng = np.random.default_rng(4)
    for _ in range(50):
        c, points = rng.standard_normal(4), rng.standard_normal((50, 4)) * 3.0
        for point in points:
            project(domain, point)
        assert domain.contains(domain.minimiser(c))
        assert domain.minimiser(c) @ c == pytest.approx(-domain.support(-c), abs=1e-12)
        assert (points @ c).max() <= domain.support(c) + 1e-12
        assert (np.ptp(points, axis=0) <= domain.widths(4) + 1e-12).all()
        gaps = np.linalg.norm(points[:, None] - points[None], axis=2)
        assert gaps.max() <= domain.diameter(4) + 1e-12
        assert gaps[0].max() <= domain.reach(points[0]) + 1e-12
    # The numbers are attained, not merely bounds.
    corners = np.array([domain.minimiser(sign * axis) for axis in np.eye(4) for sign in (-1.0, 1.0)])
    assert np.allclose(np.ptp(corners, axis=0), domain.widths(4))
    if not isinstance(domain, Box):
        assert np.linalg.norm(corners[:, None] - corners[None], axis=2).max() == pytest.approx(domain.diameter(4))


def test_space_is_unbounded():
    assert math.isinf(Space().diameter(3)) and math.isinf(Space().support(np.ones(3)))
    assert Space().support(np.zeros(3)) == 0.0
    with pytest.raises(ValueError, match="no minimiser on Space"):
        Space().minimiser(np.ones(3))


def exact_shift(y, h, mass):
    """(y - nu / h)_+ of the given mass in rational numbers: entries enter in the order of h y."""
    y, h = [Fraction(v) for v in y], [Fraction(v) for v in h]
    total, room, nu = -Fraction(mass), Fraction(0), Fraction(0)
    for i in sorted(range(len(y)), key=lambda i: -h[i] * y[i]):
        if room and h[i] * y[i] <= nu:
            break
        total, room = total + y[i], room + 1 / h[i]
        nu = total / room
    return np.array([float(max(Fraction(0), v - nu / w)) for v, w in zip(y, h, strict=True)])


@pytest.mark.parametrize("decades", [1, 10, 40, 150])
def test_simplex_projection_in_metrics_of_any_range(decades):
    rng = np.random.default_rng(decades)
    for _ in range(300):
        d, mass = int(rng.integers(1, 6)), 10.0 ** rng.uniform(-2, 2)
        h = 10.0 ** rng.uniform(-decades, decades, d)
        y = rng.standard_normal(d) * 10.0 ** rng.choice([0, 0, 3, 20, -31], d)
        u = y.copy()
        to_simplex(u, h, mass)
        assert abs(u.sum() - mass) <= 1e-11 * mass
        assert np.abs(u - exact_shift(y, h, mass)).max() <= 1e-9 * (np.abs(y).max() + mass)
