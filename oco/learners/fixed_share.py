"""Fixed Share: Hedge for sequences of experts that switch now and then (Herbster and Warmuth 1998)."""

import math
from typing import Any, NamedTuple

import numpy as np

from oco.bounds import bound, provided
from oco.learners.experts import cost, costs, extent, gaps, horizon, spread_by, surprise, tilt, within
from oco.protocols import THEORY, Round, Setting, Vector, declare


class FixedShareState(NamedTuple):
    x: Vector  # (N,)
    ranges: float  # sum_s eta (max_k g_{s,k} - min_k g_{s,k})^2
    widest: float  # the largest of these ranges


@declare(domains=("Simplex",), positive=("eta", "alpha", "switches", "spread"), lent=True)
class FixedShare(NamedTuple):
    """Fixed Share: v_k ~ x_k exp(-eta g_k), then x_k = (1 - alpha) v_k + alpha sum_{j != k} v_j / (N - 1).

    For every sequence of experts with m switches the loss is at most the sequence's plus
    (1/eta) [ln(1 / pi) + m ln((N - 1) / alpha) + (t - 1 - m) ln(1 / (1 - alpha))] + sum_s delta_s, where pi is the
    prior x_1 of its first expert and delta_s <= (eta / 8) (max_k g_{s,k} - min_k g_{s,k})^2 the mixability gap; regret
    in the usual sense is that for m = 0. By theorem, for m = switches and losses in an interval of length S = spread,
    alpha = m / (T - 1), at most 1 - 1/N, and eta = sqrt(8 B / T) / S with B the bracket at T: S sqrt(B T / 2).
    """

    eta: float = THEORY
    alpha: float = THEORY
    spread: float = THEORY
    switches: int = 4

    def init(self, x: Vector) -> FixedShareState:
        if self.alpha >= 1.0:
            raise ValueError(f"FixedShare: alpha = {self.alpha} must be below 1")
        return FixedShareState(x.copy(), 0.0, 0.0)

    def update(self, now: Round, g: Vector, state: FixedShareState, domain: Any) -> FixedShareState:
        x, n = state.x, len(g)
        width = extent(now, g)
        tilt(x.copy(), g, self.eta, x)
        total = 0.0
        for k in range(n):
            total += x[k]
        for k in range(n):
            # Written as a change, so that equal weights stay equal.
            x[k] = max(0.0, x[k] + self.alpha * (total - n * x[k]) / max(n - 1, 1))
        return FixedShareState(x, state.ranges + self.eta * width * width, max(state.widest, width))

    def tune(self, setting: Setting) -> "FixedShare":
        n, spread = max(setting.d, 2), spread_by(setting, self.spread)
        most = 1.0 - 1.0 / n
        if self.alpha is None:
            self = self._replace(alpha=min(self.switches / max(horizon(setting) - 1.0, 1.0), most))
        if self.eta is None:
            rounds = horizon(setting)
            bits = surprise(setting.start) + self.paths(n, rounds, self.switches)
            self = self._replace(eta=math.sqrt(8.0 * bits / rounds) / spread)
        return self._replace(spread=spread)

    def tally(self, state: FixedShareState, domain: Any) -> dict[str, float]:
        return {"ranges": state.ranges, "widest": state.widest}

    def paths(self, n: int, t: Any, m: int) -> Any:
        """m ln((N - 1) / alpha) + (t - 1 - m) ln(1 / (1 - alpha)), with m = t - 1 where t rounds have no more."""
        m = np.minimum(m, t - 1)
        return m * math.log(max(n - 1, 1) / self.alpha) - (t - 1 - m) * math.log1p(-self.alpha)

    @bound("fixed-share-switching", "switching", "derived from Herbster and Warmuth 1998")
    def switching(self, run: Any, m: int) -> Vector:
        return (cost(run) + self.paths(run.d, run.t, m)) / self.eta + run.tally["ranges"] / 8.0

    @bound("fixed-share-data", "data", "derived from Herbster and Warmuth 1998, no switch")
    def data(self, run: Any) -> Vector:
        return self.switching(run, 0)

    @bound(
        "fixed-share-worst", "worst", "derived from Herbster and Warmuth 1998, no switch", assumes="losses in spread"
    )
    def worst(self, run: Any) -> Vector:
        value = (cost(run) + self.paths(run.d, run.t, 0)) / self.eta + self.eta * self.spread**2 * run.t / 8.0
        return provided(value, within(run, self.spread))

    @bound("fixed-share-trajectory", "trajectory", "derived: the mix loss telescopes, no switch")
    def trajectory(self, run: Any) -> Vector:
        return (costs(run) + self.paths(run.d, run.t, 0)) / self.eta + gaps(run, self.eta)
