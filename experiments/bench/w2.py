"""W2: sparse logistic rounds of hashed Zipf words, diagonal AdaGrad, state in float64 and float32."""

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import numpy as np

import oco
from experiments.bench import data, limits, with_jax, with_river, with_sklearn, with_torch, with_vw
from experiments.bench.contest import Entry, Options, contest
from experiments.bench.ours import float32_missing, played
from experiments.bench.rows import Row

ETA = 0.1
TOUCHED = {18: 0.5, 20: 0.65}  # goals: of the rate of the same memory touches without arithmetic


def rows(options: Options) -> Iterator[Row]:
    for bits in (18, 20) if not options.quick else (10,):
        matrix, y = data.hashed_words(options.size(200_000, 1000), bits)
        yield from _float64(matrix, y, bits, options)
        yield from _float32(matrix, y, bits, options)


def play(matrix: Any, y: np.ndarray, n: int, **game: Any) -> Callable[[], float]:
    return played(oco.Data(matrix[:n], y[:n]), oco.AdaGrad(ETA), loss=oco.Logistic(), **game)


def _float64(matrix: Any, y: np.ndarray, bits: int, options: Options) -> list[Row]:
    n = len(y)
    some, few, least = options.size(20_000, 300), options.size(1000, 100), options.size(300, 50)
    first = matrix[:some], y[:some], ETA
    others = [
        Entry("limit: touch the same memory", lambda: limits.touch(matrix), n, TOUCHED.get(bits), limit=True),
        Entry(
            "Vowpal Wabbit, Python on parsed examples (first rounds)",
            lambda: with_vw.parsed(*first, bits),
            some,
            4.5,
            tolerance=1e-4,
        ),
        Entry("Vowpal Wabbit, driver on its cache", lambda: _cache(matrix, y, bits, options), n, 5.0, tolerance=1e-4),
        Entry("JAX scan, x and G apart (first rounds)", lambda: with_jax.sparse(*first, packed=False), some, 4.0),
        Entry("JAX scan, side by side (first rounds)", lambda: with_jax.sparse(*first, packed=True), some, 4.0),
        Entry("lightning AdaGrad", lambda: with_sklearn.lightning(matrix, y, ETA), n, tolerance=None),
        Entry("scikit-learn SGD, one call (no AdaGrad)", lambda: with_sklearn.sgd(matrix, y, ETA), n, tolerance=None),
        Entry("river AdaGrad (first rounds)", lambda: _river(matrix[:few], y[:few]), few, tolerance=None),
        Entry("torch sparse Adagrad (first rounds)", lambda: _torch(matrix, y, least), least, tolerance=1e-5),
    ]
    ours = Entry("oco", lambda: play(matrix, y, n), n)
    return contest("W2", f"d = 2^{bits}", ours, others, options, cache(lambda n: play(matrix, y, n)()))


def _river(matrix: Any, y: np.ndarray) -> Callable[[], None]:
    return with_river.logistic(with_river.rows_of(matrix), y, ETA)


def _torch(matrix: Any, y: np.ndarray, n: int) -> Callable[[], float]:
    return with_torch.sparse(matrix[:n], y[:n], ETA)


def _cache(matrix: Any, y: np.ndarray, bits: int, options: Options) -> Callable[[], float]:
    """The driver on its cache; the first run, untimed, makes it from text."""
    text = options.folder / f"words-{bits}.vw"
    if not text.exists():
        text.write_text("".join(with_vw.lines(matrix, y)))
    return with_vw.driver(text, ETA, bits, options.folder / f"words-{bits}.cache")


def _float32(matrix: Any, y: np.ndarray, bits: int, options: Options) -> list[Row]:
    n, case = len(y), f"float32, d = 2^{bits}"
    if missing := float32_missing():
        return [Row("W2", case, missing)]
    narrow = matrix.astype(np.float32)
    others = [
        Entry("limit: touch the same memory in float32", lambda: limits.touch(matrix, np.float32), n, limit=True),
        Entry("oco in float64 (check: loss of accuracy)", lambda: play(matrix, y, n), n, 1.3, tolerance=1e-4),
    ]
    ours = Entry("oco", lambda: play(narrow, y, n, dtype=np.float32), n)
    return contest("W2", case, ours, others, options, cache(lambda n: play(narrow, y, n, dtype=np.float32)()))
