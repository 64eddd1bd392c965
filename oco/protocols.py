"""The nouns of the game: what a learner, loss, domain and stream offer, and what flows between them.

Every part is a NamedTuple of numbers whose methods are plain Python; nothing has to be inherited. Round t:
the learner plays x_t, the stream reveals (a_t, y_t), the learner suffers f_t(x_t) = loss(<a_t, x_t>, y_t) and
sees the subgradient g_t = loss'(<a_t, x_t>, y_t) a_t.
"""

import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]


Part = TypeVar("Part", bound=type)
THEORY: Any = None  # a parameter that its learner's theorem sets before round 1


def declare(**facts: Any) -> Callable[[Part], Part]:
    """Class decorator: state facts about a part, such as lazy=True (a NamedTuple's body holds fields and methods)."""

    def state(part: Part) -> Part:
        for name, fact in facts.items():
            setattr(part, name, fact)
        return part

    return state


class Dense(NamedTuple):
    """n consecutive rounds: rows a_t of `a` (n, d), float64, C order; labels y (n,)."""

    a: Matrix
    y: Vector


class Sparse(NamedTuple):
    """n consecutive rounds: row r holds columns indices[indptr[r]:indptr[r+1]], each at most once; labels y (n,)."""

    indptr: NDArray[np.int64]  # (n + 1,)
    indices: NDArray[np.int32]  # (nnz,)
    values: Vector  # (nnz,)
    y: Vector  # (n,)
    d: int  # columns seen so far in the stream, never falling from block to block


Block = Dense | Sparse


class Round(NamedTuple):
    """What a rule knows of round t beside its own coordinate."""

    t: int  # 1, 2, ...
    loss: float  # f_t(x_t), the game's penalty not included
    norm2: float  # |g_t|_2^2
    sumsq: float  # sum_{s <= t} |g_s|_2^2
    l1: float = 0.0  # the game's penalty l1 |x|_1 + (l2 / 2) |x|_2^2
    l2: float = 0.0
    low: float = math.nan  # the least and the largest entry of g_t, where they are known: see VectorLearner
    high: float = math.nan


class Loss(Protocol):
    """A convex function of the margin z = <a, x>.

    Optional: `lipschitz(margin, label)`, the largest |slope| for |z| <= margin, |y| <= label (bounds and steps
    by theorem need it); `exp_concavity(margin, label)`, the largest alpha with exp(-alpha value) concave there, for
    Online Newton Step; `prox(z, y, mu)` = argmin_p value(p, y) + (p - z)^2 / (2 mu); and the attribute
    `labels`, a pair, where only two labels make sense.
    """

    def value(self, z: float, y: float) -> float: ...

    def slope(self, z: float, y: float) -> float: ...


class Domain(Protocol):
    """A closed convex set. Methods that kernels call work in place on x (d,).

    `separable` says that it is a product of intervals; then `clip(i, v)` projects coordinate i (v elsewhere). Otherwise
    `project(x)` is Euclidean, `project_diagonal(x, h)` is argmin_{u in X} sum_i h_i (u_i - x_i)^2, and `holds(x)`
    says that there is nothing to project; all these, and `project_metric(x, h, q)` for the metric
    Q diag(h) Q^T where it exists, are called by kernels. `ball_radius()` (optional): r where the domain is
    {|x|_2 <= r}, infinity for R^d; a projection in a full metric then needs no eigenvectors.
    """

    separable: bool

    def contains(self, x: Vector) -> bool: ...

    def centre(self, d: int) -> Vector: ...

    def clip(self, i: int, v: float) -> float: ...

    def holds(self, x: Vector) -> bool: ...

    def project(self, x: Vector) -> None: ...

    def project_diagonal(self, x: Vector, h: Vector) -> None: ...

    def support(self, c: Vector) -> float:
        """max_{u in X} <c, u>, infinity where unbounded."""
        ...

    def minimiser(self, c: Vector) -> Vector:
        """A point of argmin_{u in X} <c, u>."""
        ...


class CoordinateLearner(Protocol):
    """A learner that treats coordinates alike and apart: its whole update is one rule.

    What every learner may state as attributes: `domains` and `losses`, the names of the only classes it plays on and
    with; `needs`, methods that the domain must have; `bounded = True`: only bounded domains; `origin = True`: x_1 = 0;
    `composite = True`: the penalty's l1 is its own business (it reads now.l1), and what it is given is the gradient of
    f_t (+ l2 x) alone.
    Optional: `memory(x)`, what the coordinates remember before round 1 at x = x_1 (d,) (default 0.0; a float, an array
    (d,), or a tuple of such); `metric(now, s)`, the Gamma_t with x_{t+1} = Proj^{Gamma_t}(x_t - g_t / Gamma_t) (default
    1, the Euclidean projection); `sums`, a tuple of names, and `share(s, width)`, what a coordinate of that width (1 if
    the domain is unbounded) adds to the sum of each name, which bounds read as run.tally[name]; the attributes
    `euclidean = True` where Gamma_t is the same for all coordinates, and `lazy = True` where a zero gradient changes
    nothing, which makes sparse rounds cost O(non-zeros). So does `idle(now, x, s) -> (x, s, paid)` on R^d and boxes,
    for a rule that without a gradient only shrinks |x|: where the coordinate is after round now.t if its gradient was
    zero in every round since its rule was last called, and the sum of |x| over its decisions in those rounds. x is
    given as the box left it: |x| bounds all decisions that follow.
    """

    def rule(self, now: Round, g: float, x: float, s: Any) -> tuple[float, Any]: ...


class VectorLearner(Protocol):
    """A learner whose update needs the whole gradient; `state` is a NamedTuple of arrays and numbers with x.

    `update` may reuse the arrays of the state that it is given. Optional: `foresee(now, a, state, domain)`, called
    before the decision of a round with its features a_t (now is the round before); `grow(state, x)`, for streams that
    show new columns on the way. The attribute `lent = True` says that the update neither keeps nor changes g, which may
    then be a row of the stream; `bandit = True` asks for games in which only now.loss is revealed: g is NaN.
    `scaled = True` saves passes over x: the decision is x times the state's array `factor` (1,), which is 1 again
    outside of loops over rounds, the state's number `reach` is its max_i |x_i|, and the update is told now.low and
    now.high where these are found on the way (else they are NaN: see `extremes` of oco.learners.experts).
    """

    def init(self, x: Vector) -> Any: ...

    def update(self, now: Round, g: Vector, state: Any, domain: Any) -> Any: ...


class Stream(Protocol):
    """Revealed without regard to x: block k of rounds is a function of (seed, k) alone, written in plain NumPy.

    `target(rng)` (optional) is drawn once a seed; `examples(rng, t, target)` returns (A, y) for the rounds t, an
    integer array, with A a (len(t), d) array or a SciPy sparse matrix. Optional attributes: `norm`, a promise
    that |a_t|_2 <= norm; `spread`, that max_i a_{t,i} - min_i a_{t,i} <= spread; `label`, that |y_t| <= label; `loss`,
    the loss to use where none is named.
    """

    d: int

    def examples(self, rng: np.random.Generator, t: NDArray[np.int64], target: Any) -> tuple[Any, Vector]: ...


class Adversary(Protocol):
    """Revealed after x_t is seen, inside the compiled loop: `reveal` fills a (d,), returns y_t.

    `memory` (d,) starts at zero and is the adversary's own.
    """

    d: int

    def reveal(self, t: int, x: Vector, rng: np.random.Generator, memory: Vector, a: Vector) -> float: ...


class Setting(NamedTuple):
    """What a step size may be tuned to before round 1; unknown numbers are infinite."""

    domain: Any
    d: int
    start: Vector  # x_1
    rounds: float  # T
    lipschitz: float  # G >= |g_t|_2
    largest: float = math.inf  # >= |g_t|_inf
    spread: float = math.inf  # >= max_i g_{t,i} - min_i g_{t,i}
    l1: float = 0.0  # the game's penalty; with l2 > 0 the losses are l2-strongly convex
    l2: float = 0.0
    exp_concavity: float = 0.0  # alpha > 0 such that every loss is alpha-exp-concave on X; 0 if none is known

    def need(self, **known: float) -> None:
        """Refuse a step by theorem whose constants are not known."""
        for name, value in known.items():
            if not np.isfinite(value):
                raise ValueError(f"no step by theorem on {type(self.domain).__name__}: {name} is not known")


Blocks = Iterator[Block]
