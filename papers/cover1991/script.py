"""Cover 1991: the universal portfolio, on two stocks, Iroquois and Kin Ark.

The paper approximates the universal portfolio by the mean over the 21 constant rebalanced portfolios
b = 0, .05, ..., 1; oco.UniversalPortfolio computes it exactly, from the uniform prior and from Beta(1/2, 1/2).
"""

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

import oco
from papers.market import draw, relatives, trade, wealth
from papers.paper import Number

TITLE = "Cover 1991, Universal portfolios"
DATA = ("nyse_o",)
SIZES: dict[str, dict[str, Any]] = {"test": {"days": 2000}, "default": {"days": 5651}, "full": {"days": 5651}}
PAIR = ("iroqu", "kinar")


def compute(days: int, data: dict[str, Path | None]) -> dict[str, Any]:
    path = data["nyse_o"]
    if path is None:
        return {}
    table, names = relatives(path)
    if not set(PAIR) <= set(names):
        raise ValueError(f"{path}: columns called {' and '.join(PAIR)} are needed")
    pair = table[:days, [names.index(name) for name in PAIR]]
    shares = np.arange(21) / 20.0
    grid = np.array([wealth(pair, np.array([share, 1.0 - share])) for share in shares])
    runs = trade(pair, {"uniform": oco.UniversalPortfolio(prior=1.0), "kt": oco.UniversalPortfolio(prior=0.5)})
    best = runs[0].solve()[-1]
    result: dict[str, Any] = {run.name: wealth(pair, run.history.x) for run in runs}
    result |= {"grid": grid.mean(axis=0), "best": wealth(pair, best.x), "share": best.x[0]}
    result |= {name: np.cumprod(pair[:, k]) for k, name in enumerate(PAIR)}
    bounds = {run.name: run.bounds()["universal-closed"][-1] for run in runs}
    regrets = {run.name: run.regret.high[-1] for run in runs}
    return result | {f"{name}_regret": value for name, value in regrets.items()} | {
        f"{name}_bound": float(value) for name, value in bounds.items()
    }  # fmt: skip


def numbers(result: dict[str, Any]) -> list[Number]:
    if not result:
        return []
    whole = len(result["grid"]) == 5651
    published = {"iroqu": 8.9151, "kinar": 4.1276, "best": 73.7012, "grid": 38.6727}
    names = {
        "iroqu": "Iroquois",
        "kinar": "Kin Ark",
        "best": "best constant rebalanced portfolio",
        "grid": "universal, mean over 21 grid points",
        "uniform": "universal, exact, uniform prior",
        "kt": "universal, exact, prior 1/2",
    }
    notes = {"uniform": "the 21 points weigh the ends twice as much as the integral does"}
    rows = [
        Number(title, published.get(key) if whole else None, float(result[key][-1]), notes.get(key, ""))
        for key, title in names.items()
    ]
    for key in ("uniform", "kt"):
        rows.append(Number(f"ln(best/universal), prior {key}, over its bound", None, _ratio(result, key)))
    return rows


def _ratio(result: dict[str, Any], key: str) -> float:
    return float(result[f"{key}_regret"] / result[f"{key}_bound"])


def figures(result: dict[str, Any]) -> dict[str, Figure]:
    names = {"best": "best rebalanced", "uniform": "universal", "iroqu": "Iroquois", "kinar": "Kin Ark"}
    return {"wealth": draw({title: result[name] for name, title in names.items()})} if result else {}
