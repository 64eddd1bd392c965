"""What learners of expert weights share: x_t is a distribution over N experts, the gradient g holds their losses.

Adding one number to all losses of a round changes no regret: learners look at g - min_k g_k, so that large losses
with small differences keep their digits. x_1 is the prior pi.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from oco._jit import SUMS, relaxed
from oco.lowlevel.exponentials import NEAR, exp, far_exp, near_fall
from oco.lowlevel.numbers import larger, smaller
from oco.lowlevel.prefetch import entry
from oco.projections import scale
from oco.protocols import Round, Setting, Vector

ROUNDING = 1.0 + 1e-12  # a promise that losses keep up to rounding is kept


def extremes(now: Round, g: Vector) -> tuple[float, float]:
    """min_k g_k and max_k g_k of the round's gradient."""
    return (now.low, now.high) if now.low <= now.high else found(g)


def found(g: Vector) -> tuple[float, float]:
    """The same of any vector."""
    low = g[0]
    high = g[0]
    for k in range(len(g)):
        low = smaller(low, g[k])
        high = larger(high, g[k])
    return low, high


def extent(now: Round, g: Vector) -> float:
    """max_k g_k - min_k g_k of the round's gradient."""
    low, high = extremes(now, g)
    return high - low


def mean_above(x: Vector, g: Vector, low: float) -> float:
    """<x, g - low>, where x_k > 0 alone counts."""
    total = 0.0
    for k in range(len(g)):
        total += x[k] * (g[k] - low) if x[k] > 0.0 else 0.0
    return total


def accumulate(g: Vector, low: float, losses: Vector) -> None:
    """losses += g - low."""
    for k in range(len(g)):
        losses[k] += g[k] - low


@SUMS
def square(x: Vector, g: Vector, low: float, eta: float) -> float:
    """eta <x, (g - low)^2>."""
    total = 0.0
    for k in range(len(g)):
        # Factors in an order in which no square of a tiny or huge loss is alone.
        total += x[k] * (g[k] - low) * (eta * (g[k] - low))
    return total


@SUMS
def tilt(prior: Vector, losses: Vector, eta: float, x: Vector) -> None:
    """x_k ~ prior_k exp(-eta losses_k), eta = infinity allowed; x sums to what the prior does."""
    least = math.inf
    for k in range(len(x)):
        least = smaller(least, losses[k] if prior[k] > 0.0 else math.inf)
    mass = 0.0
    total = 0.0
    for k in range(len(x)):
        gap = max(0.0, losses[k] - least)
        # Where there is no gap nothing may be rounded: without losses x stays the prior to the last bit.
        x[k] = prior[k] * exp(-eta * gap) if gap > 0.0 else prior[k]
        mass += prior[k]
        total += x[k]
    scale(x, mass / total)


def lean(x: Vector, g: Vector, low: float, eta: float, losses: Vector, widest: float) -> tuple[float, float, float]:
    """x_k *= exp(-eta (g_k - low)) and losses += g - low, where `widest` = max_k eta (g_k - low) is at most FAR.

    Returns sum x, <x, (g - low)^2> of the x before, and max_k x_k.
    """
    return _lean_little(x, g, low, eta, losses) if widest <= NEAR else _lean_far(x, g, low, eta, losses)


def _leaning(decayed: Callable[[float, float, float, float], float]) -> Any:
    """The loop of `lean`, where decayed(x, v, x v, eta) is x e^(-eta v).

    There is one loop for each, or SIMD would stay away.
    """

    @SUMS
    def by(x: Vector, g: Vector, low: float, eta: float, losses: Vector) -> tuple[float, float, float]:
        total = 0.0
        second = 0.0
        most = 0.0
        for k in range(np.uint64(len(g))):
            above = entry(g, k) - low
            losses[k] += above
            loss = _product(x[k], above)
            second += loss * above
            x[k] = decayed(x[k], above, loss, eta)
            total += x[k]
            most = larger(most, x[k])
        return total, second, most

    return by


@relaxed("contract")
def _product(x: float, v: float) -> float:
    """x v, once."""
    return x * v


@relaxed("contract")
def _decayed_little(x: float, v: float, xv: float, eta: float) -> float:
    return x - xv * near_fall(v, eta)


@relaxed("contract")
def _decayed_far(x: float, v: float, xv: float, eta: float) -> float:
    return x * far_exp(v, eta)


_lean_little, _lean_far = _leaning(_decayed_little), _leaning(_decayed_far)


def normalise_logs(logs: Vector, x: Vector) -> None:
    """x_k ~ exp(logs_k), where some entry is above -infinity."""
    most = -math.inf
    for k in range(len(x)):
        most = max(most, logs[k])
    total = 0.0
    for k in range(len(x)):
        x[k] = math.exp(logs[k] - most)
        total += x[k]
    for k in range(len(x)):
        x[k] /= total


def weigh_or_prior(logs: Vector, prior: Vector, x: Vector) -> None:
    """x_k ~ exp(logs_k), the prior where all of these are 0."""
    some = False
    for k in range(len(x)):
        some = some or logs[k] > -math.inf
    if some:
        normalise_logs(logs, x)
    else:
        for k in range(len(x)):
            x[k] = prior[k]


def mixability_gap(x: Vector, g: Vector, eta: float) -> float:
    """delta = <x, g> + ln <x, exp(-eta g)> / eta >= 0; for eta = infinity <x, g> less the least g_k with x_k > 0."""
    low = math.inf
    for k in range(len(g)):
        if x[k] > 0.0:
            low = min(low, g[k])
    mean = mean_above(x, g, low) if low < math.inf else 0.0
    if eta == math.inf:
        return mean
    total = 0.0
    short = 0.0
    for k in range(len(g)):
        if x[k] > 0.0:
            total += x[k] * math.exp(-eta * (g[k] - low))
            short += x[k] * math.expm1(-eta * (g[k] - low))
    # log1p keeps the digits while eta is small, log those of a tiny total.
    return max(0.0, mean + (math.log1p(short) if total > 0.5 else math.log(total)) / eta)


def log(value: float) -> float:
    """ln, -infinity at 0."""
    return math.log(value) if value > 0.0 else -math.inf


def excesses(x: Vector, g: Vector, low: float, spread: float, r: Vector) -> None:
    """r_k = (<x, g> - g_k) / spread, cut to [-1, 1], where it is if the losses keep their promise; low = min_k g_k."""
    mean = mean_above(x, g, low)
    for k in range(len(g)):
        r[k] = min(1.0, max(-1.0, (mean - (g[k] - low)) / spread))


def surprise(start: Vector) -> float:
    """max_k ln(1 / pi_k) over the experts that have a chance, at least ln 2: steps are tuned to it."""
    return float(max(-np.log(start[start > 0.0].min()), math.log(2.0)))


def cost(run: Any) -> float:
    """max_k ln(1 / pi_k) >= KL(u || pi) for every u: infinite where an expert has no chance."""
    return float(-np.log(run.start.min())) if run.start.min() > 0.0 else math.inf


def divergence(u: Vector, prior: Vector) -> float:
    """KL(u || prior)."""
    some = u > 0.0
    if (prior[some] <= 0.0).any():
        return math.inf
    return max(0.0, float(u[some] @ np.log(u[some] / prior[some])))


def costs(run: Any) -> Vector:
    """KL(u || pi) at the comparators."""
    return np.array([divergence(u, run.start) for u in run.comparators])


def log_costs(run: Any) -> Vector:
    """ln(1 / pi_k), (N,)."""
    with np.errstate(divide="ignore"):
        return -np.log(run.start)


def mixed(run: Any, values: Any) -> Vector:
    """sum_k u_k values_{t,k} at the comparators: what bounds against every expert, (K, N), say about u."""
    return np.array([u[u > 0.0] @ row[u > 0.0] for u, row in zip(run.comparators, values, strict=True)])


def within(run: Any, spread: float) -> Any:
    """Whether all losses so far lay in an interval of that length, (K,)."""
    return run.tally["widest"] <= spread * ROUNDING


def spread_by(setting: Setting, given: Any) -> float:
    """The length of the interval that holds every round's losses: as given, else as the stream promises."""
    if given is None:
        setting.need(spread=setting.spread)
    return float(setting.spread if given is None else given)


def horizon(setting: Setting) -> float:
    setting.need(rounds=setting.rounds)
    return setting.rounds


def gaps(run: Any, eta: Any) -> Vector:
    """delta_1 + ... + delta_t at the checkpoints of an audited run, for rates eta_s (T,) or one eta."""
    x, g = run.history.x, run.history.g
    eta = np.broadcast_to(eta, len(g))
    return np.cumsum([mixability_gap(x[s], g[s], eta[s]) for s in range(len(g))])[run.t - 1]
