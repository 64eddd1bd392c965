"""min sum_t f_t(u_t) over the paths in X of length at most P, enclosed.

Length: sum_{s >= 2} |u_s - u_{s-1}|. Let f_t(u) >= c_t + <h_t, u> (tangents, anywhere), and let p_2, .., p_T be any
vectors, p_1 = p_{T+1} = 0. For every such path sum_s <p_s, u_s - u_{s-1}> <= P max_s |p_s|_*, hence

    sum_t f_t(u_t) >= sum_t c_t - sum_t sigma_X(-(h_t + p_t - p_{t+1})) - P max_s |p_s|_*

with sigma_X the support function. A path and such a bound are found together: by linear programming for linear losses,
the 1-norm and a box or the simplex (T d <= 10,000), else by the alternating direction method of multipliers (Boyd et
al. 2011). Nothing in either has to be trusted for the enclosure to hold.
"""

import math

import numpy as np

from oco.domains import Simplex
from oco.hindsight.sums import ROUNDING
from oco.notions.rounds import Rounds, path_length, projected, supports
from oco.protocols import Matrix, Vector


class Enclosure:
    """The best path found, what it costs at most, and what every path costs at least."""

    def __init__(self, rounds: Rounds, length: float, norm: int) -> None:
        self.rounds, self.length, self.norm = rounds, length, norm
        self.path, self.upper, self.lower = np.zeros_like(rounds.a), math.inf, -math.inf
        self.radius = float(rounds.domain.reach(np.zeros(rounds.a.shape[1])))

    def offer(self, path: Matrix) -> None:
        """Measure a path, its points projected, then drawn to their mean until it is short enough."""
        u = projected(self.rounds.domain, path)
        walked = path_length(u, self.norm)
        if walked > self.length:
            centre = u.mean(axis=0)
            u = centre + self.length / walked * (1.0 - 1e-14) * (u - centre)
        values = self.rounds.values(u)
        size = np.linalg.norm(self.rounds.a, axis=1) @ np.linalg.norm(u, axis=1)
        upper = math.fsum(values) + ROUNDING * float(np.abs(values).sum() + size)
        if upper < self.upper:
            self.path, self.upper = u, upper

    def prove(self, c: Vector, h: Matrix, p: Matrix) -> None:
        """The bound of the tangents c_t + <h_t, u> with p (T - 1, d)."""
        sigma = supports(self.rounds.domain, -(h + lengthwise(p)))
        dual = np.linalg.norm(p, ord=np.inf if self.norm == 1 else 2, axis=1)
        pull = np.linalg.norm(h) * len(h) ** 0.5 + 2.0 * np.linalg.norm(p, axis=1).sum()
        noise = ROUNDING * float(np.abs(c).sum() + np.abs(sigma).sum() + self.radius * pull)
        lower = math.fsum(c) - math.fsum(sigma) - self.length * float(dual.max(initial=0.0)) - noise
        self.lower = max(self.lower, lower)

    def done(self, precision: float) -> bool:
        """Whether the width is a `precision` of the regret, or rounding."""
        regret = math.fsum(self.rounds.paid) - 0.5 * (self.upper + self.lower)
        noise = 100.0 * ROUNDING * float(np.abs(self.rounds.paid).sum() + abs(self.upper))
        return self.upper - self.lower <= max(precision * abs(regret), noise)


def lengthwise(p: Matrix) -> Matrix:
    """p_t - p_{t+1} for t = 1 .. T, from p_2 .. p_T: the adjoint of u_t - u_{t-1}."""
    return -np.diff(p, axis=0, prepend=0.0 * p[:1] if len(p) else np.zeros((1, p.shape[1])), append=0.0)


def program(at: Enclosure) -> None:
    """min <g, u>, |u_s - u_{s-1}| <= r_s by coordinate, sum r <= P; p are the multipliers of the differences."""
    from scipy.optimize import linprog
    from scipy.sparse import block_array, csr_array, diags_array, eye_array, kron

    g, domain = at.rounds.a, at.rounds.domain
    t, d = g.shape
    scale, unit = float(np.abs(g).max(initial=0.0)) or 1.0, float(domain.diameter(d)) or 1.0
    step = diags_array([-np.ones(t), np.ones(max(t - 1, 0))], offsets=[0, 1], shape=(max(t - 1, 0), t))
    moves = kron(step, eye_array(d), format="csr")
    n = moves.shape[0]
    room = csr_array(np.ones((1, n))) if n else csr_array((1, 0))
    rows = block_array([[moves, -eye_array(n)], [-moves, -eye_array(n)], [csr_array((1, t * d)), room]], format="csr")
    low, high = (0.0, 1.0) if isinstance(domain, Simplex) else (domain.lower, domain.upper)
    walls = np.concatenate([np.tile(np.broadcast_to(wall, d) / unit, t) for wall in (low, high)]).reshape(2, -1).T
    whole = {}
    if isinstance(domain, Simplex):
        sums = kron(eye_array(t), np.ones((1, d)), format="csr")
        whole = {"A_eq": block_array([[sums, csr_array((t, n))]]), "b_eq": np.full(t, 1.0 / unit)}
    found = linprog(
        np.concatenate([g.ravel() / scale, np.zeros(n)]),
        A_ub=rows,
        b_ub=np.concatenate([np.zeros(2 * n), [at.length / unit]]),
        bounds=np.concatenate([walls, np.tile([0.0, np.inf], (n, 1))]),
        method="highs-ipm",
        **whole,
    )
    if found.x is None:
        raise ValueError(f"no best path: {found.message}")
    at.offer(unit * found.x[: t * d].reshape(t, d))
    up, down = -found.ineqlin.marginals[:n], -found.ineqlin.marginals[n : 2 * n]
    at.prove(np.zeros(t), g, scale * (up - down).reshape(-1, d))
