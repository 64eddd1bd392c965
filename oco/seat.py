"""One learner's seat in a game: its rounds timed, its checkpoints kept, its run made from them."""

import math
import time
from typing import Any

import numpy as np

from oco.engine import Ledger
from oco.fit import check_fit, tuned, validate
from oco.hindsight.comparators import Hindsight
from oco.history import Recorder
from oco.penalty import Penalty
from oco.player import Player
from oco.protocols import Block, Dense, Setting
from oco.regret import Run
from oco.streams import head, pieces


class Seat:
    """A player, the hindsight that its regret is measured against, and the checkpoints taken so far."""

    def __init__(
        self,
        name: str,
        learner: Any,
        setting: Setting,
        hindsight: Hindsight,
        loss: Any,
        *,
        audit: bool,
        **options: Any,
    ) -> None:
        self.name, self.loss, self.hindsight = name, loss, hindsight
        check_fit(learner, setting.domain, loss)
        if getattr(learner, "origin", False):
            setting = setting._replace(start=np.zeros(setting.d))
        learner = tuned(learner, setting)
        validate(learner)
        penalty = Penalty(setting.l1, setting.l2)
        self.player = Player(learner, setting.d, setting.domain, penalty=penalty, rounds=setting.rounds, **options)
        self.rows: list[tuple[Ledger, float, int, dict[str, Any]]] = []  # with the sum of losses, columns, tally
        self.seconds = 0.0
        self._parts: list[float] = []
        self._recorder = Recorder() if audit else None

    def advance(self, piece: Block, stops: list[int]) -> None:
        """Play the rounds of `piece`, with a checkpoint after each number of rounds in `stops`, if any the last all."""
        if self._recorder is None and self.player.strides(piece):
            self._stride(piece, stops)
            return
        for some in pieces(piece, stops):
            self.play(some)
            if stops:
                self.record()

    def _stride(self, piece: Any, stops: list[int]) -> None:
        if self.seconds == 0.0:
            self.player.stride(head(piece, 0, 0), self.loss, [])  # compiles outside the clock
        began = time.perf_counter()
        reached = self.player.stride(piece, self.loss, stops)
        seconds = time.perf_counter() - began
        for ledger, sums in reached:
            self._note(ledger, sums)
        self.took(piece, seconds)

    def play(self, piece: Block, adversary: Any = None) -> None:
        """Play the rounds of `piece`; in an audited play one at a time."""
        if self._recorder is None:
            self._advance(piece, adversary)
            return
        for r in range(len(piece.y)):
            self._recorder.play(self.player, head(piece, r, r + 1), self.loss, adversary, self._advance)

    def _advance(self, piece: Block, adversary: Any) -> None:
        if self.seconds == 0.0:
            self.player.advance(head(piece, 0, 0), self.loss, adversary)  # compiles outside the clock
        began = time.perf_counter()
        self.player.advance(piece, self.loss, adversary)
        self.took(piece, time.perf_counter() - began)

    def took(self, piece: Block, seconds: float) -> None:
        """Enter the time that the rounds of `piece` took; a loss or gradient that is not finite ends the play."""
        self.seconds += seconds
        ledger = self.player.ledger
        if not math.isfinite(ledger.loss + ledger.sumsq):
            a = piece.a if isinstance(piece, Dense) else piece.values
            if not np.isfinite(a).all():
                raise ValueError(f"NaN or infinity among the features of round {ledger.t}")
            raise ValueError(
                f"{self.name}: the loss or its gradient is not finite in round {ledger.t} "
                f"({type(self.loss).__name__}, decision of size {np.abs(self.player.x).max():g})"
            )

    def flush(self) -> None:
        """Take the sum of losses out of the ledger, so that long sums are added exactly."""
        self._paid(self._taken().loss)

    def _taken(self) -> Ledger:
        ledger = self.player.ledger
        self.player.ledger = ledger._replace(loss=0.0)
        return ledger

    def _paid(self, loss: float) -> None:
        self._parts.append(loss)
        if len(self._parts) > 1024:
            self._parts = [math.fsum(self._parts)]

    def record(self, sums: dict[str, float] | None = None) -> None:
        """Take a checkpoint; a decision outside the domain ends the play. sums: the tally, where it is known."""
        self._note(self._taken(), self.player.tally() if sums is None else sums)

    def _note(self, ledger: Ledger, sums: dict[str, Any]) -> None:
        self._paid(ledger.loss)
        if not (self.player.clips and math.isfinite(ledger.reach)) and not self.player.feasible():
            who, where = type(self.player.learner).__name__, type(self.player.domain).__name__
            raise ValueError(
                f"{self.name}: the decision after round {ledger.t} is outside {where}; an update ends in "
                f"domain.project(x) or another projection; oco.conformance.check({who}()) tells more"
            )
        self.rows.append((ledger, math.fsum(self._parts), self.player.d, sums))

    def run(self, **facts: Any) -> Run:
        """The run so far; `facts` are those of the game."""
        ledgers, loss, dimension, tallies = zip(*self.rows, strict=True)
        columns: dict[str, Any] = {
            name: np.array(column) for name, column in zip(Ledger._fields, zip(*ledgers, strict=True), strict=True)
        }
        columns |= {"loss": np.array(loss), "peak": np.sqrt(columns["peak"]), "dimension": np.array(dimension)}
        start = self.player.start
        return Run(
            name=self.name,
            learner=self.player.learner,
            loss_function=self.loss,
            tally={key: _column([tally[key] for tally in tallies]) for key in tallies[0]},
            history=self._recorder.history(start) if self._recorder is not None else None,
            start=start,
            penalty=self.player.penalty,
            dtype=self.player.dtype.__name__,
            player=self.player,
            seconds=self.seconds,
            hindsight=self.hindsight,
            **facts,
            **columns,
        )


def _column(values: list[Any]) -> Any:
    """One entry a checkpoint; vectors that grew with the stream are filled up with zeros."""
    if np.ndim(values[0]) == 0:
        return np.array(values)
    longest = max(map(len, values))
    return np.array([np.pad(value, (0, longest - len(value))) for value in values])
