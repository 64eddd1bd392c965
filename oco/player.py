"""A learner at the table: its state, its decision, one update or many rounds at a time."""

import math
from typing import Any

import numpy as np

from oco import engine
from oco._jit import twin
from oco.domains import Space
from oco.protocols import Block, Dense, Round, Sparse, Vector

DENSE_ENTRIES = 1 << 20  # numbers in the dense copy of sparse rows for learners that need whole gradients


class Player:
    """Drive a learner from your own loop: `x` is the decision, `update(g)` one round.

    learner: with a rule or an update (see oco.protocols). d: number of coordinates. start: x_1, default the
    domain's centre. layout: "sparse" keeps a coordinate's numbers side by side. compiled: False runs in Python.
    """

    def __init__(
        self,
        learner: Any,
        d: int,
        domain: Any = None,
        *,
        start: Vector | None = None,
        layout: str = "dense",
        compiled: bool = True,
    ) -> None:
        domain = Space() if domain is None else domain
        validate(learner)
        check_fit(learner, domain)
        self.learner, self.domain, self.compiled, self.d = learner, domain, compiled, d
        x = domain.centre(d) if start is None else np.array(start, dtype=float)
        if not (x.shape == (d,) and domain.contains(x)):
            raise ValueError(f"start: x_1 must be a point of {domain} with {d} coordinates")
        self.ledger = engine.Ledger(0, 0.0, 0.0, 0.0, 0.0, 0.0, float(np.abs(x).max(initial=0.0)))
        self.now = Round(0, 0.0, 0.0, 0.0)
        self._lazy = getattr(learner, "lazy", False)
        self._sparse = layout == "sparse"
        if hasattr(learner, "rule"):
            self._memory = _as_memory(learner.memory()) if hasattr(learner, "memory") else 0.0
            self._part: Any = engine.ByRule(learner, domain, self._memory, _projection(learner, domain))
            self._state: Any = engine.Coordinates(self._columns(x), np.empty(d if not domain.separable else 0))
        else:
            self._memory = None
            self._part = engine.Whole(learner, domain)
            self._state = learner.init(x)
        if compiled:
            self._part = twin(self._part)

    def _columns(self, x: Vector) -> Any:
        start = np.atleast_1d(np.asarray(self._memory, dtype=float))
        # Columns apart for dense rounds, a coordinate's numbers side by side for sparse ones.
        shape = (len(x), 1 + len(start))
        w = np.empty(shape) if self._sparse else np.empty(shape, order="F")
        w[:, 0], w[:, 1:] = x, start
        return w

    @property
    def x(self) -> Vector:
        """The decision for the coming round, (d,)."""
        return np.asarray(self._state.x if self._memory is None else self._state.w[:, 0])

    def update(self, g: Vector, loss: float = 0.0) -> None:
        """Take a subgradient g (d,) at x; `loss` is f_t(x_t), for learners that read it."""
        g = np.ascontiguousarray(g, dtype=float)
        if g.shape != (self.d,) or not np.isfinite(g).all():
            raise ValueError(f"update: a finite gradient of shape ({self.d},) is needed")
        norm2 = float(g @ g)
        self.now = Round(self.now.t + 1, loss, norm2, self.now.sumsq + norm2)
        self._become(self._call(engine.one_step, self._part, self.now, g, self._state))

    def advance(self, block: Block, loss: Any, adversary: Any = None) -> None:
        """Play the rounds of a block, or against `adversary` = (stream, rng, memory), which fills the block."""
        loss = twin(loss) if self.compiled else loss
        if adversary is not None:
            stream, rng, memory = adversary
            stream = twin(stream) if self.compiled else stream
            head = (self._part, loss, stream, self._state, self.ledger, rng, memory)
            self._enter(self._call(engine.adaptive_rounds, *head, *block))
        elif isinstance(block, Dense):
            self._enter(self._call(engine.dense_rounds, self._part, loss, self._state, self.ledger, *block))
        else:
            self._grow(block.d)
            if self._lazy and self._memory is not None:
                rows = (block.indptr, block.indices, block.values, block.y)
                self._enter(self._call(engine.sparse_rounds, self._part, loss, self._state, self.ledger, *rows))
            else:
                self._advance_dense(block, loss)

    def _advance_dense(self, block: Sparse, loss: Any) -> None:
        step = max(1, DENSE_ENTRIES // max(1, self.d))
        for start in range(0, len(block.y), step):
            y = block.y[start : start + step]
            a = np.zeros((len(y), self.d))
            for r in range(len(y)):
                low, high = block.indptr[start + r], block.indptr[start + r + 1]
                a[r, block.indices[low:high]] = block.values[low:high]
            self._enter(self._call(engine.dense_rounds, self._part, loss, self._state, self.ledger, a, y))
            if not math.isfinite(self.ledger.loss):
                return

    def _call(self, kernel: Any, *arguments: Any) -> Any:
        if self.compiled:
            return kernel(*arguments)
        with np.errstate(all="ignore"):  # the compiled twin is silent about infinities too
            return kernel.plain(*arguments)

    def _enter(self, result: Any) -> None:
        state, ledger = result
        self._become(state)
        self.ledger = engine.Ledger(*ledger)
        self.now = Round(self.ledger.t, 0.0, 0.0, self.ledger.sumsq)

    def _become(self, state: Any) -> None:
        self._state = type(self._state)(*state)

    def _grow(self, d: int) -> None:
        """Make room for columns that the stream shows for the first time; each starts at the centre."""
        if d <= self.d:
            return
        if self._memory is None and not hasattr(self.learner, "grow"):
            raise ValueError(f"{type(self.learner).__name__} has no grow(state, x): the stream grew to {d} columns")
        x = self.domain.centre(d)
        if not np.array_equal(x[: self.d], self.domain.centre(self.d)):
            raise ValueError(f"{type(self.domain).__name__} cannot grow: the stream went from {self.d} to {d} columns")
        x[: self.d] = self.x
        if self._memory is None:
            self._state = self.learner.grow(self._state, x)
        else:
            w = self._columns(x)
            w[: self.d] = self._state.w
            self._state = engine.Coordinates(w, np.empty(d if not self.domain.separable else 0))
        self.d = d

    def metric(self) -> Any:
        """Gamma with x_{t+1} = Proj^Gamma(x_t - Gamma^{-1} g): (d,) for a rule, (d, d) for a full matrix."""
        if not hasattr(self.learner, "metric"):
            raise TypeError(f"{type(self.learner).__name__} has no metric: audits and effective rates need one")
        if self._memory is None:
            return self.learner.metric(self.now, self._state)
        h = np.empty(self.d)
        self._call(engine.metrics, self._part, self.now, self._state, h)
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

    def tally(self) -> dict[str, float]:
        """The numbers that the learner's bounds read of its state."""
        if not hasattr(self.learner, "tally"):
            return {}
        state = self._state if self._memory is None else self._state.w[:, 1]
        return self.learner.tally(state, self.domain)


def _projection(learner: Any, domain: Any) -> Any:
    if domain.separable:
        return engine.Clipped()
    even = getattr(learner, "euclidean", False) or not hasattr(learner, "metric")
    return engine.Euclidean() if even else engine.InMetric()


def _as_memory(memory: Any) -> Any:
    return tuple(float(part) for part in memory) if isinstance(memory, tuple) else float(memory)


def check_fit(learner: Any, domain: Any) -> None:
    who = type(learner).__name__
    if not hasattr(learner, "rule") and not (hasattr(learner, "update") and hasattr(learner, "init")):
        raise TypeError(
            f"{who} is not a learner: missing rule(now, g, x, s), or init(x) and update(now, g, state, domain)"
        )
    missing = [need for need in getattr(learner, "needs", ()) if not hasattr(domain, need)]
    if missing:
        raise ValueError(f"{who} is not compatible with {type(domain).__name__}: missing {', '.join(missing)}")


def validate(part: Any) -> None:
    """Refuse numbers that a part says cannot be: its attributes `positive` and `nonnegative` name its fields."""
    who = type(part).__name__
    if not (isinstance(part, tuple) and hasattr(part, "_fields")):
        raise TypeError(f"{part!r} is not a part: a learner, loss, domain or stream is a NamedTuple")
    for name in getattr(part, "positive", ()):
        value = getattr(part, name)
        if value is not None and not 0 < value < math.inf:
            raise ValueError(f"{who}: {name} = {value} must be a positive number")
    for name in getattr(part, "nonnegative", ()):
        if not 0 <= getattr(part, name) < math.inf:
            raise ValueError(f"{who}: {name} = {getattr(part, name)} must be a number >= 0")
    if hasattr(part, "lower") and hasattr(part, "upper") and not np.all(np.asarray(part.lower) <= part.upper):
        raise ValueError(f"{who}: lower must not be above upper")
