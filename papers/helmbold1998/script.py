"""Helmbold, Schapire, Singer and Warmuth 1998: exponentiated gradient for portfolios, and its one parameter.

Wealth of EG on the New York Stock Exchange with the paper's eta = .05, over a grid of eta, and with the eta of the
theorem for the smallest ratio r of two relatives of a day, known in hindsight only; and ln(best constant rebalanced /
EG) against the theorem's sqrt(T ln N / 2) / r.
"""

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

import oco
from oco.figures import panels
from papers.market import relatives, trade, wealth
from papers.paper import Number

TITLE = "Helmbold, Schapire, Singer, Warmuth 1998, On-line portfolio selection using multiplicative updates"
DATA = ("nyse_o",)
SIZES: dict[str, dict[str, Any]] = {
    "test": {"points": 3},
    "default": {"points": 13},
    "full": {"points": 25},
}
PAPER = 0.05


def compute(points: int, data: dict[str, Path | None]) -> dict[str, Any]:
    path = data["nyse_o"]
    if path is None:
        return {}
    table, _ = relatives(path)
    etas = np.unique(np.append(np.geomspace(1e-3, 10.0, points), PAPER))
    smallest = float((table.min(axis=1) / table.max(axis=1)).min())
    theory = oco.EG(ratio=smallest)
    runs = trade(table, {f"{eta:g}": oco.EG(eta=float(eta)) for eta in etas} | {"theory": theory})
    last = runs[-1]
    return {
        "eta": etas,
        "wealth": np.array([wealth(table, run.history.x)[-1] for run in runs[:-1]]),
        "theory_eta": float(last.learner.eta),
        "theory_wealth": float(wealth(table, last.history.x)[-1]),
        "regret": float(last.regret.high[-1]),
        "bound": float(last.bounds()["eg-worst"][-1]),
        "best": float(np.exp(-last.solve()[-1].upper)),
        "days": len(table),
        "uniform": float(wealth(table, np.full(table.shape[1], 1.0 / table.shape[1]))[-1]),
    }


def numbers(result: dict[str, Any]) -> list[Number]:
    if not result:
        return []
    found = float(result["wealth"][np.abs(result["eta"] - PAPER).argmin()])
    at = int(result["wealth"].argmax())
    return [
        Number("EG, eta = .05", 27.0949 if result["days"] == 5651 else None, found),
        Number("EG, best eta of the grid", None, float(result["wealth"][at]), f"eta = {result['eta'][at]:.3g}"),
        Number("EG, eta of the theorem", None, result["theory_wealth"], f"eta = {result['theory_eta']:.3g}"),
        Number("uniform, rebalanced daily", None, result["uniform"]),
        Number("ln(best / EG) over its bound", None, result["regret"] / result["bound"], "1 at most"),
    ]


def figures(result: dict[str, Any]) -> dict[str, Figure]:
    if not result:
        return {}
    figure, ax = panels()
    ax.plot(result["eta"], result["wealth"], "k-o", markersize=2.5, label="EG")
    ax.axvline(result["theory_eta"], color="0.5", linestyle="--", label="eta of the theorem")
    ax.axvline(PAPER, color="0.5", linestyle=":", label="eta of the paper")
    ax.axhline(result["uniform"], color="0.7", linewidth=0.8, label="uniform, rebalanced daily")
    ax.set(xscale="log", yscale="log", xlabel="eta", ylabel="final wealth")
    ax.legend(frameon=False)
    return {"sensitivity": figure}
