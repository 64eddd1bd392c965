"""Slow, obvious twins of the learners and of the game, written from the papers and not from the package."""

import numpy as np


def weighted_ball(y, h, radius):
    """argmin_{|u| <= radius} sum h (u - y)^2 by bisection on the multiplier."""
    if np.linalg.norm(y) <= radius:
        return y
    low, high = 0.0, h.max() * (np.linalg.norm(y) / radius + 1.0)
    for _ in range(200):
        mu = (low + high) / 2.0
        low, high = (mu, high) if np.linalg.norm(h * y / (h + mu)) > radius else (low, mu)
    return h * y / (h + high)


def weighted_simplex(y, h, mass=1.0):
    """argmin_{u >= 0, sum u = mass} sum h (u - y)^2 by bisection on the multiplier."""
    low, high = (h * (y - mass)).min() - 1.0, (h * y).max() + 1.0
    for _ in range(200):
        nu = (low + high) / 2.0
        low, high = (nu, high) if np.maximum(y - nu / h, 0.0).sum() > mass else (low, nu)
    return np.maximum(y - high / h, 0.0)


def project(domain, y, h):
    """The projection of y in the diagonal metric h > 0."""
    kind = type(domain).__name__
    if kind == "Space":
        return y
    if kind == "Box":
        return np.clip(y, domain.lower, domain.upper)
    if kind == "Ball":
        return weighted_ball(y, h, domain.radius)
    if kind == "Simplex":
        return weighted_simplex(y, h)
    if np.abs(y).sum() <= domain.radius:
        return y
    return np.sign(y) * weighted_simplex(np.abs(y), h, domain.radius)


def ogd(gradient, x, domain, rounds, step):
    """x_{t+1} = Proj(x_t - step(t, S_t) g_t); returns all decisions."""
    path, total = [x], 0.0
    for t in range(1, rounds + 1):
        g = gradient(t, x)
        total += g @ g
        if total > 0.0:
            x = project(domain, x - step(t, total) * g, np.ones(len(x)))
        path.append(x)
    return np.array(path)


def adagrad(gradient, x, domain, rounds, eta, delta=0.0, initial=0.0, eps=0.0):
    """Diagonal AdaGrad, mirror-descent form, accumulate first; coordinates with H = 0 stay where they are."""
    path, s = [x], np.full(len(x), initial)
    for t in range(1, rounds + 1):
        g = gradient(t, x)
        s = s + g**2
        h = delta + np.sqrt(s + eps)
        seen = h > 0.0
        y = x.copy()
        y[seen] -= eta * g[seen] / h[seen]
        if seen.any():
            x = project(domain, y, np.where(seen, h, 1e-12 * h.max()))
        path.append(x)
    return np.array(path)


def full_matrix(gradient, x, radius, rounds, eta, delta):
    """Full-matrix AdaGrad on a ball (radius inf: the whole space), one eigendecomposition a round."""
    path, outer = [x], np.zeros((len(x), len(x)))
    for t in range(1, rounds + 1):
        g = gradient(t, x)
        outer = outer + np.outer(g, g)
        squares, q = np.linalg.eigh(outer)
        h = delta + np.sqrt(np.maximum(squares, 0.0))
        y = x - eta * q @ ((q.T @ g) / h)
        x = y if np.linalg.norm(y) <= radius else q @ weighted_ball(q.T @ y, h, radius)
        path.append(x)
    return np.array(path)
