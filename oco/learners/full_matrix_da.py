"""Full-matrix AdaGrad, dual-averaging form (Duchi, Hazan and Singer 2011)."""

import math
from typing import Any, NamedTuple

import numpy as np

from oco.bounds import at_most, bound, lipschitz, provided, radius
from oco.learners.full_matrix import LARGEST
from oco.projections import add_multiple, norm
from oco.protocols import THEORY, Round, Setting, Vector, declare
from oco.roots import (
    Root,
    back,
    ball_radius,
    include,
    no_root,
    on_sphere,
    settle,
    times_inverse,
    trace,
    unit,
    wider,
)


class LazyMatrixState(NamedTuple):
    x: Vector  # (d,)
    root: Root  # of G_t = sum_s g_s g_s^T; root.turned: x_1, g_1 + ... + g_t and x in its basis


@declare(needs=("project_metric",), positive=("eta", "delta"))
class FullMatrixDualAveraging(NamedTuple):
    """Full-matrix AdaGrad by dual averaging: H_t = delta I + G_t^{1/2}, x_{t+1} = argmin_{x in X} of
    eta <g_1 + ... + g_t, x> + |x - x_1|^2_{H_t} / 2.

    What is paid for g_t is its norm in the metric before it, H_{t-1}: hence delta > 0, and delta >= |g_t|_2 in the
    second step. Regret at u <= |x_1 - u|^2_{H_t} / (2 eta) + (eta / 2) sum_s g_s^T H_{s-1}^{-1} g_s
                     <= delta |x_1 - u|^2 / (2 eta) + (|x_1 - u|^2 / (2 eta) + eta) tr G_t^{1/2}
    (Theorem 7, primal-dual part, with half its constants on |x_1 - u|^2). By theorem delta = G and
    eta = max_u |x_1 - u| / sqrt(2). O(d^2) a round on the whole space and on balls, O(d^3) on other domains.
    """

    eta: float = THEORY
    delta: float = THEORY

    def init(self, x: Vector) -> LazyMatrixState:
        if len(x) > LARGEST:
            raise ValueError(f"FullMatrixDualAveraging keeps d x d matrices: d = {len(x)} is above {LARGEST}")
        return LazyMatrixState(x, no_root(np.array([x, 0.0 * x, x])))

    def grow(self, state: LazyMatrixState, x: Vector) -> LazyMatrixState:
        known = len(state.x)
        vectors = np.tile(x, (3, 1))
        vectors[1] = 0.0
        vectors[:, :known] = state.root.turned @ state.root.basis
        return LazyMatrixState(x, wider(state.root, vectors))

    def update(self, now: Round, g: Vector, state: LazyMatrixState, domain: Any) -> LazyMatrixState:
        if now.norm2 == 0.0:
            return state
        root, radius = state.root, ball_radius(domain)
        z = include(domain, root, g, self.delta if radius == math.inf else math.nan)
        delta, eta = self.delta / unit(root), self.eta / unit(root)
        start, total, y = root.turned[0], root.turned[1], root.turned[2]
        add_multiple(total, unit(root), z)
        for i in range(len(y)):
            y[i] = start[i]
        add_multiple(y, -eta, times_inverse(domain, root, delta, total, False))
        if norm(y) > radius and norm(start) == 0.0:
            on_sphere(root, delta, radius, y, start, -eta, 0.0, total, True)
        else:
            settle(domain, root, delta, y)
        return LazyMatrixState(back(root, y), root)

    def tune(self, setting: Setting) -> "FullMatrixDualAveraging":
        eta, delta = self
        if eta is None:
            reach = setting.domain.reach(setting.start)
            setting.need(diameter=reach)
            eta = reach / math.sqrt(2.0)
        if delta is None:
            setting.need(lipschitz=setting.lipschitz)
            delta = setting.lipschitz
        return FullMatrixDualAveraging(eta, delta)

    def tally(self, state: LazyMatrixState, domain: Any) -> dict[str, float]:
        return {"trace_root": trace(state.root)}

    @bound("full-matrix-da-data", "data", "Duchi, Hazan, Singer 2011, Theorem 7", assumes="|g_t|_2 <= delta")
    def data(self, run: Any) -> Vector:
        return self._theorem7(run, run.tally["trace_root"])

    @bound(
        "full-matrix-da-worst",
        "worst",
        "Duchi, Hazan, Singer 2011, Theorem 7 and Cauchy-Schwarz",
        assumes="|g_t|_2 <= delta",
    )
    def worst(self, run: Any) -> Vector:
        return self._theorem7(run, lipschitz(run) * np.sqrt(run.dimension * run.t))

    def _theorem7(self, run: Any, trace_root: Vector) -> Vector:
        square = radius(run) ** 2 / (2.0 * self.eta)
        value = self.delta * square + (square + self.eta) * trace_root
        return provided(value, at_most(run.peak, self.delta))

    @bound("full-matrix-da-trajectory", "trajectory", "Duchi, Hazan, Singer 2011, Proposition 2")
    def trajectory(self, run: Any) -> Vector:
        spent, metrics, outer = [], [], np.zeros((run.d, run.d))
        metric = self.delta * np.eye(run.d)
        for g in run.history.g:
            spent.append(self.eta / 2.0 * (g @ np.linalg.solve(metric, g)))
            outer += np.outer(g, g)
            squares, q = np.linalg.eigh(outer)
            metric = (q * (self.delta + np.sqrt(np.maximum(squares, 0.0)))) @ q.T
            metrics.append(metric)
        gaps = [np.pad(u - run.start[: len(u)], (0, run.d - len(u))) for u in run.comparators]
        moved = [gap @ metrics[t - 1] @ gap / (2.0 * self.eta) for t, gap in zip(run.t, gaps, strict=True)]
        return np.array(moved) + np.cumsum(spent)[run.t - 1]
