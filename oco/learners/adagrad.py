"""AdaGrad with a rate for each coordinate, mirror-descent form (Duchi, Hazan and Singer 2011)."""

import math
from typing import Any, NamedTuple

import numpy as np

from oco.bounds import bound, lipschitz, radius, trajectory, width
from oco.protocols import THEORY, Round, Setting, Vector, declare


@declare(lazy=True, positive=("eta",), nonnegative=("delta", "initial", "eps"))
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

    def memory(self) -> float:
        return self.initial

    def rule(self, now: Round, g: float, x: float, s: float) -> tuple[float, float]:
        s = s + g * g
        h = self.delta + math.sqrt(s + self.eps)
        return (x - self.eta * g / h if h > 0.0 else x), s

    def metric(self, now: Round, s: float) -> float:
        return (self.delta + math.sqrt(s + self.eps)) / self.eta

    def tune(self, setting: Setting) -> "AdaGrad":
        widest = setting.domain.widths(setting.d).max()
        setting.need(diameter=widest)
        return self._replace(eta=widest / math.sqrt(2.0))

    def tally(self, s: Vector, domain: Any) -> dict[str, float]:
        roots = np.sqrt(s + self.eps)
        widths = domain.widths(len(s))
        return {
            "roots": float(roots.sum()),
            "weighted": float(widths**2 @ roots) if domain.bounded else math.inf,
            "ground": float(len(s) * math.sqrt(self.initial + self.eps)),
        }

    @bound("adagrad-data", "data", "Duchi, Hazan, Singer 2011, Theorem 5")
    def data(self, run: Any) -> Vector:
        roots = run.tally["roots"]
        start = self.delta * radius(run) ** 2
        spread = run.tally["weighted"] if run.domain.bounded else width(run) ** 2 * roots
        return (start + spread) / (2.0 * self.eta) + self.eta * (roots - run.tally["ground"])

    @bound("adagrad-worst", "worst", "Duchi, Hazan, Singer 2011, Theorem 5 and Cauchy-Schwarz")
    def worst(self, run: Any) -> Vector:
        # sum_i sqrt(q + S_i) <= sqrt(d (d q + G^2 t)) by Cauchy-Schwarz.
        d = run.dimension
        roots = np.sqrt(d * (d * (self.initial + self.eps) + lipschitz(run) ** 2 * run.t))
        spread = width(run) ** 2 * roots
        return (self.delta * radius(run) ** 2 + spread) / (2.0 * self.eta) + self.eta * (roots - run.tally["ground"])

    @bound("adagrad-trajectory", "trajectory", "Duchi, Hazan, Singer 2011, Proposition 3")
    def trajectory(self, run: Any) -> Vector:
        return trajectory(run)
