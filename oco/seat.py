"""One learner's seat in a game: its rounds timed, its checkpoints kept, its run made from them."""

import math
import time
from typing import Any

import numpy as np

from oco.comparators import Hindsight
from oco.player import Player, validate
from oco.protocols import Block, Dense, Setting, Vector
from oco.regret import Audit, Run
from oco.streams import head


def tuned(learner: Any, setting: Setting) -> Any:
    """The learner with every parameter that its theorem sets."""
    if all(value is not None for value in learner):
        return learner
    who = type(learner).__name__
    if not hasattr(learner, "tune"):
        raise ValueError(f"{who}: a parameter is None and there is no step by theorem")
    try:
        return learner.tune(setting)
    except ValueError as problem:
        raise ValueError(f"{who}: {problem}") from None


class Seat:
    """A player, the hindsight that its regret is measured against, and the checkpoints taken so far."""

    def __init__(
        self, name: str, learner: Any, setting: Setting, hindsight: Hindsight, loss: Any, layout: str, compiled: bool
    ) -> None:
        self.name, self.loss, self.hindsight = name, loss, hindsight
        learner = tuned(learner, setting)
        validate(learner)
        self.player = Player(learner, setting.d, setting.domain, start=setting.start, layout=layout, compiled=compiled)
        self.rows: list[dict[str, Any]] = []
        self.seconds = 0.0
        self._parts: list[float] = []
        self._audit: Audit | None = None

    def advance(self, piece: Block, adversary: Any, audit: bool) -> None:
        """Play the rounds of `piece`; with `audit`, one at a time and keeping the sums of trajectory bounds."""
        if not audit:
            self._advance(piece, adversary)
            return
        for r in range(len(piece.y)):
            row, x = head(piece, r, r + 1), self.player.x.copy()
            self._advance(row, adversary)
            self._audit = audited(self._audit, self.player, self.loss, row, x)

    def _advance(self, piece: Block, adversary: Any) -> None:
        if self.seconds == 0.0:
            self.player.advance(head(piece, 0, 0), self.loss, adversary)  # compiles outside the clock
        began = time.perf_counter()
        self.player.advance(piece, self.loss, adversary)
        self.seconds += time.perf_counter() - began
        ledger = self.player.ledger
        if not math.isfinite(ledger.loss + ledger.sumsq):
            raise ValueError(
                f"{self.name}: the loss or its gradient is not finite in round {ledger.t} "
                f"({type(self.loss).__name__}, decision of size {np.abs(self.player.x).max():g})"
            )

    def flush(self) -> None:
        """Take the sum of losses out of the ledger, so that long sums are added exactly."""
        self._parts.append(self.player.ledger.loss)
        self.player.ledger = self.player.ledger._replace(loss=0.0)
        if len(self._parts) > 1024:
            self._parts = [math.fsum(self._parts)]

    def record(self) -> None:
        """Take a checkpoint."""
        self.flush()
        row = self.player.ledger._asdict() | {"loss": math.fsum(self._parts), "dimension": self.player.d}
        row["peak"] = math.sqrt(row["peak"])
        self.rows.append(row | {"audit": self._audit, "tally": self.player.tally()})

    def run(self, **facts: Any) -> Run:
        """The run so far; `facts` are those of the game."""
        columns: dict[str, Any] = {key: [row[key] for row in self.rows] for key in self.rows[0]}
        audits, tallies = columns.pop("audit"), columns.pop("tally")
        return Run(
            name=self.name,
            learner=self.player.learner,
            loss_function=self.loss,
            tally={key: np.array([tally[key] for tally in tallies]) for key in tallies[0]},
            audit=None if self._audit is None else audits,
            x=self.player.x.copy(),
            rates=self.player.rates(),
            seconds=self.seconds,
            hindsight=self.hindsight,
            **(facts | {key: np.array(column) for key, column in columns.items()}),
        )


def audited(audit: Audit | None, player: Player, loss: Any, row: Block, x: Vector) -> Audit:
    """The sums after one more round, played from x."""
    a = row.a[0] if isinstance(row, Dense) else np.bincount(row.indices, row.values, player.d)
    x = np.concatenate([x, player.domain.centre(len(a))[len(x) :]])
    g = loss.slope(float(a @ x), float(row.y[0])) * a
    gamma = player.metric()
    before = audit or Audit(0.0, np.zeros(len(x)), np.zeros_like(gamma), 0.0)
    change = gamma - before.gamma
    if gamma.ndim == 2:
        push, spent = change @ x, g @ np.linalg.pinv(gamma, hermitian=True) @ g
    else:
        push, spent = change * x, np.divide(g * g, gamma, out=np.zeros_like(g), where=gamma > 0.0).sum()
    return Audit(before.moved + float(x @ push), before.pull + push, gamma, before.spent + float(spent))
