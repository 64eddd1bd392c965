"""Data sets of the workloads, made from a seed."""

import os
from pathlib import Path

import numpy as np
from scipy.sparse import csr_array, vstack

import oco
from oco.lowlevel.arrays import aligned

WORDS = 4_000_000  # of the vocabulary
EXPONENT = 1.05  # frequency ~ rank^-EXPONENT
DRAWS = 90  # words of a document; about 75 remain when those drawn again are dropped
CHUNK = 20_000  # documents made at a time


def dense_logistic(rounds: int, d: int) -> tuple[np.ndarray, np.ndarray]:
    """Gaussian features (rounds, d) of length about 1, labels +-1 by a hidden direction, one in ten flipped."""
    rng = np.random.default_rng(1)
    a = in_lines(rng.standard_normal((rounds, d)) / np.sqrt(d))
    y = np.sign(a @ rng.standard_normal(d) + 1e-300)
    return a, np.where(rng.random(rounds) < 0.1, -y, y)


def hashed_words(rounds: int, bits: int) -> tuple[csr_array, np.ndarray]:
    """Presence features of Zipf documents, hashed into 2^bits columns, and labels that rare words decide too."""
    rng = np.random.default_rng(2)
    indptr, indices, labels = [np.zeros(1, np.int64)], [], []
    for start in range(0, rounds, CHUNK):
        n = min(CHUNK, rounds - start)
        columns = np.sort(_hash(_ranks(rng, (n, DRAWS)), bits), axis=1)
        fresh = np.ones(columns.shape, bool)
        fresh[:, 1:] = columns[:, 1:] != columns[:, :-1]
        weight = np.where(_hash(columns, 1) == 1, 1.0, -1.0)
        y = np.sign((weight * fresh).sum(axis=1) + 0.5)
        labels.append(np.where(rng.random(n) < 0.05, -y, y))
        indptr.append(fresh.sum(axis=1))
        indices.append(columns[fresh].astype(np.int32))
    ends = np.cumsum(np.concatenate(indptr)).astype(np.int32)
    column = np.concatenate(indices)
    values = np.full(len(column), 1.0 / 8.0)
    return csr_array((values, column, ends), shape=(rounds, 1 << bits)), np.concatenate(labels)


def in_lines(a: np.ndarray) -> np.ndarray:
    """A copy that begins with a cache line, as JAX's own copies do."""
    lined = aligned(a.shape, a.dtype)
    lined[...] = a
    return lined


def a9a() -> tuple[csr_array, np.ndarray]:
    """The training half of a9a (123 columns, 32,561 rows); OSError where $OCO_DATA does not hold it."""
    folder = Path(os.environ.get("OCO_DATA") or Path(__file__).parents[3] / "shared" / "data")
    blocks = list(oco.File(str(folder / "a9a" / "a9a.gz")).blocks(signed=True))
    parts = [
        csr_array((block.values, block.indices, block.indptr.astype(np.int32)), shape=(len(block.y), 124))
        for block in blocks
    ]
    return vstack(parts, format="csr"), np.concatenate([block.y for block in blocks])


def _ranks(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """Ranks with Zipf's frequencies, by the inverse of the continuous distribution function."""
    power = 1.0 - EXPONENT
    return (((WORDS**power - 1.0) * rng.random(shape) + 1.0) ** (1.0 / power)).astype(np.int64)


def _hash(numbers: np.ndarray, bits: int) -> np.ndarray:
    """Fibonacci hashing: the top bits of a 32-bit product with the golden ratio."""
    return ((numbers.astype(np.uint64) * np.uint64(2654435761)) & np.uint64(0xFFFFFFFF)).astype(np.int64) >> (32 - bits)


def signs(rounds: int, d: int) -> np.ndarray:
    """Gradients of fair signs: the iterate of a small step stays inside the ball most of the time."""
    return np.where(np.random.default_rng(3).random((rounds, d)) < 0.5, 1.0, -1.0)


def losses(rounds: int, experts: int) -> np.ndarray:
    """Losses of experts in [0, 1)."""
    return in_lines(np.random.default_rng(4).random((rounds, experts)))


def gradients(kind: str, rounds: int, d: int) -> np.ndarray:
    """Gradients for the full matrix: gaussian, ill-conditioned by 1e6 or 1e10, sparse, low-rank or rotating."""
    rng = np.random.default_rng(5)
    if kind == "sparse":
        g = np.zeros((rounds, d))
        columns = np.minimum(rng.zipf(1.3, (rounds, 5)) - 1, d - 1)
        g[np.arange(rounds)[:, None], columns] = rng.standard_normal((rounds, 5))
        return g
    if kind == "low-rank":
        return rng.standard_normal((rounds, 10)) @ rng.standard_normal((10, d))
    if kind == "rotating":  # a plane turns slowly; now and then a spike, a repeat, a zero
        g = np.outer(np.cos(0.01 * np.arange(rounds)), rng.standard_normal(d))
        g += np.outer(np.sin(0.01 * np.arange(rounds)), rng.standard_normal(d))
        g += 1e-3 * rng.standard_normal((rounds, d))
        g[::97] *= 100.0
        g[1::53] = g[0:-1:53][: len(g[1::53])]
        g[::71] = 0.0
        return g
    spread = {"gaussian": 0.0, "ill-conditioned 1e6": 3.0, "ill-conditioned 1e10": 5.0}[kind]
    basis = np.linalg.qr(rng.standard_normal((d, d)))[0]
    # Gradients with singular values over `spread` decades: their second moment has twice as many.
    return (rng.standard_normal((rounds, d)) * np.logspace(0.0, -spread, d)) @ basis.T
