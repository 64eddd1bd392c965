"""W1: dense logistic rounds, diagonal AdaGrad, float64 and float32."""

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import numpy as np

import oco
from experiments.bench import data, limits, with_jax, with_numpy, with_river, with_sklearn, with_torch
from experiments.bench.contest import Entry, Options, contest
from experiments.bench.ours import float32_missing, played
from experiments.bench.rows import Row

# optax's form of AdaGrad, which all others can state too.
ETA, INITIAL, EPS = 0.1, 0.1, 1e-7


def learner() -> Any:
    return oco.AdaGrad(ETA, initial=INITIAL, eps=EPS)


def rows(options: Options) -> Iterator[Row]:
    a, y = data.dense_logistic(options.size(20_000, 300), options.size(1000, 50))
    yield from _float64(a, y, options)
    yield from _float32(a, y, options)


def play(a: np.ndarray, y: np.ndarray, n: int, **game: Any) -> Callable[[], float]:
    return played(oco.Data(a[:n], y[:n]), learner(), loss=oco.Logistic(), **game)


def _float64(a: np.ndarray, y: np.ndarray, options: Options) -> list[Row]:
    n, d = a.shape
    few, least = options.size(1000, 50), options.size(40, 20)
    jax = {f"JAX scan, unroll={k}": k for k in (1, 8)}
    some = a[:few], y[:few], ETA, INITIAL, EPS
    others = [
        Entry("limit: read X once", lambda: limits.read_once(a), n, 0.4, limit=True),
        *(Entry(k, lambda u=u: with_jax.dense(a, y, ETA, INITIAL, EPS, u), n, 2.5) for k, u in jax.items()),
        Entry("JAX scan, optax.adagrad inside", lambda: with_jax.with_optax(a, y, ETA, INITIAL, EPS), n, 2.5),
        Entry("scikit-learn SGD, one call (no AdaGrad)", lambda: with_sklearn.sgd(a, y, ETA), n, tolerance=None),
        Entry("NumPy loop (first rounds)", lambda: with_numpy.dense(*some), few),
        Entry("torch Adagrad, gradient by hand (first rounds)", lambda: with_torch.dense(*some), few, tolerance=1e-5),
        Entry("river AdaGrad (first rounds)", lambda: _river(a[:least], y[:least]), least, tolerance=None),
    ]
    ours = Entry("oco", lambda: play(a, y, n), n)
    return contest("W1", f"float64, d = {d}", ours, others, options, cache(lambda n: play(a, y, n)()))


def _river(a: np.ndarray, y: np.ndarray) -> Callable[[], None]:
    return with_river.logistic(with_river.rows_of(a), y, ETA)


def _float32(a: np.ndarray, y: np.ndarray, options: Options) -> list[Row]:
    n, d = a.shape
    case = f"float32, d = {d}"
    if missing := float32_missing():
        return [Row("W1", case, missing)]
    b = data.in_lines(a.astype(np.float32))
    jax = {f"JAX scan in float32, unroll={k}": k for k in (1, 8)}
    others = [
        Entry("limit: read X once in float32", lambda: limits.read_once(b), n, limit=True),
        *(
            Entry(k, lambda u=u: with_jax.dense(b, y, ETA, INITIAL, EPS, u), n, 3.5, tolerance=1e-4)
            for k, u in jax.items()
        ),
        Entry("oco in float64 (check: loss of accuracy)", lambda: play(a, y, n), n, tolerance=1e-4),
    ]
    ours = Entry("oco", lambda: play(b, y, n, dtype=np.float32), n)
    return contest("W1", case, ours, others, options, cache(lambda n: play(b, y, n, dtype=np.float32)()))
