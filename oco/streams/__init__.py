"""Streams of losses, by the name that the command line uses, and how any of them becomes blocks of rounds."""

import math
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from oco.hindsight.sums import finite
from oco.protocols import Block, Dense, Sparse
from oco.streams.adversarial import Greedy, Orthogonal, SignFlip
from oco.streams.breakers import AdamBreaker, AdamLottery, LeaderBreaker, breaker_of
from oco.streams.drifting import DoublingPhases, Drift
from oco.streams.experts import Experts, ExpertsGame
from oco.streams.files import File
from oco.streams.market import Kelly, Market
from oco.streams.rows import compressed
from oco.streams.signs import BoxSigns, LogMagnitudes, RandomSigns
from oco.streams.sparse import ZipfText
from oco.streams.stochastic import Classification, Regression

STREAMS = {
    "signs": RandomSigns,
    "box-signs": BoxSigns,
    "log-magnitudes": LogMagnitudes,
    "sign-flip": SignFlip,
    "orthogonal": Orthogonal,
    "greedy": Greedy,
    "doubling": DoublingPhases,
    "drift": Drift,
    "leader-breaker": LeaderBreaker,
    "adam-breaker": AdamBreaker,
    "adam-lottery": AdamLottery,
    "zipf": ZipfText,
    "regression": Regression,
    "classification": Classification,
    "experts": Experts,
    "experts-game": ExpertsGame,
    "market": Market,
    "kelly": Kelly,
}

ENTRIES = 1 << 19  # numbers in a generated block


class Data(NamedTuple):
    """Examples in memory: X (T, d), an array or a SciPy sparse matrix, and labels y (T,).

    norm, spread, label: what is promised of every row, |a_t|_2 <= norm, max_i a_{t,i} - min_i a_{t,i} <= spread and
    |y_t| <= label, to steps and bounds that need to know; the rows are held to it.
    """

    X: Any
    y: Any
    norm: float = math.inf
    spread: float = math.inf
    label: float = math.inf

    @property
    def d(self) -> int:
        return int(self.X.shape[1])

    def blocks(self, signed: bool) -> Iterator[Block]:
        block = as_block(self.X, self.y, type(self).__name__)
        for name, seen in (("norm", _norm), ("spread", _spread), ("label", lambda _: np.abs(block.y).max(initial=0.0))):
            promised = getattr(self, name)
            if promised < math.inf and (found := float(seen(self.X))) > promised * (1.0 + 1e-12):
                raise ValueError(f"Data: {name} = {promised:g} is promised and {found:g} was found")
        yield block


def _norm(a: Any) -> float:
    squares = a.multiply(a) if hasattr(a, "tocsr") else np.square(a)
    return math.sqrt(squares.sum(axis=1).max(initial=0.0))


def _spread(a: Any) -> float:
    high, low = (part.toarray() if hasattr(part, "toarray") else part for part in (a.max(axis=1), a.min(axis=1)))
    return float((high - low).max(initial=0.0))


def as_block(a: Any, y: Any, name: str) -> Block:
    """Examples as the loops take them: rows in C order, or compressed without repeated columns; float32 is kept."""
    y = np.ascontiguousarray(y, dtype=np.float64)
    dtype = np.float32 if getattr(a, "dtype", None) == np.float32 else np.float64
    if hasattr(a, "tocsr"):
        block: Block = compressed(a, y, dtype, name)
    else:
        block = Dense(np.ascontiguousarray(a, dtype), y)
    if a.ndim != 2 or y.shape != (a.shape[0],):
        raise ValueError(f"{name}: features {a.shape} and labels {y.shape} do not fit; need (n, d) and (n,)")
    if not finite(y):
        raise ValueError(f"{name}: NaN or infinity among the labels")
    return block


def is_adaptive(stream: Any) -> bool:
    """Whether the stream sees x_t before it reveals its loss."""
    return hasattr(stream, "reveal")


def block_rounds(stream: Any) -> int:
    """Rounds in a generated block: a function of the stream alone, so a longer run starts with a shorter one's."""
    return int(np.clip(ENTRIES // getattr(stream, "words", stream.d), 16, 1 << 16))


def generator(seed: int, part: int) -> np.random.Generator:
    """The randomness of block `part` - 1; part 0 draws the target."""
    return np.random.default_rng([seed, part])


def blocks(stream: Any, seed: int, rounds: int | None, signed: bool, dtype: Any = np.float64) -> Iterator[Block]:
    """The rounds of an oblivious stream, in order, at most `rounds` of them, with rows in `dtype`."""
    source = stream.blocks(signed) if hasattr(stream, "blocks") else _generated(stream, seed)
    left = rounds
    for block in (_in_precision(block, dtype) for block in source):
        n = len(block.y)
        if left is not None and n >= left:
            yield head(block, 0, left)
            return
        left = None if left is None else left - n
        yield block


def _in_precision(block: Block, dtype: Any) -> Block:
    if isinstance(block, Dense):
        return block._replace(a=block.a.astype(dtype, copy=False))
    return block._replace(values=block.values.astype(dtype, copy=False))


def _generated(stream: Any, seed: int) -> Iterator[Block]:
    target = stream.target(generator(seed, 0)) if hasattr(stream, "target") else None
    n = block_rounds(stream)
    part = 0
    while True:
        t = np.arange(part * n + 1, (part + 1) * n + 1)
        a, y = stream.examples(generator(seed, part + 1), t, target)
        if a.shape != (n, stream.d):
            raise ValueError(f"{type(stream).__name__}.examples: features have shape {a.shape}, not {(n, stream.d)}")
        yield as_block(a, y, type(stream).__name__)
        part += 1


def head(block: Block, start: int, stop: int) -> Block:
    """Rounds start .. stop - 1 of a block; no row is copied."""
    if isinstance(block, Dense):
        return Dense(block.a[start:stop], block.y[start:stop])
    low, high = block.indptr[start], block.indptr[stop]
    indptr = block.indptr[start : stop + 1] - low
    return Sparse(indptr, block.indices[low:high], block.values[low:high], block.y[start:stop], block.d)


def pieces(block: Block, stops: list[int]) -> Iterator[Block]:
    """The block up to each of `stops`, the last of which is its end; all of it where there are none."""
    for start, stop in pairwise([0, *(stops or [len(block.y)])]):
        yield head(block, start, stop)


__all__ = [
    "STREAMS",
    "AdamBreaker",
    "AdamLottery",
    "BoxSigns",
    "Classification",
    "Data",
    "DoublingPhases",
    "Drift",
    "Experts",
    "ExpertsGame",
    "File",
    "Greedy",
    "Kelly",
    "LeaderBreaker",
    "LogMagnitudes",
    "Market",
    "Orthogonal",
    "RandomSigns",
    "Regression",
    "SignFlip",
    "ZipfText",
    "block_rounds",
    "blocks",
    "breaker_of",
    "generator",
    "head",
    "is_adaptive",
    "pieces",
]
