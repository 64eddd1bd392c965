"""Rounds whose features are given by their non-zeros, at O(non-zeros) a round."""

import math
from typing import Any

from oco._jit import kernel, relaxed
from oco.engine.ledger import Ledger, moved, so_far, suffer
from oco.protocols import Vector


@relaxed("reassoc", "contract", "nsz")
def _dot_sparse(a: Vector, indices: Any, x: Vector) -> tuple[float, float]:
    """<a, x> and |a|_2^2 for the entries a at `indices`."""
    z = 0.0
    square = 0.0
    for j in range(len(a)):
        z += a[j] * x[indices[j]]
        square += a[j] * a[j]
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
    for r in range(len(y)):
        row = indices[indptr[r] : indptr[r + 1]]
        a = values[indptr[r] : indptr[r + 1]]
        charge = penalty.l1 * player.wake(so_far(ledger, penalty), row, state, 1.0)
        z, square = _dot_sparse(a, row, player.decision(state))
        q = loss.slope(z, y[r])
        now, ledger = suffer(ledger, loss.value(z, y[r]), penalty, charge, q * q * square)
        if not math.isfinite(now.loss + now.norm2):
            break
        state, reach = player.step_sparse(now, q, row, a, state)
        ledger = moved(ledger, reach)
    return state[:], ledger[:]


@kernel
def wake_all(player: Any, penalty: Any, state: Any, ledger: Ledger, indices: Any) -> Any:
    """Bring every coordinate up to the end of the rounds played, with what that costs."""
    charge = penalty.l1 * player.wake(so_far(ledger, penalty), indices, state, 0.0)
    loss, size = ledger.loss + charge, ledger.size + charge
    return Ledger(ledger.t, loss, size, ledger.sumsq, ledger.faded, ledger.peak, ledger.reach)[:]
