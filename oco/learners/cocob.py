"""COCOB: coin betting in every coordinate by itself (Orabona and Tommasi 2017)."""

import math
from typing import Any, NamedTuple

import numpy as np

from oco.bounds import at_most, bound, provided
from oco.learners.coin import MOST, modest
from oco.protocols import THEORY, Round, Setting, Vector, declare


@declare(lazy=True, domains=("Space",), positive=("lipschitz",))
class COCOB(NamedTuple):
    """Continuous coin betting in every coordinate by itself (Orabona and Tommasi 2017).

    With c = g / L: theta = -sum c_s, C = sum |c_s|, Q = -sum c_s (x_s - x_1), and
    x_{t+1} = x_1 + tanh(theta / (C + 1)) (1 + Q). For |g_{t,i}| <= L, at every t and u,
    regret <= L sum_i [1 + |u - x_1|_i sqrt((C_i + 1) ln(1 + (C_i + 1)^2 (u - x_1)_i^2))].
    By theorem L is what stream and loss promise, and 1 where they promise nothing. (COCOB-Backprop, which learns L on
    the way, has no such theorem.)
    """

    lipschitz: float = THEORY

    def memory(self, x: Vector) -> tuple[Any, ...]:
        return 0.0, 0.0, 0.0, 0.0, x

    def rule(self, now: Round, g: float, x: float, s: Any) -> tuple[float, Any]:
        coins, theta, reward, peak, start = s
        c = min(max(g / self.lipschitz, -1.0), 1.0)
        coins += abs(c)
        theta -= c
        reward -= c * (x - start)
        x = start + math.tanh(theta / (coins + 1.0)) * min(1.0 + reward, MOST)
        return x, (coins, theta, reward, max(peak, abs(g)), start)

    def tune(self, setting: Setting) -> "COCOB":
        return self._replace(lipschitz=setting.largest if math.isfinite(setting.largest) else 1.0)

    def tally(self, memory: Any, domain: Any) -> dict[str, float | Vector]:
        return {"coins": memory[0].copy(), "peak": float(memory[3].max())}

    @bound("cocob-data", "data", "Orabona, Tommasi 2017", assumes="|g_t|_inf <= lipschitz")
    def data(self, run: Any) -> Vector:
        return self._theorem(run, run.tally["coins"])

    @bound("cocob-worst", "worst", "Orabona, Tommasi 2017", assumes="|g_t|_inf <= lipschitz")
    def worst(self, run: Any) -> Vector:
        return self._theorem(run, np.broadcast_to(run.t[:, None], (len(run.t), run.d)))

    def _theorem(self, run: Any, coins: Vector) -> Vector:
        values = np.empty(len(run.t))
        for k, u in enumerate(run.comparators):
            far, total = np.abs(u - run.start[: len(u)]), coins[k, : len(u)] + 1.0
            values[k] = np.sum(1.0 + far * np.sqrt(total * np.log1p((total * far) ** 2)))
        return provided(self.lipschitz * values, at_most(run.tally["peak"], self.lipschitz), modest(run))
