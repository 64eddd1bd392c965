"""Hints m_t of the gradient g_t, read before round t by the optimistic learners.

m_1 = 0, as x_1 is the game's. With the last gradient as hint sum_s |g_s - m_s|^2 is the length of the gradients' path.
"""

from typing import NamedTuple

import numpy as np

from oco.protocols import Matrix, Vector


class LastGradient(NamedTuple):
    """m_{t+1} = g_t."""

    def foretell(self, t: int, g: Vector, m: Vector) -> None:
        """Make m, the hint of round t, that of round t + 1."""
        for i in range(len(m)):
            m[i] = g[i]

    def largest(self, lipschitz: float) -> float:
        """A bound on every |m_t|_2 where |g_t|_2 <= lipschitz."""
        return lipschitz


class MeanGradient(NamedTuple):
    """m_{t+1} = (g_1 + ... + g_t) / t."""

    def foretell(self, t: int, g: Vector, m: Vector) -> None:
        for i in range(len(m)):
            m[i] += (g[i] - m[i]) / t

    def largest(self, lipschitz: float) -> float:
        return lipschitz


class GivenHints(NamedTuple):
    """m_t is row t of m (T, d), counted from 1; row 1 is not read. After row T the hint is 0."""

    rows: Matrix

    def foretell(self, t: int, g: Vector, m: Vector) -> None:
        for i in range(len(m)):
            m[i] = self.rows[t, i] if t < len(self.rows) else 0.0

    def largest(self, lipschitz: float) -> float:
        return float(np.linalg.norm(self.rows[1:], axis=1).max(initial=0.0))


def surprise(g: Vector, m: Vector) -> float:
    """|g - m|_2^2."""
    total = 0.0
    for i in range(len(g)):
        total += (g[i] - m[i]) * (g[i] - m[i])
    return total
