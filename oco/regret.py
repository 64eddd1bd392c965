"""The record of a play and what follows from it: regret as a certified interval, bounds, growth exponent."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from oco._threads import one_blas_thread
from oco._twins import settled
from oco.bounds import bounds_of
from oco.hindsight.bracket import Best
from oco.history import History
from oco.penalty import Penalty
from oco.protocols import Vector

# Losses are added one by one over at most 2^16 rounds and then exactly: the error is within 2^16 eps of the sum of
# their sizes, and 2^8 eps is what a random walk of rounding errors reaches.
SUM_SLACK = 256 * np.finfo(float).eps


COLUMNS = ("t", "loss", "size", "sumsq", "faded", "peak", "reach", "dimension")  # one entry a checkpoint


class Interval(NamedTuple):
    """low <= regret <= high at every checkpoint, each (K,)."""

    low: Vector
    high: Vector

    @property
    def middle(self) -> Vector:
        return (self.low + self.high) / 2.0

    @property
    def loose(self) -> NDArray[np.bool_]:
        """Where the certificate is wider than 1 % of the regret, or of 1e-9 where that is more."""
        width = self.high - self.low
        return np.asarray(~np.isfinite(width) | (width > np.maximum(0.01 * np.abs(self.middle), 1e-9)))


@dataclass
class Run:
    """One learner's play of one stream; arrays have one entry a checkpoint, shape (K,)."""

    name: str
    learner: Any
    stream: Any
    loss_function: Any
    domain: Any
    seed: int
    penalty: Penalty  # of every round
    dtype: str  # of rows and decisions: float64 or float32
    start: Vector  # x_1
    promised: float  # Lipschitz constant that the stream and loss promise, infinity if none
    exp_concavity: float  # alpha such that the losses are known to be alpha-exp-concave on the domain, 0 if none
    t: NDArray[np.int64]
    loss: Vector  # cumulative
    size: Vector  # sum of |f_s(x_s)|
    sumsq: Vector  # sum_s |g_s|_2^2
    faded: Vector  # sum_s |g_s|_2^2 / sqrt(s)
    peak: Vector  # max_s |g_s|_2
    reach: Vector  # max_s |x_s|_inf
    dimension: Vector  # columns seen
    tally: dict[str, Vector]  # what the learner's bounds read of its state
    history: History | None  # of audited plays
    seconds: float  # in compiled rounds
    interrupted: bool
    player: Any = field(repr=False)  # as the rounds left it
    hindsight: Any = field(repr=False)  # what the stream revealed, shared by runs of the same rounds

    @cached_property
    def x(self) -> Vector:
        """The last decision, x_{t+1}, (d,)."""
        return np.asarray(self.player.x.astype(float))

    @cached_property
    def rates(self) -> Vector:
        """Effective rates of the coordinates at the end, (d,)."""
        return np.asarray(self.player.rates())

    @property
    def d(self) -> int:
        return int(self.dimension[-1])

    @property
    def rounds(self) -> int:
        return int(self.t[-1])

    def solve(self, precision: float = 1e-7, progress: Callable[[int], None] | None = None) -> list[Best]:
        """The best fixed decisions in hindsight, one a checkpoint; solved for once, at the first use.

        progress: called with the number of checkpoints just solved.
        """
        with settled(), one_blas_thread():
            return self.hindsight.solve(precision, progress)[: len(self.t)]

    def head(self, checkpoints: int) -> "Run":
        """The run up to that many checkpoints, as one that was interrupted there."""
        whole = {name: value for name, value in vars(self).items() if isinstance(value, np.ndarray) and name in COLUMNS}
        cut: dict[str, Any] = {name: value[:checkpoints] for name, value in whole.items()}
        tally = {name: value[:checkpoints] for name, value in self.tally.items()}
        return replace(self, **cut, tally=tally, interrupted=True)

    @property
    def comparators(self) -> list[Vector]:
        """The decisions themselves."""
        return [best.x for best in self.solve()]

    @property
    def regret(self) -> Interval:
        """Cumulative loss less that of the best fixed decision in hindsight."""
        slack = SUM_SLACK * self.size
        found = self.solve()
        upper, lower = np.array([best.upper for best in found]), np.array([best.lower for best in found])
        return Interval(self.loss - upper - slack, self.loss - lower + slack)

    @property
    def certified_within(self) -> float:
        """Radius about 0 within which the last certificate holds for every comparator; infinity: everywhere."""
        return float(self.solve()[-1].within)

    def bounds(self) -> dict[str, Vector]:
        """Upper bounds on the regret by name, each (K,); trajectory bounds only of audited runs.

        A bound is infinite from the checkpoint on at which what it assumes was found broken.
        """
        kinds = ("data", "worst") if self.history is None else ("data", "worst", "trajectory")
        return {b.name: b.value(self.learner, self) for b in bounds_of(self.learner) if b.kind in kinds}

    def expected_bounds(self) -> dict[str, Vector]:
        """Upper bounds on the mean of the regret over the learner's own randomness, by name, each (K,)."""
        return {b.name: b.value(self.learner, self) for b in bounds_of(self.learner) if b.kind == "expected"}

    def expected_lower_bounds(self) -> dict[str, Vector]:
        """Mean regret over the stream's seeds that it forces on any learner, each (K,); empty where it forces none."""
        return self._of_stream("expected-lower")

    def lower_bounds(self) -> dict[str, Vector]:
        """Regret that the stream forces on any learner in this domain, each (K,); empty where it forces none."""
        return self._of_stream("lower")

    def _of_stream(self, kind: str) -> dict[str, Vector]:
        values = {b.name: b.value(self.stream, self) for b in bounds_of(self.stream) if b.kind == kind}
        return {name: value for name, value in values.items() if np.isfinite(value).all()}

    def exponent(self) -> float:
        """Slope of log regret against log t over the second half of the checkpoints; NaN where regret <= 0."""
        half = slice(len(self.t) // 2, None)
        regret = self.regret.middle[half]
        if len(regret) < 2 or np.any(regret <= 0.0):
            return float("nan")
        return float(np.polyfit(np.log(self.t[half]), np.log(regret), 1)[0])
