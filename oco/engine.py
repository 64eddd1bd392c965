"""The compiled rounds: three loops (dense, sparse, adaptive) over a learner's update, however it is applied.

Everything here is plain Python that also runs uncompiled; the loops know only the methods of oco.updates.
"""

import math
from typing import Any, NamedTuple

from oco._jit import kernel, relaxed
from oco.protocols import Matrix, Round, Vector
from oco.updates import Coordinates, load


class Ledger(NamedTuple):
    """The sums that regret and the data-dependent bounds read."""

    t: int  # rounds played
    loss: float  # sum_s f_s(x_s) since the sum was last taken out
    size: float  # sum_s |f_s(x_s)|, all rounds
    sumsq: float  # sum_s |g_s|_2^2
    faded: float  # sum_s |g_s|_2^2 / sqrt(s)
    peak: float  # max_s |g_s|_2^2
    reach: float  # max_s |x_s|_inf over x_1 .. x_{t+1}, to be relied on where no projection moves coordinates up


@relaxed("reassoc", "contract", "nsz")
def _dot(a: Vector, x: Vector) -> tuple[float, float]:
    """<a, x> and |a|_2^2."""
    z = 0.0
    square = 0.0
    for i in range(len(a)):
        z += a[i] * x[i]
        square += a[i] * a[i]
    return z, square


@relaxed("reassoc", "contract", "nsz")
def _dot_sparse(a: Vector, indices: Any, x: Vector) -> tuple[float, float]:
    """<a, x> and |a|_2^2 for the entries a at `indices`."""
    z = 0.0
    square = 0.0
    for j in range(len(a)):
        z += a[j] * x[indices[j]]
        square += a[j] * a[j]
    return z, square


def _suffer(ledger: Ledger, value: float, penalty: Any, charge: float, norm2: float) -> tuple[Round, Ledger]:
    """Round t with the loss f_t(x_t) = value and psi(x_t) = charge, entered in the ledger."""
    t = ledger.t + 1
    sumsq = ledger.sumsq + norm2
    now = Round(t, value, norm2, sumsq, penalty.l1, penalty.l2)
    faded = ledger.faded + norm2 / math.sqrt(t)
    peak = max(ledger.peak, norm2)
    loss = ledger.loss + (value + charge)
    return now, Ledger(t, loss, ledger.size + abs(value + charge), sumsq, faded, peak, ledger.reach)


def _so_far(ledger: Ledger, penalty: Any) -> Round:
    """What is known when round t is over and the next has not begun."""
    return Round(ledger.t, 0.0, 0.0, ledger.sumsq, penalty.l1, penalty.l2)


def _moved(ledger: Ledger, reach: float) -> Ledger:
    reach = max(ledger.reach, reach)
    return Ledger(ledger.t, ledger.loss, ledger.size, ledger.sumsq, ledger.faded, ledger.peak, reach)


@kernel
def dense_rounds(player: Any, loss: Any, penalty: Any, state: Any, ledger: Ledger, a: Matrix, y: Vector) -> Any:
    """Play the rows of `a`; stops after a round whose loss or gradient is not finite."""
    for r in range(len(y)):
        state = player.before(_so_far(ledger, penalty), a[r], state)
        x = player.decision(state)
        z, square = _dot(a[r], x)
        q = loss.slope(z, y[r])
        norm2 = player.norm2(q, square, a[r], state)
        now, ledger = _suffer(ledger, loss.value(z, y[r]), penalty, penalty.value(x), norm2)
        if not math.isfinite(now.loss + now.norm2):
            break
        state, reach = player.step(now, q, a[r], state)
        ledger = _moved(ledger, reach)
    return state[:], ledger[:]


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
        charge = penalty.l1 * player.wake(_so_far(ledger, penalty), row, state, 1.0)
        z, square = _dot_sparse(a, row, player.decision(state))
        q = loss.slope(z, y[r])
        now, ledger = _suffer(ledger, loss.value(z, y[r]), penalty, charge, q * q * square)
        if not math.isfinite(now.loss + now.norm2):
            break
        state, reach = player.step_sparse(now, q, row, a, state)
        ledger = _moved(ledger, reach)
    return state[:], ledger[:]


@kernel
def wake_all(player: Any, penalty: Any, state: Any, ledger: Ledger, indices: Any) -> Any:
    """Bring every coordinate up to the end of the rounds played, with what that costs."""
    charge = penalty.l1 * player.wake(_so_far(ledger, penalty), indices, state, 0.0)
    loss, size = ledger.loss + charge, ledger.size + charge
    return Ledger(ledger.t, loss, size, ledger.sumsq, ledger.faded, ledger.peak, ledger.reach)[:]


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
        now, ledger = _suffer(ledger, loss.value(z, y[r]), penalty, penalty.value(x), norm2)
        if not math.isfinite(now.loss + now.norm2):
            break
        state, reach = player.step(now, q, a[r], state)
        ledger = _moved(ledger, reach)
    return state[:], ledger[:]


@kernel
def one_step(player: Any, now: Round, g: Vector, state: Any) -> Any:
    """One update with a given gradient."""
    state, _ = player.step(now, 1.0, g, state)
    return state[:]


@kernel
def one_look(player: Any, now: Round, a: Vector, state: Any) -> Any:
    """What comes before a decision."""
    return player.before(now, a, state)[:]


@kernel
def metrics(player: Any, now: Round, state: Coordinates, h: Vector) -> None:
    """The rule's metric Gamma_i at every coordinate, written to h."""
    for i in range(len(h)):
        h[i] = player.learner.metric(now, load(state.w, i, player.memory))
