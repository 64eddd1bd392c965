"""The steps of a full-matrix learner, whatever its domain: R^d and balls by resolvents, others by eigenvectors."""

import math
from typing import Any

from oco._jit import specialise
from oco._twins import offers
from oco.protocols import Vector
from oco.roots.ball import onto_ball
from oco.roots.eigen import divide, enter, project
from oco.roots.root import Root, add, divided


def ball_radius(domain: Any) -> float:
    """r where the domain is {|x|_2 <= r}, infinity for the whole space, NaN for any other."""
    return float(domain.ball_radius()) if hasattr(domain, "ball_radius") else math.nan


@specialise(ball_radius)
def _ball_radius(domain):  # type: ignore[no-untyped-def]
    return (lambda domain: domain.ball_radius()) if offers(domain, "ball_radius") else (lambda domain: math.nan)


def include(domain: Any, root: Root, g: Vector, delta: float) -> Vector:
    """G + g g^T; the rotated g (d,).

    delta: the only one for which (delta + sqrt G)^{-1} will be asked for, NaN where there may be others.
    """
    return add(root, g, delta) if hasattr(domain, "ball_radius") else enter(root, g)


@specialise(include)
def _include(domain, root, g, delta):  # type: ignore[no-untyped-def]
    if offers(domain, "ball_radius"):
        return lambda domain, root, g, delta: add(root, g, delta)
    return lambda domain, root, g, delta: enter(root, g)


def times_inverse(domain: Any, root: Root, delta: float, v: Vector, included: bool) -> Vector:
    """(delta + sqrt G)^+ v of a rotated v (d,); included: whether v is what `include` just returned."""
    return divided(root, delta, v, included) if hasattr(domain, "ball_radius") else divide(root, delta, v)


@specialise(times_inverse)
def _times_inverse(domain, root, delta, v, included):  # type: ignore[no-untyped-def]
    if offers(domain, "ball_radius"):
        return lambda domain, root, delta, v, included: divided(root, delta, v, included)
    return lambda domain, root, delta, v, included: divide(root, delta, v)


def settle(domain: Any, root: Root, delta: float, y: Vector) -> None:
    """argmin_{u in X} |u - y|_H, H = delta + sqrt G, in place of the rotated y (d,), a row of root.turned."""
    if hasattr(domain, "ball_radius"):
        onto_ball(root, delta, domain.ball_radius(), y)
    else:
        project(domain, root, delta, y)


@specialise(settle)
def _settle(domain, root, delta, y):  # type: ignore[no-untyped-def]
    if offers(domain, "ball_radius"):
        return lambda domain, root, delta, y: onto_ball(root, delta, domain.ball_radius(), y)
    return lambda domain, root, delta, y: project(domain, root, delta, y)
