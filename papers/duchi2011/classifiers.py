"""One-vs-rest text classification as in the paper's comparison: six learners, their candidates, how one is chosen."""

from typing import Any, NamedTuple

import numpy as np

import oco
from oco.protocols import Round, declare
from papers.text import error, split

ORDER = ("RDA", "FOBOS", "AdaGrad-RDA", "AdaGrad-FOBOS", "PA", "AROW")


@declare(lazy=True, losses=("Hinge",), positive=("most",))
class PassiveAggressive(NamedTuple):
    """PA-I (Crammer et al. 2006): the nearest x with no loss on the example, the step's multiplier at most `most`."""

    most: float = 1.0

    def rule(self, now: Round, g: float, x: float, s: float) -> tuple[float, float]:
        return (x - min(self.most, now.loss / now.norm2) * g if now.norm2 > 0.0 else x), s


class Confidence(NamedTuple):
    """State of AROW."""

    x: np.ndarray
    variance: np.ndarray


@declare(losses=("Hinge",), positive=("r",))
class AROW(NamedTuple):
    """AROW with a diagonal covariance (Crammer, Kulesza and Dredze 2009); g = -y a, f(x) = 1 - y <a, x> > 0."""

    r: float = 1.0

    def init(self, x: np.ndarray) -> Confidence:
        return Confidence(x.copy(), np.ones(len(x)))

    def update(self, now: Round, g: np.ndarray, state: Confidence, domain: Any) -> Confidence:
        x, variance = state
        if now.norm2 > 0.0:
            doubt = 0.0
            for i in range(len(g)):
                doubt += variance[i] * g[i] * g[i]
            beta = 1.0 / (doubt + self.r)
            for i in range(len(g)):
                if g[i] != 0.0:
                    x[i] -= now.loss * beta * variance[i] * g[i]
                    variance[i] -= beta * (variance[i] * g[i]) ** 2
        return Confidence(x, variance)


def learners(kind: str) -> dict[str, Any]:
    """The candidates of a kind, by the text of their parameter."""
    rates = (0.03, 0.1, 0.3, 1.0, 3.0)
    made = {
        "RDA": lambda v: oco.RDA(0.1 / v),
        "FOBOS": lambda v: oco.FOBOS(10.0 * v),
        "AdaGrad-RDA": lambda v: oco.AdaGradRDA(v, 0.01),
        "AdaGrad-FOBOS": lambda v: oco.AdaGradFOBOS(v),
        "PA": lambda v: PassiveAggressive(v),
        "AROW": lambda v: AROW(v),
    }[kind]
    return {f"{rate:g}": made(rate) for rate in rates}


def compared(train: tuple[Any, np.ndarray], test: tuple[Any, np.ndarray]) -> np.ndarray:
    """(6, 2): test error and share of non-zeros of each kind, the parameters chosen on a fifth of the rows."""
    a, y = train
    fit, check = split(len(y), 0.8, seed=1)
    columns = np.count_nonzero(np.asarray(a.sum(axis=0)).ravel())
    found = []
    for kind in ORDER:
        choices = []
        for l1 in (0.0, 1e-5, 1e-4) if kind not in ("PA", "AROW") else (0.0,):
            for name, run in decisions(kind, a[fit], y[fit], l1).items():
                choices.append((error(run, a[check], y[check]), l1, name))
        _, l1, name = min(choices, key=lambda choice: choice[0])
        x = decisions(kind, a, y, l1, name)[name]
        found.append((error(x, *test), np.count_nonzero(x) / columns))
    return np.array(found)


def decisions(kind: str, a: Any, y: np.ndarray, l1: float, only: str | None = None) -> dict[str, np.ndarray]:
    """The last decision of each candidate of a kind after one pass."""
    chosen = {name: part for name, part in learners(kind).items() if only in (None, name)}
    runs = oco.play(oco.streams.Data(a, y), chosen, loss=oco.Hinge(), penalty=oco.Penalty(l1=l1))
    return {run.name: run.x for run in runs}
