"""Sparse bag-of-words examples with Zipf frequencies, where rare features matter."""

import math
from typing import Any, NamedTuple

import numpy as np

from oco.losses import Logistic
from oco.protocols import Vector, declare


@declare(
    loss=Logistic(),
    norm=1.0,
    label=1.0,
    positive=("d", "words"),
    nonnegative=("exponent",),
    limits={"noise": (0.0, 1.0)},
)
class ZipfText(NamedTuple):
    """Documents of `words` draws (with repetition) from d words of frequency ~ rank^-exponent; presence features.

    |a_t|_2 <= 1: each present word has value 1 / sqrt(words). The label is the sign of the sum of the present
    words' weights, which are +-1 for every word, rare or frequent, flipped with probability `noise`. For the
    logistic or the hinge loss.
    """

    d: int = 1000
    words: int = 20
    exponent: float = 1.1
    noise: float = 0.05

    def target(self, rng: np.random.Generator) -> tuple[Vector, Vector]:
        frequency = np.arange(1, self.d + 1) ** -self.exponent
        return np.cumsum(frequency / frequency.sum()), rng.choice([-1.0, 1.0], self.d)

    def examples(self, rng: np.random.Generator, t: Any, target: tuple[Vector, Vector]) -> tuple[Any, Vector]:
        from scipy.sparse import csr_array

        cumulative, weights = target
        drawn = np.searchsorted(cumulative, rng.random((len(t), self.words)))
        drawn = np.sort(np.minimum(drawn, self.d - 1), axis=1)
        first = np.ones(drawn.shape, bool)
        first[:, 1:] = drawn[:, 1:] != drawn[:, :-1]
        score = (weights[drawn] * first).sum(axis=1)
        # An even split is decided by the rarest word, which stands last.
        y = np.where(score != 0.0, np.sign(score), weights[drawn[:, -1]])
        y[rng.random(len(t)) < self.noise] *= -1.0
        indptr = np.concatenate([[0], np.cumsum(first.sum(axis=1))])
        values = np.full(int(indptr[-1]), 1.0 / math.sqrt(self.words))
        return csr_array((values, drawn[first], indptr), shape=(len(t), self.d)), y
