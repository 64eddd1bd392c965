"""A learner at the table: its state, its decision, one update or many rounds at a time."""

import math
from typing import Any

import numpy as np

from oco import engine, updates
from oco._jit import twin
from oco.domains import Space
from oco.fit import check_dimension, check_fit, check_rule, check_start, check_state, validate
from oco.penalty import NONE, Penalty
from oco.protocols import Block, Dense, Round, Sparse, Vector

DENSE_ENTRIES = 1 << 20  # numbers in the dense copy of sparse rows for learners that need whole gradients


class Player:
    """Drive a learner from your own loop: `x` is the decision, `update(g)` one round.

    learner: with a rule or an update (see oco.protocols). d: number of coordinates. start: x_1, default the
    domain's centre, or 0 for learners that start there. penalty: of every round, beside the losses whose gradients
    `update` is given. layout: "sparse" keeps a coordinate's numbers side by side. compiled: False runs in Python.
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
    ) -> None:
        domain = Space() if domain is None else domain
        validate(learner)
        check_fit(learner, domain)
        self.learner, self.domain, self.compiled, self.d, self.penalty = learner, domain, compiled, d, penalty
        check_dimension(domain, d)
        self.start = self._first(d) if start is None else np.array(start, dtype=float)
        check_start(domain, self.start, d)
        if getattr(learner, "origin", False) and self.start.any():
            raise ValueError(f"start: {type(learner).__name__} starts at x_1 = 0, not at {self.start[:4]}")
        self.ledger = engine.Ledger(0, 0.0, 0.0, 0.0, 0.0, 0.0, float(np.abs(self.start).max(initial=0.0)))
        self.now = Round(0, 0.0, 0.0, 0.0, float(penalty.l1), float(penalty.l2))
        self._by_rule = hasattr(learner, "rule")
        self._side_by_side = layout == "sparse"
        if self._by_rule:
            memory = self._remember(self.start)
            self._memory = _shape(memory)
            check_rule(learner, float(self.start[0]) if d else 0.0, _first_of(memory))
            self._state: Any = self._coordinates(self.start)
            self._inner: Any = updates.ByRule(
                learner, domain, self._memory, _projection(learner, domain), _rest(learner)
            )
        else:
            sight = updates.Foreseeing() if hasattr(learner, "foresee") else updates.Blind()
            feedback = updates.Bandit() if getattr(learner, "bandit", False) else updates.Full()
            self._state = learner.init(self.start.copy())
            check_state(learner, self._state, d)
            self._inner = updates.Whole(learner, domain, sight, feedback)
        self.told = _told(learner, penalty)
        self._part = self._inner if self.told == NONE else updates.WithPenalty(self._inner, self.told)
        self._charge: Any = penalty
        if compiled:
            self._inner, self._part, self._charge = twin(self._inner), twin(self._part), twin(penalty)
        self._by_support = self._by_rule and self.told == NONE and _by_support(learner, domain, penalty)

    def _first(self, d: int) -> Vector:
        return np.zeros(d) if getattr(self.learner, "origin", False) else self.domain.centre(d)

    def _remember(self, x: Vector) -> Any:
        return self.learner.memory(x) if hasattr(self.learner, "memory") else 0.0

    def _coordinates(self, x: Vector) -> updates.Coordinates:
        memory = self._remember(x)
        columns = memory if isinstance(memory, tuple) else (memory,)
        # Columns apart for dense rounds, a coordinate's numbers side by side for sparse ones.
        w = np.empty((len(x), 1 + len(columns)), order="C" if self._side_by_side else "F")
        for j, column in enumerate((x, *columns)):
            w[:, j] = column
        return updates.Coordinates(w, np.empty(len(x) if not self.domain.separable else 0))

    @property
    def x(self) -> Vector:
        """The decision for the coming round, (d,)."""
        return np.asarray(self._state.w[:, 0] if self._by_rule else self._state.x)

    @property
    def state(self) -> Any:
        """What the learner remembers: its own state, or (d, 1 + k) for a rule: x and k numbers a coordinate."""
        return self._state.w if self._by_rule else self._state

    def foresee(self, a: Vector) -> None:
        """Show the features a (d,) of the coming round to a learner that wants them before it decides."""
        self._become(self._look(a, self._state))

    def foreseen(self, a: Vector) -> Vector:
        """What x would be after foresee(a)."""
        return np.asarray(type(self._state)(*self._look(a, copied(self._state))).x)

    def _look(self, a: Vector, state: Any) -> Any:
        return self._call(engine.one_look, self._part, self.now, np.ascontiguousarray(a, dtype=float), state)

    def update(self, g: Vector, loss: float = 0.0) -> None:
        """Take a subgradient g (d,) of f_t at x; `loss` is f_t(x), for learners that read it."""
        g = np.ascontiguousarray(g, dtype=float)
        if g.shape != (self.d,) or not np.isfinite(g).all():
            raise ValueError(f"update: a finite gradient of shape ({self.d},) is needed")
        norm2 = float(np.sum((g + [self.told.slope(v) for v in self.x]) ** 2)) if self.told != NONE else float(g @ g)
        t, sumsq = self.now.t + 1, self.now.sumsq + norm2
        self.now = self.now._replace(t=t, loss=float(loss), norm2=norm2, sumsq=sumsq)
        self._become(self._call(engine.one_step, self._part, self.now, g, self._state))

    def advance(self, block: Block, loss: Any, adversary: Any = None) -> None:
        """Play the rounds of a block, or against `adversary` = (stream, rng, memory), which fills the block."""
        loss = twin(loss) if self.compiled else loss
        if adversary is not None:
            stream, rng, memory = adversary
            stream = twin(stream) if self.compiled else stream
            self._play(engine.adaptive_rounds, loss, *block, before=(stream,), after=(rng, memory))
        elif isinstance(block, Dense):
            self._play(engine.dense_rounds, loss, *block)
        else:
            self._grow(block.d)
            if self._by_support:
                self._play(engine.sparse_rounds, loss, block.indptr, block.indices, block.values, block.y)
                self._wake()
            else:
                self._advance_dense(block, loss)

    def _play(self, rounds: Any, loss: Any, *block: Any, before: Any = (), after: Any = ()) -> None:
        head = (self._part, loss, self._charge, *before, self._state, self.ledger, *after)
        state, ledger = self._call(rounds, *head, *block)
        self._become(state)
        self._enter(ledger)

    def _enter(self, ledger: Any) -> None:
        self.ledger = engine.Ledger(*ledger)
        self.now = self.now._replace(t=self.ledger.t, loss=0.0, norm2=0.0, sumsq=self.ledger.sumsq)

    def _wake(self) -> None:
        """Bring the coordinates that a rule left alone in sparse rounds up to date."""
        if hasattr(self.learner, "idle"):
            everyone = np.arange(self.d, dtype=np.int32)
            self._enter(self._call(engine.wake_all, self._part, self._charge, self._state, self.ledger, everyone))

    def _advance_dense(self, block: Sparse, loss: Any) -> None:
        step = max(1, DENSE_ENTRIES // max(1, self.d))
        for start in range(0, len(block.y), step):
            y = block.y[start : start + step]
            a = np.zeros((len(y), self.d))
            for r in range(len(y)):
                low, high = block.indptr[start + r], block.indptr[start + r + 1]
                a[r, block.indices[low:high]] = block.values[low:high]
            self._play(engine.dense_rounds, loss, a, y)
            if not math.isfinite(self.ledger.loss):
                return

    def _call(self, kernel: Any, *arguments: Any) -> Any:
        if self.compiled:
            return kernel(*arguments)
        with np.errstate(all="ignore"):  # the compiled twin is silent about infinities too
            return kernel.plain(*arguments)

    def _become(self, state: Any) -> None:
        self._state = type(self._state)(*state)

    def _grow(self, d: int) -> None:
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
            known, self._state = self._state.w, self._coordinates(x)
            self._state.w[: self.d] = known
        else:
            self._state = self.learner.grow(self._state, x)
        self.d = d

    def metric(self) -> Any:
        """Gamma with x_{t+1} = Proj^Gamma(x_t - Gamma^{-1} g): (d,) for a rule, (d, d) for a full matrix."""
        if not hasattr(self.learner, "metric"):
            raise TypeError(f"{type(self.learner).__name__} has no metric: audits and effective rates need one")
        if not self._by_rule:
            return self.learner.metric(self.now, self._state)
        h = np.empty(self.d)
        self._call(engine.metrics, self._inner, self.now, self._state, h)
        return h

    def rates(self) -> Vector:
        """Effective rate of each coordinate, 1 / Gamma_i, after the last round; NaN for a learner without metric.

        Infinite where no gradient has been seen and none would be damped: no step was taken there yet.
        """
        if not hasattr(self.learner, "metric") or self.now.t == 0:
            return np.full(self.d, np.nan)
        gamma = self.metric()
        with np.errstate(divide="ignore"):
            return 1.0 / (np.diag(gamma) if gamma.ndim == 2 else gamma)

    def tally(self) -> dict[str, Any]:
        """The numbers that the learner's bounds read of its state."""
        if not hasattr(self.learner, "tally"):
            return {}
        if not self._by_rule:
            return self.learner.tally(self._state, self.domain)
        w = self._state.w
        memory = tuple(w[:, 1:].T) if isinstance(self._memory, tuple) else w[:, 1]
        return self.learner.tally(memory, self.domain)


def _projection(learner: Any, domain: Any) -> Any:
    if domain.separable:
        return updates.Clipped()
    even = getattr(learner, "euclidean", False) or not hasattr(learner, "metric")
    return updates.Euclidean() if even else updates.InMetric()


def copied(state: Any) -> Any:
    """A learner's state, or the array of a rule's, in arrays of its own."""
    if isinstance(state, np.ndarray):
        return state.copy()
    return type(state)(*(copied(part) if isinstance(part, (np.ndarray, tuple)) else part for part in state))


def _rest(learner: Any) -> Any:
    return updates.Drifting() if hasattr(learner, "idle") else updates.Still()


def _first_of(memory: Any) -> Any:
    """What the first coordinate remembers."""
    if isinstance(memory, tuple):
        return tuple(float(np.ravel(part)[0]) for part in memory)
    return float(np.ravel(memory)[0])


def _shape(memory: Any) -> Any:
    """What tells compiled code whether a coordinate remembers one number or several."""
    return tuple(0.0 for _ in memory) if isinstance(memory, tuple) else 0.0


def _told(learner: Any, penalty: Penalty) -> Penalty:
    """The part of the penalty that reaches the learner as a subgradient."""
    return penalty._replace(l1=0.0) if getattr(learner, "composite", False) else penalty


def _by_support(learner: Any, domain: Any, penalty: Penalty) -> bool:
    """Whether a sparse round need only touch the coordinates of its support."""
    if hasattr(learner, "idle"):
        return bool(domain.separable)
    return bool(getattr(learner, "lazy", False) and penalty == NONE)
