"""The best fixed decision in hindsight at every checkpoint, as a certified interval.

F(u) = sum_t f(<a_t, u>, y_t) over the rounds so far. Whatever the points p_t and the subgradients s_t of f(., y_t)
at p_t, convexity gives f(z, y_t) >= f(p_t, y_t) + s_t (z - p_t), hence for every u in the domain X

    F(u) >= sum_t (f(p_t, y_t) - s_t p_t) + <A^T s, u> >= dual - sigma_X(-A^T s),

with sigma_X the support function: Fenchel's dual, in which the first sum is -sum_t f*(s_t, y_t). At p_t = <a_t, x> the
difference to F(x) is the Frank-Wolfe gap, which vanishes at the minimiser of a smooth F. At p_t = prox(<a_t, x>), with
the slopes s_t of the Moreau envelope, it vanishes as the smoothing mu does, kinks or not. On an unbounded domain sigma_X
is infinite unless A^T s = 0, which rounding does not allow; there the bound is stated for |u| <= rho, where sigma is at
most rho |A^T s|, and sum_t inf_z f(z, y_t) is a bound for every u.
"""

import math
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np

from oco import solvers
from oco._jit import kernel, twin
from oco.losses import Linear, Squared
from oco.protocols import Block, Dense, Matrix, Sparse, Vector

# Sums run over CHUNK rows at a time and then exactly: a random walk of that many roundings stays within 64 eps of the
# sum of sizes.
CHUNK = 1 << 13
ROUNDING = 64 * float(np.finfo(float).eps)
WITHIN = 100.0  # times max(1, |x|): the radius rho of certificates on unbounded domains
PASSES = 1000  # over the rounds for one checkpoint
REPLAYS = 100  # the same where the stream has to be read again for each
MOMENTS_COLUMNS = 2000  # up to here the squared loss keeps d^2 sums in place of rows
MOMENTS_BYTES = 1 << 26  # of rows before they are added to the sums


class Best(NamedTuple):
    """min_{u in X} F(u), enclosed."""

    x: Vector  # (d,), in X
    upper: float  # F(x)
    lower: float  # <= F(u) for every u in X with |u|_2 <= within
    within: float  # infinity wherever the certificate is global


class Look(NamedTuple):
    """One pass over the rounds at x: everything that solvers and certificate need."""

    value: float  # F(x)
    smooth: float  # F_mu(x), the sum of the Moreau envelopes
    dual: float  # sum_t f(p_t) - s_t p_t
    g: Vector  # (d,): A^T s, the gradient of F_mu
    h: Matrix | None  # (d, d): A^T diag(w) A, w_t a secant slope of s_t
    terms: float  # sum of sizes of what was added for value and dual
    pull: float  # |s|_2 |A|_F >= sum_t |s_t| |a_t|_2, of which rounding spoils g by a small part


class Bracket:
    """The interval around min F, narrowed by every pass over the rounds."""

    def __init__(
        self,
        measure: Callable[[Vector, float, float], Look],
        domain: Any,
        d: int,
        *,
        floor: float,
        precision: float,
        passes: int,
    ) -> None:
        self.measure, self.domain, self.floor, self.precision, self.left = measure, domain, floor, precision, passes
        self.rho = float(domain.reach(np.zeros(d))) if domain.bounded else WITHIN
        self.x, self.upper, self.start, self.noise = np.zeros(d), math.inf, 0.0, 0.0
        self._best: tuple[Look, float] | None = None  # the best dual point with its sigma_X(-A^T s)

    def __call__(self, x: Vector, mu: float = 0.0, width: float = 0.0) -> Look:
        """Measure F at x in X and keep what it proves."""
        self.left -= 1
        look = self.measure(x, mu, width)
        if math.isfinite(look.value):
            size = float(np.linalg.norm(x))
            upper = look.value + ROUNDING * (look.terms + look.pull * size)
            if upper < self.upper:
                self.x, self.upper = x, upper
                self.rho = self.rho if self.domain.bounded else max(self.rho, WITHIN * size)
            sigma = float(self.domain.support(-look.g))
            if self._below(look, sigma) > self.lower:
                self._best = look, sigma
            self.noise = ROUNDING * (2.0 * look.terms + look.pull * (size + self.rho))
        return look

    def _below(self, look: Look, sigma: float) -> float:
        """The certificate: dual - sigma_X(-A^T s), or - rho |A^T s| if that is more, less what rounding may hide."""
        cut = min(sigma, self.rho * float(np.linalg.norm(look.g)))
        return look.dual - cut - ROUNDING * (look.terms + self.rho * look.pull)

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
        everywhere = self.domain.bounded or self.floor >= self.lower - self.goal
        lower = self.floor if everywhere and not self.domain.bounded else self.lower
        return Best(self.x, self.upper, lower, math.inf if everywhere else self.rho)


class ByBisection(NamedTuple):
    """A loss with the prox that its monotone slope defines."""

    loss: Any

    def value(self, z: float, y: float) -> float:
        return self.loss.value(z, y)  # type: ignore[no-any-return]

    def slope(self, z: float, y: float) -> float:
        return self.loss.slope(z, y)  # type: ignore[no-any-return]

    def prox(self, z: float, y: float, mu: float) -> float:
        """The root of p + mu slope(p, y) = z; it lies between z and z - mu slope(z, y)."""
        far = z - mu * self.loss.slope(z, y)
        low, high = min(z, far), max(z, far)
        while True:
            p = low + 0.5 * (high - low)
            if not low < p < high:
                return low
            if p + mu * self.loss.slope(p, y) > z:
                high = p
            else:
                low = p


def _tangent(loss: Any, z: float, y: float, mu: float) -> tuple[float, float]:
    """(p, s), s a subgradient at p: p = z for mu = 0, else p = prox(z) and s = (z - p) / mu."""
    if mu == 0.0:
        return z, loss.slope(z, y)
    p = loss.prox(z, y, mu)
    # Slopes to both sides of p hold s where rounding, or a careless prox, would leave the subdifferential.
    near = 4.5e-16 * abs(p) + 1e-300
    return p, min(max((z - p) / mu, loss.slope(p - near, y)), loss.slope(p + near, y))


@kernel
def _measure(loss: Any, z: Vector, y: Vector, mu: float, width: float, out: Matrix) -> None:
    """Columns of `out` (5, n): f(z); the envelope; f(p) - s p; s; the secant slope of s over z +- width."""
    for i in range(len(z)):
        p, s = _tangent(loss, z[i], y[i], mu)
        value = loss.value(p, y[i])
        out[0, i] = loss.value(z[i], y[i])
        out[1, i] = value + 0.5 * (z[i] - p) * (z[i] - p) / mu if mu > 0.0 else value
        out[2, i] = value - s * p
        out[3, i] = s
        if width > 0.0:
            rise = _tangent(loss, z[i] + width, y[i], mu)[1] - _tangent(loss, z[i] - width, y[i], mu)[1]
            out[4, i] = max(0.0, 0.5 * rise / width)


@kernel
def _infimum(loss: Any, y: Vector, out: Vector) -> None:
    """inf_z f(z, y), from below: where the slope changes sign, between neighbouring floats, or fades to 0."""
    for i in range(len(y)):
        slope = loss.slope(0.0, y[i])
        side = -1.0 if slope > 0.0 else 1.0
        near, far = 0.0, 0.0 if slope == 0.0 else 1.0
        while far < 1e300 and side * loss.slope(side * far, y[i]) < 0.0:
            near, far = far, 2.0 * far
        while near < near + 0.5 * (far - near) < far:
            middle = near + 0.5 * (far - near)
            if side * loss.slope(side * middle, y[i]) < 0.0:
                near = middle
            else:
                far = middle
        out[i] = loss.value(side * near, y[i]) + min(0.0, side * loss.slope(side * near, y[i])) * (far - near)


@kernel
def _dot_rows(indptr: Any, indices: Any, values: Vector, x: Vector, z: Vector) -> None:
    for r in range(len(z)):
        total = 0.0
        for j in range(indptr[r], indptr[r + 1]):
            total += values[j] * x[indices[j]]
        z[r] = total


@kernel
def _add_rows(indptr: Any, indices: Any, values: Vector, s: Vector, g: Vector) -> None:
    for r in range(len(s)):
        for j in range(indptr[r], indptr[r + 1]):
            g[indices[j]] += s[r] * values[j]


@kernel
def _add_squares(indptr: Any, indices: Any, values: Vector, w: Vector, h: Matrix) -> None:
    """Each pair of columns once, in the order of storage: the sum with its transpose is A^T diag(w) A."""
    for r in range(len(w)):
        if w[r] > 0.0:
            for j in range(indptr[r], indptr[r + 1]):
                scaled = w[r] * values[j]
                row = h[indices[j]]
                for k in range(indptr[r], j):
                    row[indices[k]] += scaled * values[k]
                row[indices[j]] += 0.5 * scaled * values[j]


def columns(block: Block) -> int:
    return block.a.shape[1] if isinstance(block, Dense) else block.d


def margins(block: Block, x: Vector) -> Vector:
    """<a_t, x>, (n,)."""
    if isinstance(block, Dense):
        return np.asarray(block.a @ x)
    z = np.empty(len(block.y))
    _dot_rows(block.indptr, block.indices, block.values, x, z)
    return z


def add_gradient(block: Block, s: Vector, g: Vector) -> None:
    """g += A^T s."""
    if isinstance(block, Dense):
        g += s @ block.a
    else:
        part = np.zeros(len(g))
        _add_rows(block.indptr, block.indices, block.values, s, part)
        g += part


def add_hessian(block: Block, w: Vector, h: Matrix) -> None:
    """h += A^T diag(w) A."""
    if isinstance(block, Dense):
        some = np.flatnonzero(w)
        h += (block.a[some] * w[some, None]).T @ block.a[some]
    else:
        half = np.zeros_like(h)
        _add_squares(block.indptr, block.indices, block.values, w, half)
        h += half
        h += half.T


def chunks(blocks: Iterable[Block], rounds: int) -> Iterator[Block]:
    """The first rounds, at most CHUNK at a time; no row is copied."""
    for block in blocks:
        n = min(rounds, len(block.y))
        for low in range(0, n, CHUNK):
            high = min(n, low + CHUNK)
            if isinstance(block, Dense):
                yield Dense(block.a[low:high], block.y[low:high])
            else:
                yield block._replace(indptr=block.indptr[low : high + 1], y=block.y[low:high])
        rounds -= n
        if rounds == 0:
            return
    raise ValueError(f"replay: the stream ended {rounds} rounds before those already seen")


def look(loss: Any, blocks: Iterable[Block], x: Vector, mu: float, width: float) -> Look:
    """One pass over the rounds: margins, losses, gradient, and for width > 0 the curvature."""
    g = np.zeros(len(x))
    h = np.zeros((len(x), len(x))) if width > 0.0 else None
    sums = []
    for block in blocks:
        z = margins(block, x)
        out = np.empty((5, len(z)))
        _measure(loss, z, block.y, mu, width, out)
        if np.isnan(out[:4].sum()) and np.isnan(out[:4]).any():
            i = int(np.isnan(out[:4]).any(axis=0).argmax())
            raise ValueError(f"the loss is not a number at margin {z[i]:g}, label {block.y[i]:g}, or its slope is not")
        add_gradient(block, out[3], g)
        if h is not None:
            add_hessian(block, out[4], h)
        entries = block.a.ravel() if isinstance(block, Dense) else block.values[block.indptr[0] : block.indptr[-1]]
        sizes = np.abs(out[0]).sum() + np.abs(out[2]).sum()
        sums.append((*out[:3].sum(axis=1), sizes, out[3] @ out[3], entries @ entries))
    value, smooth, dual, terms, slopes, squares = (math.fsum(column) for column in zip(*sums, strict=True))
    return Look(value, smooth, dual, g, h, terms, math.sqrt(slopes * squares))


class Moments:
    """Sums from which F, its gradient and its Hessian follow for the squared loss: A^T A, A^T y, |y|^2."""

    def __init__(self) -> None:
        self.h, self.b, self.c = np.zeros((0, 0)), np.zeros(0), 0.0

    def widen(self, d: int) -> None:
        wider = max(0, d - len(self.b))
        self.h, self.b = np.pad(self.h, (0, wider)), np.pad(self.b, (0, wider))

    def add(self, block: Block) -> None:
        self.widen(columns(block))
        for part in chunks([block], len(block.y)):
            add_hessian(part, np.ones(len(part.y)), self.h)
            add_gradient(part, part.y, self.b)
            self.c += float(part.y @ part.y)

    def look(self, x: Vector, mu: float, width: float) -> Look:
        """F(x) = (x^T A^T A x - 2 <A^T y, x> + |y|^2) / 2; sizes by Cauchy's inequality from the diagonal."""
        hx = self.h @ x
        value = max(0.0, 0.5 * float(x @ hx) - float(self.b @ x) + 0.5 * self.c)
        g = hx - self.b
        columns = np.sqrt(self.h.diagonal())
        size = float(np.abs(x) @ columns) + math.sqrt(self.c)
        # Four times the usual allowance: these sums were rounded once more for every block.
        terms, pull = 4.0 * size * size, 4.0 * size * float(np.linalg.norm(columns))
        return Look(value, value, value - float(g @ x), g, self.h, terms, pull)

    def floor(self, x: Vector) -> float:
        """A bound for every u: F(x) - g^T (A^T A)^-1 g / 2, if rounding leaves no doubt that A^T A is regular."""
        from scipy.linalg import LinAlgError, cholesky

        here = self.look(x, 0.0, 0.0)
        columns = np.sqrt(self.h.diagonal())
        if not columns.all():
            return 0.0
        unit = self.h / columns[:, None] / columns
        least = 4.0 * ROUNDING * len(columns)  # what rounding may have added to the smallest eigenvalue
        try:
            cholesky(unit - 2.0 * least * np.eye(len(columns)), check_finite=False)
        except LinAlgError:
            return 0.0
        error = np.linalg.norm(here.g / columns) + ROUNDING * here.pull / np.linalg.norm(columns)
        return max(0.0, here.value - ROUNDING * here.terms - 0.5 * float(error) ** 2 / least)


class Mark(NamedTuple):
    """A checkpoint."""

    rounds: int
    d: int
    floor: float  # sum_t inf_z f(z, y_t)


class Hindsight:
    """Collects the rounds, then solves for the best fixed decision at every mark.

    Memory: the linear loss keeps O(d) numbers a mark, the squared loss with d <= 2000 columns O(d^2), both for
    any number of rounds. Otherwise rows are kept while they fit into `memory` bytes; beyond that they are dropped
    and read again from `replay()`, which yields the same rounds from the start: at most 100 passes over the stream a
    mark, one an iteration, and O(d) memory (O(d^2) up to 800 columns).
    """

    def __init__(
        self,
        loss: Any,
        domain: Any,
        *,
        replay: Callable[[], Iterator[Block]] | None = None,
        memory: int = 2**30,
    ) -> None:
        self.loss, self.domain, self._replay, self._memory = loss, domain, replay, memory
        self._part = twin(loss if hasattr(loss, "prox") else ByBisection(loss))
        self._rounds, self._d, self._floor, self._bytes = 0, 0, 0.0, 0
        self._kept: list[Block] | None = []  # None: too many, read again
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
        if not self.domain.bounded:
            least = np.empty(len(block.y))
            _infimum(self._part, block.y, least)
            self._floor += float(least.sum()) - ROUNDING * float(np.abs(least).sum())
        if self._kept is not None:
            self._kept.append(type(block)(*(np.array(p) if isinstance(p, np.ndarray) else p for p in block)))
            self._bytes += sum(part.nbytes for part in block if isinstance(part, np.ndarray))
            self._shed()

    def _add(self, block: Block) -> None:
        wider = self._d - len(self._sum)
        self._sum, self._size = np.pad(self._sum, (0, wider)), np.pad(self._size, (0, wider))
        for part in chunks([block], len(block.y)):
            sizes = Dense(np.abs(part.a), part.y) if isinstance(part, Dense) else part._replace(values=np.abs(part.values))
            add_gradient(part, np.ones(len(part.y)), self._sum)
            add_gradient(sizes, np.ones(len(part.y)), self._size)

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
                    f"the {self._rounds} rounds so far take more than {self._memory} bytes and cannot be read again: "
                    f"give replay= or more memory="
                )
            self._kept = None

    def mark(self) -> None:
        """A checkpoint is here, after all rounds seen so far."""
        self._marks.append(Mark(self._rounds, self._d, self._floor))
        if isinstance(self.loss, Linear):
            self._solved.append(self._linear())

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
        kept, self._kept, self._bytes = self._kept or [], [], 0
        for block in [None, *kept]:
            if block is not None:
                self._moments.add(block)
                self._folded += len(block.y)
            for mark in self._marks[len(self._solved) :]:
                if mark.rounds > self._folded:
                    break
                self._moments.widen(mark.d)
                self._note(self._enclose(mark, self._moments.look, min(precision, 1e-9), PASSES), progress)

    def _solve_rows(self, precision: float, progress: Callable[[int], None] | None) -> None:
        if precision < self._precision:
            self._solved.clear()
            self._precision = precision
        if self._kept is not None:
            self._kept = _merge(self._kept)
        for mark in self._marks[len(self._solved) :]:

            def measure(x: Vector, mu: float, width: float, rounds: int = mark.rounds) -> Look:
                blocks = self._kept if self._kept is not None else self._replay()
                return look(self._part, chunks(blocks, rounds), x, mu, width)

            passes = PASSES if self._kept is not None else REPLAYS
            self._note(self._enclose(mark, measure, precision, passes), progress)

    def _note(self, best: Best, progress: Callable[[int], None] | None) -> None:
        self._solved.append(best)
        if progress is not None:
            progress(1)

    def _enclose(self, mark: Mark, measure: Any, precision: float, passes: int) -> Best:
        """min F at one mark: from the better of the last minimiser and the point nearest to 0."""
        at = Bracket(measure, self.domain, mark.d, floor=mark.floor, precision=precision, passes=passes)
        origin = solvers.project(self.domain, np.zeros(mark.d))
        if mark.rounds == 0:
            return Best(origin, 0.0, 0.0, math.inf)
        at.start = at(origin).value
        if self._solved:
            warm = self._solved[-1].x
            at(solvers.project(self.domain, np.pad(warm, (0, mark.d - len(warm)))))
        if math.isinf(at.upper):
            raise ValueError(f"{type(self.loss).__name__}: the loss is infinite at the point nearest to 0")
        self._rough = solvers.minimise(at, at.x, mark.rounds, self._rough)
        if measure == self._moments.look and not self.domain.bounded:
            at.floor = max(at.floor, self._moments.floor(at.x))
        return at.best()


def _merge(blocks: list[Block]) -> list[Block]:
    """The same rows in one block, if they are all of one kind."""
    if len(blocks) > 1 and all(isinstance(block, Dense) for block in blocks):
        return [Dense(*(np.concatenate(parts) for parts in zip(*blocks, strict=True)))]
    if len(blocks) > 1 and all(isinstance(block, Sparse) for block in blocks):
        _, indices, values, y, d = zip(*blocks, strict=True)
        lengths = np.concatenate([np.diff(block.indptr) for block in blocks])
        indptr = np.concatenate([[0], np.cumsum(lengths)])
        return [Sparse(indptr, np.concatenate(indices), np.concatenate(values), np.concatenate(y), max(d))]
    return blocks
