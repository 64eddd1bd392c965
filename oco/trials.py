"""Every learner on every domain that it claims against streams of every kind: where theorems are put to the test."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from oco.domains import Ball, Box, L1Ball, Simplex, Space
from oco.fit import check_fit
from oco.learners import FollowTheLeader, OGDStronglyConvex
from oco.losses import LOSSES, NegativeLog
from oco.penalty import NONE, Penalty
from oco.play import BrokenPlayError, play
from oco.regret import Run
from oco.streams import (
    BoxSigns,
    Classification,
    DoublingPhases,
    Drift,
    Experts,
    Greedy,
    Kelly,
    LogMagnitudes,
    Market,
    Orthogonal,
    RandomSigns,
    Regression,
    SignFlip,
    ZipfText,
    is_adaptive,
)

SOME = 0.5  # for parameters that a theorem sets, on domains where it cannot
GIVEN = {"low": -0.5}
PLACES = (Space(), Box(-0.5, 1.0), Ball(1.5), L1Ball(), Simplex())
CURVED = (FollowTheLeader, OGDStronglyConvex)  # their theorems are about strongly convex losses


STREAMS: dict[str, Any] = {
    "signs": RandomSigns(4),
    "biased": RandomSigns(4, bias=0.4),
    "box-signs": BoxSigns(4),
    "log-magnitudes": LogMagnitudes(4),
    "doubling": DoublingPhases(4),
    "drift": Drift(4),
    "sign-flip": SignFlip(4),
    "orthogonal": Orthogonal(4),
    "greedy": Greedy(4),
    "zipf": ZipfText(d=4, words=2),
    "regression": Regression(4, condition=100.0, rotated=True),
    "classification": Classification(4, period=80.0),
    "experts": Experts(4),
}
MARKETS: dict[str, Any] = {
    "market": Market(4),
    "volatile": Market(4, volatility=0.5),
    "pair": Market(2, volatility=0.1, common=0.0),
    "crowded": Market(4, volatility=0.001, common=0.1),
    "wild": Market(3, volatility=2.0),
    "race": Kelly(2),
    "biased-race": Kelly(3, bias=0.5),
    "one-winner": Kelly(2, bias=1.0),
    "races": Kelly(4),
}


class Trial(NamedTuple):
    """A game for one learner; loss None: the stream's own."""

    learner: Any
    stream: Any
    domain: Any
    loss: Any
    penalty: Penalty

    def run(self, **options: Any) -> Run:
        """Play it; parameters that no theorem sets in this game are SOME, and an infinite loss ends it."""
        game: dict[str, Any] = {"domain": self.domain, "loss": self.loss, "penalty": self.penalty} | options
        try:
            return play(self.stream, self.learner, **game)[0]
        except BrokenPlayError as problem:
            if not problem.runs:
                raise
            return problem.runs[0]
        except ValueError as problem:
            if "by theorem" not in str(problem):
                raise
        unset = [name for name, value in self.learner._asdict().items() if value is None]
        given = {name: GIVEN.get(name, SOME) for name in unset if name != "base"}  # learners of learners find one
        return self._replace(learner=self.learner._replace(**given)).run(**options)


def trials(learner: Any, streams: dict[str, Any] = STREAMS | MARKETS) -> Iterator[tuple[str, Trial]]:
    """All games that the learner fits, by name: domains, streams and losses that it claims, with its penalty."""
    claimed = getattr(learner, "losses", None)
    losses = [None] if claimed is None else [loss() for loss in LOSSES.values() if loss.__name__ in claimed]
    penalties = [NONE]
    if getattr(learner, "composite", False):
        penalties.append(Penalty(l1=0.05))
    if isinstance(learner, CURVED):
        penalties.append(Penalty(l2=0.5))
    for domain in PLACES:
        for loss in losses:
            for title, stream in streams.items():
                if _fits(learner, domain, stream, loss):
                    for penalty in penalties:
                        name = "-".join([title, type(domain).__name__, *(["penalty"] if penalty != NONE else [])])
                        yield name, Trial(learner, stream, domain, loss, penalty)


def _fits(learner: Any, domain: Any, stream: Any, loss: Any) -> bool:
    if is_adaptive(stream) and hasattr(learner, "foresee"):
        return False
    if isinstance(stream.loss, NegativeLog) != isinstance(loss, NegativeLog):  # markets are for portfolios
        return False
    try:
        check_fit(learner, domain, stream.loss if loss is None else loss)
    except ValueError:
        return False
    return True
