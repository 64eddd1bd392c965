"""One update, one look ahead, one metric: what a loop of one's own calls."""

import math
from typing import Any

import numpy as np

from oco._jit import kernel
from oco.lowlevel.glance import unseen
from oco.protocols import Round, Vector
from oco.updates.coordinates import Coordinates, load


@kernel
def one_step(player: Any, now: Round, g: Vector, state: Any) -> Any:
    """One update with a given gradient."""
    state = player.step(now, 1.0, g, unseen(), state)
    player.finish(state)
    return state[:]


@kernel
def rule_step(player: Any, clock: Vector, g: Vector, state: Coordinates, loss: float) -> bool:
    """The same for a rule, in place; `clock` is the Round before it, then that of it. False where g is not finite."""
    norm2 = 0.0
    for i in range(len(g)):
        if not math.isfinite(g[i]):
            return False
        norm2 += np.float64(g[i]) * np.float64(g[i])
    clock[0] += 1.0
    clock[1], clock[2], clock[3] = loss, norm2, clock[3] + norm2
    now = Round(int(clock[0]), clock[1], clock[2], clock[3], clock[4], clock[5])
    player.step(now, 1.0, g, unseen(), player.borrowed(state, None))
    return True


@kernel
def one_look(player: Any, now: Round, a: Vector, state: Any) -> Any:
    """What comes before a decision."""
    return player.before(now, a, state)[:]


@kernel
def metrics(player: Any, now: Round, state: Coordinates, h: Vector) -> None:
    """The rule's metric Gamma_i at every coordinate, written to h."""
    for i in range(len(h)):
        h[i] = player.learner.metric(now, load(state.w, i, player.memory))
