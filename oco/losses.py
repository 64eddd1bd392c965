"""Losses of the margin z = <a, x> with label y, each with its slope (a subgradient in z), conjugate and prox.

conjugate(s, y) = sup_z s z - value(z, y), infinity outside its domain.
prox(z, y, mu) = argmin_p value(p, y) + (p - z)^2 / (2 mu); (z - prox) / mu is then a slope at the prox.
lipschitz(margin, label) = sup of |slope| over |z| <= margin, |y| <= label.
exp_concavity(margin, label) = the largest alpha with exp(-alpha value) concave there; a loss without it has none.
margins = (low, high): the open interval in which the value is finite, where that is not the whole line.
"""

import math
from typing import NamedTuple

from oco.lowlevel.exponentials import exp, log1p
from oco.protocols import declare


class Linear(NamedTuple):
    """value = z: the gradient is a_t itself, the label is not looked at."""

    def value(self, z: float, y: float) -> float:
        return z

    def slope(self, z: float, y: float) -> float:
        return 1.0

    def conjugate(self, s: float, y: float) -> float:
        return 0.0 if s == 1.0 else math.inf

    def prox(self, z: float, y: float, mu: float) -> float:
        return z - mu

    def lipschitz(self, margin: float, label: float) -> float:
        return 1.0


class Squared(NamedTuple):
    """value = (z - y)^2 / 2."""

    def value(self, z: float, y: float) -> float:
        return 0.5 * (z - y) * (z - y)

    def slope(self, z: float, y: float) -> float:
        return z - y

    def conjugate(self, s: float, y: float) -> float:
        return 0.5 * s * s + s * y

    def prox(self, z: float, y: float, mu: float) -> float:
        return (z + mu * y) / (1.0 + mu)

    def lipschitz(self, margin: float, label: float) -> float:
        return margin + label

    def exp_concavity(self, margin: float, label: float) -> float:
        # value'' / value'^2 = 1 / (z - y)^2.
        return 1.0 / max((margin + label) ** 2, 1e-300)


class Absolute(NamedTuple):
    """value = |z - y|; slope 0 at the kink."""

    def value(self, z: float, y: float) -> float:
        return abs(z - y)

    def slope(self, z: float, y: float) -> float:
        return 1.0 if z > y else -1.0 if z < y else 0.0

    def conjugate(self, s: float, y: float) -> float:
        return s * y if abs(s) <= 1.0 else math.inf

    def prox(self, z: float, y: float, mu: float) -> float:
        return z - mu if z > y + mu else z + mu if z < y - mu else y

    def lipschitz(self, margin: float, label: float) -> float:
        return 1.0


@declare(labels=(-1.0, 1.0))
class Hinge(NamedTuple):
    """value = max(0, 1 - y z), y in {-1, +1}; slope 0 at the kink."""

    def value(self, z: float, y: float) -> float:
        return max(0.0, 1.0 - y * z)

    def slope(self, z: float, y: float) -> float:
        return -y if y * z < 1.0 else 0.0

    def conjugate(self, s: float, y: float) -> float:
        return s * y if -1.0 <= s * y <= 0.0 else math.inf

    def prox(self, z: float, y: float, mu: float) -> float:
        m = y * z
        return y * (m + mu if m < 1.0 - mu else 1.0 if m < 1.0 else m)

    def lipschitz(self, margin: float, label: float) -> float:
        return 1.0


@declare(labels=(-1.0, 1.0))
class Logistic(NamedTuple):
    """value = log(1 + exp(-y z)), y in {-1, +1}, exact to rounding for any margin."""

    def value(self, z: float, y: float) -> float:
        m = y * z
        # exp only of a negative number: no overflow, and log1p keeps the small values.
        return log1p(exp(-abs(m))) + max(0.0, -m)

    def slope(self, z: float, y: float) -> float:
        m = y * z
        e = exp(-abs(m))
        return -y * (e if m >= 0.0 else 1.0) / (1.0 + e)

    def conjugate(self, s: float, y: float) -> float:
        q = -s * y
        if q < 0.0 or q > 1.0:
            return math.inf
        return (q * math.log(q) if q > 0.0 else 0.0) + ((1.0 - q) * math.log1p(-q) if q < 1.0 else 0.0)

    def lipschitz(self, margin: float, label: float) -> float:
        # |slope| = 1 / (1 + exp(y z)) is largest at the most negative margin.
        return 1.0 / (1.0 + math.exp(-min(margin, 700.0)))

    def exp_concavity(self, margin: float, label: float) -> float:
        # value'' / value'^2 = exp(y z).
        return math.exp(-margin)


@declare(margins=(0.0, math.inf))
class NegativeLog(NamedTuple):
    """value = -ln z for z > 0, infinity elsewhere: of a portfolio x with price relatives a_t, minus its log growth."""

    def value(self, z: float, y: float) -> float:
        return -math.log(z) if z > 0.0 else math.inf

    def slope(self, z: float, y: float) -> float:
        # Where there is no slope a finite one, with a finite square, keeps sums and products from becoming NaN.
        return -1.0 / z if z > 0.0 else -1e150

    def conjugate(self, s: float, y: float) -> float:
        return -1.0 - math.log(-s) if s < 0.0 else math.inf

    def prox(self, z: float, y: float, mu: float) -> float:
        # The positive root of p^2 - z p = mu, in the form without cancellation.
        root = math.sqrt(z * z + 4.0 * mu)
        return 0.5 * (z + root) if z > 0.0 else 2.0 * mu / (root - z)

    def lipschitz(self, margin: float, label: float) -> float:
        return math.inf

    def exp_concavity(self, margin: float, label: float) -> float:
        return 1.0


LOSSES = {
    "linear": Linear,
    "squared": Squared,
    "absolute": Absolute,
    "hinge": Hinge,
    "logistic": Logistic,
    "negative-log": NegativeLog,
}
