"""The penalty of a game: psi(x) = l1 |x|_1 + (l2 / 2) |x|_2^2, part of the loss of every round."""

from typing import NamedTuple

from oco.protocols import Vector, declare


@declare(nonnegative=("l1", "l2"))
class Penalty(NamedTuple):
    """psi(x) = l1 |x|_1 + (l2 / 2) |x|_2^2, added to f_t(x) in every round; l2 makes the losses l2-strongly convex."""

    l1: float = 0.0
    l2: float = 0.0

    def value(self, x: Vector) -> float:
        """psi(x)."""
        if self.l1 == 0.0 and self.l2 == 0.0:
            return 0.0
        size = 0.0
        square = 0.0
        for i in range(len(x)):
            size += abs(x[i])
            square += x[i] * x[i]
        return self.l1 * size + 0.5 * self.l2 * square

    def slope(self, v: float) -> float:
        """A subgradient of psi in a coordinate of value v; l1's is 0 at its kink."""
        return self.l2 * v + (self.l1 if v > 0.0 else -self.l1 if v < 0.0 else 0.0)


NONE = Penalty()
