"""Shifted inverses and bounds of B^T B keep the digits that B has, and a reduction to B changes the basis alone."""

import numpy as np
import pytest
from exact_matrix import STREAMS, gradients

from oco import Ball, FullMatrixAdaGrad, Player
from oco._jit import kernel
from oco.lowlevel.sweeps import sweep
from oco.roots import trace, unit
from oco.roots.bidiagonal import bounds, factorise
from oco.roots.block import FACTS, RANK, UNIT
from oco.roots.lapack import lapack
from oco.roots.reduction import bidiagonalise, dense, diagonalise
from oco.roots.renewal import in_unit


def bidiagonal(d, decades, seed=0):
    rng = np.random.default_rng(seed)
    sizes = np.logspace(0.0, -decades, d)
    above = rng.uniform(-0.5, 0.5, d) * sizes
    above[-1] = 0.0
    return rng.uniform(0.5, 1.5, d) * sizes, above


def solution(b, s, z):
    """(B^T B + s)^{-1} z in extended precision, by reflections of [B; sqrt s] that bring it to a triangle."""
    d = b.shape[1]
    a = np.vstack([b, np.sqrt(np.longdouble(s)) * np.eye(d)]).astype(np.longdouble)
    for k in range(d):
        v = a[k:, k].copy()
        v[0] += np.copysign(np.sqrt(v @ v), v[0])
        a[k:] -= np.outer(v, v @ a[k:]) * (2.0 / (v @ v))
    x = z.astype(np.longdouble)
    for k in range(d):
        x[k] = (x[k] - a[:k, k] @ x[:k]) / a[k, k]
    for k in range(d - 1, -1, -1):
        x[k] = (x[k] - a[k, k + 1 :] @ x[k + 1 :]) / a[k, k]
    return x


@pytest.mark.parametrize("beside", [0.5, 3.0])
def test_shifted_inverses(beside):
    """Singular values of size one, or, where what stands above the diagonal is larger, one of 3^-d."""
    d, rng = 14, np.random.default_rng(1)
    roots, above = rng.uniform(0.9, 1.1, d), np.append(beside * rng.uniform(0.9, 1.1, d - 1), 0.0)
    z, y, b = rng.standard_normal(d), rng.standard_normal((d, 3)), dense(roots, above)
    shifts = np.array([10.0**-18, 10.0**-9, 1.0])
    lower, inverse, traces, sums = np.empty((d, 3)), np.empty((d, 3)), np.empty(3), np.empty((2, 3))
    factorise(roots, above, shifts, lower, inverse, traces)
    u = y.copy()
    sweep(lower, inverse, z, u, sums)
    for j, s in enumerate(shifts):
        exact = solution(b, s, z - y[:, j])
        assert np.linalg.norm((u[:, j] - exact).astype(float)) <= 1e-13 * np.linalg.norm(exact.astype(float))
        assert np.allclose(sums[:, j], [z @ u[:, j], u[:, j] @ u[:, j]], rtol=1e-13)
        whole = sum(solution(b, s, row)[k] for k, row in enumerate(np.eye(d)))
        assert abs(traces[j] - whole) <= 1e-13 * whole
    naive, exact = np.linalg.solve(b.T @ b + shifts[0] * np.eye(d), z), solution(b, shifts[0], z).astype(float)
    lost = np.linalg.norm(naive - exact) > 1e-6 * np.linalg.norm(exact)
    assert lost == (beside > 1.0), "control: the square alone has lost the digits"


def test_sweeps_of_any_number_of_columns():
    compiled, rng = kernel(sweep), np.random.default_rng(2)
    for n in (*range(1, 20), 31, 34, 48):
        lower, inverse, u = rng.uniform(-0.5, 0.5, (3, 7, n))
        z, sums, other, others = rng.standard_normal(7), np.empty((2, n)), u.copy(), np.empty((2, n))
        sweep(lower, inverse, z, u, sums)
        compiled(lower, inverse, z, other, others)
        assert np.allclose(u, other, rtol=1e-13, atol=1e-15) and np.allclose(sums, others, rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("decades", [0.0, 3.0, 8.0])
@pytest.mark.parametrize("d", [1, 2, 30])
def test_bounds(d, decades):
    for seed in range(20):
        roots, above = bidiagonal(d, decades, seed)
        values = np.linalg.svd(dense(roots, above), compute_uv=False) ** 2
        low, high = bounds(roots, above)
        assert 0.75 * values[-1] <= low <= (1.0 + 1e-7) * values[-1]
        assert (1.0 - 1e-12) * values[0] <= high <= 1.5 * values[0]
        low, high = bounds(2.0 * roots, 2.0 * above)
        assert low > 1.1 * values[-1] and high > 3.9 * values[0], "control: of another matrix"


def apart(found, expected):
    return np.abs(found - expected).max() / np.abs(expected).max()


def factorised(diagonal, beside):
    return lapack("dpttrf", len(diagonal), diagonal, beside)


def test_what_a_routine_says_is_returned():
    for work in (factorised, kernel(factorised)):
        assert work(np.ones(3), np.zeros(2)) == 0
        assert work(np.array([1.0, -1.0, 1.0]), np.zeros(2)) == 2  # the first minor that is not positive


@pytest.mark.parametrize("graded", [False, True])
@pytest.mark.parametrize("d", [1, 2, 20])
def test_compiled_reductions_are_interpreted_ones(d, graded):
    rng, (roots, above), found = np.random.default_rng(5), bidiagonal(d, 2.0), {}
    v, basis, turned = rng.standard_normal((9, d)), np.linalg.qr(rng.standard_normal((d, d)))[0], np.ones((3, d))
    for work in (bidiagonalise, kernel(bidiagonalise)):
        given = basis.copy(), turned.copy(), roots.copy(), above.copy()
        work(*given, v, graded)
        found[work] = np.concatenate([*(a.ravel() for a in given), kernel(bounds)(*given[2:]), bounds(*given[2:])])
    plain, compiled = found.values()
    assert np.allclose(plain, compiled, rtol=0.0, atol=1e-13 * np.abs(plain).max())
    assert np.allclose(plain[-4:-2], plain[-2:], rtol=1e-13, atol=0.0)
    kept = np.concatenate([basis.ravel(), turned.ravel(), roots])
    assert np.abs(kept - plain[: len(kept)]).max() > 0.1, "control: as it was"


@pytest.mark.parametrize("graded", [False, True])
@pytest.mark.parametrize("work", [bidiagonalise, diagonalise])
def test_reductions_change_the_basis_alone(work, graded):
    d, rng = 20, np.random.default_rng(3)
    roots, above = bidiagonal(d, 4.0 if graded else 1.0)
    v = rng.standard_normal((9, d)) * np.logspace(0.0, -4.0 if graded else 0.0, d)
    basis, turned = np.linalg.qr(rng.standard_normal((d, d)))[0].copy(), rng.standard_normal((3, d))
    stack = np.vstack([dense(roots, above), v])
    g, vectors = basis.T @ (stack.T @ stack) @ basis, turned @ basis
    values = np.linalg.svd(stack, compute_uv=False)
    work(basis, turned, roots, above, v, graded)
    b = dense(roots, above)
    assert apart(basis @ basis.T, np.eye(d)) <= 1e-13 and apart(turned @ basis, vectors) <= 1e-13
    assert apart(basis.T @ (b.T @ b) @ basis, g) <= 1e-13
    assert np.allclose(np.linalg.svd(b, compute_uv=False), values, rtol=1e-10, atol=0.0)
    assert apart(basis.T @ (b.T @ b + np.outer(v[0], v[0])) @ basis, g) > 1e-3, "control: one gradient twice"


def test_control_small_singular_values_are_lost_in_a_sum():
    turn = np.linalg.qr(np.random.default_rng(4).standard_normal((20, 20)))[0]
    v = np.logspace(0.0, -7.0, 20)[:, None] * turn
    for graded in (True, False):
        roots, above = np.full(20, 1e-12), np.zeros(20)
        bidiagonalise(np.eye(20), np.zeros((1, 20)), roots, above, v, graded)
        found = np.linalg.svd(dense(roots, above), compute_uv=False) if np.isfinite(roots).all() else 0.0
        assert np.allclose(found, np.logspace(0.0, -7.0, 20), rtol=1e-7, atol=0.0) == graded


def test_another_unit_is_the_same_matrix():
    (roots, above), facts = bidiagonal(6, 1.0), np.zeros(FACTS)
    b, facts[UNIT], facts[RANK] = dense(roots, above), 1.0, 6.0
    for size, leaps in ((2.0, False), (1e70, True)):
        assert in_unit(facts, roots, above, size) == 6
        assert (facts[UNIT] > 1.0) == leaps
        assert np.allclose(facts[UNIT] * dense(roots, above), b, rtol=1e-15, atol=0.0)


@pytest.mark.parametrize("name", STREAMS)
def test_trace(name):
    g = gradients(name, 8, 120)
    player = Player(FullMatrixAdaGrad(0.5, 1e-3), 8, Ball())
    for t, row in enumerate(g, 1):
        player.update(row)
        exact = np.linalg.svd(g[:t], compute_uv=False).sum()
        assert abs(trace(player.state.root) - exact) <= 1e-11 * exact
    assert unit(player.state.root) > 0.0
    exact = np.linalg.svd(g[1:], compute_uv=False).sum()
    assert abs(trace(player.state.root) - exact) > 1e-8 * exact, "control: one gradient left out"
