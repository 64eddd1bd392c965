"""Rounds whose features are whole rows, revealed in advance or by an adversary that sees x_t."""

import math
from typing import Any

import numpy as np

from oco._jit import kernel, relaxed
from oco.engine.ledger import Ledger, moved, so_far, suffer
from oco.lowlevel import uncounted
from oco.protocols import Matrix, Vector


@relaxed("reassoc", "contract", "nsz")
def _dot(a: Vector, x: Vector) -> tuple[float, float]:
    """<a, x> and |a|_2^2 in float64, in which products of float32 numbers are exact."""
    z = 0.0
    square = 0.0
    for i in range(len(a)):
        v = np.float64(a[i])
        z += v * np.float64(x[i])
        square += v * v
    return z, square


@kernel
def dense_rounds(player: Any, loss: Any, penalty: Any, state: Any, ledger: Ledger, a: Matrix, y: Vector) -> Any:
    """Play the rows of `a`; stops after a round whose loss or gradient is not finite."""
    rows, labels, held = uncounted(a), uncounted(y), player.borrowed(state)
    for r in range(len(labels)):
        row, ahead = rows[r], rows[min(r + 1, len(labels) - 1)]
        held = player.before(so_far(ledger, penalty), row, held)
        x = player.decision(held)
        z, square = _dot(row, x)
        q = loss.slope(z, labels[r])
        norm2 = player.norm2(q, square, row, held)
        now, ledger = suffer(ledger, loss.value(z, labels[r]), penalty, penalty.value(x), norm2)
        if not math.isfinite(now.loss + now.norm2):
            break
        held, reach = player.step(now, q, row, ahead, held)
        ledger = moved(ledger, reach)
    return player.returned(state, held)[:], ledger[:]


@kernel
def adaptive_rounds(
    player: Any,
    loss: Any,
    penalty: Any,
    stream: Any,
    state: Any,
    ledger: Ledger,
    rng: Any,
    memory: Vector,
    a: Matrix,
    y: Vector,
) -> Any:
    """Play against an adversary that sees x_t; its choices are left in the rows of `a` and in y."""
    rows, labels, own, held = uncounted(a), uncounted(y), uncounted(memory), player.borrowed(state)
    for r in range(len(labels)):
        row, x = rows[r], player.decision(held)
        labels[r] = stream.reveal(ledger.t + 1, x, rng, own, row)
        z, square = _dot(row, x)
        q = loss.slope(z, labels[r])
        norm2 = player.norm2(q, square, row, held)
        now, ledger = suffer(ledger, loss.value(z, labels[r]), penalty, penalty.value(x), norm2)
        if not math.isfinite(now.loss + now.norm2):
            break
        held, reach = player.step(now, q, row, row, held)
        ledger = moved(ledger, reach)
    return player.returned(state, held)[:], ledger[:]
