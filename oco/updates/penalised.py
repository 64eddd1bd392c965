"""Learners that see the penalty of the game as a part of the gradient."""

from typing import Any, NamedTuple

import numpy as np

from oco.lowlevel.glance import Glance, unseen
from oco.lowlevel.prefetch import entry
from oco.protocols import Round, Vector


class WithPenalty(NamedTuple):
    """A player who gets a subgradient of f_t + psi: g = q a + psi'(x)."""

    player: Any
    penalty: Any

    def sizes(self) -> Any:
        return self.player.sizes()

    def borrowed(self, state: Any, room: Any) -> Any:
        return self.player.borrowed(state, room)

    def returned(self, state: Any, borrowed: Any) -> Any:
        return self.player.returned(state, borrowed)

    def farthest(self, borrowed: Any) -> float:
        return self.player.farthest(borrowed)

    def before(self, now: Round, a: Vector, state: Any) -> Any:
        return self.player.before(now, a, state)

    def decision(self, state: Any) -> Vector:
        return self.player.decision(state)

    def glance(self, a: Vector, state: Any) -> Glance:
        self.player.finish(state)
        return self.player.glance(a, state)

    def finish(self, state: Any) -> None:
        self.player.finish(state)

    def charge(self, penalty: Any, state: Any) -> float:
        return self.player.charge(penalty, state)

    def norm2(self, q: float, square: float, a: Vector, state: Any) -> float:
        x = self.player.decision(state)
        total = 0.0
        for i in range(len(x)):
            total += (q * a[i] + self.penalty.slope(x[i])) ** 2
        return total

    def step(self, now: Round, q: float, a: Vector, seen: Glance, state: Any) -> Any:
        x = self.player.decision(state)
        g = np.empty_like(a)
        for i in range(len(x)):
            g[i] = q * entry(a, i) + self.penalty.slope(x[i])
        return self.player.step(now, 1.0, g, unseen(), state)
