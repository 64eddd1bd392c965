"""Peers in NumPy and SciPy: loops over rounds in Python."""

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.linalg


def dense(a: np.ndarray, y: np.ndarray, eta: float, initial: float, eps: float) -> Callable[[], float]:
    """Diagonal AdaGrad on dense logistic rounds."""

    def call() -> float:
        x, s, total = np.zeros(a.shape[1]), np.full(a.shape[1], initial), 0.0
        for row, label in zip(a, y, strict=True):
            margin = label * float(row @ x)
            total += float(np.logaddexp(0.0, -margin))
            g = (-label / (1.0 + np.exp(margin))) * row
            s += g * g
            x -= eta * g / np.sqrt(s + eps)
        return total

    return call


def hedge(losses: np.ndarray, eta: float) -> Callable[[], float]:
    def call() -> float:
        w, total = np.full(losses.shape[1], 1.0 / losses.shape[1]), 0.0
        for row in losses:
            total += float(w @ row)
            w *= np.exp(-eta * row)
            w /= w.sum()
        return total

    return call


def full_matrix(
    g: np.ndarray,
    outer: np.ndarray,
    eta: float,
    delta: float,
    *,
    lazy: bool = False,
    on_ball: bool = False,
    eigh: Callable[[np.ndarray], Any] = np.linalg.eigh,
) -> Callable[[], float]:
    """Full-matrix AdaGrad by an eigendecomposition a round; lazy: dual averaging; on_ball: on the unit L2 ball."""
    d = g.shape[1]

    def call() -> float:
        x, total, grown, suffered = np.zeros(d), np.zeros(d), outer.copy(), 0.0
        for row in g:
            suffered += float(row @ x)
            if not row.any():
                continue
            grown += np.outer(row, row)
            h, q = eigh(grown)
            h = delta + np.sqrt(np.where(h > d * 2.3e-16 * h[-1], h, 0.0))
            total += row
            x = -eta * (q @ ((total @ q) / h)) if lazy else x - eta * (q @ ((row @ q) / h))
            if on_ball:
                x = onto_ball(x, h, q)
        return suffered

    return call


def onto_ball(x: np.ndarray, h: np.ndarray, q: np.ndarray) -> np.ndarray:
    """argmin_{|u| <= 1} |u - x|_H, H = q diag(h) q^T: u = (H + mu)^-1 H x, by Newton's method on 1 / |u(mu)|."""
    if x @ x <= 1.0:
        return x
    along, mu = h * (x @ q), 0.0
    for _ in range(50):
        u = along / (h + mu)
        square = float(u @ u)
        size = square**0.5
        if size <= 1.0 + 1e-15:
            break
        mu += (size - 1.0) * square / float(u @ (u / (h + mu)))
    return q @ u


def sqrtm(g: np.ndarray, outer: np.ndarray, eta: float, delta: float) -> Callable[[], float]:
    """The same by scipy.linalg.sqrtm and a solve."""
    d = g.shape[1]

    def call() -> float:
        x, grown, suffered = np.zeros(d), outer.copy(), 0.0
        for row in g:
            suffered += float(row @ x)
            grown += np.outer(row, row)
            h = scipy.linalg.sqrtm(grown).real
            x = x - eta * scipy.linalg.solve(delta * np.eye(d) + h, row, assume_a="pos")
        return suffered

    return call
