"""AdaGrad with a rate for each coordinate, mirror-descent form (Duchi, Hazan and Singer 2011)."""

import math
from typing import Any, NamedTuple

import numpy as np

from oco.bounds import bound, lipschitz, radius, trajectory, width
from oco.lowlevel.numbers import over_root
from oco.protocols import THEORY, Round, Setting, Vector, declare


@declare(lazy=True, sums=("roots", "weighted"), positive=("eta",), nonnegative=("delta", "initial", "eps"))
class AdaGrad(NamedTuple):
    """Diagonal AdaGrad: S_i += g_i^2, then x = argmin_{x in X} |x - (x_t - eta g_t / H_t)|_{H_t}.

    H_i = delta + sqrt(initial + S_i + eps); the gradient is accumulated before the step, and H_i = 0 (no gradient
    yet) means no move. The theorem's form, delta = initial = eps = 0, is the default. Others: torch and the
    introductory texts delta = 1e-10 or 1e-8; optax and keras initial = 0.1, eps = 1e-7.

    With S' = initial + eps + S and q = initial + eps, regret at u is at most
    sum_i [delta (x_1 - u)_i^2 + max_s |x_s - u|_inf^2 sqrt(S'_i)] / (2 eta) + eta sum_i (sqrt(S'_i) - sqrt(q))
    (Theorem 5, mirror-descent part, with delta/2 in place of delta). By theorem eta = max_i D_i / sqrt(2), where
    D_i is the width of coordinate i; for delta = q = 0 that is regret <= sqrt(2) max_i D_i sum_i sqrt(S_i).
    """

    eta: float = THEORY
    delta: float = 0.0
    initial: float = 0.0
    eps: float = 0.0

    def memory(self, x: Vector) -> float:
        return self.initial

    def rule(self, now: Round, g: float, x: float, s: float) -> tuple[float, float]:
        s = s + g * g
        v = s + self.eps
        return x - (over_root(g, v, self.eta) if self.delta == 0.0 else self.eta * g / (self.delta + math.sqrt(v))), s

    def metric(self, now: Round, s: float) -> float:
        return (self.delta + math.sqrt(s + self.eps)) / self.eta

    def tune(self, setting: Setting) -> "AdaGrad":
        widest = setting.domain.widths(setting.d).max()
        setting.need(diameter=widest)
        return self._replace(eta=widest / math.sqrt(2.0))

    def share(self, s: float, width: float) -> tuple[float, float]:
        v = s + self.eps
        root = math.sqrt(v) if v > 0.0 else v  # what is known to be positive has a root in SIMD
        return root, width * width * root

    @bound("adagrad-data", "data", "Duchi, Hazan, Singer 2011, Theorem 5")
    def data(self, run: Any) -> Vector:
        start = self.delta * radius(run) ** 2
        far = 1.0 if run.domain.bounded else width(run)
        spread = far**2 * run.tally["weighted"]
        return (start + spread) / (2.0 * self.eta) + self.eta * (run.tally["roots"] - self._ground(run))

    @bound("adagrad-worst", "worst", "Duchi, Hazan, Singer 2011, Theorem 5 and Cauchy-Schwarz")
    def worst(self, run: Any) -> Vector:
        # sum_i sqrt(q + S_i) <= sqrt(d (d q + G^2 t)) by Cauchy-Schwarz.
        d = run.dimension
        roots = np.sqrt(d * (d * (self.initial + self.eps) + lipschitz(run) ** 2 * run.t))
        spread = width(run) ** 2 * roots
        return (self.delta * radius(run) ** 2 + spread) / (2.0 * self.eta) + self.eta * (roots - self._ground(run))

    def _ground(self, run: Any) -> Vector:
        """What the sum of roots is before round 1."""
        return run.dimension * math.sqrt(self.initial + self.eps)

    @bound("adagrad-trajectory", "trajectory", "Duchi, Hazan, Singer 2011, Proposition 3")
    def trajectory(self, run: Any) -> Vector:
        return trajectory(run)


def rates_by_width(setting: Setting) -> Any:
    """D_i / sqrt(2) for every coordinate, one number where all are alike; any will do where D_i = 0 leaves no room."""
    widths = setting.domain.widths(setting.d)
    setting.need(diameter=widths.max())
    rates = np.where(widths > 0.0, widths, 1.0) / math.sqrt(2.0)
    return float(rates[0]) if (rates == rates[0]).all() else rates


@declare(lazy=True, sums=("weighted", "steps"), positive=("eta",))
class AdaGradWidths(NamedTuple):
    """Diagonal AdaGrad with a step for the width of each coordinate (Duchi, Hazan and Singer 2011).

    S_i += g_i^2, then x = argmin_{x in X} sum_i (sqrt(S_i) / eta_i) (x_i - x_{t,i} + eta_i g_i / sqrt(S_i))^2; no move
    where S_i = 0. Regret at u <= sum_i (max_s (x_s - u)_i^2 / (2 eta_i) + eta_i) sqrt(S_i). By theorem
    eta_i = D_i / sqrt(2), regret <= sqrt(2) sum_i D_i sqrt(S_i), where D_i is the width of coordinate i over any
    bounded convex X; on a box, random signs force 1/4 of that on every learner.
    """

    eta: Any = THEORY  # a number or an array (d,)

    def memory(self, x: Vector) -> tuple[float, Any]:
        return 0.0, self.eta  # S_i, eta_i

    def rule(self, now: Round, g: float, x: float, s: tuple[float, float]) -> tuple[float, tuple[float, float]]:
        squares = s[0] + g * g
        return x - over_root(g, squares, s[1]), (squares, s[1])

    def metric(self, now: Round, s: tuple[float, float]) -> float:
        return math.sqrt(s[0]) / s[1]

    def tune(self, setting: Setting) -> "AdaGradWidths":
        return AdaGradWidths(rates_by_width(setting))

    def share(self, s: tuple[float, float], width: float) -> tuple[float, float]:
        root = math.sqrt(s[0]) if width > 0.0 else 0.0  # no regret where there is no room
        return width * width * (root / s[1]), s[1] * root

    @bound("adagrad-widths-data", "data", "derived from Duchi, Hazan, Singer 2011, Proposition 3")
    def data(self, run: Any) -> Vector:
        far = 1.0 if run.domain.bounded else width(run)
        return far**2 * run.tally["weighted"] / 2.0 + run.tally["steps"]

    @bound("adagrad-widths-worst", "worst", "derived from Duchi, Hazan, Singer 2011, Proposition 3")
    def worst(self, run: Any) -> Vector:
        # sum_i c_i sqrt(S_i) <= |c|_2 G sqrt(t) by Cauchy-Schwarz.
        eta = np.broadcast_to(np.asarray(self.eta, dtype=float), run.d)
        bounded = run.domain.bounded
        widths = run.domain.widths(run.d) if bounded else np.tile(width(run)[:, None], run.d)
        weights = np.where(widths > 0.0, widths**2 / (2.0 * eta) + eta, 0.0)
        return np.linalg.norm(weights, axis=-1) * lipschitz(run) * np.sqrt(run.t)

    @bound("adagrad-widths-trajectory", "trajectory", "Duchi, Hazan, Singer 2011, Proposition 3")
    def trajectory(self, run: Any) -> Vector:
        return trajectory(run)
