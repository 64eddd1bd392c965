"""Quadratic models of F minimised over a domain: the steps of Newton's method."""

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from oco.domains import Ball, Box, L1Ball, Space, nearest
from oco.protocols import Matrix, Vector

FACES = 100  # faces looked at in one quadratic problem
RIDGE = 1e-13  # relative to each diagonal entry: defines the step where the model is only semi-definite


class Factor(NamedTuple):
    """Cholesky factor of D^-1 H D^-1 plus a ridge, where D = diag(H)^(1/2)."""

    factor: Any
    scale: Vector

    def solve(self, b: Vector) -> Vector:
        from scipy.linalg import cho_solve

        return np.asarray(cho_solve(self.factor, b / self.scale, check_finite=False) / self.scale)


def factorise(h: Matrix, ridge: float = RIDGE) -> Factor:
    """Columns are brought to unit size first: features may differ by orders of magnitude."""
    from scipy.linalg import LinAlgError, cho_factor

    diagonal = np.sqrt(np.maximum(h.diagonal(), 0.0))
    scale = np.where(diagonal > 0.0, diagonal, diagonal.max(initial=0.0) or 1.0)
    unit = h / scale[:, None] / scale
    while True:
        unit[np.diag_indices_from(unit)] = 1.0 + ridge
        try:
            return Factor(cho_factor(unit, lower=True, check_finite=False), scale)
        except LinAlgError:
            ridge *= 100.0


def quadratic(domain: Any, h: Matrix, g: Vector, x: Vector) -> Vector:
    """argmin_{u in X} <g, u - x> + (u - x)^T H (u - x) / 2 for x in X."""
    if isinstance(domain, Space):
        return x - factorise(h).solve(g)
    if isinstance(domain, Ball):
        return _on_ball(h, h @ x - g, domain.radius)
    return _on_faces(domain, h, g, x)


def _on_ball(h: Matrix, b: Vector, radius: float) -> Vector:
    """argmin_{|u| <= radius} u^T H u / 2 - <b, u>: (H + nu) u = b with |u| = radius (Moré, Sorensen 1983).

    Newton on 1 / |u(nu)|, concave and increasing in nu: from the left, never past the root.
    """
    from scipy.linalg import cho_factor, cho_solve, solve_triangular

    size = float(np.abs(h).sum(axis=1).max(initial=0.0))
    nu = max(RIDGE * size, float(np.linalg.norm(b)) / radius - size, 1e-300)
    for _ in range(100):
        factor = cho_factor(h + nu * np.eye(len(b)), lower=True, check_finite=False)
        u = np.asarray(cho_solve(factor, b, check_finite=False))
        length = float(np.linalg.norm(u))
        if length <= radius * (1.0 + 1e-12):
            break
        bend = np.linalg.norm(solve_triangular(factor[0], u / length, lower=True, check_finite=False))
        nu += (length / radius - 1.0) / float(bend) ** 2
    return np.asarray(u * min(1.0, radius / length)) if length > 0.0 else u


def _on_faces(domain: Any, h: Matrix, g: Vector, x: Vector) -> Vector:
    """On a polytope: projected gradient steps choose the face, Newton steps run along it (Moré, Toraldo 1991)."""
    start = float(g @ x) + domain.support(-g)
    fallen = 0.0
    for _ in range(FACES):
        before = x
        x, g = _gradient_step(domain, h, g, x)
        for _ in range(FACES):
            free, normal = _face(domain, x)
            moved = _face_step(domain, h, g, x, free, normal) - x
            if not moved.any():
                break
            x, g = x + moved, g + h @ moved
            if len(_face(domain, x)[0]) == len(free):
                break
        step = x - before
        gain = 0.5 * float(step @ (h @ step)) - float(g @ step)
        fallen += gain
        if float(g @ x) + domain.support(-g) <= 1e-6 * start or gain <= 1e-14 * fallen:
            break
    return x


def _gradient_step(domain: Any, h: Matrix, g: Vector, x: Vector) -> tuple[Vector, Vector]:
    """Along the projected gradient, by the length that is best without walls, shortened until it descends."""
    bend = float(g @ (h @ g))
    length = float(g @ g) / bend if bend > 0.0 else math.inf
    for _ in range(60):
        u = domain.minimiser(g) if math.isinf(length) else nearest(domain, x - length * g)
        step = u - x
        turned = h @ step
        fall = float(g @ step)
        if fall + 0.5 * float(step @ turned) <= 0.1 * fall:
            return u, g + turned
        length = 0.25 * length if length < math.inf else 1e3 * (1.0 + np.abs(x).max()) / np.abs(g).max()
    return x, g


def _face(domain: Any, x: Vector) -> tuple[NDArray[np.intp], Vector | None]:
    """The free coordinates of the face of x, and n with <n, u> constant on it over those (None: no such row)."""
    if isinstance(domain, Box):
        return np.flatnonzero((x > domain.lower) & (x < domain.upper)), None
    if isinstance(domain, L1Ball) and _inside(domain, x):
        return np.arange(len(x)), None
    free = np.flatnonzero(x)
    return free, np.sign(x[free])


def _inside(domain: L1Ball, x: Vector) -> bool:
    return bool(np.abs(x).sum() < domain.radius * (1.0 - 1e-12))


def _face_step(domain: Any, h: Matrix, g: Vector, x: Vector, free: NDArray[np.intp], normal: Vector | None) -> Vector:
    """Newton's step on the face, bent back into X by projection while that descends, else cut at the first wall."""
    if len(free) <= (normal is not None):
        return x
    factor = factorise(h[np.ix_(free, free)])
    step = np.zeros(len(x))
    step[free] = -factor.solve(g[free])
    if normal is not None:
        across = factor.solve(normal)
        step[free] -= (normal @ step[free]) / (normal @ across) * across
    fall = float(g @ step)
    if not fall < 0.0:
        return x
    tau = 1.0
    for _ in range(4):
        u = nearest(domain, x + tau * step)
        moved = u - x
        if float(g @ moved) + 0.5 * float(moved @ (h @ moved)) <= 0.05 * tau * fall:
            return u
        tau *= 0.4
    return nearest(domain, x + _room(domain, x, step) * step)


def _room(domain: Any, x: Vector, step: Vector) -> float:
    """The largest tau <= 1 with x + tau step in X, where step runs along the face of x."""
    if isinstance(domain, L1Ball) and _inside(domain, x):
        inside, outside = np.abs(x).sum(), np.abs(x + step).sum()
        return 1.0 if outside <= domain.radius else float((domain.radius - inside) / (outside - inside))
    wall = np.where(step > 0.0, domain.upper, domain.lower) if isinstance(domain, Box) else np.zeros(len(x))
    blocked = step != 0.0 if isinstance(domain, Box) else x * step < 0.0
    room = np.divide(wall - x, step, out=np.ones(len(x)), where=blocked)
    return float(min(1.0, room.min(initial=1.0)))
