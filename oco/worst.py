"""The sequence of losses on which a learner comes nearest to its bounds: a hill-climb with restarts.

A bound that is a theorem is never exceeded, whatever the search finds; how near the search comes says how much room
its constants leave. A sequence that exceeds one refutes the theorem, or the code.
"""

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from oco._threads import one_blas_thread
from oco._twins import settled
from oco.bounds import ratios
from oco.domains import Simplex, Space
from oco.losses import Linear
from oco.penalty import NONE, Penalty
from oco.play import play
from oco.protocols import Matrix, Vector
from oco.regret import Run
from oco.streams import Data

LEAST = 0.1  # price relative
PATIENCE = 60  # moves in a row that did not help before a restart


class Worst(NamedTuple):
    """Where one bound came nearest to being exceeded."""

    ratio: float  # certified regret / bound; above 1 the bound is refuted
    t: int  # the round at which
    data: Data  # the sequence
    learner: Any  # with the parameters that it played with


def worst(
    learner: Any,
    *,
    domain: Any = None,
    loss: Any = None,
    d: int = 2,
    rounds: int = 16,
    penalty: Penalty = NONE,
    seed: int = 0,
    evaluations: int = 1000,
    progress: Callable[[int], object] | None = None,
) -> dict[str, Worst]:
    """The largest ratio of certified regret to each data-dependent or worst-case bound, over all prefixes.

    Features have |a_t|_2 <= 1; on the simplex they lie in [0, 1]^d, and away from 0 for losses that are infinite there.
    Labels are -1 and +1 or in [-1, 1], as the loss takes them. evaluations: plays, shared by the learner's bounds in
    turn. progress: called with 1 after each.
    """
    domain, loss = Space() if domain is None else domain, Linear() if loss is None else loss
    rng = np.random.default_rng(seed)
    found: dict[str, Worst] = {}

    def play_on(a: Matrix, y: Vector) -> dict[str, float]:
        data = _promised(a, y, isinstance(domain, Simplex))
        run = play(data, {"learner": learner}, domain=domain, loss=loss, penalty=penalty, rounds=len(y))[0]
        if progress is not None:
            progress(1)
        return {name: _note(found, name, run, bound, data) for name, bound in run.bounds().items()}

    with settled(), one_blas_thread():
        left = evaluations
        names: list[str] = []
        while left > 0:
            a, y = _start(rng, rounds, d, domain, loss)
            here, tries = play_on(a, y), 0
            names = names[1:] + names[:1] or list(here)
            left -= 1
            if not here:
                raise ValueError(f"{type(learner).__name__} has no bound to search against: none reads gradients alone")
            while left > 0 and tries < PATIENCE:
                moved = _move(rng, a, y, domain, loss)
                there = play_on(*moved)
                left, tries = left - 1, tries + 1
                if there[names[0]] >= here[names[0]]:
                    tries = 0 if there[names[0]] > here[names[0]] else tries
                    (a, y), here = moved, there
    return found


def _note(found: dict[str, Worst], name: str, run: Run, bound: Vector, data: Data) -> float:
    """The run's largest ratio for one bound, kept if it is a record."""
    # On unbounded domains a bound speaks of the comparator at which it was evaluated.
    regret = run.regret.high if run.domain.bounded else run.regret.low
    values = ratios(regret, bound)
    k = int(values.argmax())
    ratio = float(values[k])
    if name not in found or ratio > found[name].ratio:
        found[name] = Worst(ratio, int(run.t[k]), data, run.learner)
    return ratio


def _promised(a: Matrix, y: Vector, positive: bool) -> Data:
    norm = math.sqrt(a.shape[1]) if positive else 1.0
    return Data(a, y, norm=norm, spread=1.0 if positive else math.sqrt(2.0), label=1.0)


def _fit(a: Matrix, domain: Any, loss: Any) -> Matrix:
    """Rows as the game allows them."""
    if isinstance(domain, Simplex):
        return np.clip(a, LEAST if hasattr(loss, "margins") else 0.0, 1.0)
    return a / np.maximum(1.0, np.linalg.norm(a, axis=1, keepdims=True))


def _labels(rng: np.random.Generator, n: int, loss: Any) -> Vector:
    return rng.choice(loss.labels, n) if hasattr(loss, "labels") else rng.uniform(-1.0, 1.0, n)


def _start(rng: np.random.Generator, rounds: int, d: int, domain: Any, loss: Any) -> tuple[Matrix, Vector]:
    """A random walk's steps, a constant direction with a turn, or an alternation: what lower bounds are made of."""
    direction = rng.standard_normal(d) / math.sqrt(d)
    if isinstance(domain, Simplex):
        direction = rng.integers(0, 2, d).astype(float)
    kind = rng.integers(3)
    if kind == 0:
        a = rng.standard_normal((rounds, d))
    else:
        t = np.arange(rounds)
        signs = (-1.0) ** t if kind == 1 else np.where(t < rng.integers(1, rounds + 1), 1.0, -1.0)
        a = signs[:, None] * direction + (
            np.where(signs < 0.0, 1.0, 0.0)[:, None] if isinstance(domain, Simplex) else 0
        )
    return _fit(a, domain, loss), _labels(rng, rounds, loss)


def _move(rng: np.random.Generator, a: Matrix, y: Vector, domain: Any, loss: Any) -> tuple[Matrix, Vector]:
    """One row, or a stretch of rows, changed."""
    a, y = a.copy(), y.copy()
    r, kind = int(rng.integers(len(a))), rng.integers(6)
    if kind == 0:
        a[r] = 1.0 - a[r] if isinstance(domain, Simplex) else -a[r]
    elif kind == 1:
        a[r] = rng.standard_normal(a.shape[1]) * 10.0 ** rng.uniform(-2.0, 1.0)
    elif kind == 2:
        a[r] += rng.standard_normal(a.shape[1]) * 10.0 ** rng.uniform(-3.0, 0.0)
    elif kind == 3:
        s = int(rng.integers(len(a)))
        a[[r, s]], y[[r, s]] = a[[s, r]], y[[s, r]]
    elif kind == 4:
        stop = int(rng.integers(r, len(a))) + 1
        a[r:stop], y[r:stop] = a[r], y[r]
    else:
        a[r:] *= 10.0 ** rng.uniform(-1.0, 1.0)
        y[r] = _labels(rng, 1, loss)[0]
    return _fit(a, domain, loss), y


def save(found: Worst, path: Path) -> None:
    """Write the sequence as svmlight text, which `oco play --data` replays to the last bit."""
    path.write_text("".join(_lines(found.data)), encoding="utf-8")


def _lines(data: Data) -> Iterator[str]:
    for label, row in zip(data.y, data.X, strict=True):
        features = " ".join(f"{i}:{float(value)!r}" for i, value in enumerate(row))
        yield f"{float(label)!r} {features}\n"
