"""The best fixed decision in hindsight at every checkpoint, as a certified interval.

F(u) = sum_t f(<a_t, u>, y_t) over the rounds so far. Whatever the points p_t and the subgradients s_t of f(., y_t)
at p_t, convexity gives f(z, y_t) >= f(p_t, y_t) + s_t (z - p_t), hence for every u in the domain X

    F(u) >= sum_t (f(p_t, y_t) - s_t p_t) + <A^T s, u> >= dual - sigma_X(-A^T s),

with sigma_X the support function: Fenchel's dual, in which the first sum is -sum_t f*(s_t, y_t). At p_t = <a_t, x>
the difference to F(x) is the Frank-Wolfe gap, which vanishes at the minimiser of a smooth F. At p_t = prox(<a_t, x>),
with the slopes s_t of the Moreau envelope, it vanishes as the smoothing mu does, kinks or not. On an unbounded domain
sigma_X is infinite unless A^T s = 0, which rounding does not allow; there the bound is stated for |u| <= rho, where
sigma is at most rho |A^T s|, and sum_t inf_z f(z, y_t) is a bound for every u. A penalty is one more convex term with
a subgradient of its own; if it is kappa-strongly convex, kappa |u - x|^2 / 2 may be added on the right, and then the
bound D + <g, u> + kappa |u - x|^2 / 2 >= D + <g, x> - |g|^2 / (2 kappa) holds for every u, bounded domain or not.
"""

import math
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np

from oco import solvers
from oco._jit import twin
from oco.losses import Linear, Squared
from oco.passes import (
    CHUNK,
    ROUNDING,
    ByBisection,
    Look,
    Moments,
    add_gradient,
    chunks,
    columns,
    infimum,
    look,
    penalised,
)
from oco.penalty import NONE, Penalty
from oco.protocols import Block, Dense, Sparse, Vector

WITHIN = 100.0  # times max(1, |x|): the radius rho of certificates on unbounded domains
PASSES = 1000  # over the rounds for one checkpoint
REPLAYS = 100  # the same where the stream has to be read again for each
MOMENTS_COLUMNS = 2000  # up to here the squared loss keeps d^2 sums in place of rows
MOMENTS_BYTES = 1 << 26  # of rows before they are added to the sums
BATCH_BYTES = 1 << 24  # of rows in small blocks, or CHUNK rows, before they become one block


class Best(NamedTuple):
    """min_{u in X} F(u), enclosed."""

    x: Vector  # (d,), in X
    upper: float  # F(x)
    lower: float  # <= F(u) for every u in X with |u|_2 <= within
    within: float  # infinity wherever the certificate is global


class Bracket:
    """The interval around min F, narrowed by every pass over the rounds."""

    def __init__(
        self,
        measure: Callable[[Vector, float, float, bool], Look],
        domain: Any,
        d: int,
        *,
        floor: float,
        precision: float,
        passes: int,
        kappa: float = 0.0,
    ) -> None:
        self.measure, self.domain, self.floor, self.precision, self.left = measure, domain, floor, precision, passes
        self.kappa = kappa  # F is kappa-strongly convex
        self.reach = float(domain.reach(np.zeros(d)))
        self.rho = self.reach if domain.bounded else WITHIN
        self.x, self.upper, self.start, self.noise = np.zeros(d), math.inf, 0.0, 0.0
        self._best: tuple[Look, float] | None = None  # the best dual point with its sigma_X(-A^T s), or less

    def __call__(self, x: Vector, mu: float = 0.0, width: float = 0.0, *, anchor: bool = False) -> Look:
        """Measure F at x in X and keep what it proves; anchor: smooth around the slopes found here from now on."""
        self.left -= 1
        look = self.measure(x, mu, width, anchor)
        if math.isfinite(look.value):
            size = float(np.linalg.norm(x))
            upper = look.value + ROUNDING * (look.terms + look.pull * size)
            if upper < self.upper:
                self.x, self.upper = x, upper
                self.rho = self.reach if self.domain.bounded else WITHIN * max(1.0, size)
            sigma = float(self.domain.support(-look.g))
            if self.kappa > 0.0:
                sigma = min(sigma, float(look.g @ look.g) / (2.0 * self.kappa) - float(look.g @ x))
            if self._below(look, sigma) > self.lower:
                self._best = look, sigma
            self.noise = ROUNDING * (2.0 * look.terms + look.pull * (size + self.rho))
        return look

    def _below(self, look: Look, sigma: float) -> float:
        """The certificate: dual - sigma_X(-A^T s), or - rho |A^T s| if that is more, less what rounding may hide."""
        cut = sigma if self.kappa > 0.0 else min(sigma, self.rho * float(np.linalg.norm(look.g)))
        radius = self.rho + (float(np.linalg.norm(look.g)) / self.kappa if self.kappa > 0.0 else 0.0)
        return look.dual - cut - ROUNDING * (look.terms + radius * look.pull)

    def support(self, g: Vector) -> float:
        """sigma(-g) of X within the radius rho."""
        return min(float(self.domain.support(-g)), self.rho * float(np.linalg.norm(g)))

    @property
    def lower(self) -> float:
        return max(self.floor, self._below(*self._best) if self._best else -math.inf)

    @property
    def width(self) -> float:
        return self.upper - self.lower

    @property
    def goal(self) -> float:
        """A width that will do: relative to F, or to F(0) where F is next to nothing, and above the noise."""
        return max(self.precision * max(abs(self.upper), 1e-3 * abs(self.start)), 2.0 * self.noise)

    @property
    def done(self) -> bool:
        return self.left <= 0 or self.width <= self.goal

    def best(self) -> Best:
        """The global certificate where it is as good."""
        proved = self.domain.bounded or self.kappa > 0.0
        everywhere = proved or self.floor >= self.lower - self.goal
        lower = self.floor if everywhere and not proved else self.lower
        return Best(self.x, self.upper, lower, math.inf if everywhere else self.rho)


class Mark(NamedTuple):
    """A checkpoint."""

    rounds: int
    d: int
    floor: float  # sum_t inf_z f(z, y_t), minus infinity where it was not asked for


class Batch(NamedTuple):
    """The last blocks kept that are still small."""

    blocks: int
    rounds: int
    size: int  # bytes


class Hindsight:
    """Collects the rounds, then solves for the best fixed decision at every mark.

    Memory: the linear loss keeps O(d) numbers a mark, the squared loss with d <= 2000 columns O(d^2), both for
    any number of rounds. Otherwise rows are kept while they fit into `memory` bytes; beyond that they are dropped
    and read again from `replay()`, which yields the same rounds from the start: at most 100 passes over the stream a
    mark, one an iteration, and O(d) memory (O(d^2) up to 800 columns). Losses with kinks take one more number a round
    while those fit into `memory`.
    """

    def __init__(
        self,
        loss: Any,
        domain: Any,
        *,
        penalty: Penalty = NONE,
        replay: Callable[[], Iterator[Block]] | None = None,
        memory: int = 2**30,
    ) -> None:
        self.loss, self.domain, self._replay, self._memory = loss, domain, replay, memory
        self._penalty = penalty
        self._part = twin(loss if hasattr(loss, "prox") else ByBisection(loss))
        floored = not (domain.bounded or isinstance(loss, Linear))
        self._rounds, self._d, self._floor, self._bytes = 0, 0, 0.0 if floored else -math.inf, 0
        self._kept: list[Block] | None = []  # None: too many, read again
        self._loose = Batch(0, 0, 0)
        self._marks: list[Mark] = []
        self._sum, self._size = np.zeros(0), np.zeros(0)  # of a_t and |a_t|, for the linear loss
        self._moments = Moments()
        self._solved: list[Best] = []
        self._folded, self._precision, self._rough = 0, math.inf, False

    def see(self, block: Block) -> None:
        """The next rounds; the block may be reused afterwards."""
        values = block.a if isinstance(block, Dense) else block.values
        if not (np.isfinite(values).all() and np.isfinite(block.y).all()):
            raise ValueError(f"NaN or infinity among the features or labels of rounds from {self._rounds + 1} on")
        self._rounds += len(block.y)
        self._d = max(self._d, columns(block))
        if isinstance(self.loss, Linear):
            self._add(block)
            return
        if math.isfinite(self._floor):
            least = np.empty(len(block.y))
            infimum(self._part, block.y, least)
            self._floor += float(least.sum()) - ROUNDING * float(np.abs(least).sum())
        if self._kept is not None:
            parts: list[Any] = [np.array(part) if isinstance(part, np.ndarray) else part for part in block]
            self._kept.append(type(block)(*parts))
            size = sum(part.nbytes for part in parts if isinstance(part, np.ndarray))
            self._bytes += size
            blocks, rounds, size = self._loose.blocks + 1, self._loose.rounds + len(block.y), self._loose.size + size
            self._loose = Batch(blocks, rounds, size)
            if rounds >= CHUNK or size >= BATCH_BYTES:
                self._gather()
            self._shed()

    def _gather(self) -> None:
        """The last small blocks become one, for fast passes; joining all rows at the end takes twice their memory."""
        if self._kept and self._loose.blocks:
            self._kept[-self._loose.blocks :] = _merge(self._kept[-self._loose.blocks :])
        self._loose = Batch(0, 0, 0)

    def _add(self, block: Block) -> None:
        wider = self._d - len(self._sum)
        self._sum, self._size = np.pad(self._sum, (0, wider)), np.pad(self._size, (0, wider))
        for part in chunks([block], len(block.y)):
            if isinstance(part, Dense):
                sizes: Block = Dense(np.abs(part.a), part.y)
            else:
                sizes = part._replace(values=np.abs(part.values))
            add_gradient(part, np.ones(len(part.y)), self._sum)
            add_gradient(sizes, np.ones(len(part.y)), self._size)

    @property
    def solved(self) -> int:
        """Marks that have their comparator."""
        return len(self._solved)

    @property
    def _by_moments(self) -> bool:
        known = len(self._moments.b) > 0 and self._replay is None
        return isinstance(self.loss, Squared) and (self._d <= MOMENTS_COLUMNS or known)

    def _shed(self) -> None:
        """Make room: add rows to the moments, or drop them all and rely on the replay."""
        if self._by_moments:
            if self._bytes > min(MOMENTS_BYTES, self._memory):
                self._fold(1e-9)
        elif self._bytes > self._memory:
            if self._replay is None:
                raise MemoryError(
                    f"the best decision in hindsight needs all rounds: the {self._rounds} so far take more than "
                    f"{self._memory / 2**30:g} GiB and cannot be read again, as an adaptive adversary's never can; "
                    f"play fewer rounds, or the linear or the squared loss, which need no rows"
                )
            self._kept, self._loose = None, Batch(0, 0, 0)

    def mark(self) -> None:
        """A checkpoint is here, after all rounds seen so far."""
        self._marks.append(Mark(self._rounds, self._d, self._floor))
        if isinstance(self.loss, Linear):
            self._solved.append(self._linear() if self._penalty == NONE else self._linear_penalised())

    def _linear_penalised(self) -> Best:
        """<G, u> + t psi(u): by the solvers, from the point that shrinking and projecting give, often the best."""
        mark, total, size = self._marks[-1], self._sum.copy(), self._size.copy()
        weight = self._weight(mark)
        shrunk = np.sign(total) * np.maximum(np.abs(total) - weight.l1, 0.0)
        if weight.l2 == 0.0 and math.isinf(self.domain.support(-shrunk)):
            return Best(solvers.project(self.domain, 0.0 * total), 0.0, -math.inf, math.inf)
        if weight.l2 > 0.0:
            x = -shrunk / weight.l2
        else:
            x = np.where(shrunk != 0.0, self.domain.minimiser(shrunk), 0.0) if self.domain.bounded else 0.0 * total

        def measure(u: Vector, mu: float, width: float, rows: Vector, keep: bool) -> Look:
            value, h = float(total @ u), np.zeros((len(u), len(u))) if width > 0.0 else None
            pull = float(np.linalg.norm(size))
            return Look(value, value, 0.0, total, h, float(size @ np.abs(u)), pull)

        return self._enclose(mark, measure, 1e-9, PASSES, solvers.project(self.domain, x))

    def _weight(self, mark: Mark) -> Penalty:
        """The penalty of all rounds together."""
        return Penalty(self._penalty.l1 * mark.rounds, self._penalty.l2 * mark.rounds)

    def _linear(self) -> Best:
        """<G, u> with G = sum_t a_t: the minimiser is the domain's own."""
        sigma = float(self.domain.support(-self._sum))
        flat = not self._sum.any() or math.isinf(sigma)
        x = solvers.project(self.domain, np.zeros(self._d) if flat else self.domain.minimiser(self._sum))
        size = float(self.domain.reach(np.zeros(self._d))) if self.domain.bounded else float(np.linalg.norm(x))
        noise = ROUNDING * float(np.linalg.norm(self._size)) * size
        return Best(x, float(self._sum @ x) + noise, -sigma - noise, math.inf)

    def solve(self, precision: float = 1e-7, progress: Callable[[int], None] | None = None) -> list[Best]:
        """One Best a mark, in order, with upper - lower <= precision |upper| where that can be reached.

        progress: called with the number of marks just solved. A second call solves only what is new, or all rows
        again for a higher precision.
        """
        if self._by_moments:
            self._fold(precision, progress)
        elif not isinstance(self.loss, Linear):
            self._solve_rows(precision, progress)
        return list(self._solved)

    def _fold(self, precision: float, progress: Callable[[int], None] | None = None) -> None:
        """Add the rows kept to the moments, solving at every mark on the way."""
        kept, self._kept, self._bytes, self._loose = self._kept or [], [], 0, Batch(0, 0, 0)
        for block in [None, *kept]:
            if block is not None:
                self._moments.add(block)
                self._folded += len(block.y)
            for mark in self._marks[len(self._solved) :]:
                if mark.rounds > self._folded:
                    break
                self._moments.widen(mark.d)
                self._note(self._enclose(mark, self._moments_look, min(precision, 1e-9), PASSES), progress)

    def _moments_look(self, x: Vector, mu: float, width: float, rows: Vector, keep: bool) -> Look:
        return self._moments.look(x)

    def _solve_rows(self, precision: float, progress: Callable[[int], None] | None) -> None:
        if precision < self._precision:
            self._solved.clear()
            self._precision = precision
        self._gather()
        for mark in self._marks[len(self._solved) :]:

            def measure(
                x: Vector, mu: float, width: float, rows: Vector, keep: bool, rounds: int = mark.rounds
            ) -> Look:
                return look(self._part, chunks(self._blocks(), rounds), x, mu, width, rows, keep)

            passes = PASSES if self._kept is not None else REPLAYS
            self._note(self._enclose(mark, measure, precision, passes), progress)

    def _blocks(self) -> Iterable[Block]:
        if self._kept is None and self._replay is not None:
            return self._replay()
        return self._kept or []

    def _note(self, best: Best, progress: Callable[[int], None] | None) -> None:
        self._solved.append(best)
        if progress is not None:
            progress(1)

    def _enclose(self, mark: Mark, measure: Any, precision: float, passes: int, near: Vector | None = None) -> Best:
        """min F at one mark: from the best of `near`, the last minimiser and the point nearest to 0."""
        weight, columns = self._weight(mark), np.zeros(mark.d)
        rows = np.zeros(mark.rounds if self._kept is not None or 8 * mark.rounds <= self._memory else 0)

        def whole(x: Vector, mu: float, width: float, keep: bool) -> Look:
            look = measure(x, mu, width, rows, keep)
            return look if weight == NONE else penalised(look, weight, x, mu, columns, keep)

        limits: dict[str, Any] = {"floor": mark.floor, "precision": precision, "passes": passes, "kappa": weight.l2}
        at = Bracket(whole, self.domain, mark.d, **limits)
        origin = solvers.project(self.domain, np.zeros(mark.d))
        if mark.rounds == 0:
            return Best(origin, 0.0, 0.0, math.inf)
        at.start = at(origin).value
        for x in (near, self._solved[-1].x if self._solved else None):
            if x is not None:
                at(solvers.project(self.domain, np.pad(x, (0, mark.d - len(x)))))
        if math.isinf(at.upper):
            raise ValueError(f"{type(self.loss).__name__}: the loss is infinite at the point nearest to 0")
        self._rough = solvers.minimise(at, at.x, mark.rounds, self._rough)
        if measure == self._moments_look and not self.domain.bounded:
            at.floor = max(at.floor, self._moments.floor(at.x))
        return at.best()


def _merge(blocks: list[Block]) -> list[Block]:
    """The same rows in one block, if they are all of one kind and width."""
    dense = [block for block in blocks if isinstance(block, Dense) and columns(block) == columns(blocks[0])]
    sparse = [block for block in blocks if isinstance(block, Sparse)]
    if len(dense) == len(blocks) > 1:
        return [Dense(*(np.concatenate(parts) for parts in zip(*dense, strict=True)))]
    if len(sparse) == len(blocks) > 1:
        _, indices, values, y, d = zip(*sparse, strict=True)
        lengths = np.concatenate([np.diff(block.indptr) for block in sparse])
        indptr = np.concatenate([[0], np.cumsum(lengths)])
        return [Sparse(indptr, np.concatenate(indices), np.concatenate(values), np.concatenate(y), max(d))]
    return blocks
