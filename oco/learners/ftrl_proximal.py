"""FTRL-Proximal: AdaGrad's rates, regularisers centred at past decisions, and L1 that keeps decisions sparse."""

import math
from typing import Any, NamedTuple

import numpy as np

from oco.bounds import bound, lipschitz, width
from oco.learners.adagrad import rates_by_width
from oco.learners.dual_averaging import PLACES, farthest_coordinates, most_weighted
from oco.learners.shrinkage import falling_sum, soft
from oco.protocols import THEORY, Round, Setting, Vector, declare


@declare(composite=True, origin=True, domains=PLACES, positive=("alpha",), nonnegative=("beta", "l1", "l2"))
class FTRLProximal(NamedTuple):
    """FTRL-Proximal with rates alpha / (beta + sqrt(S_i)) by coordinate (McMahan et al. 2013, Algorithm 1).

    S_i += g_i^2, sigma_i = (growth of sqrt(S_i)) / alpha_i, z += g - sigma x, q_i = (beta + sqrt(S_i)) / alpha_i + l2;
    x_{t+1} = argmin_{x in X} <g_1 + ... + g_t, x> + sum_s |x - x_s|^2_{sigma_s} / 2
                              + t now.l1 |x|_1 + l1 |x|_1 + sum_i (beta / alpha_i + l2) x_i^2 / 2,
    which is -soft(z_i, l1 + t now.l1) / q_i, projected in the metric q; coordinates never seen stay at x_1 = 0. The
    learner's own l1 and l2 count once; now.l1 is the game's penalty, part of every round's loss.

    Regret at u of f_t + now.l1 |.|_1 (McMahan 2017's lemma; r, the sums over coordinates seen, is what counts once):
    r(u) + sum_s |x_s - u|^2_{sigma_s} / 2 + sum_s sum_i g_{s,i}^2 / (2 q_{s,i}),
    r(u) = l1 |u|_1 + sum_i (beta / alpha_i + l2) u_i^2 / 2. With b_i = beta + alpha_i l2 and D_i the width of i that is
    at most r(u) + sum_i D_i^2 sqrt(S_i) / (2 alpha_i) + sum_i alpha_i (sqrt(S_i) - b_i log(1 + sqrt(S_i) / b_i)).
    By theorem alpha_i = D_i / sqrt(2): for beta = l1 = l2 = 0, regret <= sqrt(2) sum_i D_i sqrt(S_i).
    """

    alpha: Any = THEORY  # a number or an array (d,)
    beta: float = 0.0
    l1: float = 0.0
    l2: float = 0.0

    def memory(self, x: Vector) -> tuple[float, Any, float, float]:
        return 0.0, self.alpha, 0.0, 0.0  # S_i, alpha_i, z_i, the last round in which it was brought up to date

    def rule(self, now: Round, g: float, x: float, s: tuple[float, ...]) -> tuple[float, tuple[float, ...]]:
        squares = s[0] + g * g
        alpha = s[1]
        root = math.sqrt(squares)
        z = s[2] + g - (root - math.sqrt(s[0])) / alpha * x
        t = float(now.t)
        q = (self.beta + root) / alpha + self.l2
        x = -soft(z, self.l1 + t * now.l1) / q if q > 0.0 else x
        return x, (squares, alpha, z, t)

    def idle(self, now: Round, x: float, s: tuple[float, ...]) -> tuple[float, tuple[float, ...], float]:
        """The decisions after rounds r = s[3] .. t - 1 are min(|x|, (|z| - l1 - now.l1 r) / q)_+ in size."""
        n = max(0.0, now.t - s[3])
        cap = abs(x)
        s = (s[0], s[1], s[2], s[3] + n)
        if cap == 0.0 or n == 0.0:
            return x, s, 0.0
        q = (self.beta + math.sqrt(s[0])) / s[1] + self.l2
        size = (abs(s[2]) - self.l1) / q
        step = now.l1 / q
        paid = falling_sum(size - (s[3] - n) * step, step, cap, n)
        return math.copysign(min(cap, max(0.0, size - s[3] * step)), x), s, paid

    def metric(self, now: Round, s: tuple[float, ...]) -> float:
        return (self.beta + math.sqrt(s[0])) / s[1] + self.l2

    def tune(self, setting: Setting) -> "FTRLProximal":
        return self._replace(alpha=rates_by_width(setting))

    def tally(self, memory: tuple[Vector, ...], domain: Any) -> dict[str, float]:
        widths, alpha = domain.widths(len(memory[0])), memory[1]
        roots = np.where(widths > 0.0, np.sqrt(memory[0]), 0.0)  # no regret where there is no room
        damped = self.beta + alpha * self.l2
        saved = damped * np.log1p(np.divide(roots, damped, out=np.zeros_like(roots), where=damped > 0.0))
        return {
            "once": self._once(domain, alpha, roots > 0.0),
            "weighted": float(widths**2 @ (roots / alpha)) if domain.bounded else math.inf,
            "pulls": float((roots / alpha).sum()),
            "steps": float(alpha @ (roots - saved)),
        }

    def _once(self, domain: Any, alpha: Vector, seen: Any) -> float:
        """max_u r(u) over a bounded domain."""
        if not domain.bounded:
            return math.inf
        sizes = farthest_coordinates(domain, len(alpha))
        return self.l1 * float(sizes[seen].sum()) + most_weighted(domain, seen * (self.beta / alpha + self.l2)) / 2.0

    def _at(self, u: Vector) -> float:
        """r(u), all coordinates counted."""
        return self.l1 * float(np.abs(u).sum()) + float(np.sum((self.beta / self.alpha + self.l2) * u**2)) / 2.0

    @bound("ftrl-proximal-data", "data", "McMahan 2017, Theorem 2")
    def data(self, run: Any) -> Vector:
        if run.domain.bounded:
            return run.tally["once"] + run.tally["weighted"] / 2.0 + run.tally["steps"]
        start = np.array([self._at(u) for u in run.comparators])
        return start + width(run) ** 2 * run.tally["pulls"] / 2.0 + run.tally["steps"]

    @bound("ftrl-proximal-worst", "worst", "McMahan 2017, Theorem 2, and Cauchy-Schwarz")
    def worst(self, run: Any) -> Vector:
        # sum_i c_i sqrt(S_i) <= |c|_2 G sqrt(t).
        alpha = np.broadcast_to(np.asarray(self.alpha, dtype=float), run.d)
        grown = lipschitz(run) * np.sqrt(run.t)
        if run.domain.bounded:
            widths = run.domain.widths(run.d)
            weights = np.where(widths > 0.0, widths**2 / (2.0 * alpha) + alpha, 0.0)
            return self._once(run.domain, alpha, widths > 0.0) + np.linalg.norm(weights) * grown
        start = np.array([self._at(u) for u in run.comparators])
        weights = width(run)[:, None] ** 2 / (2.0 * alpha) + alpha
        return start + np.linalg.norm(weights, axis=1) * grown

    @bound("ftrl-proximal-trajectory", "trajectory", "McMahan 2017, Theorem 2")
    def trajectory(self, run: Any) -> Vector:
        g, x = run.history.g, run.history.x
        alpha = np.broadcast_to(np.asarray(self.alpha, dtype=float), g.shape[1])
        roots = np.sqrt(np.cumsum(g**2, axis=0))
        sigma = np.diff(roots, axis=0, prepend=0.0) / alpha
        q = (self.beta + roots) / alpha + self.l2
        spent = np.cumsum(np.divide(g**2, q, out=np.zeros_like(g), where=q > 0.0).sum(axis=1))
        values = np.empty(len(run.t))
        for k, (t, u) in enumerate(zip(run.t, run.comparators, strict=True)):
            u = np.pad(u, (0, len(alpha) - len(u)))
            moved = np.sum(sigma[:t] * (x[:t] - u) ** 2)
            values[k] = self._at(np.where(roots[t - 1] > 0.0, u, 0.0)) + moved / 2.0 + spent[t - 1] / 2.0
        return values
