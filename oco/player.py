"""A learner at the table: its state, its decision, one update or many rounds at a time."""

import math
from typing import Any

import numpy as np

from oco import engine
from oco._twins import rounded, twin
from oco.domains import Space, nearest
from oco.fit import check_dimension, check_dtype, check_fit, check_rule, check_start, check_state, validate
from oco.lowlevel.arrays import aligned, columns_apart, on_lines
from oco.penalty import NONE, Penalty
from oco.protocols import Block, Dense, Matrix, Round, Sparse, Vector
from oco.updates.applied import by_rule, by_support, first_of, told, whole
from oco.updates.coordinates import Coordinates, decision
from oco.updates.few import LEAST, MOST, few
from oco.updates.penalised import WithPenalty

DENSE_ENTRIES = 1 << 20  # numbers in the dense copy of sparse rows for learners that need whole gradients

NARROW_SLACK = 1e-5  # distance from the domain that rounding to float32 may leave, relative to the decision


class Player:
    """Drive a learner from your own loop: `x` is the decision, `update(g)` one round.

    learner: with a rule or an update (see oco.protocols). d: number of coordinates. start: x_1, default the
    domain's centre, or 0 for learners that start there. penalty: of every round, beside the losses whose gradients
    `update` is given. layout: "sparse" keeps a coordinate's numbers side by side. compiled: False runs in Python.
    dtype: of rows and of what a rule remembers of a coordinate; losses and the ledger are float64 always.
    rounds: how many blocks will bring in all; very many of few coordinates are worth machine code for these alone.
    """

    def __init__(
        self,
        learner: Any,
        d: int,
        domain: Any = None,
        *,
        start: Vector | None = None,
        penalty: Penalty = NONE,
        layout: str = "dense",
        compiled: bool = True,
        dtype: Any = np.float64,
        rounds: float = 0.0,
    ) -> None:
        domain = Space() if domain is None else domain
        validate(learner)
        check_fit(learner, domain)
        self.dtype: Any = check_dtype(dtype)
        if self.dtype is np.float32 and not hasattr(learner, "rule"):
            raise ValueError(f"{type(learner).__name__} has no rule by coordinate and is played in float64 only")
        self.learner, self.domain, self.compiled, self.penalty = learner, domain, compiled, penalty
        self.d, self._shape = d, (d,)
        check_dimension(domain, d)
        if start is not None:
            check_start(domain, np.asarray(start), d)
        self.start = self._first(d) if start is None else np.array(start, dtype=float)
        self.start = self.start.astype(self.dtype, copy=False).astype(float, copy=False)
        if getattr(learner, "origin", False) and self.start.any():
            raise ValueError(f"start: {type(learner).__name__} starts at x_1 = 0, not at {self.start[:4]}")
        reach = float(max(self.start.max(initial=0.0), -self.start.min(initial=0.0)))
        self.ledger = engine.Ledger(0, 0.0, 0.0, 0.0, 0.0, 0.0, reach)
        self._clock = np.array([0.0, 0.0, 0.0, 0.0, *penalty])  # what `now` says
        self._by_rule = hasattr(learner, "rule")
        self._side_by_side = layout == "sparse"
        if self._by_rule:
            memory = self._remember(self.start)
            check_rule(learner, float(self.start[0]) if d else 0.0, first_of(memory))
            self._state: Any = self._coordinates(self.start)
            self._inner: Any = rounded(by_rule(learner, domain, memory), self.dtype)
        else:
            state = learner.init(self.start.copy())
            check_state(learner, state, d)
            self._state = on_lines(state)
            self._inner = whole(learner, domain)
        self.told = told(learner, penalty)
        self._rounds: Any = engine.dense_rounds
        self._adaptive: Any = engine.adaptive_rounds
        several: Any = self._inner
        if self._by_rule and not self._side_by_side and d <= MOST and LEAST <= rounds < math.inf:
            several, self._rounds, self._adaptive = few(self._inner, d), engine.dense_few, engine.adaptive_few
        self._part, self._blocks = (
            part if self.told == NONE else WithPenalty(part, self.told) for part in (self._inner, several)
        )
        self._charge: Any = penalty
        if compiled:
            self._inner, self._part, self._charge = twin(self._inner), twin(self._part), twin(penalty)
            self._blocks = twin(self._blocks)
        self._by_support = by_support(learner, domain, penalty)
        self._widths: Vector = np.empty(0)
        self._step: Any = None  # the machine code of engine.rule_step
        self._tally: Any = None  # and of engine.tally
        self._steady = engine.Steady()

    def _first(self, d: int) -> Vector:
        return np.zeros(d) if getattr(self.learner, "origin", False) else self.domain.centre(d)

    def _remember(self, x: Vector) -> Any:
        return self.learner.memory(x) if hasattr(self.learner, "memory") else 0.0

    def _coordinates(self, x: Vector) -> Coordinates:
        memory = self._remember(x)
        columns = memory if isinstance(memory, tuple) else (memory,)
        # Columns apart for dense rounds, a coordinate's numbers side by side for sparse ones.
        d, numbers = len(x), 1 + len(columns)
        w = aligned((d, numbers), self.dtype) if self._side_by_side else columns_apart(d, numbers, self.dtype)
        for j, column in enumerate((x, *columns)):
            if np.any(column):  # pages of zeros cost nothing before a round writes to them
                w[:d, j] = column
        return Coordinates(w, np.empty(d, self.dtype))

    @property
    def now(self) -> Round:
        """What a rule would be told of the round just played."""
        t, *numbers = self._clock.tolist()
        return Round(int(t), *numbers)

    @property
    def x(self) -> Vector:
        """The decision for the coming round, (d,)."""
        return np.asarray(decision(self._state) if self._by_rule else self._state.x)

    @property
    def clips(self) -> bool:
        """Whether rounds leave x in the domain, coordinate by coordinate, unless it is NaN or infinite."""
        return bool(self._by_rule and self.domain.separable and not hasattr(self.learner, "idle"))

    def feasible(self) -> bool:
        """Whether x is in the domain, up to the rounding of its precision."""
        x = self.x.astype(float, copy=False)
        if self.domain.contains(x):
            return True
        if self.dtype is np.float64:
            return False
        gap = np.linalg.norm(nearest(self.domain, x) - x)
        return bool(gap <= NARROW_SLACK * (1.0 + np.linalg.norm(x)))

    @property
    def state(self) -> Any:
        """What the learner remembers: its own state, or (d, 1 + k) for a rule: x and k numbers a coordinate."""
        return self._state.w[: self.d] if self._by_rule else self._state

    def move_to(self, w: Matrix) -> None:
        """Keep the state of a rule in w (d, 1 + k) from now on, where it is already."""
        self._state = self._state._replace(w=w)
        self._step = self._tally = None  # w may be of another type

    def foresee(self, a: Vector) -> None:
        """Show the features a (d,) of the coming round to a learner that wants them before it decides."""
        self._become(self._look(a, self._state))

    def foreseen(self, a: Vector) -> Vector:
        """What x would be after foresee(a)."""
        return np.asarray(type(self._state)(*self._look(a, copied(self._state))).x)

    def _look(self, a: Vector, state: Any) -> Any:
        return self.call(engine.one_look, self._part, self.now, np.ascontiguousarray(a, self.dtype), state)

    def update(self, g: Vector, loss: float = 0.0) -> None:
        """Take a subgradient g (d,) of f_t at x; `loss` is f_t(x), for learners that read it."""
        g = np.ascontiguousarray(g, self.dtype)
        if g.shape != self._shape:
            raise ValueError(f"update: a finite gradient of shape ({self.d},) is needed")
        if self._step is None:
            self._step = self._stepper(g)
        if not self._step(self._part, self._clock, g, self._state, loss):
            raise ValueError(f"update: a finite gradient of shape ({self.d},) is needed")

    def _stepper(self, g: Vector) -> Any:
        """What takes one step in place and says whether g was finite."""
        if self._by_rule and self.compiled and self.told == NONE:
            return engine.rule_step.entry(self._part, self._clock, g, self._state, 0.0)
        return self._slow_step

    def _slow_step(self, part: Any, clock: Vector, g: Vector, state: Any, loss: float) -> bool:
        if not np.isfinite(g).all():
            return False
        norm2 = float(np.sum((g + [self.told.slope(v) for v in self.x]) ** 2)) if self.told != NONE else float(g @ g)
        clock[:4] = clock[0] + 1.0, loss, norm2, clock[3] + norm2
        self._become(self.call(engine.one_step, part, self.now, g, state))
        return True

    def advance(self, block: Block, loss: Any, adversary: Any = None) -> None:
        """Play the rounds of a block, or against `adversary` = (stream, rng, memory), which fills the block."""
        loss = twin(loss) if self.compiled else loss
        if adversary is not None:
            stream, rng, memory = adversary
            stream = twin(stream) if self.compiled else stream
            self._play(self._adaptive, loss, *block, before=(stream,), after=(rng, memory))
        elif isinstance(block, Dense):
            self._play(self._rounds, loss, *block)
        else:
            self.grow(block.d)
            if self._by_support:
                self._play(engine.sparse_rounds, loss, block.indptr, block.indices, block.values, block.y)
                self._wake()
            else:
                self._advance_dense(block, loss)

    def strides(self, block: Block) -> bool:
        """Whether `stride` can play the block: all that checkpoints look at is known to machine code."""
        seen = hasattr(self.learner, "sums") or not hasattr(self.learner, "tally")
        here = isinstance(block, Dense) and self._rounds is engine.dense_rounds and self.told == NONE
        return self.compiled and self.clips and seen and here

    def stride(self, block: Block, loss: Any, stops: list[int]) -> list[tuple[engine.Ledger, dict[str, Any]]]:
        """Play a block, in whose last round or nowhere `stops` end; ledger and tally at each that was reached.

        The sum of losses begins anew after a stop.
        """
        names = getattr(self.learner, "sums", ())
        width = len(engine.Ledger._fields)
        book, ends, zeros = np.zeros((len(stops), width + len(names))), np.array(stops, np.int64), (0.0,) * len(names)
        parts = self._blocks, twin(loss), self._charge
        self._state, ledger = self._steady(
            engine.dense_strides, parts, self._state, self.ledger, self.widths, zeros, ends, book, *block
        )
        self.enter(ledger)
        return [
            (engine.Ledger(int(row[0]), *row[1:width]), dict(zip(names, row[width:], strict=True)))
            for row in book.tolist()
            if row[0] > 0.0
        ]

    @property
    def memory(self) -> Any:
        """The shape of what a coordinate of a rule remembers: a number or a tuple of numbers."""
        return self._inner.memory

    @property
    def independent(self) -> bool:
        """Whether a round is only the rule, each coordinate for itself: then players can move side by side."""
        still = not self._side_by_side or (getattr(self.learner, "lazy", False) and not hasattr(self.learner, "idle"))
        return bool(self._by_rule and self.domain.separable and self.penalty == NONE and still)

    def _play(self, rounds: Any, loss: Any, *block: Any, before: Any = (), after: Any = ()) -> None:
        parts, others = (self._blocks, loss, self._charge, *before), (*after, *block)
        if self.compiled:
            self._state, ledger = self._steady(rounds, parts, self._state, self.ledger, *others)
        else:
            state, ledger = self.call(rounds, *parts, self._state, self.ledger, *others)
            self._become(state)
            ledger = engine.Ledger(*ledger)
        self.enter(ledger)

    def enter(self, ledger: engine.Ledger) -> None:
        """Take over the sums of rounds that were played."""
        self.ledger = ledger
        self._clock[:4] = ledger.t, 0.0, 0.0, ledger.sumsq

    def _wake(self) -> None:
        """Bring the coordinates that a rule left alone in sparse rounds up to date."""
        if hasattr(self.learner, "idle"):
            everyone = np.arange(self.d, dtype=np.int32)
            sums = self.call(engine.wake_all, self._part, self._charge, self._state, self.ledger, everyone)
            self.enter(engine.Ledger(*sums))

    def _advance_dense(self, block: Sparse, loss: Any) -> None:
        step = max(1, DENSE_ENTRIES // max(1, self.d))
        for start in range(0, max(1, len(block.y)), step):  # no rounds compile as well
            y = block.y[start : start + step]
            a = np.zeros((len(y), self.d), self.dtype)
            for r in range(len(y)):
                low, high = block.indptr[start + r], block.indptr[start + r + 1]
                a[r, block.indices[low:high]] = block.values[low:high]
            self._play(engine.dense_rounds, loss, a, y)
            if not math.isfinite(self.ledger.loss):
                return

    def call(self, kernel: Any, *arguments: Any) -> Any:
        """Run a kernel as this player does, compiled or in Python."""
        if self.compiled:
            return kernel(*arguments)
        with np.errstate(all="ignore"):  # the compiled twin is silent about infinities too
            return kernel.plain(*arguments)

    def _become(self, state: Any) -> None:
        self._state = type(self._state)(*state)

    def grow(self, d: int) -> None:
        """Make room for columns that the stream shows for the first time; each starts at the centre."""
        if d <= self.d:
            return
        if not self._by_rule and not hasattr(self.learner, "grow"):
            raise ValueError(f"{type(self.learner).__name__} has no grow(state, x): the stream grew to {d} columns")
        x = self._first(d)
        if not np.array_equal(x[: self.d], self._first(self.d)):
            raise ValueError(f"{type(self.domain).__name__} cannot grow: the stream went from {self.d} to {d} columns")
        self.start = np.concatenate([self.start, x[self.d :]])
        x[: self.d] = self.x
        if self._by_rule:
            known, self._state = self.state, self._coordinates(x)
            self.state[:] = known
        else:
            self._state = on_lines(self.learner.grow(self._state, x))
        self.d, self._shape = d, (d,)

    @property
    def widths(self) -> Any:
        """Of the domain by coordinate, (d,); 1 where it is unbounded."""
        if self.domain.bounded and len(self._widths) < self.d:
            self._widths = self.domain.widths(self.d)
        return self._widths if self.domain.bounded else 1.0

    def metric(self) -> Any:
        """Gamma with x_{t+1} = Proj^Gamma(x_t - Gamma^{-1} g): (d,) for a rule, (d, d) for a full matrix."""
        if not hasattr(self.learner, "metric"):
            raise TypeError(f"{type(self.learner).__name__} has no metric: audits and effective rates need one")
        if not self._by_rule:
            return self.learner.metric(self.now, self._state)
        h = np.empty(self.d)
        self.call(engine.metrics, self._inner, self.now, self._state, h)
        return h

    def rates(self) -> Vector:
        """Effective rate of each coordinate, 1 / Gamma_i, after the last round; NaN for a learner without metric.

        Infinite where no gradient has been seen and none would be damped: no step was taken there yet.
        """
        if not hasattr(self.learner, "metric") or self.now.t == 0:
            return np.full(self.d, np.nan)
        gamma = self.metric()
        gamma = np.diag(gamma).copy() if gamma.ndim == 2 else gamma
        with np.errstate(divide="ignore"):
            return np.divide(1.0, gamma, out=gamma)

    def tally(self) -> dict[str, Any]:
        """The numbers that the learner's bounds read of its state."""
        if hasattr(self.learner, "sums"):
            zeros = (0.0,) * len(self.learner.sums)
            given = self._inner, self._state, self.widths, zeros
            if self.compiled and self._tally is None:
                self._tally = engine.tally.entry(*given)
            total = self._tally(*given) if self.compiled else self.call(engine.tally, *given)
            return dict(zip(self.learner.sums, total, strict=True))
        if not hasattr(self.learner, "tally"):
            return {}
        if not self._by_rule:
            return self.learner.tally(self._state, self.domain)
        s = tuple(np.ascontiguousarray(column, float) for column in self.state[:, 1:].T)
        return self.learner.tally(s if isinstance(self.memory, tuple) else s[0], self.domain)


def copied(state: Any) -> Any:
    """A learner's state, or the array of a rule's, in arrays of its own."""
    if isinstance(state, np.ndarray):
        return state.copy()
    return type(state)(*(copied(part) if isinstance(part, (np.ndarray, tuple)) else part for part in state))
