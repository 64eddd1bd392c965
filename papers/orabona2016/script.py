"""Orabona and Pal 2016: coin betting needs no learning rate.

Absolute loss on California housing in the order of the file (features scaled to [0, 1] and rows to norm 1, the price in
units of its largest). Kt with an initial wealth from 1e-4 to 1e4 against gradient descent with eta / sqrt(t), eta from
1e-3 to 1e3: average loss, and how much of it depends on the one number that each is given.
"""

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

import oco
from oco.figures import panels
from papers.curves import draw
from papers.paper import Number

TITLE = "Orabona, Pal 2016, Coin betting and parameter-free online learning"
DATA = ("cadata",)
SIZES: dict[str, dict[str, Any]] = {
    "test": {"rows": 2_000, "points": 5},
    "default": {"rows": 20_640, "points": 25},
    "full": {"rows": 20_640, "points": 49},
}


def examples(path: Path, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """The eight numbers of a row, scaled, and the price; an absent number of bedrooms is the median."""
    columns = np.genfromtxt(path, delimiter=",", skip_header=1, usecols=range(9))
    features, price = columns[:, :8], columns[:, 8]
    features = np.where(np.isnan(features), np.nanmedian(features, axis=0), features)
    features = (features - features.min(axis=0)) / np.ptp(features, axis=0)
    features = np.column_stack([features, np.ones(len(features))])
    return (features / np.linalg.norm(features, axis=1, keepdims=True))[:rows], (price / price.max())[:rows]


def compute(rows: int, points: int, data: dict[str, Path | None]) -> dict[str, Any]:
    if data["cadata"] is None:
        return {}
    a, y = examples(data["cadata"], rows)
    epsilon, eta = np.geomspace(1e-4, 1e4, points), np.geomspace(1e-3, 1e3, points)
    learners: dict[str, Any] = {f"kt {value}": oco.KT(epsilon=float(value)) for value in epsilon}
    learners |= {f"ogd {value}": oco.OGDSqrt(float(value)) for value in eta}
    runs = oco.play(oco.streams.Data(a, y, norm=1.0), learners, loss=oco.Absolute(), rounds=rows)
    mean = np.array([run.loss[-1] / rows for run in runs])
    best = runs[0].solve()[-1].upper / rows
    ratio = max(float((run.regret.high / run.bounds()["kt-closed"]).max()) for run in runs[:points])
    kt, ogd = mean[:points], mean[points:]
    return {"epsilon": epsilon, "eta": eta, "kt": kt, "ogd": ogd, "best": best, "ratio": ratio, "rows": rows}


def numbers(result: dict[str, Any]) -> list[Number]:
    if not result:
        return []
    one = float(result["kt"][np.abs(np.log(result["epsilon"])).argmin()])
    best = float(result["ogd"].min())
    at = result["eta"][result["ogd"].argmin()]
    return [
        Number("KT, initial wealth 1: average loss", None, one),
        Number("gradient descent, best eta in hindsight: average loss", None, best, f"eta = {at:.3g}"),
        Number("KT / best gradient descent", None, one / best),
        Number("KT: largest / smallest average loss over initial wealths", None, _spread(result["kt"])),
        Number("gradient descent: largest / smallest over eta", None, _spread(result["ogd"])),
        Number("best fixed decision: average loss", None, float(result["best"])),
        Number("KT: regret over Corollary 5, at its most", None, float(result["ratio"]), "1 at most"),
    ]


def _spread(values: np.ndarray) -> float:
    return float(values.max() / values.min())


def figures(result: dict[str, Any]) -> dict[str, Figure]:
    if not result:
        return {}
    figure, ax = panels()
    curves = {
        "gradient descent, eta": (result["eta"], result["ogd"]),
        "KT, initial wealth": (result["epsilon"], result["kt"]),
    }
    draw(ax, curves, xscale="log", yscale="log", xlabel="the learner's one number", ylabel="average absolute loss")
    ax.axhline(result["best"], color="0.6", linewidth=0.8, linestyle=":")
    return {"scale": figure}
