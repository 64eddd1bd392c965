"""The best fixed decision in hindsight at every checkpoint, as a certified interval (proof: `bracket`)."""

import math
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import numpy as np

from oco._twins import twin
from oco.domains import nearest
from oco.hindsight.bracket import Best, Bracket
from oco.hindsight.look import Look, Moments, look, penalised
from oco.hindsight.measures import ByBisection
from oco.hindsight.newton import minimise
from oco.hindsight.rows import Mark, Rows
from oco.hindsight.sums import ROUNDING, add_sums, between, chunks, columns, finite
from oco.losses import Linear, Squared
from oco.penalty import NONE, Penalty
from oco.protocols import Block, Dense, Vector

PASSES = 1000  # over the rounds for one checkpoint
REPLAYS = 100  # the same where the stream has to be read again for each
MOMENTS_COLUMNS = 2000  # up to here the squared loss keeps d^2 sums in place of rows
MOMENTS_BYTES = 1 << 26  # of rows before they are added to the sums


class Hindsight:
    """Collects the rounds, then solves for the best fixed decision at every mark.

    Memory: the linear loss keeps O(d) numbers a mark, the squared loss with d <= 2000 columns O(d^2), both for
    any number of rounds. Otherwise rows are kept while they fit into `memory` bytes; beyond that they are dropped
    and read again from `replay()`, which yields the same rounds from the start: at most 100 passes over the stream a
    mark, one an iteration, and O(d) memory (O(d^2) up to 800 columns). Losses with kinks take one more number a round
    while those fit into `memory`. held: the rows are in memory anyhow, so that to keep them costs nothing; those of the
    linear loss are then added up when a comparator is first asked for.
    """

    def __init__(
        self,
        loss: Any,
        domain: Any,
        *,
        penalty: Penalty = NONE,
        replay: Callable[[], Iterator[Block]] | None = None,
        memory: float = 2**30,
        held: bool = False,
    ) -> None:
        self.loss, self.domain, self._memory, self._penalty = loss, domain, math.inf if held else memory, penalty
        self._held = held
        self._part = twin(loss if hasattr(loss, "prox") else ByBisection(loss))
        self._again = replay is not None  # the rounds can be read again
        floored = not (domain.bounded or isinstance(loss, Linear))
        self._rows = Rows(self._part, domain, floored=floored, replay=replay)
        self._sum, self._size = np.zeros(0), np.zeros(0)  # of a_t and |a_t|, for the linear loss
        self._later: list[Block | Mark] = []  # what these do not know yet
        self._moments = Moments()
        self._solved: list[Best] = []
        self._last: Vector | None = None  # the last minimiser
        self._folded, self._precision, self._rough = 0, math.inf, False

    def see(self, block: Block, *, lasting: bool = False, played: bool = False) -> None:
        """The next rounds; without `lasting` the block may be reused afterwards.

        lasting: its arrays stay as they are, and the rounds were played, which finds NaN and infinity.
        played: the latter alone; labels are looked at all the same, since a loss need not look at them.
        """
        values = block.a if isinstance(block, Dense) else block.values
        if not lasting and not ((played or finite(values)) and finite(block.y)):
            raise ValueError(f"NaN or infinity among the features or labels of rounds from {self._rows.rounds + 1} on")
        linear = isinstance(self.loss, Linear)
        self._rows.see(block, keep=not linear, lasting=lasting)
        if linear:
            self._later.append(block)
            if not self._held:
                self._catch_up()
        else:
            self._shed()

    def _catch_up(self, progress: Callable[[int], None] | None = None) -> None:
        """Add up the rows of the linear loss, solving at every mark on the way."""
        for item in self._later:
            if isinstance(item, Mark):
                best = self._linear(item) if self._penalty == NONE else self._linear_penalised(item)
                self._note(item, best, progress)
            else:
                self._add(item)
        self._later.clear()

    def _add(self, block: Block) -> None:
        wider = columns(block) - len(self._sum)
        if wider > 0:
            self._sum, self._size = np.pad(self._sum, (0, wider)), np.pad(self._size, (0, wider))
        add_sums(block, self._sum, self._size)

    @property
    def solved(self) -> int:
        """Marks that have their comparator."""
        return len(self._solved)

    @property
    def _by_moments(self) -> bool:
        known = len(self._moments.b) > 0 and not self._again
        return isinstance(self.loss, Squared) and (self._rows.width <= MOMENTS_COLUMNS or known)

    def _shed(self) -> None:
        """Make room: add rows to the moments, or drop them all and rely on the replay."""
        if self._by_moments:
            if self._rows.size > min(MOMENTS_BYTES, self._memory):
                self._fold(1e-9)
        elif self._rows.size > self._memory or self._folded > 0:  # the moments are of no use to more columns
            if not self._again:
                raise MemoryError(
                    f"the best decision in hindsight needs all rounds: the {self._rows.rounds} so far take more than "
                    f"{self._memory / 2**30:g} GiB and cannot be read again, as an adaptive adversary's never can; "
                    f"play fewer rounds, or the linear or the squared loss, which need no rows"
                )
            self._rows.drop()

    def mark(self) -> None:
        """A checkpoint is here, after all rounds seen so far."""
        self._rows.mark()
        if isinstance(self.loss, Linear):
            self._later.append(Mark(self._rows.rounds, self._rows.width, self._rows.width, -math.inf))
            if not self._held:
                self._catch_up()

    def _linear_penalised(self, mark: Mark) -> Best:
        """<G, u> + t psi(u): by the solvers, from the point that shrinking and projecting give, often the best."""
        total, size = self._sum.copy(), self._size.copy()
        weight = self._weight(mark)
        shrunk = np.sign(total) * np.maximum(np.abs(total) - weight.l1, 0.0)
        if weight.l2 == 0.0 and math.isinf(self.domain.support(-shrunk)):
            return Best(nearest(self.domain, 0.0 * total), 0.0, -math.inf, math.inf)
        if weight.l2 > 0.0:
            x = -shrunk / weight.l2
        else:
            x = np.where(shrunk != 0.0, self.domain.minimiser(shrunk), 0.0) if self.domain.bounded else 0.0 * total

        def measure(u: Vector, mu: float, width: float, rows: Vector, keep: bool) -> Look:
            value, h = float(total @ u), np.zeros((len(u), len(u))) if width > 0.0 else None
            pull = float(np.linalg.norm(size))
            return Look(value, value, 0.0, total, h, float(size @ np.abs(u)), pull)

        return self._enclose(mark, measure, 1e-9, PASSES, nearest(self.domain, x))

    def _weight(self, mark: Mark) -> Penalty:
        """The penalty of all rounds together."""
        return Penalty(self._penalty.l1 * mark.rounds, self._penalty.l2 * mark.rounds)

    def _linear(self, mark: Mark) -> Best:
        """<G, u> with G = sum_t a_t: the minimiser is the domain's own."""
        sigma = float(self.domain.support(-self._sum))
        flat = not self._sum.any() or math.isinf(sigma)
        x = nearest(self.domain, np.zeros(mark.width) if flat else self.domain.minimiser(self._sum))
        size = float(self.domain.reach(np.zeros(mark.width))) if self.domain.bounded else float(np.linalg.norm(x))
        noise = ROUNDING * float(np.linalg.norm(self._size)) * size
        return Best(x, float(self._sum @ x) + noise, -sigma - noise, math.inf)

    def solve(self, precision: float = 1e-7, progress: Callable[[int], None] | None = None) -> list[Best]:
        """One Best a mark, in order, with upper - lower <= precision |upper| where that can be reached.

        progress: called with the number of marks just solved. A second call solves only what is new, or all rows
        again for a higher precision.
        """
        if self._by_moments:
            self._fold(precision, progress)
        elif isinstance(self.loss, Linear):
            self._catch_up(progress)
        else:
            self._solve_rows(precision, progress)
        return list(self._solved)

    def _fold(self, precision: float, progress: Callable[[int], None] | None = None) -> None:
        """Add the rows kept to the moments, solving at every mark on the way."""
        kept = self._rows.take()
        self._solve_folded(precision, progress)
        for block in kept:
            # Rows of several marks may have been joined: each mark is solved before the rows after it come in.
            ends = {mark.rounds - self._folded for mark in self._rows.marks[len(self._solved) :]}
            for low, high in pairwise([0, *sorted(end for end in ends if 0 < end < len(block.y)), len(block.y)]):
                self._moments.add(between(block, low, high))
                self._folded += high - low
                self._solve_folded(precision, progress)

    def _solve_folded(self, precision: float, progress: Callable[[int], None] | None) -> None:
        """The marks whose rows, and no others, are in the moments."""
        for mark in self._rows.marks[len(self._solved) :]:
            if mark.rounds > self._folded:
                break
            self._moments.widen(mark.d)
            self._note(mark, self._enclose(mark, self._moments_look, min(precision, 1e-9), PASSES), progress)

    def _moments_look(self, x: Vector, mu: float, width: float, rows: Vector, keep: bool) -> Look:
        return self._moments.look(x)

    def _solve_rows(self, precision: float, progress: Callable[[int], None] | None) -> None:
        if precision < self._precision:
            self._solved.clear()
            self._last = None
            self._precision = precision
        self._rows.survey()
        for mark in self._rows.marks[len(self._solved) :]:

            def measure(
                x: Vector, mu: float, width: float, rows: Vector, keep: bool, rounds: int = mark.rounds
            ) -> Look:
                return look(self._part, chunks(self._rows.blocks(), rounds), x, mu, width, rows, keep)

            passes = REPLAYS if self._rows.dropped else PASSES
            self._note(mark, self._enclose(mark, measure, precision, passes), progress)

    def _note(self, mark: Mark, best: Best, progress: Callable[[int], None] | None) -> None:
        self._last = best.x
        self._solved.append(best._replace(x=self._rows.original(best.x, mark)))
        if progress is not None:
            progress(1)

    def _enclose(self, mark: Mark, measure: Any, precision: float, passes: int, near: Vector | None = None) -> Best:
        """min F at one mark: from the best of `near`, the last minimiser and the point nearest to 0."""
        weight, columns = self._weight(mark), np.zeros(mark.d)
        rows = np.zeros(mark.rounds if not self._rows.dropped or 8 * mark.rounds <= self._memory else 0)

        def whole(x: Vector, mu: float, width: float, keep: bool) -> Look:
            look = measure(x, mu, width, rows, keep)
            return look if weight == NONE else penalised(look, weight, x, mu, columns, keep)

        limits: dict[str, Any] = {"floor": mark.floor, "precision": precision, "passes": passes, "kappa": weight.l2}
        limits["products"] = not self._rows.dropped and not isinstance(self.loss, Linear)
        at = Bracket(whole, self.domain, mark.d, **limits)
        origin = nearest(self.domain, np.zeros(mark.d))
        if mark.rounds == 0:
            return Best(origin, 0.0, 0.0, math.inf)
        at.start = at(origin).value
        for x in (near, self._last):
            if x is not None:
                at(nearest(self.domain, np.pad(x, (0, mark.d - len(x)))))
        if math.isinf(at.upper):
            raise ValueError(f"{type(self.loss).__name__}: the loss is infinite at the point nearest to 0")
        self._rough = minimise(at, at.x, mark.rounds, self._rough)
        if measure == self._moments_look and not self.domain.bounded:
            at.floor = max(at.floor, self._moments.floor(at.x))
        return at.best()
