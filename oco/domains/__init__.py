"""Closed convex sets: projections stated as argmins, widths, support function, linear minimiser.

Methods named clip, project* and vertex are called by compiled kernels and change their argument (d,) in place; the
others are NumPy. vertex(c) turns c into a point of argmin_{u in X} <c, u>, as minimiser(c) returns one.
A metric is given by h (d,) >= 0, or by h and an orthogonal Q (d, d) as Q diag(h) Q^T. Where h_i = 0 every value
of that coordinate costs nothing, and a nearest admissible one is taken.
"""

from typing import Any

import numpy as np

from oco._jit import kernel
from oco.domains.balls import Ball, L1Ball
from oco.domains.intervals import Box, Space, pick
from oco.domains.simplex import Simplex
from oco.protocols import Vector

__all__ = ["DOMAINS", "Ball", "Box", "L1Ball", "Simplex", "Space", "nearest", "pick"]


@kernel
def _project(domain: Any, x: Vector) -> None:
    domain.project(x)


def nearest(domain: Any, x: Vector) -> Vector:
    """The point of the domain nearest to x, a new array."""
    u = np.array(x, dtype=float)
    if not isinstance(domain, Space):
        _project(domain, u)
    return u


DOMAINS = {"space": Space, "box": Box, "ball": Ball, "l1": L1Ball, "simplex": Simplex}
