"""Second-order learners: Online Newton Step for exp-concave losses, Vovk-Azoury-Warmuth for the squared loss."""

import math
from typing import Any, NamedTuple

import numpy as np

from oco.bounds import at_most, bound, lipschitz, provided, radius
from oco.projections import dot, norm
from oco.protocols import THEORY, Matrix, Round, Setting, Vector, declare

NEWTON = "exp-concave losses with exp_concavity >= 2 gamma, 2 gamma |g_t|_2 D <= 1"


class NewtonState(NamedTuple):
    x: Vector  # (d,)
    outer: Matrix  # (d, d): A_t = eps I + sum_s g_s g_s^T
    spent: float  # sum_s g_s^T A_s^{-1} g_s


@declare(domains=("Box", "Ball", "Simplex"), needs=("project_metric",), positive=("gamma", "eps"))
class OnlineNewtonStep(NamedTuple):
    """Online Newton Step: A_t = A_{t-1} + g_t g_t^T, A_0 = eps I, projected in the metric A_t:
    x_{t+1} = argmin_{x in X} |x - (x_t - A_t^{-1} g_t / gamma)|_{A_t}.

    For alpha-exp-concave losses (exp(-alpha f_t) concave on X), |g_t|_2 <= G, D the diameter of X, and any
    gamma <= min(1 / (G D), alpha) / 2, regret at u
        <= sum_s g_s^T A_s^{-1} g_s / (2 gamma) + (gamma eps / 2) |x_1 - u|^2
        <= ln det(A_t / eps) / (2 gamma) + gamma eps D^2 / 2
        <= (d / (2 gamma)) ln(1 + G^2 t / (eps d)) + gamma eps D^2 / 2
    (Hazan 1909.05207, proof of Theorem 4.5). By theorem gamma is the largest allowed and eps = 1 / (gamma D)^2: regret
    <= max(1 / alpha, G D) (1 + d ln(1 + t / (4 d))) for every t. One eigendecomposition a round: O(d^3).
    """

    gamma: float = THEORY
    eps: float = THEORY

    def init(self, x: Vector) -> NewtonState:
        return NewtonState(x.copy(), self.eps * np.eye(len(x)), 0.0)

    def update(self, now: Round, g: Vector, state: NewtonState, domain: Any) -> NewtonState:
        if now.norm2 == 0.0:
            return state
        x, outer = state.x, state.outer
        d = len(x)
        for i in range(d):
            for j in range(d):
                outer[i, j] += g[i] * g[j]
        h, q = np.linalg.eigh(outer)
        spent = 0.0
        for j in range(d):
            h[j] = max(h[j], self.eps)  # A >= eps I; computed eigenvalues err by the largest one's rounding
            along = 0.0
            for i in range(d):
                along += q[i, j] * g[i]
            spent += along * (along / h[j])
            for i in range(d):
                x[i] -= along / h[j] / self.gamma * q[i, j]
        domain.project_metric(x, h, q)
        return NewtonState(x, outer, state.spent + spent)

    def tune(self, setting: Setting) -> "OnlineNewtonStep":
        gamma, eps = self
        diameter = setting.domain.diameter(setting.d)
        if gamma is None:
            setting.need(diameter=diameter, lipschitz=setting.lipschitz)
            if not setting.exp_concavity > 0.0:
                raise ValueError("no step by theorem: the losses are not known to be exp-concave; give gamma")
            gamma = 0.5 * min(1.0 / (setting.lipschitz * diameter), setting.exp_concavity)
        return OnlineNewtonStep(gamma, 1.0 / (gamma * diameter) ** 2 if eps is None else eps)

    def tally(self, state: NewtonState, domain: Any) -> dict[str, float]:
        values = np.maximum(np.linalg.eigvalsh(state.outer), self.eps)
        return {"spent": state.spent, "logdet": float(np.log(values / self.eps).sum())}

    @bound("newton-data", "data", "Hazan 1909.05207, proof of Theorem 4.5", assumes=NEWTON)
    def data(self, run: Any) -> Vector:
        return self._within(run, run.tally["spent"], radius(run))

    @bound("newton-logdet", "data", "Hazan 1909.05207, proof of Theorem 4.5", assumes=NEWTON)
    def logdet(self, run: Any) -> Vector:
        return self._within(run, run.tally["logdet"], run.domain.diameter(run.d))

    @bound("newton-worst", "worst", "derived from Hazan 1909.05207, Theorem 4.5", assumes=NEWTON)
    def worst(self, run: Any) -> Vector:
        most = run.dimension * np.log1p(lipschitz(run) ** 2 * run.t / (self.eps * run.dimension))
        return self._within(run, most, run.domain.diameter(run.d))

    def _within(self, run: Any, spent: Vector, distance: Any) -> Vector:
        value = spent / (2.0 * self.gamma) + self.gamma * self.eps / 2.0 * distance**2
        slack = at_most(self.gamma * run.peak * run.domain.diameter(run.d), 0.5)
        return provided(value, slack, at_most(self.gamma, 0.5 * run.exp_concavity))


class ForwardState(NamedTuple):
    x: Vector  # (d,)
    features: Vector  # (d,): z_t
    factor: Matrix  # (d, d): upper triangular R with R^T R = A_t = lam I + sum_{s<=t} z_s z_s^T
    moment: Vector  # (d,): sum_s y_s z_s
    spent: float  # sum_s y_s^2 z_s^T A_s^{-1} z_s
    label: float  # max_s |y_s|
    size: float  # max_s |z_s|_2


@declare(domains=("Space",), losses=("Squared",), origin=True, positive=("ridge",))
class VovkAzouryWarmuth(NamedTuple):
    """The forward algorithm for f_t(x) = (y_t - <z_t, x>)^2 / 2: z_t is seen first, and counts in the metric at once.

    x_t = argmin_x sum_{s<t} (y_s - <z_s, x>)^2 / 2 + <z_t, x>^2 / 2 + (lam / 2) |x|^2 = A_t^{-1} sum_{s<t} y_s z_s with
    A_t = lam I + sum_{s<=t} z_s z_s^T. With no bound on y, z or x, regret at u
        <= (lam / 2) |u|^2 + (1/2) sum_s y_s^2 z_s^T A_s^{-1} z_s <= (lam / 2) |u|^2 + (Y^2 / 2) ln det(A_t / lam)
        <= (lam / 2) |u|^2 + (Y^2 d / 2) ln(1 + Z^2 t / (lam d)),      Y >= |y_s|, Z >= |z_s|
    (Vovk 2001; Azoury and Warmuth 2001). lam is the field `ridge`. O(d^2) a round: the Cholesky factor of A is kept and
    turned by Givens rotations, which squares no feature and loses no small ones beside large ones.
    """

    ridge: float = 1.0

    def init(self, x: Vector) -> ForwardState:
        d = len(x)
        return ForwardState(x.copy(), np.zeros(d), math.sqrt(self.ridge) * np.eye(d), np.zeros(d), 0.0, 0.0, 0.0)

    def foresee(self, now: Round, a: Vector, state: ForwardState, domain: Any) -> ForwardState:
        rotate_in(state.factor, a)
        for i in range(len(a)):
            state.features[i] = a[i]
            state.x[i] = state.moment[i]
        solve_transposed(state.factor, state.x)
        solve(state.factor, state.x)
        return state

    def update(self, now: Round, g: Vector, state: ForwardState, domain: Any) -> ForwardState:
        z, moment = state.features, state.moment
        k = 0
        for i in range(len(z)):
            k = i if abs(z[i]) > abs(z[k]) else k
        if z[k] == 0.0:
            return state
        y = dot(z, state.x) - g[k] / z[k]  # g = (<z, x> - y) z
        shrunk = z.copy()
        solve_transposed(state.factor, shrunk)
        for i in range(len(z)):
            moment[i] += y * z[i]
        spent = state.spent + (y * norm(shrunk)) ** 2
        size = max(state.size, norm(z))
        return ForwardState(state.x, z, state.factor, moment, spent, max(state.label, abs(y)), size)

    def tally(self, state: ForwardState, domain: Any) -> dict[str, float]:
        logdet = float(2.0 * np.log(np.diag(state.factor) / math.sqrt(self.ridge)).sum())
        return {"spent": state.spent, "logdet": logdet, "label": state.label, "size": state.size}

    @bound("forward-data", "data", "derived from Vovk 2001 and Azoury, Warmuth 2001", assumes="no penalty")
    def data(self, run: Any) -> Vector:
        return self._within(run, run.tally["spent"])

    @bound("forward-logdet", "data", "Vovk 2001; Azoury, Warmuth 2001", assumes="no penalty")
    def logdet(self, run: Any) -> Vector:
        return self._within(run, run.tally["label"] ** 2 * run.tally["logdet"])

    @bound("forward-worst", "worst", "Vovk 2001; Azoury, Warmuth 2001", assumes="no penalty")
    def worst(self, run: Any) -> Vector:
        d, label, size = run.dimension, run.tally["label"], run.tally["size"]
        return self._within(run, label**2 * d * np.log1p(size**2 * run.t / (self.ridge * d)))

    def _within(self, run: Any, spent: Vector) -> Vector:
        value = self.ridge / 2.0 * radius(run) ** 2 + spent / 2.0
        return provided(value, run.penalty.l1 == 0.0, run.penalty.l2 == 0.0)


def rotate_in(factor: Matrix, a: Vector) -> None:
    """R in place, so that R^T R grows by a a^T: Givens rotations of the rows of R with a, diagonal positive."""
    w = a.copy()
    for k in range(len(w)):
        r = math.hypot(factor[k, k], w[k])
        cosine, sine = factor[k, k] / r, w[k] / r
        for j in range(k, len(w)):
            above = factor[k, j]
            factor[k, j] = cosine * above + sine * w[j]
            w[j] = cosine * w[j] - sine * above


def solve_transposed(factor: Matrix, b: Vector) -> None:
    """R^{-T} b in place of b."""
    for k in range(len(b)):
        b[k] /= factor[k, k]
        for j in range(k + 1, len(b)):
            b[j] -= factor[k, j] * b[k]


def solve(factor: Matrix, b: Vector) -> None:
    """R^{-1} b in place of b."""
    for k in range(len(b) - 1, -1, -1):
        for j in range(k + 1, len(b)):
            b[k] -= factor[k, j] * b[j]
        b[k] /= factor[k, k]
