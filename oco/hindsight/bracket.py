"""The interval around the loss of the best fixed decision, and what proves it.

F(u) = sum_t f(<a_t, u>, y_t) over the rounds so far. Whatever the points p_t and the subgradients s_t of f(., y_t)
at p_t, convexity gives f(z, y_t) >= f(p_t, y_t) + s_t (z - p_t), hence for every u in the domain X

    F(u) >= sum_t (f(p_t, y_t) - s_t p_t) + <A^T s, u> >= dual - sigma_X(-A^T s),

with sigma_X the support function: Fenchel's dual, in which the first sum is -sum_t f*(s_t, y_t). At p_t = <a_t, x>
the difference to F(x) is the Frank-Wolfe gap, which vanishes at the minimiser of a smooth F. At p_t = prox(<a_t, x>),
with the slopes s_t of the Moreau envelope, it vanishes as the smoothing mu does, kinks or not. On an unbounded domain
sigma_X is infinite unless A^T s = 0, which rounding does not allow; there the bound is stated for |u| <= rho, where
sigma is at most rho |A^T s|, and sum_t inf_z f(z, y_t) is a bound for every u. A penalty is one more convex term with
a subgradient of its own; if it is kappa-strongly convex, kappa |u - x|^2 / 2 may be added on the right, and then the
bound D + <g, u> + kappa |u - x|^2 / 2 >= D + <g, x> - |g|^2 / (2 kappa) holds for every u, bounded domain or not.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from oco.hindsight.look import Look
from oco.hindsight.sums import ROUNDING
from oco.protocols import Vector

WITHIN = 100.0  # times max(1, |x|): the radius rho of certificates on unbounded domains


class Best(NamedTuple):
    """min_{u in X} F(u), enclosed."""

    x: Vector  # (d,), in X
    upper: float  # F(x)
    lower: float  # <= F(u) for every u in X with |u|_2 <= within
    within: float  # infinity wherever the certificate is global


class Bracket:
    """The interval around min F, narrowed by every pass over the rounds."""

    def __init__(
        self,
        measure: Callable[[Vector, float, float, bool], Look],
        domain: Any,
        d: int,
        *,
        floor: float,
        precision: float,
        passes: int,
        kappa: float = 0.0,
        products: bool = False,
    ) -> None:
        self.measure, self.domain, self.floor, self.precision, self.left = measure, domain, floor, precision, passes
        self.kappa = kappa  # F is kappa-strongly convex
        self.products = products  # rows are at hand for products with the Hessian
        self.reach = float(domain.reach(np.zeros(d)))
        self.rho = self.reach if domain.bounded else WITHIN
        self.x, self.upper, self.start, self.noise = np.zeros(d), math.inf, 0.0, 0.0
        self._best: tuple[Look, float] | None = None  # the best dual point with its sigma_X(-A^T s), or less

    def __call__(self, x: Vector, mu: float = 0.0, width: float = 0.0, *, anchor: bool = False) -> Look:
        """Measure F at x in X and keep what it proves; anchor: smooth around the slopes found here from now on."""
        self.left -= 1
        look = self.measure(x, mu, width, anchor)
        if math.isfinite(look.value):
            size = float(np.linalg.norm(x))
            upper = look.value + ROUNDING * (look.terms + look.pull * size)
            if upper < self.upper:
                self.x, self.upper = x, upper
                self.rho = self.reach if self.domain.bounded else WITHIN * max(1.0, size)
            sigma = float(self.domain.support(-look.g))
            if self.kappa > 0.0:
                sigma = min(sigma, float(look.g @ look.g) / (2.0 * self.kappa) - float(look.g @ x))
            if self._below(look, sigma) > self.lower:
                self._best = look, sigma
            self.noise = ROUNDING * (2.0 * look.terms + look.pull * (size + self.rho))
        return look

    def _below(self, look: Look, sigma: float) -> float:
        """The certificate: dual - sigma_X(-A^T s), or - rho |A^T s| if that is more, less what rounding may hide."""
        cut = sigma if self.kappa > 0.0 else min(sigma, self.rho * float(np.linalg.norm(look.g)))
        radius = self.rho + (float(np.linalg.norm(look.g)) / self.kappa if self.kappa > 0.0 else 0.0)
        return look.dual - cut - ROUNDING * (look.terms + radius * look.pull)

    def support(self, g: Vector) -> float:
        """sigma(-g) of X within the radius rho."""
        return min(float(self.domain.support(-g)), self.rho * float(np.linalg.norm(g)))

    def price(self, g: Vector) -> float:
        """What a gradient g adds to the interval's width."""
        size = float(np.linalg.norm(g))
        return size * size / (2.0 * self.kappa) if self.kappa > 0.0 else self.rho * size

    @property
    def lower(self) -> float:
        return max(self.floor, self._below(*self._best) if self._best else -math.inf)

    @property
    def width(self) -> float:
        return self.upper - self.lower

    @property
    def goal(self) -> float:
        """A width that will do: relative to F, or to F(0) where F is next to nothing, and above the noise."""
        return max(self.precision * max(abs(self.upper), 1e-3 * abs(self.start)), 2.0 * self.noise)

    @property
    def done(self) -> bool:
        return self.left <= 0 or self.width <= self.goal

    def best(self) -> Best:
        """The global certificate where it is as good."""
        proved = self.domain.bounded or self.kappa > 0.0
        everywhere = proved or self.floor >= self.lower - self.goal
        lower = self.floor if everywhere and not proved else self.lower
        return Best(self.x, self.upper, lower, math.inf if everywhere else self.rho)
