"""Curves as the papers' figures show them: one style a name, readable in grey."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from oco.figures import STYLES


def axes(width: float = 3.4, height: float = 2.3, columns: int = 1, rows: int = 1) -> tuple[Figure, Any]:
    """A figure for one column of a two-column page, or for both where it has several axes."""
    figure = Figure(figsize=(width * columns, height), layout="constrained")
    return figure, figure.subplots(rows, columns)


def draw(ax: Any, curves: dict[str, tuple[np.ndarray, np.ndarray]], **labels: Any) -> Any:
    """Each (x, y) under its name; `labels` go to ax.set."""
    for k, (name, (x, y)) in enumerate(curves.items()):
        colour, marker = STYLES[k % len(STYLES)]
        every = max(1, len(x) // 8)
        ax.plot(x, y, color=colour, marker=marker, markersize=2.5, markevery=every, label=name)
    ax.set(**labels)
    ax.legend(frameon=False)
    return ax
