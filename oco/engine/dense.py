"""Rounds whose features are whole rows, revealed in advance or by an adversary that sees x_t."""

from typing import Any

from oco._inner import PackedCompiler
from oco._jit import Kernel, kernel
from oco.engine.ledger import SPAN, Ledger, moved, so_far, suffer, weigh, weight, weights_for, without_loss
from oco.engine.tally import add_to, shares
from oco.lowlevel.arrays import uncounted
from oco.lowlevel.numbers import finite
from oco.protocols import Matrix, Vector
from oco.updates.few import at_hand, put_away, room_for


def left(player: Any, state: Any, held: Any, ledger: Ledger) -> Any:
    """What a kernel returns: the state, and the ledger with all that the player has to tell."""
    player.finish(held)
    return player.returned(state, held)[:], moved(ledger, player.farthest(held))[:]


def _rounds(player: Any, loss: Any, penalty: Any, state: Any, ledger: Ledger, a: Matrix, y: Vector) -> Any:
    """Play the rows of `a`; stops after a round whose loss or gradient is not finite."""
    rows, labels, weights = uncounted(a), uncounted(y), weights_for(player.sizes())
    held = player.borrowed(state, room_for(a, player.sizes()))
    for low in range(0, len(labels), SPAN):
        some, theirs = rows[low : low + SPAN], labels[low : low + SPAN]
        weigh(weights, ledger.t, len(theirs))
        for r in range(len(theirs)):
            row = some[r]
            held = player.before(so_far(ledger, penalty), row, held)
            seen = player.glance(row, held)
            q = loss.slope(seen.z, theirs[r])
            norm2 = player.norm2(q, seen.square, row, held)
            charge, faded = player.charge(penalty, held), weight(weights, r, ledger.t + 1)
            now, ledger = suffer(ledger, loss.value(seen.z, theirs[r]), penalty, charge, norm2, faded)
            if not finite(now.loss + now.norm2):
                return left(player, state, held, ledger)
            held = player.step(now, q, row, seen, held)
            ledger = moved(ledger, seen.size)
    return left(player, state, held, ledger)


dense_rounds = kernel(_rounds)


@kernel
def dense_strides(
    player: Any,
    loss: Any,
    penalty: Any,
    state: Any,
    ledger: Ledger,
    widths: Any,
    zeros: Any,
    stops: Any,
    book: Matrix,
    a: Matrix,
    y: Vector,
) -> Any:
    """The same for a rule, with a checkpoint after each number of rounds in `stops`, if any the last of them all.

    book (K, 7 + k), zero before, takes the ledger, whose sum of losses begins anew, and the sums that bounds read of
    coordinates; widths and zeros are those of engine.tally. What was not reached stays zero.
    """
    low = 0
    for k in range(max(1, len(stops))):
        high = stops[k] if len(stops) else len(y)
        _, sums = _rounds(player, loss, penalty, state, ledger, a[low:high], y[low:high])
        ledger, low = Ledger(*sums), high
        if not finite(ledger.loss + ledger.sumsq):
            break
        if len(stops):
            book[k, 0] = ledger.t
            add_to(book, k, ledger[1:], 1)
            add_to(book, k, shares(player, state, widths, zeros), len(ledger))
            ledger = without_loss(ledger)
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
    rows, labels, own, weights = uncounted(a), uncounted(y), uncounted(memory), weights_for(player.sizes())
    held, near = player.borrowed(state, room_for(a, player.sizes())), room_for(a, player.sizes())
    for low in range(0, len(labels), SPAN):
        some, theirs = rows[low : low + SPAN], labels[low : low + SPAN]
        weigh(weights, ledger.t, len(theirs))
        for r in range(len(theirs)):
            player.finish(held)
            row, x = at_hand(some[r], near), player.decision(held)
            label = stream.reveal(ledger.t + 1, x, rng, own, row)
            put_away(row, some[r], near)
            theirs[r] = label
            seen = player.glance(row, held)
            q = loss.slope(seen.z, label)
            norm2 = player.norm2(q, seen.square, row, held)
            charge, faded = player.charge(penalty, held), weight(weights, r, ledger.t + 1)
            now, ledger = suffer(ledger, loss.value(seen.z, label), penalty, charge, norm2, faded)
            if not finite(now.loss + now.norm2):
                return left(player, state, held, ledger)
            held = player.step(now, q, row, seen, held)
            ledger = moved(ledger, seen.size)
    return left(player, state, held, ledger)


# The same for oco.updates.few.Few: without loops over coordinates, and with what is alike in several of them in SIMD.
dense_few = Kernel(dense_rounds.plain, pipeline_class=PackedCompiler)
adaptive_few = Kernel(adaptive_rounds.plain, pipeline_class=PackedCompiler)
