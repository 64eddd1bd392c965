"""Dense examples with |a_t|_2 <= 1 from a linear model: spectrum, rotation and drift of the target by choice."""

import math
from typing import Any, NamedTuple

import numpy as np

from oco.losses import Logistic, Squared
from oco.protocols import Matrix, Vector, declare

LABEL = 2.0  # responses of Regression are clipped to +-LABEL
CONDITION = {"condition": (1.0, math.inf)}


class Model(NamedTuple):
    """What is drawn once a seed."""

    target: Vector  # (d,), unit length
    other: Vector  # (d,), unit length, orthogonal to target: the plane in which it drifts
    spectrum: Vector  # (d,) standard deviations
    axes: Matrix  # (d, d) orthogonal


def _draw(rng: np.random.Generator, d: int, condition: float, rotated: bool) -> Model:
    axes = np.linalg.qr(rng.standard_normal((d, d)))[0]
    pair = np.linalg.qr(rng.standard_normal((d, 2)))[0] if d > 1 else np.ones((1, 2))
    spectrum = np.geomspace(1.0, 1.0 / math.sqrt(condition), d)
    # In the axes of the spectrum every direction of the target matters alike: its part along a weak axis is large.
    target, other = (column / spectrum / np.linalg.norm(column / spectrum) for column in pair.T)
    return Model(target, other, spectrum, axes if rotated else np.eye(d))


def _features(rng: np.random.Generator, n: int, model: Model) -> Matrix:
    """n rows: Gaussian with the given spectrum, cut to unit length, turned by the axes; in spectral coordinates."""
    a = rng.standard_normal((n, len(model.spectrum))) * model.spectrum
    a /= np.maximum(1.0, np.linalg.norm(a, axis=1, keepdims=True))
    return a


def _margins(a: Matrix, t: Any, model: Model, period: float) -> Vector:
    angle = 2.0 * np.pi * t / period if period > 0.0 else np.zeros(len(t))
    return np.cos(angle) * (a @ model.target) + np.sin(angle) * (a @ model.other)


@declare(loss=Squared(), norm=1.0, label=LABEL, positive=("d",), nonnegative=("noise", "period"), limits=CONDITION)
class Regression(NamedTuple):
    """y = <a, target> + noise, clipped to [-2, 2].

    Features have variances from 1 down to 1 / condition, along the axes or, `rotated`, along a random basis; with
    `period` > 0 the target turns once in that many rounds in a fixed plane.
    """

    d: int = 20
    noise: float = 0.1
    condition: float = 1.0
    rotated: bool = False
    period: float = 0.0

    def target(self, rng: np.random.Generator) -> Model:
        return _draw(rng, self.d, self.condition, self.rotated)

    def examples(self, rng: np.random.Generator, t: Any, target: Model) -> tuple[Matrix, Vector]:
        a = _features(rng, len(t), target)
        y = _margins(a, t, target, self.period) + self.noise * rng.standard_normal(len(t))
        return a @ target.axes.T, np.clip(y, -LABEL, LABEL)


@declare(
    loss=Logistic(),
    norm=1.0,
    label=1.0,
    positive=("d",),
    nonnegative=("period",),
    limits=CONDITION | {"noise": (0.0, 1.0)},
)
class Classification(NamedTuple):
    """y = sign(<a, target>), flipped with probability `noise`; features, `rotated` and `period` as in Regression."""

    d: int = 20
    noise: float = 0.05
    condition: float = 1.0
    rotated: bool = False
    period: float = 0.0

    def target(self, rng: np.random.Generator) -> Model:
        return _draw(rng, self.d, self.condition, self.rotated)

    def examples(self, rng: np.random.Generator, t: Any, target: Model) -> tuple[Matrix, Vector]:
        a = _features(rng, len(t), target)
        y = np.where(_margins(a, t, target, self.period) >= 0.0, 1.0, -1.0)
        y[rng.random(len(t)) < self.noise] *= -1.0
        return a @ target.axes.T, y
