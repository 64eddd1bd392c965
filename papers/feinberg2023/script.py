"""Feinberg, Chen, Sun, Anil and Hazan 2023: what a sketch of the full matrix buys, by its rank.

Logistic loss on a9a (123 features, the observed-data setting of their appendix), one pass in the order of the file:
gradient descent, diagonal AdaGrad, S-AdaGrad with sketches of rank 2 to 60, and full-matrix AdaGrad, each with the best
step of one grid in hindsight. Their a9a losses are not repeated here from memory; the order is what is compared.
"""

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

import oco
from oco.figures import panels
from papers.paper import Number

TITLE = "Feinberg, Chen, Sun, Anil, Hazan 2023, Sketchy: memory-efficient adaptive regularization"
DATA = ("a9a",)
SIZES: dict[str, dict[str, Any]] = {
    "test": {"rows": 1_000, "ranks": [5], "points": 2},
    "default": {"rows": 8_000, "ranks": [2, 5, 10, 20, 40], "points": 5},
    "full": {"rows": 32_561, "ranks": [2, 5, 10, 20, 40, 60], "points": 9},
}


def compute(rows: int, ranks: list[int], points: int, data: dict[str, Path | None]) -> dict[str, Any]:
    if data["a9a"] is None:
        return {}
    kinds: dict[str, Any] = {
        "gradient descent": lambda eta: oco.OGDSqrt(eta),
        "diagonal": lambda eta: oco.AdaGrad(eta),
        "full": lambda eta: oco.FullMatrixAdaGrad(eta, delta=1e-3),
    } | {f"rank {rank}": lambda eta, rank=rank: oco.SketchedAdaGrad(eta, rank) for rank in ranks}
    etas = np.geomspace(0.01, 1.0, points)
    learners = {f"{name} {k}": kind(float(eta)) for name, kind in kinds.items() for k, eta in enumerate(etas)}
    runs = oco.play(oco.File(str(data["a9a"])), learners, loss=oco.Logistic(), rounds=rows)
    mean = np.array([run.loss[-1] / run.rounds for run in runs]).reshape(len(kinds), points)
    best = mean.argmin(axis=1)
    return {"names": np.array(list(kinds)), "mean": mean.min(axis=1), "eta": etas[best], "ranks": np.array(ranks)}


def numbers(result: dict[str, Any]) -> list[Number]:
    if not result:
        return []
    triples = zip(result["names"], result["mean"], result["eta"], strict=True)
    return [Number(f"{name}: average loss", None, float(mean), f"eta = {eta:.3g}") for name, mean, eta in triples]


def figures(result: dict[str, Any]) -> dict[str, Figure]:
    if not result:
        return {}
    figure, ax = panels()
    mean = dict(zip(result["names"], result["mean"], strict=True))
    ax.plot(result["ranks"], [mean[f"rank {rank}"] for rank in result["ranks"]], "k-o", markersize=2.5, label="sketch")
    for name, dashes in (("gradient descent", ":"), ("diagonal", "--"), ("full", "-.")):
        ax.axhline(mean[name], color="0.5", linestyle=dashes, linewidth=0.9, label=name)
    ax.set(xlabel="rank of the sketch", ylabel="average logistic loss")
    ax.legend(frameon=False)
    return {"rank": figure}
