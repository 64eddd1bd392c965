"""Everything that happened in an audited play, round by round: what trajectory bounds and finer regrets read."""

from typing import Any, NamedTuple

import numpy as np

from oco.player import Player, copied
from oco.protocols import Block, Dense, Matrix, Vector


class History(NamedTuple):
    """Arrays with a row a round; a column that the stream shows late holds x_1's value and zeros until then."""

    x: Matrix  # (T, d) decisions
    g: Matrix  # (T, d) subgradients at x that the learner answers for: of f_t alone where it is composite
    loss: Vector  # (T,) f_t(x_t) with the penalty
    a: Matrix  # (T, d) features
    y: Vector  # (T,) labels
    gamma: Any  # (T, d) or (T, d, d): the metric after each round; None where the learner has none
    states: list[Any]  # what the learner remembered after each round


class Recorder:
    """Takes an audited play down, a round at a time."""

    def __init__(self) -> None:
        self._rows: list[tuple[Any, ...]] = []

    def play(self, player: Player, row: Block, loss: Any, adversary: Any, advance: Any) -> None:
        """Let `advance` play the one round of `row`, and note it."""
        x = np.array(player.x)
        foresees = hasattr(player.learner, "foresee")
        if foresees:
            x = player.foreseen(_features(row, player.d))
        advance(row, adversary)
        a, y = _features(row, player.d), float(row.y[0])
        x = np.concatenate([x, player.start[len(x) :]])
        z = float(a @ x)
        g = loss.slope(z, y) * a + np.array([player.told.slope(v) for v in x])
        gamma = np.array(player.metric()) if hasattr(player.learner, "metric") else None
        paid = loss.value(z, y) + player.penalty.value(x)
        self._rows.append((x, g, paid, a, y, gamma, copied(player.state)))

    def history(self, start: Vector) -> History:
        """All rounds so far; `start` is x_1 with every column seen."""
        x, g, loss, a, y, gamma, states = zip(*self._rows, strict=True)
        d = len(start)
        decisions = np.array([np.concatenate([row, start[len(row) :]]) for row in x])
        gradients, features = (np.array([_padded(row, d) for row in part]) for part in (g, a))
        metric = None if gamma[0] is None else np.array([_padded(row, d) for row in gamma])
        return History(decisions, gradients, np.array(loss), features, np.array(y), metric, list(states))


def _features(row: Block, d: int) -> Vector:
    if isinstance(row, Dense):
        return np.array(row.a[0])
    return np.asarray(np.bincount(row.indices, row.values, max(d, row.d)), dtype=np.float64)


def _padded(row: Any, d: int) -> Any:
    return np.pad(row, [(0, d - size) for size in row.shape])
