"""Rounds whose features are given by their non-zeros, at O(non-zeros) a round.

A sparse round is a dense one on the coordinates of its support, which are fetched, moved and put back.
"""

import math
from typing import Any

import numpy as np

from oco._jit import SUMS, kernel
from oco.engine.ledger import Ledger, moved, so_far, suffer
from oco.lowlevel.arrays import uncounted
from oco.lowlevel.loops import masked
from oco.lowlevel.numbers import over_root
from oco.lowlevel.support import announce, gather, room, scatter
from oco.protocols import Matrix, Vector

PORTION = 1024  # coordinates woken at a time


@SUMS
def _dot_near(a: Vector, near: Matrix) -> tuple[float, float]:
    """<a, x> and |a|_2^2 in float64."""
    z = 0.0
    square = 0.0
    for j in range(len(a)):
        v = np.float64(a[j])
        z += v * np.float64(near[j, 0])
        square += v * v
        masked()
    return z, square


@kernel
def sparse_rounds(
    player: Any,
    loss: Any,
    penalty: Any,
    state: Any,
    ledger: Ledger,
    indptr: Any,
    indices: Any,
    values: Vector,
    y: Vector,
) -> Any:
    """Play rows in compressed form, at O(non-zeros) a round where the domain allows it."""
    longest = 0
    for r in range(len(y)):
        longest = max(longest, indptr[r + 1] - indptr[r])
    near, indices, values = room(state.w, longest), uncounted(indices), uncounted(values)
    following = indices[indptr[0] : indptr[min(1, len(y))]]
    for r in range(len(y)):
        row, a = following, values[indptr[r] : indptr[r + 1]]
        following = indices[indptr[r + 1] : indptr[min(r + 2, len(y))]]
        gather(state.w, row, near)
        charge = penalty.l1 * player.wake(so_far(ledger, penalty), row, near, 1.0)
        z, square = _dot_near(a, near)
        announce(state.w, following)
        q = loss.slope(z, y[r])
        norm2, faded = q * q * square, over_root(1.0, ledger.t + 1.0, 1.0)
        now, ledger = suffer(ledger, loss.value(z, y[r]), penalty, charge, norm2, faded)
        if not math.isfinite(now.loss + now.norm2):
            break
        reach = player.step_near(now, q, row, a, near)
        scatter(near, state.w, row)
        player.settle(now, state)
        ledger = moved(ledger, reach)
    return state[:], ledger[:]


@kernel
def wake_all(player: Any, penalty: Any, state: Any, ledger: Ledger, indices: Any) -> Any:
    """Bring every coordinate up to the end of the rounds played, with what that costs."""
    near = room(state.w, PORTION)
    charge = 0.0
    for start in range(0, len(indices), PORTION):
        row = indices[start : start + PORTION]
        gather(state.w, row, near)
        charge += penalty.l1 * player.wake(so_far(ledger, penalty), row, near, 0.0)
        scatter(near, state.w, row)
    loss, size = ledger.loss + charge, ledger.size + charge
    return Ledger(ledger.t, loss, size, ledger.sumsq, ledger.faded, ledger.peak, ledger.reach)[:]
