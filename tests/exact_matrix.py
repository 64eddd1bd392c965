"""Full-matrix AdaGrad in extended precision, and gradients on which it differs from float64."""

from functools import cache
from itertools import combinations

import numpy as np

from oco import Ball, Player, Space

Long = np.longdouble
STREAMS = ("gaussian", "condition 1e6", "condition 1e10", "sparse", "low rank", "rotating")


def gradients(name, d, rounds, seed=1):
    rng = np.random.default_rng(seed)
    g = rng.standard_normal((rounds, d))
    turn = np.linalg.qr(rng.standard_normal((d, d)))[0]
    if name.startswith("condition"):
        return g * np.geomspace(1.0, float(name.split()[1]) ** -0.5, d) @ turn.T
    if name == "sparse":
        return g * (rng.random((rounds, d)) < 1.0 / np.arange(1, d + 1))
    if name == "low rank":
        return g[:, :3] @ turn[:3]
    if name == "rotating":  # spikes, repetitions, zeros, and directions that are almost the same
        spikes = np.where(np.arange(rounds) % 7 == 0, 100.0, 1.0)[:, None]
        g = turn.T[np.arange(rounds) // 5 % d] * spikes + 1e-3 * g * (np.arange(rounds) % 7 == 3)[:, None]
        g[5::7], g[6::7] = g[4::7][: len(g[5::7])], 0.0
    return g


def walk(learner, g, domain, compiled=True):
    player = Player(learner, g.shape[1], domain, compiled=compiled)
    path = [player.x.copy()]
    for row in g:
        player.update(row)
        path.append(player.x.copy())
    return np.array(path)


def place(radius):
    return Space() if np.isinf(radius) else Ball(radius)


@cache
def jacobi(d, data):
    """Eigenvalues (n, d) and vectors (n, d, d) of all G_t in extended precision, by Jacobi's rotations."""
    g = np.frombuffer(data).reshape(-1, d).astype(Long)
    b = np.cumsum(g[:, :, None] * g[:, None, :], axis=0)
    q = np.zeros_like(b) + np.eye(d, dtype=Long)
    right = np.arctan(Long(1)) * 2
    for _ in range(40):
        sizes = np.sqrt(np.abs(np.diagonal(b, axis1=1, axis2=2)))
        if (np.abs(np.tril(b, -1)) <= 1e-19 * sizes[:, :, None] * sizes[:, None]).all():
            break
        for i, j in combinations(range(d), 2):
            angle = np.arctan2(2.0 * b[:, i, j], b[:, i, i] - b[:, j, j]) / 2.0
            angle -= np.round(angle / right) * right  # the smaller of the two rotations keeps the order
            c, s = np.cos(angle)[:, None], np.sin(angle)[:, None]
            for m in (b, b.transpose(0, 2, 1), q):
                m[:, :, i], m[:, :, j] = c * m[:, :, i] + s * m[:, :, j], c * m[:, :, j] - s * m[:, :, i]
    return np.maximum(np.diagonal(b, axis1=1, axis2=2), 0.0), q


def reference(g, radius, eta, delta):
    """The algorithm in extended precision."""
    values, bases = jacobi(g.shape[1], g.tobytes())
    path = [np.zeros(g.shape[1], Long)]
    for h, q, row in zip(Long(delta) + np.sqrt(values), bases, g.astype(Long), strict=True):
        y, mu, last = (path[-1] - q @ (eta * (row @ q) / h)) @ q, Long(0), Long(-1)
        while np.linalg.norm(y.astype(float)) > radius and mu > last * (1.0 + 1e-18):
            u = h * y / (h + mu)
            size = np.sqrt((u * u).sum())
            last, mu = mu, mu + (size / radius - 1.0) * size**2 / (u * u / (h + mu)).sum()
        path.append(q @ (h * y / (h + mu)))
    return np.array(path)


def distance(path, exact):
    sizes = np.maximum.accumulate(np.sqrt((exact * exact).sum(axis=1)))[1:]
    return float((np.sqrt(((path - exact) ** 2).sum(axis=1))[1:] / sizes).max())
