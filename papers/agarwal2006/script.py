"""Agarwal, Hazan, Kale and Schapire 2006: the Newton step for portfolios, on the New York Stock Exchange.

Wealth of the uniform mixture of stocks held untouched (the market), the best stock, the best constant rebalanced
portfolio (certified to seven digits), exponentiated gradient with eta = .05 (Helmbold et al. 1998) and the online
Newton step with the paper's eta = 0, beta = 1, delta = 1/8.
"""

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

import oco
from papers.market import draw, relatives, trade, wealth
from papers.paper import Number

TITLE = "Agarwal, Hazan, Kale, Schapire 2006, Algorithms for portfolio management based on the Newton method"
DATA = ("nyse_o",)
SIZES: dict[str, dict[str, Any]] = {"test": {}, "default": {}, "full": {}}
PUBLISHED = {"market": 14.4973, "best_stock": 54.1404, "best_crp": 250.5971, "eg": 27.0949, "ons": 109.1892}
DAYS, STOCKS = 5651, 36


def compute(data: dict[str, Path | None]) -> dict[str, Any]:
    path = data["nyse_o"]
    if path is None:
        return {}
    table, _ = relatives(path)
    learners = {"eg": oco.EG(eta=0.05), "ons": oco.ONSPortfolio(beta=1.0, delta=0.125, eta=0.0)}
    runs = trade(table, learners)
    best = runs[0].solve()[-1]
    held = np.cumprod(table, axis=0)
    curves = {run.name: wealth(table, run.history.x) for run in runs}
    curves |= {"market": held.mean(axis=1), "best_stock": held[:, held[-1].argmax()]}
    curves["best_crp"] = wealth(table, best.x)
    return curves | {"stocks": table.shape[1], "crp_at_most": float(np.exp(-best.lower))}


def summary(result: dict[str, Any]) -> dict[str, Any]:
    """What --json prints beside the record."""
    return {"wealth": {name: float(result[name][-1]) for name in PUBLISHED if name in result}}


def numbers(result: dict[str, Any]) -> list[Number]:
    ours = summary(result)["wealth"]
    if not ours:
        return []
    same = len(result["market"]) == DAYS and result["stocks"] == STOCKS
    note = "" if same else "another table than the paper's"
    found = [Number(name, PUBLISHED[name] if same else None, value, note) for name, value in ours.items()]
    return [*found, Number("best_crp, certified at most", None, result["crp_at_most"])]


def figures(result: dict[str, Any]) -> dict[str, Figure]:
    names = {
        "best_crp": "best rebalanced",
        "ons": "Newton step",
        "best_stock": "best stock",
        "eg": "EG",
        "market": "market",
    }
    return {"wealth": draw({title: result[name] for name, title in names.items()})} if result else {}
