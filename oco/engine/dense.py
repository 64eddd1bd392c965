"""Rounds whose features are whole rows, revealed in advance or by an adversary that sees x_t."""

import math
from typing import Any

from oco._jit import kernel, relaxed
from oco.engine.ledger import Ledger, moved, so_far, suffer
from oco.protocols import Matrix, Vector


@relaxed("reassoc", "contract", "nsz")
def _dot(a: Vector, x: Vector) -> tuple[float, float]:
    """<a, x> and |a|_2^2."""
    z = 0.0
    square = 0.0
    for i in range(len(a)):
        z += a[i] * x[i]
        square += a[i] * a[i]
    return z, square


@kernel
def dense_rounds(player: Any, loss: Any, penalty: Any, state: Any, ledger: Ledger, a: Matrix, y: Vector) -> Any:
    """Play the rows of `a`; stops after a round whose loss or gradient is not finite."""
    for r in range(len(y)):
        state = player.before(so_far(ledger, penalty), a[r], state)
        x = player.decision(state)
        z, square = _dot(a[r], x)
        q = loss.slope(z, y[r])
        norm2 = player.norm2(q, square, a[r], state)
        now, ledger = suffer(ledger, loss.value(z, y[r]), penalty, penalty.value(x), norm2)
        if not math.isfinite(now.loss + now.norm2):
            break
        state, reach = player.step(now, q, a[r], state)
        ledger = moved(ledger, reach)
    return state[:], ledger[:]


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
    for r in range(len(y)):
        x = player.decision(state)
        y[r] = stream.reveal(ledger.t + 1, x, rng, memory, a[r])
        z, square = _dot(a[r], x)
        q = loss.slope(z, y[r])
        norm2 = player.norm2(q, square, a[r], state)
        now, ledger = suffer(ledger, loss.value(z, y[r]), penalty, penalty.value(x), norm2)
        if not math.isfinite(now.loss + now.norm2):
            break
        state, reach = player.step(now, q, a[r], state)
        ledger = moved(ledger, reach)
    return state[:], ledger[:]
