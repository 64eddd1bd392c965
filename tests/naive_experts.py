"""Slow, obvious twins of the learners on the simplex, written from the papers; losses (T, N) or price relatives."""

import itertools
import math

import numpy as np


def weights(log_weights):
    p = np.exp(log_weights - log_weights.max())
    return p / p.sum()


def hedge(losses, prior, eta):
    """eta(t), t = 1, 2, ...; returns p_1 .. p_{T+1}."""
    return np.array([weights(np.log(prior) - eta(t + 1) * losses[:t].sum(axis=0)) for t in range(len(losses) + 1)])


def adahedge(losses, prior):
    ln, total, path, gap = -np.log(prior.min()), np.zeros(len(prior)), [], 0.0
    for loss in [*losses, None]:
        if gap == 0.0:
            p = prior * (total == total.min())
            p = p / p.sum()
        else:
            p = weights(np.log(prior) - ln / gap * total)
        path.append(p)
        if loss is not None:
            mix = loss[p > 0].min() if gap == 0.0 else -gap / ln * np.log(p @ np.exp(-ln / gap * loss))
            gap, total = gap + p @ loss - mix, total + loss
    return np.array(path)


def ml_prod(losses, prior):
    n = len(prior)
    w, square, path = prior.copy(), np.zeros(n), []
    for loss in [*losses, None]:
        eta = np.minimum(0.5, np.sqrt(np.log(n) / (1.0 + square)))
        path.append(eta * w / (eta @ w))
        if loss is not None:
            r = path[-1] @ loss - loss
            square = square + r**2
            w = (w * (1.0 + eta * r)) ** (np.minimum(0.5, np.sqrt(np.log(n) / (1.0 + square))) / eta)
    return np.array(path)


def by_regret(losses, prior, weigh):
    """p ~ weigh(R, V), or the prior where that is 0."""
    regret, square, path = np.zeros(len(prior)), np.zeros(len(prior)), []
    for loss in [*losses, None]:
        w = weigh(regret, square)
        path.append(w / w.sum() if w.any() else prior)
        if loss is not None:
            r = path[-1] @ loss - loss
            regret, square = regret + r, square + r**2
    return np.array(path)


def fixed_share(losses, prior, eta, alpha):
    """By the definition: the weight of an expert is that of all sequences of experts which end with it."""
    n, path = len(prior), [prior]
    switch = np.full((n, n), alpha / (n - 1))
    np.fill_diagonal(switch, 1.0 - alpha)
    mass = prior.copy()
    for loss in losses:
        mass = switch @ (mass * np.exp(-eta * loss))
        path.append(mass / mass.sum())
    return np.array(path)


def kt_experts(losses, prior, delta):
    n = len(prior)
    coins, wealth, path = np.zeros(n), np.ones(n), []
    for t, loss in enumerate([*losses, None], 1):
        bet = coins / (t + delta) * wealth
        p = prior * np.maximum(bet, 0.0)
        path.append(p / p.sum() if p.any() else prior)
        if loss is not None:
            r = path[-1] @ loss - loss
            coin = np.where(bet > 0.0, r, np.maximum(r, 0.0))
            coins, wealth = coins + coin, wealth + coin * bet
    return np.array(path)


def switching(losses, m):
    """The least loss of a sequence of experts with at most m switches, by dynamic programming."""
    best = np.tile(losses[0], (m + 1, 1))
    for loss in losses[1:]:
        moved = np.vstack([np.full(len(loss), np.inf), np.repeat(best[:-1].min(axis=1)[:, None], len(loss), axis=1)])
        best = np.minimum(best, moved) + loss
    return best.min()


def universal(relatives, prior):
    """Two assets, Beta(prior, prior), by quadrature: b = sin^2 makes the integrand smooth at the ends."""
    nodes, node_weights = np.polynomial.legendre.leggauss(400)
    angle = (nodes + 1.0) * np.pi / 4.0
    b = np.sin(angle) ** 2
    density = node_weights * (np.sin(angle) * np.cos(angle)) ** (2.0 * prior - 1.0)
    wealth, path = np.ones(len(b)), []
    for a in [*relatives, None]:
        mean = (density * wealth) @ b / (density @ wealth)
        path.append([mean, 1.0 - mean])
        if a is not None:
            wealth = wealth * (b * a[0] + (1.0 - b) * a[1])
    return np.array(path)


def mixture(relatives, grid):
    wealth, path = np.ones(len(grid)), []
    for a in [*relatives, None]:
        path.append(wealth @ grid / wealth.sum())
        if a is not None:
            wealth = wealth * (grid @ a)
    return np.array(path)


def lattice(n, k):
    """All points of the simplex with coordinates in {0, 1/k, ..., 1}."""
    return np.array([p for p in itertools.product(range(k + 1), repeat=n) if sum(p) == k]) / k


def eg(relatives, prior, eta):
    path = [prior]
    for a in relatives:
        w = path[-1] * np.exp(eta * a / (path[-1] @ a))
        path.append(w / w.sum())
    return np.array(path)


def ons_portfolio(relatives, beta, delta, eta):
    """Agarwal et al. 2006, with the projection by trying every support."""
    n = relatives.shape[1]
    outer, pull, path = np.eye(n), np.zeros(n), [np.full(n, 1.0 / n)]
    for a in relatives:
        gain = a / (path[-1] @ a)
        outer, pull = outer + np.outer(gain, gain), pull + (1.0 + 1.0 / beta) * gain
        path.append((1.0 - eta) * best_support(outer, delta * pull) + eta / n)
    return np.array(path)


def best_support(outer, b):
    """argmin over the simplex of u^T outer u / 2 - <b, u>."""
    n, best, least = len(b), None, math.inf
    for size in range(1, n + 1):
        for support in itertools.combinations(range(n), size):
            s = list(support)
            system = np.block([[outer[np.ix_(s, s)], np.ones((size, 1))], [np.ones((1, size)), np.zeros((1, 1))]])
            u = np.zeros(n)
            u[s] = np.linalg.solve(system, np.append(b[s], 1.0))[:-1]
            value = u @ outer @ u / 2.0 - b @ u
            if u.min() >= 0.0 and value < least:
                best, least = u, value
    return best
