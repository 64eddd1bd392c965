"""What certificates read of losses at given margins: values, proximal points, secant slopes, infima."""

import math
from typing import Any, NamedTuple

from oco._jit import kernel
from oco.protocols import Matrix, Vector


class ByBisection(NamedTuple):
    """A loss with the prox that its monotone slope defines."""

    loss: Any

    def value(self, z: float, y: float) -> float:
        return self.loss.value(z, y)

    def slope(self, z: float, y: float) -> float:
        return self.loss.slope(z, y)

    def prox(self, z: float, y: float, mu: float) -> float:
        """The root of p + mu slope(p, y) = z; it lies between z and z - mu slope(z, y)."""
        far = z - mu * self.loss.slope(z, y)
        low, high = min(z, far), max(z, far)
        while True:
            p = low + 0.5 * (high - low)
            if not low < p < high:
                return low
            if p + mu * self.loss.slope(p, y) > z:
                high = p
            else:
                low = p


def _tangent(loss: Any, z: float, y: float, mu: float) -> tuple[float, float]:
    """(p, s), s a subgradient at p: p = z for mu = 0, else p = prox(z) and s = (z - p) / mu."""
    if mu == 0.0:
        return z, loss.slope(z, y)
    p = loss.prox(z, y, mu)
    # Slopes to both sides of p hold s where rounding, or a careless prox, would leave the subdifferential.
    near = 4.5e-16 * abs(p) + 1e-300
    return p, min(max((z - p) / mu, loss.slope(p - near, y)), loss.slope(p + near, y))


@kernel
def measure(loss: Any, z: Vector, y: Vector, mu: float, width: float, out: Matrix) -> None:
    """Columns of `out` (5, n): f(z); the envelope; f(p) - s p; s; the secant slope of s over z +- width."""
    for i in range(len(z)):
        p, s = _tangent(loss, z[i], y[i], mu)
        value = loss.value(p, y[i])
        out[0, i] = loss.value(z[i], y[i])
        out[1, i] = value + 0.5 * (z[i] - p) * (z[i] - p) / mu if mu > 0.0 else value
        out[2, i] = value - s * p
        out[3, i] = s
        if width > 0.0:
            rise = _tangent(loss, z[i] + width, y[i], mu)[1] - _tangent(loss, z[i] - width, y[i], mu)[1]
            out[4, i] = max(0.0, 0.5 * rise / width)


@kernel
def loss_values(loss: Any, z: Vector, y: Vector, out: Vector) -> None:
    for i in range(len(z)):
        out[i] = loss.value(z[i], y[i])


@kernel
def infimum(loss: Any, y: Vector, out: Vector) -> None:
    """inf_z f(z, y), from below: where the slope changes sign, between neighbouring floats, or fades to 0.

    Minus infinity where it does neither, as that of -ln z, which falls for ever.
    """
    for i in range(len(y)):
        slope = loss.slope(0.0, y[i])
        side = -1.0 if slope > 0.0 else 1.0
        near, far = 0.0, 0.0 if slope == 0.0 else 1.0
        while far < 1e300 and side * loss.slope(side * far, y[i]) < 0.0:
            near, far = far, 2.0 * far
        if far >= 1e300:
            out[i] = -math.inf
            continue
        while near < near + 0.5 * (far - near) < far:
            middle = near + 0.5 * (far - near)
            if side * loss.slope(side * middle, y[i]) < 0.0:
                near = middle
            else:
                far = middle
        out[i] = loss.value(side * near, y[i]) + min(0.0, side * loss.slope(side * near, y[i])) * (far - near)
