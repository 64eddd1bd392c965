"""Full-matrix AdaGrad without an eigendecomposition a round is full-matrix AdaGrad, to more digits than with one."""

import numpy as np
import pytest
from exact_matrix import STREAMS, distance, gradients, place, reference, walk
from naive import full_matrix as twin

from oco import Ball, Box, FullMatrixAdaGrad, FullMatrixDualAveraging, Player, Simplex, Space
from oco.roots import block, no_root, reduction, renewal, root
from oco.roots.block import block_in, solve
from oco.roots.quadrature import quadrature, weights


@pytest.mark.parametrize("ratio", [1.0, 10.0, 55.0, 1e3, 1e6, 1e10, 1e16])
def test_quadrature(ratio):
    def error(rule, delta, z):
        w, rest = weights(rule, delta)
        return np.abs(((w / (z[:, None] + rule.nodes[0])).sum(axis=1) + rest) * (delta + np.sqrt(z)) - 1.0).max()

    low, high = 0.3, 0.3 * ratio
    z = np.geomspace(low, high, 500)
    every, single = quadrature(low, high, np.nan), quadrature(low, high, 0.0)
    for delta in (0.0, *np.geomspace(1e-6 * np.sqrt(low), 1e6 * np.sqrt(high), 80)):
        own = quadrature(low, high, delta)
        assert error(every, delta, z) <= 4e-12 and error(own, delta, z) <= 4e-12
        assert single.nodes.shape[1] <= own.nodes.shape[1] <= every.nodes.shape[1]
    assert error(single, 0.0, z) <= 2e-12
    with np.errstate(all="ignore"):
        assert not error(single, 0.1, z) <= 1e-6, "control: nodes for delta = 0 alone"
    assert error(every, 0.1, np.array([1e3 * every.high])) > 1e-6, "control: outside the range"


@pytest.mark.parametrize("radius", [np.inf, 0.7])
@pytest.mark.parametrize("name", STREAMS)
def test_is_as_exact_as_an_eigendecomposition_in_each_round(name, radius):
    g = gradients(name, 6, 150)
    exact = reference(g, radius, 0.5, 1e-4)
    path = walk(FullMatrixAdaGrad(0.5, 1e-4), g, place(radius))
    naive = twin(lambda t, x: g[t - 1], np.zeros(6), radius, len(g), 0.5, 1e-4)
    assert distance(path, exact) <= max(1e-11, distance(naive, exact))


@pytest.mark.parametrize("radius", [np.inf, 0.7])
@pytest.mark.parametrize("name", STREAMS)
def test_is_as_exact_over_ten_thousand_rounds(name, radius):
    g = gradients(name, 4, 10_000)
    exact = reference(g, radius, 0.5, 1e-4)
    naive = twin(lambda t, x: g[t - 1], np.zeros(4), radius, len(g), 0.5, 1e-4)
    path = walk(FullMatrixAdaGrad(0.5, 1e-4), g, place(radius))
    assert distance(path, exact) <= max(1e-11, distance(naive, exact))


def test_control_one_gradient_of_ten_thousand_another():
    g = gradients("gaussian", 4, 10_000)
    exact = reference(g, np.inf, 0.5, 1e-4)
    g[5000] *= 1.0 + 1e-6
    assert distance(walk(FullMatrixAdaGrad(0.5, 1e-4), g, Space()), exact) > 1e-11


@pytest.mark.parametrize("name", STREAMS)
def test_agrees_over_ten_thousand_rounds(name):
    g = gradients(name, 30, 10_000)
    naive = twin(lambda t, x: g[t - 1], np.zeros(30), np.inf, len(g), 0.5, 1e-3)
    assert distance(walk(FullMatrixAdaGrad(0.5, 1e-3), g, Space()), naive) <= 1e-6


@pytest.mark.parametrize("radius", [np.inf, 1.0])
@pytest.mark.parametrize("name", STREAMS)
def test_agrees_with_an_eigendecomposition_in_each_round(name, radius):
    g = gradients(name, 40, 300)
    naive = twin(lambda t, x: g[t - 1], np.zeros(40), radius, len(g), 0.5, 1e-3)
    assert distance(walk(FullMatrixAdaGrad(0.5, 1e-3), g, place(radius)), naive) <= 1e-6


@pytest.mark.parametrize("start", [0.0, 0.05])
@pytest.mark.parametrize("name", STREAMS)
def test_dual_averaging(name, start):
    g, radius = gradients(name, 20, 120), 1.0
    player = Player(FullMatrixDualAveraging(0.5, 1e-2), 20, Ball(radius), start=np.full(20, start))
    total = np.zeros(20)
    for t, row in enumerate(g, 1):
        total = total + row
        _, h, q = np.linalg.svd(np.vstack([g[:t], np.zeros((20, 20))]), full_matrices=False)
        h, q = 1e-2 + h, q.T
        player.update(row)
        # argmin eta <total, x> + |x - x_1|_H^2 / 2 on the ball: - gradient = mu x with mu >= 0, mu = 0 inside.
        pull = -(0.5 * total + q @ (h * (q.T @ (player.x - start))))
        mu = pull @ player.x / (player.x @ player.x) if row.any() or total.any() else 0.0
        scale = np.linalg.norm(0.5 * total) + h.max()
        assert np.linalg.norm(pull - mu * player.x) <= 1e-9 * scale and mu >= -1e-9 * scale
        assert abs(mu) <= 1e-9 * scale or abs(np.linalg.norm(player.x) - radius) <= 1e-12


def test_projection_onto_the_ball_is_the_nearest_point_in_the_metric():
    g, rng = gradients("gaussian", 30, 100), np.random.default_rng(0)
    player = Player(FullMatrixAdaGrad(1.0, 0.1), 30, Ball(0.5))
    touched, euclidean = 0, 0.0
    for row in g:
        before = player.x.copy()
        player.update(row)
        gamma = player.metric()
        y = before - np.linalg.solve(gamma, row)
        points = rng.standard_normal((50, 30))
        points *= 0.5 / np.linalg.norm(points, axis=1)[:, None]
        assert ((points - player.x) @ gamma @ (player.x - y)).min() >= -1e-10 * np.linalg.norm(row)
        if np.linalg.norm(y) > 0.5:
            touched += 1
            other = 0.5 * y / np.linalg.norm(y)
            euclidean = min(euclidean, (player.x - other) @ gamma @ (other - y))
    assert touched > 20
    assert euclidean < -1e-3, "control: the Euclidean projection is another point"


@pytest.mark.parametrize("domain", [Box(-0.1, 0.2), Simplex()], ids=["box", "simplex"])
@pytest.mark.parametrize("name", STREAMS)
def test_projection_onto_other_domains_is_the_nearest_point_in_the_metric(name, domain):
    """The variational inequality, with G and its root made from the gradients alone."""
    g, rng = gradients(name, 8, 120), np.random.default_rng(0)
    player, moved, euclidean = Player(FullMatrixAdaGrad(0.3, 0.1), 8, domain), 0, 0.0
    points = rng.uniform(-0.1, 0.2, (50, 8)) if isinstance(domain, Box) else rng.dirichlet(np.ones(8), 50)
    for t, row in enumerate(g, 1):
        before = player.x.copy()
        player.update(row)
        _, h, q = np.linalg.svd(np.vstack([g[:t], np.zeros((8, 8))]), full_matrices=False)
        metric = (q.T * (0.1 + h)) @ q
        y = before - 0.3 * np.linalg.solve(metric, row)
        assert ((points - player.x) @ metric @ (player.x - y)).min() >= -1e-9 * (1.0 + np.linalg.norm(row))
        other = y.copy()
        domain.project(other)
        if np.abs(other - y).max() > 1e-9:
            moved += 1
            euclidean = min(euclidean, ((points - other) @ metric @ (other - y)).min())
    assert moved > 20
    assert euclidean < -1e-4, "control: the Euclidean projection is another point"


def growing(rounds=60):
    """Gradients that grow by half in each round: no range that is set before holds them for long."""
    return gradients("gaussian", 5, rounds) * 1.5 ** np.arange(rounds)[:, None]


def test_control_without_guards_accuracy_is_lost(monkeypatch):
    g = growing()
    exact = reference(g, np.inf, 0.5, 1e-4)
    assert distance(walk(FullMatrixAdaGrad(0.5, 1e-4), g, Space(), compiled=False), exact) <= 1e-11
    monkeypatch.setattr(root, "sound", lambda *arguments: True)
    assert distance(walk(FullMatrixAdaGrad(0.5, 1e-4), g, Space(), compiled=False), exact) > 1e-6


def test_control_as_eigenvalues_of_a_sum_small_singular_values_lose_digits(monkeypatch):
    g = gradients("rotating", 5, 400)
    exact = reference(g, np.inf, 0.5, 1e-4)
    kept = distance(walk(FullMatrixAdaGrad(0.5, 1e-4), g, Space(), compiled=False), exact)
    monkeypatch.setattr(renewal, "GRADED", 0.0)
    assert distance(walk(FullMatrixAdaGrad(0.5, 1e-4), g, Space(), compiled=False), exact) > 10.0 * kept


def test_a_skew_basis_is_made_orthogonal_again():
    g = gradients("gaussian", 8, 40)
    player = Player(FullMatrixAdaGrad(0.5), 8)
    for row in g[:30]:
        player.update(row)
    basis = player.state.root.basis
    basis += 1e-9 * np.random.default_rng(0).standard_normal((8, 8))
    assert np.abs(basis @ basis.T - np.eye(8)).max() > 1e-10
    player.update(g[30])
    basis = player.state.root.basis
    assert np.abs(basis @ basis.T - np.eye(8)).max() < 1e-14


@pytest.mark.parametrize("domain", [Space(), Ball(0.7), Box(-0.1, 0.2)], ids=["space", "ball", "box"])
@pytest.mark.parametrize("learner", [FullMatrixAdaGrad(0.4), FullMatrixDualAveraging(0.4, 0.5)], ids=["md", "da"])
def test_compiled_is_interpreted(learner, domain):
    g = gradients("sparse", 5, 40)
    assert np.allclose(walk(learner, g, domain), walk(learner, g, domain, compiled=False), rtol=0.0, atol=1e-12)


@pytest.mark.parametrize("learner", [FullMatrixAdaGrad(0.4, 0.1), FullMatrixDualAveraging(0.4, 0.5)], ids=["md", "da"])
def test_new_columns_are_as_if_they_had_always_been_there(learner):
    g = gradients("gaussian", 6, 50)
    g[:20, 4:] = 0.0
    small, large = Player(learner, 4, Ball(0.7)), Player(learner, 6, Ball(0.7))
    for row in g[:20]:
        small.update(row[:4])
        large.update(row)
    small.grow(6)
    for row in g[20:]:
        small.update(row)
        large.update(row)
        assert np.allclose(small.x, large.x, rtol=0.0, atol=1e-12)


def test_products_in_pieces_are_products(monkeypatch):
    g = gradients("gaussian", 9, 60)
    whole = walk(FullMatrixAdaGrad(0.4), g, Ball(0.7), compiled=False)
    monkeypatch.setattr(block, "SMALL", 1.0)
    assert np.allclose(walk(FullMatrixAdaGrad(0.4), g, Ball(0.7), compiled=False), whole, rtol=0.0, atol=1e-12)
    g[7] *= 1.0 + 1e-9
    path = walk(FullMatrixAdaGrad(0.4), g, Ball(0.7), compiled=False)
    assert np.abs(path - whole).max() > 1e-12, "control: one row a little longer"


def test_gradients_of_any_size_are_silent_or_stop_the_play():
    for sizes in ([1e-150, 1e-150], [1.0, 1e150, 1.0], [1e-100, 1e100, 1e-100]):
        g = np.concatenate([size * gradients("gaussian", 4, 10) for size in sizes])
        for domain in (Ball(), Box(-0.5, 0.5)):
            path = walk(FullMatrixAdaGrad(0.5), g, domain)
            assert np.isfinite(path).all() and (np.linalg.norm(path, axis=1) <= 1.0 + 1e-12).all()


@pytest.mark.parametrize("domain", [Space(), Ball(0.3), Box(-0.2, 0.2)], ids=["space", "ball", "box"])
def test_the_largest_numbers_are_gradients_like_any_other(domain):
    """Without delta the size of gradients does not matter."""
    g = gradients("gaussian", 4, 30)
    g[0] = [1.0, 0.0, 0.0, 0.1]
    g[1:] *= 0.9 / np.linalg.norm(g[1:], axis=1)[:, None]
    path = walk(FullMatrixAdaGrad(0.5), g, domain)
    with np.errstate(over="ignore"):  # of squares in the ledger
        assert np.allclose(walk(FullMatrixAdaGrad(0.5), 1.5e308 * g, domain), path, rtol=0.0, atol=1e-9)
    assert np.abs(path).max() > 0.1, "control: it moves"


def test_a_few_reductions_are_enough(monkeypatch):
    d, rounds, seen = 12, 200, []
    for work in (reduction.bidiagonalise, reduction.diagonalise):
        monkeypatch.setattr(renewal, work.__name__, lambda *a, made=work: seen.append(1) or made(*a))
    walk(FullMatrixAdaGrad(0.5), gradients("gaussian", d, rounds), Space(), compiled=False)
    assert 0 < len(seen) <= rounds // 12


@pytest.mark.parametrize("name", STREAMS)
def test_resolvents(name):
    """(G + s_j)^{-1} z from the block is that of a solver, in the basis and out of it."""
    g = gradients(name, 7, 50)
    held, outer = no_root(np.zeros((1, 7))), np.zeros((7, 7))
    for row in g[np.abs(g).max(axis=1) > 0.0]:
        z = root.add(held, row, np.nan)
        outer += np.outer(row, row) / root.unit(held) ** 2
    now = block_in(held.room, 7)
    width, u = now.v.shape[1], (now.u * now.gains).T.copy()
    rotated = held.basis @ outer @ held.basis.T
    for s, solved in zip(now.nodes[0], u, strict=True):
        expected = np.linalg.solve(rotated + s * np.eye(7), z)[:width]
        assert np.linalg.norm(solved - expected) <= 1e-5 * np.linalg.norm(expected)
    solve((held.room, z[None]))
    assert np.allclose(now.u.T, u, rtol=1e-5, atol=1e-8 * np.abs(u).max())
