"""Exact powers of G = sum_s g_s g_s^T for full-matrix learners at O(d^2) a round, without an eigendecomposition each.

quadrature: the power as a sum of shifted inverses. bidiagonal: these inverses of a bidiagonal matrix's square. block:
while gradients come in. root: the basis they live in, and its growth. renewal: of that basis, by one of the two ways in
reduction (by lapack). ball: the projection onto a ball in the metric. eigen: for other domains, whose projections need
eigenvectors, one eigendecomposition a round. steps: what a learner calls, whatever its domain.
"""

from oco.roots.ball import on_sphere
from oco.roots.root import Root, back, no_root, spectrum, trace, unit, wider
from oco.roots.steps import ball_radius, include, settle, times_inverse

__all__ = [
    "Root",
    "back",
    "ball_radius",
    "include",
    "no_root",
    "on_sphere",
    "settle",
    "spectrum",
    "times_inverse",
    "trace",
    "unit",
    "wider",
]
