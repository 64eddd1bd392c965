"""AdaHedge: Hedge at a rate that follows from its own mixability gap (de Rooij et al. 2014)."""

import math
from typing import Any, NamedTuple

import numpy as np

from oco.bounds import bound, provided
from oco.learners.experts import accumulate, extremes, mean_above, mixability_gap, surprise, tilt
from oco.protocols import Round, Vector, declare


class AdaHedgeState(NamedTuple):
    x: Vector  # (N,)
    prior: Vector  # (N,): x_1
    losses: Vector  # (N,): sum_s g_s - min_k g_{s,k}
    scale: float  # max_k ln(1 / pi_k)
    gap: float  # Delta_t = sum_s delta_s
    before: float  # Delta_{t-1}
    variance: float  # sum_s Var_{k ~ x_s}(g_{s,k})
    ranges: float  # sum_s max_k g_{s,k} - min_k g_{s,k}
    widest: float  # the largest of these


@declare(domains=("Simplex",), lent=True)
class AdaHedge(NamedTuple):
    """AdaHedge: x_{t+1,k} ~ pi_k exp(-eta_{t+1} sum_{s <= t} g_{s,k}), eta_{t+1} = ln N / Delta_t, pi = x_1.

    Delta_t = sum_s delta_s is the cumulative mixability gap, delta_s = <x_s, g_s> + ln <x_s, exp(-eta_s g_s)> / eta_s;
    while it is 0, eta is infinite: x is the prior on the leaders, and the mix loss the least loss among them. Anytime,
    without parameters, and scaling the losses does not change x. Regret <= Delta_t + Delta_{t-1}, and with
    V_t = sum_s Var_{x_s}(g_s), S the largest range seen, L* the best expert's loss, L- and L+ the sums of the rounds'
    least and greatest losses, <= 2 sqrt(V_t ln N) + S ((4/3) ln N + 2), and
    <= 2 sqrt(S (L* - L-) (L+ - L*) / (L+ - L-) ln N) + S ((16/3) ln N + 2), and
    <= S sqrt(t ln N) + S ((4/3) ln N + 2). A prior that is not uniform: max_k ln(1 / pi_k) for ln N.
    """

    def init(self, x: Vector) -> AdaHedgeState:
        return AdaHedgeState(x.copy(), x.copy(), np.zeros(len(x)), surprise(x), 0.0, 0.0, 0.0, 0.0, 0.0)

    def update(self, now: Round, g: Vector, state: AdaHedgeState, domain: Any) -> AdaHedgeState:
        x, prior, losses, scale = state.x, state.prior, state.losses, state.scale
        low, high = extremes(now, g)
        width = high - low
        if width == 0.0:
            return AdaHedgeState(
                x, prior, losses, scale, state.gap, state.gap, state.variance, state.ranges, state.widest
            )
        mean = mean_above(x, g, low)
        variance = state.variance
        for k in range(len(g)):
            variance += x[k] * (g[k] - low - mean) * (g[k] - low - mean)
        gap = state.gap + mixability_gap(x, g, scale / state.gap if state.gap > 0.0 else math.inf)
        accumulate(g, low, losses)
        tilt(prior, losses, scale / gap if gap > 0.0 else math.inf, x)
        return AdaHedgeState(
            x, prior, losses, scale, gap, state.gap, variance, state.ranges + width, max(state.widest, width)
        )

    def tally(self, state: AdaHedgeState, domain: Any) -> dict[str, float]:
        names = ("gap", "before", "variance", "ranges", "widest")
        return {name: getattr(state, name) for name in names} | {"best": float(state.losses.min())}

    @bound("adahedge-gap", "data", "derived: the mix loss falls with the rate", assumes="pi_k > 0 for every k")
    def gaps(self, run: Any) -> Vector:
        return provided(run.tally["gap"] + run.tally["before"], run.start.min() > 0.0)

    @bound("adahedge-variance", "data", "de Rooij, van Erven, Grünwald, Koolen 2014", assumes="pi_k > 0 for every k")
    def by_variance(self, run: Any) -> Vector:
        ln, most = surprise(run.start), run.tally["widest"]
        value = 2.0 * np.sqrt(run.tally["variance"] * ln) + most * (4.0 / 3.0 * ln + 2.0)
        return provided(value, run.start.min() > 0.0)

    @bound("adahedge-best", "data", "de Rooij, van Erven, Grünwald, Koolen 2014", assumes="pi_k > 0 for every k")
    def by_best(self, run: Any) -> Vector:
        ln, most = surprise(run.start), run.tally["widest"]
        ranges, best = run.tally["ranges"], run.tally["best"]
        share = np.divide(ranges - best, ranges, out=np.zeros(len(best)), where=ranges > 0.0)
        value = 2.0 * np.sqrt(most * best * share * ln) + most * (16.0 / 3.0 * ln + 2.0)
        return provided(value, run.start.min() > 0.0)

    @bound("adahedge-worst", "worst", "de Rooij, van Erven, Grünwald, Koolen 2014", assumes="pi_k > 0 for every k")
    def worst(self, run: Any) -> Vector:
        # V_t <= S^2 t / 4
        ln, most = surprise(run.start), run.tally["widest"]
        return provided(most * (np.sqrt(run.t * ln) + 4.0 / 3.0 * ln + 2.0), run.start.min() > 0.0)
