"""What every part must satisfy, as a check to run on a new one; a message says what is wrong and where."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from oco._jit import kernel
from oco.domains import Ball, Box, Simplex, Space
from oco.fit import check_fit, tuned, validate
from oco.losses import Linear, Logistic, Squared
from oco.penalty import NONE, Penalty
from oco.play import play
from oco.player import Player
from oco.protocols import Block, Dense, Setting, Vector
from oco.streams import Data, blocks, head, is_adaptive

D = 4
ROUNDS = 40
TOLERANCE = 1e-9  # between the compiled and the interpreted run, relative to the size of the decisions


class NotConformantError(AssertionError):
    """A part that breaks its protocol; the message lists every way found."""


def check(part: Any, domain: Any = None) -> None:
    """Check a learner, loss, stream or adversary; NotConformantError lists what is wrong.

    A learner is played on `domain`, or on each of Space, Box and Ball that it fits. For all parts, compiled and
    interpreted runs must agree. Learners: decisions feasible, no move on a zero first gradient, no memory outside
    the state, sparse equals dense. Losses: the subgradient inequality; conjugate, prox and lipschitz where given.
    Streams: shapes, finite numbers, promises kept, a shorter stream is the start of a longer one.
    """
    validate(part)
    if hasattr(part, "value") and hasattr(part, "slope"):
        found = list(_loss(part))
    elif hasattr(part, "rule") or hasattr(part, "update"):
        found = list(_learner(part, domain))
    elif is_adaptive(part):
        found = list(_adversary(part))
    elif hasattr(part, "examples") or hasattr(part, "blocks"):
        found = list(_stream(part))
    else:
        found = ["it is no learner (rule or update), loss (value, slope) or stream (examples, reveal or blocks)"]
    if found:
        raise NotConformantError(f"{type(part).__name__}: " + "; ".join(dict.fromkeys(found)))


def _learner(learner: Any, domain: Any) -> Iterator[str]:
    places = [Space(), Box(), Ball()] + ([Simplex()] if "Simplex" in getattr(learner, "domains", ()) else [])
    for place in [domain] if domain is not None else places:
        try:
            check_fit(learner, place)
        except ValueError as problem:
            if domain is not None:
                yield str(problem)
            continue
        yield from _learner_on(_given(learner, place), place)


def _given(learner: Any, domain: Any) -> Any:
    """The learner with a number for every parameter that is left to its theorem."""
    size = float(np.linalg.norm(_gradients(1), axis=1).max())
    start = domain.centre(D)
    try:
        return tuned(learner, Setting(domain, D, start, ROUNDS, size, size, 2.0 * size, 0.0, 1.0))
    except ValueError:  # on an unbounded domain theorems set no step
        unset = [name for name, value in learner._asdict().items() if value is None]
        return learner._replace(**dict.fromkeys(unset, 0.5))


def _gradients(seed: int) -> Vector:
    return np.random.default_rng(seed).standard_normal((ROUNDS, D))


def _walk(learner: Any, domain: Any, gradients: Vector, compiled: bool = False) -> Vector:
    player = Player(learner, D, domain, compiled=compiled)
    decisions = [player.x.copy()]
    for g in gradients:
        player.update(g)
        decisions.append(player.x.copy())
    return np.array(decisions)


def _learner_on(learner: Any, domain: Any) -> Iterator[str]:
    where = f"on {type(domain).__name__}"
    path = _walk(learner, domain, _gradients(1))
    for t, x in enumerate(path, 1):
        if not np.isfinite(x).all():
            yield f"{where}, decision {t} is not finite: {x}"
            return
        if not domain.contains(x):
            yield f"{where}, decision {t} is outside the domain: {x}"
            return
    still = _walk(learner, domain, np.zeros((2, D)))
    if not np.array_equal(still[0], still[1]) and not getattr(learner, "bandit", False):
        yield f"{where}, a zero first gradient moved it from {still[0]} to {still[1]}"
    if not np.array_equal(path, _walk(learner, domain, _gradients(1))):
        yield f"{where}, a second run differs: something is remembered outside the state"
    other = np.vstack([_gradients(1)[: ROUNDS // 2], _gradients(2)[ROUNDS // 2 :]])
    if not np.array_equal(path[: ROUNDS // 2 + 1], _walk(learner, domain, other)[: ROUNDS // 2 + 1]):
        yield f"{where}, decisions depend on gradients not yet revealed"
    try:
        compiled = _walk(learner, domain, _gradients(1), compiled=True)
    except TypeError as problem:
        yield f"{where}, {problem}"
        return
    if not np.allclose(path, compiled, rtol=TOLERANCE, atol=TOLERANCE * np.abs(path).max()):
        yield f"{where}, compiled decisions differ from interpreted ones by {np.abs(path - compiled).max():.2g}"
    if getattr(learner, "lazy", False) or hasattr(learner, "idle"):
        yield from _sparse_equals_dense(learner, domain, where)
    if getattr(learner, "lent", False):
        yield from _gives_back(learner, domain, where)


def _gives_back(learner: Any, domain: Any, where: str) -> Iterator[str]:
    player, given = Player(learner, D, domain, compiled=False), _gradients(1)
    g = given.copy()
    for row in g:
        player.update(row)
    if not np.array_equal(g, given):
        yield f"{where}, it changes the gradient that it is lent"
    if any(np.shares_memory(g, part) for part in _arrays(player.state)):
        yield f"{where}, it keeps the gradient that it is lent"


def _arrays(state: Any) -> Iterator[Vector]:
    for part in state:
        if isinstance(part, np.ndarray):
            yield part
        elif isinstance(part, tuple):
            yield from _arrays(part)


def _sparse_equals_dense(learner: Any, domain: Any, where: str) -> Iterator[str]:
    from scipy.sparse import csr_array

    a = _gradients(3) * (np.random.default_rng(4).random((ROUNDS, D)) < 0.3)
    y = np.sign(a.sum(axis=1) + 0.1)
    for penalty in (NONE, Penalty(l1=0.01)) if hasattr(learner, "idle") else (NONE,):
        options: dict[str, Any] = {"loss": Logistic(), "domain": domain, "penalty": penalty}
        runs = [play(Data(x, y), learner, **options)[0] for x in (a, csr_array(a))]
        ends = [run.x for run in runs]
        if not np.allclose(ends[0], ends[1], rtol=TOLERANCE, atol=TOLERANCE):
            why = "is it lazy (no move where g_i = 0), or is idle wrong?"
            yield f"{where}, sparse rounds end at {ends[1]}, dense ones at {ends[0]}: {why}"
        elif not np.allclose(runs[0].loss, runs[1].loss, rtol=TOLERANCE):
            yield f"{where}, the penalty of sparse rounds is not that of dense ones: what does idle say was paid?"


@kernel
def _evaluate(loss: Any, z: Vector, y: Vector, out: Any) -> None:
    for i in range(len(z)):
        out[0, i] = loss.value(z[i], y[i])
        out[1, i] = loss.slope(z[i], y[i])


def _loss(loss: Any) -> Iterator[str]:
    rng = np.random.default_rng(0)
    z = np.concatenate([rng.standard_normal(100), 30.0 * rng.standard_normal(20), np.arange(-4.0, 5.0)])
    low, high = getattr(loss, "margins", (-math.inf, math.inf))
    z = z[(low < z) & (z < high)]
    y = rng.choice(loss.labels, len(z)) if hasattr(loss, "labels") else np.round(rng.standard_normal(len(z)), 1)
    plain, compiled = np.empty((2, len(z))), np.empty((2, len(z)))
    _evaluate.plain(loss, z, y, plain)
    _evaluate(loss, z, y, compiled)
    if not np.isfinite(plain).all():
        worst = int(np.argmin(np.isfinite(plain).all(axis=0)))
        yield f"value or slope at z = {z[worst]:.3g}, y = {y[worst]:.3g} is not finite"
        return
    if not np.allclose(plain, compiled, rtol=TOLERANCE, atol=TOLERANCE):
        yield "compiled and interpreted values or slopes differ"
    for i in range(len(z)):
        values = np.array([loss.value(p, y[i]) for p in z])
        gap = values - plain[0, i] - plain[1, i] * (z - z[i])
        if gap.min() < -TOLERANCE * (1.0 + np.abs(values).max()):
            p = z[gap.argmin()]
            yield f"slope({z[i]:.3g}, {y[i]:.3g}) is no subgradient: value({p:.3g}) is {-gap.min():.3g} below its line"
            break
    yield from _loss_extras(loss, z, y, plain)


def _loss_extras(loss: Any, z: Vector, y: Vector, plain: Vector) -> Iterator[str]:
    for (point, label), (value, slope) in zip(zip(z, y, strict=True), plain.T, strict=True):
        size = TOLERANCE * (1.0 + abs(value) + abs(slope * point))
        if hasattr(loss, "conjugate") and abs(value + loss.conjugate(slope, label) - slope * point) > size:
            yield f"conjugate({slope:.3g}, {label:.3g}) breaks value + conjugate = slope z at z = {point:.3g}"
            break
    for (point, label), (_, slope) in zip(zip(z, y, strict=True), plain.T, strict=True):
        if hasattr(loss, "lipschitz") and abs(slope) > loss.lipschitz(abs(point), abs(label)) * (1.0 + TOLERANCE):
            yield f"lipschitz({abs(point):.3g}, {abs(label):.3g}) is below the slope at z = {point:.3g}"
            break
    for point, label in zip(z, y, strict=True):
        if hasattr(loss, "prox"):
            p = loss.prox(point, label, 0.7)
            best = loss.value(p, label) + (p - point) ** 2 / 1.4
            near = min(loss.value(q, label) + (q - point) ** 2 / 1.4 for q in (p - 1e-3, p + 1e-3))
            if best > near + TOLERANCE:
                yield f"prox({point:.3g}, {label:.3g}, 0.7) = {p:.3g} is not the minimiser"
                break


def _stream(stream: Any) -> Iterator[str]:
    loss: Any = getattr(stream, "loss", Linear())
    signed = hasattr(loss, "labels")
    try:
        long = next(blocks(stream, 1, 50, signed))
        again = next(blocks(stream, 1, 50, signed))
        short = next(blocks(stream, 1, 7, signed))
    except ValueError as problem:
        yield str(problem)
        return
    if not _same(long, again):
        yield "the same seed gives another stream: draw everything from the rng that is handed in"
    if not _same(head(long, 0, len(short.y)), short):
        yield "a shorter stream is not the start of a longer one"
    a = _dense(long)
    yield from _promises(stream, a, long.y)
    if signed and not np.isin(long.y, loss.labels).all():
        yield f"{type(loss).__name__} takes the labels {loss.labels}, not {np.unique(long.y)[:4]}"


def _same(one: Block, other: Block) -> bool:
    return all(np.array_equal(np.asarray(p), np.asarray(q)) for p, q in zip(one, other, strict=True))


def _dense(block: Block) -> Vector:
    if isinstance(block, Dense):
        return block.a
    a = np.zeros((len(block.y), block.d))
    a[np.repeat(np.arange(len(block.y)), np.diff(block.indptr)), block.indices] = block.values
    return a


def _promises(stream: Any, a: Vector, y: Vector) -> Iterator[str]:
    largest = float(np.linalg.norm(a, axis=1).max())
    if largest > getattr(stream, "norm", math.inf) * (1.0 + TOLERANCE):
        yield f"norm = {stream.norm:g} is promised and |a_t| = {largest:g} was seen"
    if np.abs(y).max() > getattr(stream, "label", math.inf) * (1.0 + TOLERANCE):
        yield f"label = {stream.label:g} is promised and |y_t| = {np.abs(y).max():g} was seen"


def _adversary(stream: Any) -> Iterator[str]:
    rng, memory, rows = np.random.default_rng(5), np.zeros(stream.d), []
    for t, x in enumerate(np.random.default_rng(6).standard_normal((20, stream.d)), 1):
        a, before = np.full(stream.d, np.nan), x.copy()
        y = stream.reveal(t, x, rng, memory, a)
        if not np.array_equal(x, before):
            yield f"reveal changed the learner's decision in round {t}"
        if not (np.isfinite(a).all() and math.isfinite(y)):
            yield f"reveal left a = {a}, y = {y} in round {t}: every entry of a must be set"
            return
        rows.append(a)
    yield from _promises(stream, np.array(rows), np.zeros(1))
    loss = getattr(stream, "loss", Squared())
    from oco.learners import AdaGradNorm

    runs = [
        play(stream, AdaGradNorm(0.3), loss=loss, domain=Ball(), rounds=20, compiled=compiled)[0]
        for compiled in (True, False)
    ]
    if not np.allclose(runs[0].x, runs[1].x, rtol=1e-6, atol=1e-6):
        yield "compiled and interpreted plays differ"
