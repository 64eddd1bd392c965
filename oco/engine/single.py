"""One update, one look ahead, one metric: what a loop of one's own calls."""

from typing import Any

from oco._jit import kernel
from oco.protocols import Round, Vector
from oco.updates import Coordinates, load


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
