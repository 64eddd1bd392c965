"""Slow, obvious twins of the learners with L1: every decision is an argmin, found from the objective itself."""

import numpy as np


def shrunk(v, by):
    return np.sign(v) * np.maximum(np.abs(v) - by, 0.0)


def argmin(domain, z, c, h, before=0.0):
    """argmin_{x in X} <z, x> + c |x|_1 + sum_i h_i x_i^2 / 2; a coordinate with h_i = 0 stays what it was before."""
    seen = h > 0.0
    x = np.full(len(z), before)
    z, h = z[seen], h[seen]
    kind = type(domain).__name__
    if kind == "Box":
        for j, i in enumerate(np.flatnonzero(seen)):
            low, high = (np.broadcast_to(end, len(x))[i] for end in (domain.lower, domain.upper))
            points = np.array([low, high, 0.0, -(z[j] + c) / h[j], -(z[j] - c) / h[j]])
            points = points[(points >= low) & (points <= high)]
            x[i] = points[np.argmin(z[j] * points + c * np.abs(points) + h[j] * points**2 / 2.0)]
        return x
    # The Lagrangian's minimiser for a multiplier mu of |x|_2^2 / 2, or of |x|_1.
    solve = {
        "Space": lambda mu: -shrunk(z, c) / h,
        "Ball": lambda mu: -shrunk(z, c) / (h + mu),
        "L1Ball": lambda mu: -shrunk(z, c + mu) / h,
    }[kind]
    size = {"Space": np.linalg.norm, "Ball": np.linalg.norm, "L1Ball": lambda x: np.abs(x).sum()}[kind]
    low, high = 0.0, 0.0
    if kind != "Space" and size(solve(0.0)) > domain.radius:
        high = 1.0
        while size(solve(high)) > domain.radius:
            high *= 2.0
        for _ in range(200):
            middle = (low + high) / 2.0
            low, high = (middle, high) if size(solve(middle)) > domain.radius else (low, middle)
    x[seen] = solve(high)
    return x


def mirror(gradient, domain, d, rounds, gamma, l1, start=0.0):
    """Composite mirror descent, x_{t+1} = argmin <g_t, x> + l1 |x|_1 + |x - x_t|^2_{gamma(t, S_t)} / 2."""
    path, squares = [np.full(d, start)], np.zeros(d)
    for t in range(1, rounds + 1):
        g = gradient(t, path[-1])
        squares = squares + g**2
        h = gamma(t, squares)
        path.append(argmin(domain, g - h * path[-1], l1, h, path[-1]))
    return np.array(path)


def averaging(gradient, domain, d, rounds, gamma, l1):
    """Dual averaging, x_{t+1} = argmin <g_1 + ... + g_t, x> + t l1 |x|_1 + |x|^2_{gamma(t, S_t)} / 2."""
    path, z, squares = [np.zeros(d)], np.zeros(d), np.zeros(d)
    for t in range(1, rounds + 1):
        g = gradient(t, path[-1])
        z, squares = z + g, squares + g**2
        path.append(argmin(domain, z, t * l1, gamma(t, squares)))
    return np.array(path)


def proximal(gradient, domain, d, rounds, alpha, beta, once1, once2, l1):
    """FTRL-Proximal: all regularisers kept apart and added up anew in every round."""
    path, gradients = [np.zeros(d)], []
    for t in range(1, rounds + 1):
        gradients.append(gradient(t, path[-1]))
        rates = np.sqrt(np.cumsum(np.array(gradients) ** 2, axis=0)) / alpha
        sigma = np.diff(rates, axis=0, prepend=0.0)
        z = np.sum(gradients, axis=0) - np.sum(sigma * path, axis=0)
        seen = rates[-1] > 0.0
        h = np.where(seen, sigma.sum(axis=0) + beta / alpha + once2, 0.0)
        path.append(argmin(domain, z, once1 + t * l1, h))
    return np.array(path)


def by_support(learner, domain, rows, l1):
    """A sparse linear game with the penalty l1 |x|_1, coordinates touched only where a row is not zero.

    Returns the loss, the decision after the last round and all that the coordinates remember.
    """
    from oco.protocols import Round

    d = len(rows[0])
    start = learner.memory(np.zeros(d))
    one = not isinstance(start, tuple)
    columns = [np.broadcast_to(column, d) for column in ((start,) if one else start)]
    x, memory = np.zeros(d), [tuple(map(float, m)) for m in zip(*columns, strict=True)]
    loss, sumsq = 0.0, 0.0

    def rest(i, t):
        now = Round(t, 0.0, 0.0, sumsq, l1, 0.0)
        x[i], s, paid = learner.idle(now, x[i], memory[i][0] if one else memory[i])
        x[i], memory[i] = domain.clip(i, x[i]), (s,) if one else s
        return l1 * paid

    for t, g in enumerate(rows, 1):
        support = np.flatnonzero(g)
        loss += sum(rest(i, t - 1) + l1 * abs(x[i]) for i in support) + g @ x
        sumsq += g @ g
        for i in support:
            now = Round(t, 0.0, 0.0, sumsq, l1, 0.0)
            x[i], s = learner.rule(now, g[i], x[i], memory[i][0] if one else memory[i])
            x[i], memory[i] = domain.clip(i, x[i]), (s,) if one else s
    loss += sum(rest(i, len(rows)) for i in range(d))
    return loss, x, np.array(memory)


def long_gaps(rounds, d=4, seed=0):
    """Sparse rows with gaps of every length: coordinate i has a gradient about every 8^i rounds."""
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((rounds, d)) + 0.5 * rng.standard_normal(d)
    return rows * (rng.random((rounds, d)) < 8.0 ** -np.arange(d))
