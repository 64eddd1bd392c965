"""Full-matrix AdaGrad, mirror-descent form (Duchi, Hazan and Singer 2011)."""

import math
from typing import Any, NamedTuple

import numpy as np

from oco.bounds import bound, lipschitz, radius, span, trajectory
from oco.projections import add_multiple
from oco.protocols import THEORY, Matrix, Round, Setting, Vector, declare
from oco.roots import Root, back, ball_radius, include, no_root, settle, spectrum, times_inverse, trace, unit, wider

LARGEST = 4096  # above this dimension each of the matrices passes 100 MB


class FullMatrixState(NamedTuple):
    x: Vector  # (d,)
    root: Root  # of G = sum_s g_s g_s^T; x in its basis is root.turned[0]


@declare(needs=("project_metric",), positive=("eta",), nonnegative=("delta",))
class FullMatrixAdaGrad(NamedTuple):
    """Full-matrix AdaGrad: G += g g^T, H = delta I + G^{1/2}, x = argmin_{x in X} |x - (x_t - eta H^+ g_t)|_H.

    The gradient is accumulated before the step; H^+ is the pseudo-inverse, so delta = 0 is allowed (g is in the
    range of G). Regret at u <= delta |x_1 - u|^2 / (2 eta) + (max_s |x_s - u|_2^2 / (2 eta) + eta) tr G_t^{1/2}
    (Theorem 7, mirror-descent part, with delta/2 in place of delta). By theorem eta = D / sqrt(2), regret <=
    sqrt(2) D tr G_t^{1/2}. O(d^2) a round on the whole space and on balls, where O(d^3) is spent about once in d / 3
    rounds (see oco.roots); O(d^3) on other domains, which need eigenvectors in each.
    """

    eta: float = THEORY
    delta: float = 0.0

    def init(self, x: Vector) -> FullMatrixState:
        if len(x) > LARGEST:
            raise ValueError(f"FullMatrixAdaGrad keeps d x d matrices: d = {len(x)} is above {LARGEST}; use AdaGrad")
        return FullMatrixState(x, no_root(x[None]))

    def grow(self, state: FullMatrixState, x: Vector) -> FullMatrixState:
        return FullMatrixState(x, wider(state.root, x[None]))

    def update(self, now: Round, g: Vector, state: FullMatrixState, domain: Any) -> FullMatrixState:
        if now.norm2 == 0.0:
            return state
        root = state.root
        z = include(domain, root, g, self.delta if ball_radius(domain) == math.inf else math.nan)
        delta = self.delta / unit(root)
        y = root.turned[0]
        add_multiple(y, -self.eta, times_inverse(domain, root, delta, z, True))
        settle(domain, root, delta, y)
        return FullMatrixState(back(root, y), root)

    def metric(self, now: Round, state: FullMatrixState) -> Matrix:
        h, q = spectrum(state.root)
        return (q * (self.delta + h)) @ q.T / self.eta

    def tune(self, setting: Setting) -> "FullMatrixAdaGrad":
        diameter = setting.domain.diameter(setting.d)
        setting.need(diameter=diameter)
        return self._replace(eta=diameter / math.sqrt(2.0))

    def tally(self, state: FullMatrixState, domain: Any) -> dict[str, float]:
        return {"trace_root": trace(state.root)}

    @bound("full-matrix-data", "data", "Duchi, Hazan, Singer 2011, Theorem 7")
    def data(self, run: Any) -> Vector:
        return self._theorem7(run, run.tally["trace_root"])

    @bound("full-matrix-worst", "worst", "Duchi, Hazan, Singer 2011, Theorem 7 and Cauchy-Schwarz")
    def worst(self, run: Any) -> Vector:
        # tr G^{1/2} <= sqrt(d tr G) by Cauchy-Schwarz.
        return self._theorem7(run, lipschitz(run) * np.sqrt(run.dimension * run.t))

    def _theorem7(self, run: Any, trace_root: Vector) -> Vector:
        start = self.delta * radius(run) ** 2 / (2.0 * self.eta)
        return start + (span(run) ** 2 / (2.0 * self.eta) + self.eta) * trace_root

    @bound("full-matrix-trajectory", "trajectory", "Duchi, Hazan, Singer 2011, Proposition 3")
    def trajectory(self, run: Any) -> Vector:
        return trajectory(run)
