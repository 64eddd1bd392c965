"""The steps of a full-matrix learner, whatever its domain: R^d and balls by resolvents, others by eigenvectors."""

import math
from typing import Any

import numpy as np

from oco._jit import offers, specialise
from oco.protocols import Matrix, Vector
from oco.roots.ball import onto_ball
from oco.roots.block import combine
from oco.roots.eigen import divide, enter, project
from oco.roots.root import Root, add


def ball_radius(domain: Any) -> float:
    """r where the domain is {|x|_2 <= r}, infinity for the whole space, NaN for any other."""
    return float(domain.ball_radius()) if hasattr(domain, "ball_radius") else math.nan


@specialise(ball_radius)
def _ball_radius(domain):  # type: ignore[no-untyped-def]
    return (lambda domain: domain.ball_radius()) if offers(domain, "ball_radius") else (lambda domain: math.nan)


def include(domain: Any, root: Root, g: Vector, delta: float) -> tuple[Root, Vector, Matrix]:
    """G + g g^T; the rotated g (w,), w <= d, whose other coordinates are zero, and (G + g g^T + s_j)^{-1} of it (n, w).

    delta: the only one for which (delta + sqrt G)^{-1} will be asked for, NaN where there may be others. By
    eigenvectors there are no s_j.
    """
    return add(root, g, delta) if hasattr(domain, "ball_radius") else (*enter(root, g), np.empty((0, 0)))


@specialise(include)
def _include(domain, root, g, delta):  # type: ignore[no-untyped-def]
    if offers(domain, "ball_radius"):
        return lambda domain, root, g, delta: add(root, g, delta)
    return lambda domain, root, g, delta: (*enter(root, g), np.empty((0, 0)))


def times_inverse(domain: Any, root: Root, delta: float, v: Vector, u: Matrix) -> Vector:
    """(delta + sqrt G)^+ v of a rotated v (w,), where u is (G + s_j)^{-1} v (n, w)."""
    return combine(root.block, delta, v, u) if hasattr(domain, "ball_radius") else divide(root, delta, v)


@specialise(times_inverse)
def _times_inverse(domain, root, delta, v, u):  # type: ignore[no-untyped-def]
    if offers(domain, "ball_radius"):
        return lambda domain, root, delta, v, u: combine(root.block, delta, v, u)
    return lambda domain, root, delta, v, u: divide(root, delta, v)


def settle(domain: Any, root: Root, delta: float, y: Vector) -> Root:
    """argmin_{u in X} |u - y|_H, H = delta + sqrt G, in place of the rotated y (d,), a row of root.turned."""
    if hasattr(domain, "ball_radius"):
        return onto_ball(root, delta, domain.ball_radius(), y)
    project(domain, root, delta, y)
    return root


@specialise(settle)
def _settle(domain, root, delta, y):  # type: ignore[no-untyped-def]
    if offers(domain, "ball_radius"):
        return lambda domain, root, delta, y: onto_ball(root, delta, domain.ball_radius(), y)

    def by_eigenvectors(domain, root, delta, y):  # type: ignore[no-untyped-def]
        project(domain, root, delta, y)
        return root

    return by_eigenvectors
