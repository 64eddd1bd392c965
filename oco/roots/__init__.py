"""Exact powers of G = sum_s g_s g_s^T for full-matrix learners at O(d^2) a round, without an eigendecomposition each.

quadrature: the power as a sum of shifted inverses. block: these inverses while gradients come in. root: the basis they
live in, its growth and its renewal. ball: projections in the metric.
"""

from oco.roots.ball import ball_radius, on_sphere, onto_ball, settle
from oco.roots.block import combine, solve
from oco.roots.root import Root, add, back, no_root, spectrum, wider

__all__ = [
    "Root",
    "add",
    "back",
    "ball_radius",
    "combine",
    "no_root",
    "on_sphere",
    "onto_ball",
    "settle",
    "solve",
    "spectrum",
    "wider",
]
