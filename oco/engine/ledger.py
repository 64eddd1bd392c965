"""What is summed while rounds are played."""

from typing import Any, NamedTuple

import numpy as np

from oco._jit import relaxed, specialise
from oco.lowlevel.numbers import bits, order, over_root, unordered
from oco.protocols import Round


class Ledger(NamedTuple):
    """The sums that regret and the data-dependent bounds read."""

    t: int  # rounds played
    loss: float  # sum_s f_s(x_s) since the sum was last taken out
    size: float  # sum_s |f_s(x_s)|, all rounds
    sumsq: float  # sum_s |g_s|_2^2
    faded: float  # sum_s |g_s|_2^2 / sqrt(s)
    peak: float  # max_s |g_s|_2^2
    reach: float  # max_s |x_s|_inf over x_1 .. x_{t+1}, to be relied on where no projection moves coordinates up


SPAN = 64  # rounds


def weights_for(sizes: Any) -> Any:
    """Room for the weights 1 / sqrt(t) of SPAN rounds; None where a round costs far more than its weight."""
    return np.empty(SPAN) if sizes else None


@specialise(weights_for)
def _weights_for(sizes):  # type: ignore[no-untyped-def]
    return (lambda sizes: np.empty(SPAN)) if len(sizes) else lambda sizes: None


def weigh(weights: Any, t: int, rounds: int) -> None:
    """Those of the coming rounds t + 1, t + 2, ..., which SIMD finds faster than one at a time."""
    if weights is not None:
        some = weights[:rounds]
        for r in range(len(some)):
            some[r] = over_root(1.0, float(t + 1 + r), 1.0)


def weight(weights: Any, r: int, t: int) -> float:
    """1 / sqrt(t), entry r of the weights if there are any."""
    return over_root(1.0, float(t), 1.0) if weights is None else weights[r]


@relaxed("contract", "nsz")
def suffer(
    ledger: Ledger, value: float, penalty: Any, charge: float, norm2: float, faded: float
) -> tuple[Round, Ledger]:
    """Round t with the loss f_t(x_t) = value and psi(x_t) = charge, entered in the ledger; faded = 1 / sqrt(t)."""
    t = ledger.t + 1
    sumsq = ledger.sumsq + norm2
    now = Round(t, value, norm2, sumsq, penalty.l1, penalty.l2)
    faded = ledger.faded + norm2 * faded
    peak = max(ledger.peak, norm2)
    loss = ledger.loss + (value + charge)
    return now, Ledger(t, loss, ledger.size + abs(value + charge), sumsq, faded, peak, ledger.reach)


def so_far(ledger: Ledger, penalty: Any) -> Round:
    """What is known when round t is over and the next has not begun."""
    return Round(ledger.t, 0.0, 0.0, ledger.sumsq, penalty.l1, penalty.l2)


def farther(reach: float, other: float) -> float:
    """The larger of a size and of the size of another number, NaN if one is."""
    return np.float64(unordered(max(bits(np.float64(reach)), order(np.float64(other)))))


def moved(ledger: Ledger, reach: float) -> Ledger:
    reach = farther(ledger.reach, reach)
    return Ledger(ledger.t, ledger.loss, ledger.size, ledger.sumsq, ledger.faded, ledger.peak, reach)


def without_loss(ledger: Ledger) -> Ledger:
    """The ledger when its sum of losses was taken out."""
    return Ledger(ledger.t, 0.0, ledger.size, ledger.sumsq, ledger.faded, ledger.peak, ledger.reach)
