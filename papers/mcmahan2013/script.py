"""McMahan et al. 2013: how many coefficients are not zero, at equal loss.

Logistic loss of the words that are there, rates rate / (1 + sqrt(S_i)) by coordinate throughout: FTRL-Proximal, RDA
(AdaGrad's dual averaging), FOBOS (AdaGrad's mirror descent), and OGD-Count, which leaves a coefficient at zero until
its feature has come k times. One pass over three quarters of the text; non-zeros are those of the last decision, the
loss is on the last quarter. Every pair of a rate and a strength (l1, or k) is tried; the fewest non-zeros are of those
whose loss is within 2 % and 10 % of FTRL-Proximal's best. The published table is of Google's own data.
"""

import math
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure

import oco
from oco.figures import PAGE, panels
from oco.protocols import Round, declare
from papers.curves import draw
from papers.paper import Number
from papers.text import log_loss, rows, split

TITLE = "McMahan et al. 2013, Ad click prediction: a view from the trenches"
DATA = ("sms_spam", "sentence_polarity", "news20")
SIZES: dict[str, dict[str, Any]] = {
    "test": {"most": 1500, "rates": [0.3], "strengths": 3, "sets": ["sms_spam"]},
    "default": {"most": 12_000, "rates": [0.03, 0.1, 0.3, 1.0], "strengths": 9, "sets": list(DATA)},
    "full": {"most": 16_000, "rates": [0.03, 0.1, 0.3, 1.0, 3.0], "strengths": 15, "sets": list(DATA)},
}
PUBLISHED = {"RDA": 3.0, "FOBOS": 38.0, "OGD-Count": 216.0}
TOLERANCES = (0.02, 0.1)


@declare(lazy=True, positive=("eta", "least"))
class Counted(NamedTuple):
    """OGD-Count: AdaGrad whose coordinates stay at zero until their gradient was not zero `least` times."""

    eta: float = 0.1
    least: float = 2.0

    def memory(self, x: np.ndarray) -> tuple[float, float]:
        return 0.0, 0.0  # S_i and how often the feature has come

    def rule(self, now: Round, g: float, x: float, s: tuple[float, float]) -> tuple[float, tuple[float, float]]:
        seen = s[1] + (1.0 if g != 0.0 else 0.0)
        squares = s[0] + g * g
        return (x - self.eta * g / (1.0 + math.sqrt(squares)) if seen >= self.least else x), (squares, seen)


def kinds(rate: float) -> dict[str, Any]:
    """The learners that read the game's l1."""
    return {
        "FTRL-Proximal": oco.FTRLProximal(rate, beta=1.0),
        "RDA": oco.AdaGradRDA(rate, 1.0),
        "FOBOS": oco.AdaGradFOBOS(rate, 1.0),
    }


def examples(name: str, path: Path, most: int) -> tuple[Any, np.ndarray]:
    """Which words are there, in random order; the twenty groups become comp.* against the rest."""
    a, y = rows(path)
    if name == "news20":
        y = np.where((y >= 2) & (y <= 6), 1.0, -1.0)
    order, _ = split(len(y), 1.0)
    a.data = np.ones_like(a.data)
    return a[order[:most]], y[order[:most]]


def compute(
    most: int, rates: list[float], strengths: int, sets: list[str], data: dict[str, Path | None]
) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for name in sets:
        path = data[name]
        if path is None:
            continue
        a, y = examples(name, path, most)
        cut = 3 * len(y) // 4
        stream = oco.streams.Data(a[:cut], y[:cut])
        points: dict[str, list[tuple[float, float]]] = {}
        for l1 in np.append(0.0, np.geomspace(1e-6, 3e-3, strengths - 1)):
            learners = {f"{kind} {rate}": part for rate in rates for kind, part in kinds(rate).items()}
            runs = oco.play(stream, learners, loss=oco.Logistic(), penalty=oco.Penalty(l1=float(l1)))
            for run in runs:
                points.setdefault(run.name.split()[0], []).append(measured(run.x, a[cut:], y[cut:]))
        counts = np.unique(np.geomspace(1.0, 64.0, strengths).round())
        learners = {f"{rate} {least}": Counted(rate, float(least)) for rate in rates for least in counts}
        for run in oco.play(stream, learners, loss=oco.Logistic()):
            points.setdefault("OGD-Count", []).append(measured(run.x, a[cut:], y[cut:]))
        result |= {f"{name} {kind}": np.array(found) for kind, found in points.items()}
    return result


def measured(x: np.ndarray, a: Any, y: np.ndarray) -> tuple[float, float]:
    """(loss on other examples, number of non-zeros)."""
    return log_loss(x, a, y), float(np.count_nonzero(x))


def fewest(points: np.ndarray, loss: float) -> float:
    """The fewest non-zeros at no more than this loss; NaN where no setting reaches it."""
    within = points[points[:, 0] <= loss]
    return float(within[:, 1].min()) if len(within) else math.nan


def numbers(result: dict[str, Any]) -> list[Number]:
    found = []
    for name in sorted({key.split()[0] for key in result}):
        base = result[f"{name} FTRL-Proximal"]
        best = float(base[:, 0].min())
        for worse in TOLERANCES:
            loss = best * (1.0 + worse)
            least = fewest(base, loss)
            title = f"{name}, loss up to {100 * worse:.0f} % above {best:.4f}"
            found.append(Number(f"{title}: FTRL-Proximal, non-zeros", None, least))
            for kind, published in PUBLISHED.items():
                more = 100.0 * (fewest(result[f"{name} {kind}"], loss) / least - 1.0)
                note = "no setting reaches that loss" if math.isnan(more) else "other data"
                found.append(Number(f"{title}: {kind}, % more", published, more, note))
    return found


def figures(result: dict[str, Any]) -> dict[str, Figure]:
    names = sorted({key.split()[0] for key in result})
    if not names:
        return {}
    figure, several = panels(1, len(names), width=PAGE)
    for ax, name in zip(np.atleast_1d(several), names, strict=True):
        curves = {}
        for kind in ("FTRL-Proximal", *PUBLISHED):
            points = result[f"{name} {kind}"]
            front = points[np.argsort(points[:, 1])]
            front = front[front[:, 0] <= np.minimum.accumulate(front[:, 0])]
            curves[kind] = (front[:, 1], front[:, 0])
        draw(ax, curves, xscale="log", xlabel="non-zeros", ylabel="logistic loss", title=name)
    return {"sparsity": figure}
