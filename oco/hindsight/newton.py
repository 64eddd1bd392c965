"""Minimise a convex F over a domain: Newton's method where it can be had, else first-order methods.

A solver sees F only through `at(x, mu, width)`: one pass over the rounds, which returns F_mu, its gradient and, for
width > 0, a positive model of its Hessian, and which narrows the certified interval `at` keeps. F_mu = F for mu = 0,
else every loss is replaced by its Moreau envelope. Nothing here has to be trusted for the certificate to hold.
"""

import math
from typing import Any

import numpy as np

from oco.domains import Ball, Box, L1Ball, Simplex, Space, nearest
from oco.hindsight.look import MATRIX_COLUMNS
from oco.hindsight.quadratics import quadratic
from oco.hindsight.sums import Products, stiffer
from oco.protocols import Vector

FORCING = 0.03  # of the gradient that a step by products leaves
CONJUGATE_STEPS = 100  # products with the Hessian for one step of Newton's method
STEPS = 60  # of Newton's method
SMOOTHED_STEPS = 20  # of Newton's method for one smoothing
FIRST_ORDER_STEPS = 2000
SMOOTHED_FIRST_ORDER_STEPS = 50  # for one smoothing
SMOOTHINGS = 40  # tried in all
CLIMBS = 10  # to ten times the smoothing, where the minimum was not reached
TRIALS = 10  # lengths tried along one step
SECANT = 1e-5  # half the width over which slopes are compared for the curvature where mu = 0
MEMORY = 10  # values that the nonmonotone search looks back on


def minimise(at: Any, x: Vector, rounds: int, rough: bool) -> bool:
    """Narrow `at` from x until it is done or gives up; returns whether smoothing was needed.

    rough: start with smoothing, as the last problem of the kind needed it.
    """
    if at.done:
        return rough
    few = len(x) <= MATRIX_COLUMNS and isinstance(at.domain, (Space, Box, Ball, L1Ball, Simplex))
    curved = few or (at.products and isinstance(at.domain, Space))
    descend = _newton if curved else _quasi_newton if isinstance(at.domain, (Space, Box)) else _spectral
    if not rough:
        spare = at.left // 2  # kinks, if there are any, must not use up all passes
        at.left -= spare
        x = descend(at, x, 0.0, SECANT)
        x = _stretch(at, x)
        at.left += spare
    if at.done:
        return rough
    before = at.width
    _continuation(at, x, rounds, descend)
    return rough or at.width < 0.5 * before


def _continuation(at: Any, x: Vector, rounds: int, descend: Any) -> None:
    """Minimise F_mu for falling mu, smoothed around the last slopes: upper - lower falls faster than mu.

    The first mu is one whose minimum Newton's method reaches from x, which may be far away: the kinks of many rounds
    lie between, and where mu is small against the distances each ends a step.
    """
    mu = 0.1 * min(at.width, abs(at.upper) + at.start) / rounds
    last, climbs = 1e-10 * mu, CLIMBS
    for _ in range(SMOOTHINGS):
        x = descend(at, x, mu, mu)
        x = _stretch(at, x)
        if at.done or mu <= last:
            return
        if climbs > 0 and not _near(at, at(x, mu), x, mu):
            mu, climbs = 10.0 * mu, climbs - 1
            continue
        look = at(x, mu, anchor=True)
        kinks = look.value - look.dual - float(look.g @ x)  # of the interval's width, what is not the gap of F_mu
        mu *= min(1.0 / 3.0, max(0.25, 0.3 * at.goal / max(kinks, 1e-300)))


def _stretch(at: Any, x: Vector) -> Vector:
    """Where F falls towards its infimum at infinity, as on separable data, go there by doubling x."""
    towards_floor = at.upper - at.floor <= 0.05 * (at.start - at.floor)
    while isinstance(at.domain, Space) and not at.done and math.isfinite(at.floor) and towards_floor:
        before = at.upper
        look = at(2.0 * x)
        if not look.value < 0.5 * before:
            break
        x = 2.0 * x
    return x


def _newton(at: Any, x: Vector, mu: float, width: float) -> Vector:
    """Newton steps with damping: x' = argmin_{u in X} <g, u - x> + |u - x|^2_{H + damping D} / 2, cut by a search.

    The curvature is a secant over `width`, which narrows while full steps succeed: a smoothed loss is piecewise
    quadratic and the narrow secant is exact in the end, the wide one sees the kinks ahead.
    """
    here = at(x, mu, width)
    diagonal = (at(x, mu, 10.0 * width) if mu > 0.0 else here).h.diagonal()
    typical = diagonal + 1e-3 * diagonal.max()
    damping = 1.0 if mu > 0.0 else 0.0
    narrow, short = width, 0
    for _ in range(STEPS if mu == 0.0 else SMOOTHED_STEPS):
        if at.done or _near(at, here, x, mu) or short >= 4:
            break
        model = stiffer(here.h, damping * typical) if damping > 0.0 else here.h
        step = _within_reach(at, here, _newton_step(at, model, here.g, x, diagonal))
        tau, there = _search(at, here, x, step, mu, narrow)
        short = short + 1 if tau < 1e-3 else 0
        if tau < 0.3:
            damping = max(damping * (10.0 if tau < 0.1 else 4.0), 1e-4)
        elif tau > 0.5:
            damping = max(damping / 5.0, 1e-8) if damping > 0.0 else 0.0
        if mu > 0.0:
            narrow = max(0.3 * narrow, 1e-3 * mu) if tau > 0.7 else min(narrow / 0.3, mu)
        x = x + tau * step
        here = there if there is not None else at(x, mu, narrow)
        x, here = _far(at, x, here, mu, narrow)
    return x


def _newton_step(at: Any, h: Any, g: Vector, x: Vector, diagonal: Vector) -> Vector:
    """argmin_{x + step in X} <g, step> + <step, H step> / 2; on Space with many columns about, by products with H."""
    if not isinstance(h, Products):
        return quadratic(at.domain, h, g, x) - x
    step, products = conjugate_gradients(at, h, g, diagonal)
    at.left -= products
    return step


def conjugate_gradients(at: Any, h: Products, g: Vector, diagonal: Vector) -> tuple[Vector, int]:
    """-H^-1 g, up to a part of g or what no certificate will see; and the number of products with H that it took.

    Preconditioned with `diagonal`, that of an H nearby.
    """
    scale = np.maximum(diagonal, 1e-12 * diagonal.max(initial=0.0))
    scale[scale == 0.0] = 1.0
    step, left, products = np.zeros(len(g)), -g, 0
    towards = left / scale
    size = first = float(left @ towards)
    direction = towards
    while products < min(CONJUGATE_STEPS, at.left) and size > FORCING**2 * first:
        turned = h.times(direction)
        products += 1
        bend = float(direction @ turned)
        if not bend > 0.0:
            break
        step += (size / bend) * direction
        left -= (size / bend) * turned
        if at.price(left) <= 0.3 * at.goal:
            break
        towards = left / scale
        size, before = float(left @ towards), size
        direction = towards + (size / before) * direction
    return (step if step.any() else towards), products


def _within_reach(at: Any, here: Any, step: Vector) -> Vector:
    """No longer than where the tangent falls to twice below the floor: there the model's flat directions end."""
    fall, most = -float(here.g @ step), 2.0 * (here.smooth - at.floor)
    return step * (most / fall) if fall > most > 0.0 else step


def _far(at: Any, x: Vector, here: Any, mu: float, width: float) -> tuple[Vector, Any]:
    stretched = _stretch(at, x) if mu == 0.0 else x
    return (x, here) if stretched is x else (stretched, at(stretched, mu, width))


def _near(at: Any, look: Any, x: Vector, mu: float) -> bool:
    """Whether the gap of F_mu is small against what smoothing costs the interval."""
    gap = float(look.g @ x) + at.support(look.g)
    return mu > 0.0 and gap <= 0.3 * (look.value - look.dual - float(look.g @ x))


def _search(at: Any, here: Any, x: Vector, step: Vector, mu: float, width: float) -> tuple[float, Any]:
    """tau in [0, 1] with |phi'(tau)| <= 0.3 |phi'(0)| or tau = 1 before the minimum of phi(tau) = F_mu(x + tau step).

    phi' is monotone: regula falsi, then bisection. The pass at tau = 1, if that is taken, is returned too.
    """
    fall = float(here.g @ step)
    low, low_slope, high, high_slope = 0.0, fall, 1.0, math.inf
    tau = 1.0
    for trial in range(TRIALS):
        there = at(x + tau * step, mu, width if tau == 1.0 else 0.0)
        slope = float(there.g @ step) if math.isfinite(there.smooth) else math.inf
        enough = abs(slope) <= 0.3 * abs(fall) or (tau == 1.0 and slope < 0.0)
        if enough and there.smooth <= here.smooth + 1e-12 * abs(here.smooth):
            return tau, there if tau == 1.0 else None
        if slope < 0.0 or (slope == 0.0 and there.smooth < here.smooth):
            low, low_slope = tau, slope
        else:
            high, high_slope = tau, slope
        spread = low_slope - high_slope
        middle = 0.1 if math.isinf(high_slope) else low_slope / spread if trial < 6 and spread < 0.0 else 0.5
        tau = low + min(0.9, max(0.1, middle)) * (high - low)
    return low, None


def _quasi_newton(at: Any, x: Vector, mu: float, width: float) -> Vector:
    """L-BFGS-B (Byrd, Lu, Nocedal, Zhu 1995) on Space or Box."""
    from scipy.optimize import Bounds, minimize

    seen = [at(x, mu)]

    def both(u: Vector) -> tuple[float, Vector]:
        seen[0] = at(np.array(u), mu)
        return seen[0].smooth, seen[0].g

    def stop(u: Vector) -> None:
        if at.done or _near(at, seen[0], u, mu):
            raise StopIteration

    bounds = Bounds(at.domain.lower, at.domain.upper) if isinstance(at.domain, Box) else None
    steps = FIRST_ORDER_STEPS if mu == 0.0 else SMOOTHED_FIRST_ORDER_STEPS
    options = {"maxiter": steps, "maxfun": max(1, at.left), "ftol": 1e-15, "gtol": 0.0, "maxcor": 20}
    done = minimize(both, x, jac=True, method="L-BFGS-B", bounds=bounds, callback=stop, options=options)
    return np.asarray(done.x)


def _spectral(at: Any, x: Vector, mu: float, width: float) -> Vector:
    """Spectral projected gradient (Birgin, Martínez, Raydan 2000): any domain that can project."""
    here = at(x, mu)
    length = 1.0 / max(np.abs(here.g).max(), 1e-300)
    recent = [here.smooth]
    for _ in range(FIRST_ORDER_STEPS if mu == 0.0 else SMOOTHED_FIRST_ORDER_STEPS):
        if at.done or _near(at, here, x, mu):
            break
        step = nearest(at.domain, x - length * here.g) - x
        fall = float(here.g @ step)
        tau = 1.0
        while True:
            there = at(x + tau * step, mu)
            if there.smooth <= max(recent) + 1e-4 * tau * fall or at.left <= 0:
                break
            rise = there.smooth - here.smooth - tau * fall
            tau *= min(0.5, max(0.1, -0.5 * tau * fall / rise)) if rise < math.inf else 0.1
            if tau < 1e-12:
                return x
        turned = float(step @ (there.g - here.g))
        length = min(1e30, max(1e-30, tau * float(step @ step) / turned if turned > 0.0 else 10.0 * length))
        x, here = x + tau * step, there
        recent = [*recent[1 - MEMORY :], here.smooth]
    return x
