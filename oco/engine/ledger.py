"""What is summed while rounds are played."""

from typing import Any, NamedTuple

import numpy as np

from oco.lowlevel import inverse_root, order, unordered
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


def suffer(ledger: Ledger, value: float, penalty: Any, charge: float, norm2: float) -> tuple[Round, Ledger]:
    """Round t with the loss f_t(x_t) = value and psi(x_t) = charge, entered in the ledger."""
    t = ledger.t + 1
    sumsq = ledger.sumsq + norm2
    now = Round(t, value, norm2, sumsq, penalty.l1, penalty.l2)
    faded = ledger.faded + norm2 * inverse_root(float(t))
    peak = max(ledger.peak, norm2)
    loss = ledger.loss + (value + charge)
    return now, Ledger(t, loss, ledger.size + abs(value + charge), sumsq, faded, peak, ledger.reach)


def so_far(ledger: Ledger, penalty: Any) -> Round:
    """What is known when round t is over and the next has not begun."""
    return Round(ledger.t, 0.0, 0.0, ledger.sumsq, penalty.l1, penalty.l2)


def farther(reach: float, other: float) -> float:
    """The larger size of two numbers, NaN if one is."""
    return np.float64(unordered(max(order(np.float64(reach)), order(np.float64(other)))))


def moved(ledger: Ledger, reach: float) -> Ledger:
    reach = farther(ledger.reach, reach)
    return Ledger(ledger.t, ledger.loss, ledger.size, ledger.sumsq, ledger.faded, ledger.peak, reach)
