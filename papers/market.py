"""What the portfolio papers share: tables of price relatives, wealth day by day, and the wealth figure."""

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

import oco
from oco.figures import panels
from papers.curves import draw as plot

WHAT = "the New York Stock Exchange, 36 stocks, 5651 days to 1985, as price relatives (Cover and Ordentlich's data)"


def relatives(path: Path) -> tuple[np.ndarray, list[str]]:
    """Price relatives (T, N) of a table, one day a row, plain or compressed, with or without a line of names."""
    first = np.loadtxt(path, delimiter=",", max_rows=1, dtype=str, ndmin=1)
    try:
        first.astype(float)
        names = [str(k) for k in range(1, len(first) + 1)]
        skipped = 0
    except ValueError:
        names, skipped = [str(name).strip() for name in first], 1
    try:
        table = np.loadtxt(path, delimiter=",", skiprows=skipped, ndmin=2)
    except ValueError as problem:
        raise ValueError(f"{path}: a table of numbers with commas between them is needed ({problem})") from None
    if not (np.isfinite(table).all() and (table >= 0.0).all() and (table.max(axis=1) > 0.0).all()):
        raise ValueError(f"{path}: price relatives are 0 or more, on each day one of them above 0")
    return table, names


def trade(table: np.ndarray, learners: dict[str, Any]) -> list[oco.regret.Run]:
    """The learners on the days of the table, audited."""
    market = oco.streams.Data(table, np.zeros(len(table)))
    return oco.play(market, learners, rounds=len(table), loss=oco.NegativeLog(), domain=oco.Simplex(), audit=True)


def wealth(table: np.ndarray, portfolios: np.ndarray) -> np.ndarray:
    """What 1 has become at the end of each day, by a portfolio of every day (T, N) or one for all (N,)."""
    return np.exp(np.cumsum(np.log((table * portfolios).sum(axis=1))))


def draw(curves: dict[str, np.ndarray]) -> Figure:
    """Wealth on a logarithmic scale, day by day."""
    figure, ax = panels(height=2.6)
    by_day = {f"{name}: {curve[-1]:.1f}": (np.arange(1, len(curve) + 1), curve) for name, curve in curves.items()}
    plot(ax, by_day, yscale="log", xlabel="day", ylabel="wealth")
    return figure
