"""Full-matrix AdaGrad, mirror-descent form (Duchi, Hazan and Singer 2011)."""

import math
from typing import Any, NamedTuple

import numpy as np

from oco.bounds import bound, lipschitz, radius, span, trajectory
from oco.protocols import THEORY, Matrix, Round, Setting, Vector, declare

LARGEST = 4096  # above this dimension the matrices alone pass 100 MB each and a round a minute


def root(outer: Matrix) -> tuple[Vector, Matrix]:
    """The eigenvalues of G^{1/2} and an orthogonal Q of eigenvectors, G = `outer` positive semi-definite."""
    h, q = np.linalg.eigh(outer)
    d = len(h)
    top = h[d - 1]
    for j in range(d):
        # Eigenvalues at rounding level belong to the null space, where the gradients have no part.
        h[j] = math.sqrt(h[j]) if h[j] > d * 2.3e-16 * top else 0.0
    return h, q


class FullMatrixState(NamedTuple):
    x: Vector  # (d,)
    outer: Matrix  # (d, d): G = sum_s g_s g_s^T


@declare(needs=("project_metric",), positive=("eta",), nonnegative=("delta",))
class FullMatrixAdaGrad(NamedTuple):
    """Full-matrix AdaGrad: G += g g^T, H = delta I + G^{1/2}, x = argmin_{x in X} |x - (x_t - eta H^+ g_t)|_H.

    The gradient is accumulated before the step; H^+ is the pseudo-inverse, so delta = 0 is allowed (g is in the
    range of G). Regret at u <= delta |x_1 - u|^2 / (2 eta) + (max_s |x_s - u|_2^2 / (2 eta) + eta) tr G_t^{1/2}
    (Theorem 7, mirror-descent part, with delta/2 in place of delta). By theorem eta = D / sqrt(2), regret <=
    sqrt(2) D tr G_t^{1/2}. One eigendecomposition a round: O(d^3).
    """

    eta: float = THEORY
    delta: float = 0.0

    def init(self, x: Vector) -> FullMatrixState:
        if len(x) > LARGEST:
            raise ValueError(f"FullMatrixAdaGrad keeps d x d matrices: d = {len(x)} is above {LARGEST}; use AdaGrad")
        return FullMatrixState(x, np.zeros((len(x), len(x))))

    def grow(self, state: FullMatrixState, x: Vector) -> FullMatrixState:
        bigger = self.init(x)
        bigger.outer[: len(state.x), : len(state.x)] = state.outer
        return bigger

    def update(self, now: Round, g: Vector, state: FullMatrixState, domain: Any) -> FullMatrixState:
        if now.norm2 == 0.0:
            return state
        x, outer = state.x, state.outer
        d = len(x)
        for i in range(d):
            for j in range(d):
                outer[i, j] += g[i] * g[j]
        h, q = root(outer)
        for j in range(d):
            h[j] += self.delta
            along = 0.0
            for i in range(d):
                along += q[i, j] * g[i]
            step = self.eta * along / h[j] if h[j] > 0.0 else 0.0
            for i in range(d):
                x[i] -= step * q[i, j]
        domain.project_metric(x, h, q)
        return FullMatrixState(x, outer)

    def metric(self, now: Round, state: FullMatrixState) -> Matrix:
        squares, q = np.linalg.eigh(state.outer)
        return (q * (self.delta + np.sqrt(np.maximum(squares, 0.0)))) @ q.T / self.eta

    def tune(self, setting: Setting) -> "FullMatrixAdaGrad":
        diameter = setting.domain.diameter(setting.d)
        setting.need(diameter=diameter)
        return self._replace(eta=diameter / math.sqrt(2.0))

    def tally(self, state: FullMatrixState, domain: Any) -> dict[str, float]:
        return {"trace_root": float(np.sqrt(np.maximum(np.linalg.eigvalsh(state.outer), 0.0)).sum())}

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
