"""Full-matrix AdaGrad with a sketch of the gradients in place of the matrix: O(d ell) memory (Feinberg et al. 2023)."""

import math
from typing import Any, NamedTuple

import numpy as np

from oco.bounds import bound, lipschitz, span, trajectory
from oco.projections import add_multiple, dot, norm, same
from oco.protocols import THEORY, Matrix, Round, Setting, Vector, declare


class SketchState(NamedTuple):
    x: Vector  # (d,)
    basis: Matrix  # (ell, d): orthonormal rows u_j, zero where the sketch has no direction j; the last one always is
    values: Vector  # (ell,): lam_j, falling
    escaped: float  # rho_1 + ... + rho_t
    spent: float  # sum_s g_s^T H_s^+ g_s


@declare(domains=("Space", "Ball"), positive=("eta", "directions"))
class SketchedAdaGrad(NamedTuple):
    """S-AdaGrad with ell = `directions` (arXiv 2302.03764): the sketch B = sum_j lam_j u_j u_j^T of rank < ell is made
    B + g g^T with its ell-th eigenvalue rho_t taken from all eigenvalues, and what was taken is kept as R += rho_t.

    H_t = (B_t + R_t I)^{1/2}, x_{t+1} = argmin_{x in X} |x - (x_t - eta H_t^+ g_t)|_{H_t}. H never falls, so the regret
    at u <= sum_s |x_s - u|^2_{H_s - H_{s-1}} / (2 eta) + (eta / 2) sum_s g_s^T H_s^+ g_s
         <= (D^2 / (2 eta)) tr H_t + (eta / 2) sum_s g_s^T H_s^+ g_s
         <= (D^2 / (2 eta)) (tr G_t^{1/2} + d sqrt(R_t)) + eta tr G_t^{1/2},
    R_t <= min_{k < ell} sum_{i>k} lam_i(G_t) / (ell - k), with G_t = sum_s g_s g_s^T, lam_i its eigenvalues.
    By theorem eta = D / sqrt(2). A round costs O(d ell^2 + ell^3); ell = 1 is AdaGradNorm, ell > d FullMatrixAdaGrad.
    """

    eta: float = THEORY
    directions: int = 10

    def init(self, x: Vector) -> SketchState:
        return SketchState(x.copy(), np.zeros((self.directions, len(x))), np.zeros(self.directions), 0.0, 0.0)

    def grow(self, state: SketchState, x: Vector) -> SketchState:
        room = len(x) - len(state.x)
        return state._replace(x=x, basis=np.pad(state.basis, [(0, 0), (0, room)]))

    def update(self, now: Round, g: Vector, state: SketchState, domain: Any) -> SketchState:
        if now.norm2 == 0.0:
            return state
        x, values, ell = state.x, state.values, len(state.values)
        basis = state.basis
        rho = absorb(g, basis, values)
        escaped = state.escaped + rho
        h = np.empty(ell + 1)  # of H on u_1 .. u_ell and on everything orthogonal to them
        for j in range(ell):
            h[j] = math.sqrt(values[j] + escaped)
        h[ell] = math.sqrt(escaped)
        c, rest = coordinates(g, basis)
        spent = 0.0
        for j in range(ell + 1):
            # Where H is zero g has no part but rounding errors.
            step = c[j] / h[j] if h[j] > 0.0 else 0.0
            spent += c[j] * step
            add_multiple(x, -self.eta * step, basis[j] if j < ell else rest)
        self._project(x, basis, h, domain)
        return SketchState(x, basis, values, escaped, state.spent + spent)

    def _project(self, x: Vector, basis: Matrix, h: Vector, domain: Any) -> None:
        """Space and Ball look alike in every orthonormal basis: here u_1 .. u_ell and the rest of x."""
        c, rest = coordinates(x, basis)
        before = c.copy()
        domain.project_diagonal(c, h)
        if not same(c, before):
            for i in range(len(x)):
                x[i] = c[len(basis)] * rest[i]
            for j in range(len(basis)):
                add_multiple(x, c[j], basis[j])
            domain.project(x)  # of rounding errors

    def metric(self, now: Round, state: SketchState) -> Matrix:
        low = np.sqrt(state.values + state.escaped) - math.sqrt(state.escaped)
        whole = (state.basis.T * low) @ state.basis + math.sqrt(state.escaped) * np.eye(len(state.x))
        return whole / self.eta

    def tune(self, setting: Setting) -> "SketchedAdaGrad":
        diameter = setting.domain.diameter(setting.d)
        setting.need(diameter=diameter)
        return self._replace(eta=diameter / math.sqrt(2.0))

    def tally(self, state: SketchState, domain: Any) -> dict[str, float]:
        low, d = math.sqrt(state.escaped), len(state.x)
        trace = d * low + float((np.sqrt(state.values + state.escaped) - low).sum())
        return {"trace": trace, "spent": state.spent, "escaped": state.escaped}

    @bound("sketch-data", "data", "derived from Feinberg et al. 2302.03764")
    def data(self, run: Any) -> Vector:
        return span(run) ** 2 / (2.0 * self.eta) * run.tally["trace"] + self.eta / 2.0 * run.tally["spent"]

    @bound("sketch-worst", "worst", "derived from Feinberg et al. 2302.03764 and Cauchy-Schwarz")
    def worst(self, run: Any) -> Vector:
        # tr G^{1/2} <= sqrt(d tr G) and R <= tr G / ell.
        size = lipschitz(run) * np.sqrt(run.t)
        return self._theorem(run, size * np.sqrt(run.dimension), size / math.sqrt(self.directions))

    @bound("sketch-trajectory", "trajectory", "derived from Feinberg et al. 2302.03764")
    def trajectory(self, run: Any) -> Vector:
        return trajectory(run)

    @bound("sketch-spectrum", "trajectory", "Feinberg et al. 2302.03764")
    def spectrum(self, run: Any) -> Vector:
        traces, escapes = [], []
        for t in run.t:
            lam = np.linalg.svd(run.history.g[:t], compute_uv=False) ** 2
            tails = [lam[k:].sum() / (self.directions - k) for k in range(self.directions)]
            traces.append(np.sqrt(lam).sum())
            escapes.append(math.sqrt(min(tails)))
        return self._theorem(run, np.array(traces), np.array(escapes))

    def _theorem(self, run: Any, trace_root: Vector, escape: Vector) -> Vector:
        return span(run) ** 2 / (2.0 * self.eta) * (trace_root + run.dimension * escape) + self.eta * trace_root


def coordinates(v: Vector, basis: Matrix) -> tuple[Vector, Vector]:
    """<u_j, v> of every row u_j, then the size of what is left of v, and its direction (zero where nothing is left)."""
    ell = len(basis)
    c = np.zeros(ell + 1)
    rest = v.copy()
    for _ in range(2):  # once leaves rounding errors of the size of what was removed
        for j in range(ell):
            along = dot(basis[j], rest)
            c[j] += along
            add_multiple(rest, -along, basis[j])
    left = norm(rest)
    if left <= 1e-15 * norm(v):
        left = 0.0
    c[ell] = left
    for i in range(len(rest)):
        rest[i] = rest[i] / left if left > 0.0 else 0.0
    return c, rest


def absorb(g: Vector, basis: Matrix, values: Vector) -> float:
    """Frequent directions in place: the eigenvectors and -values of B + g g^T less its ell-th eigenvalue, returned."""
    ell, d = basis.shape
    c, rest = coordinates(g, basis)
    c[ell - 1] = c[ell]  # the last row is free: it takes the new direction
    for i in range(d):
        basis[ell - 1, i] = rest[i]
    core = np.empty((ell, ell))
    for j in range(ell):
        for k in range(ell):
            core[j, k] = c[j] * c[k]
        core[j, j] += values[j]
    lam, w = np.linalg.eigh(core)
    floor = ell * 2.3e-16 * lam[ell - 1]
    rho = lam[0] if lam[0] > floor else 0.0
    old = basis.copy()
    for j in range(ell):
        value = lam[ell - 1 - j]
        values[j] = value - rho if j < ell - 1 and value - rho > floor else 0.0
        for i in range(d):
            basis[j, i] = 0.0
        if values[j] > 0.0:
            for k in range(ell):
                add_multiple(basis[j], w[k, ell - 1 - j], old[k])
    return float(rho)
