"""Curves as the papers' figures show them."""

from typing import Any

import numpy as np

from oco.figures import style


def draw(ax: Any, curves: dict[str, tuple[np.ndarray, np.ndarray]], **labels: Any) -> Any:
    """Each (x, y) under its name; `labels` go to ax.set."""
    for k, (name, (x, y)) in enumerate(curves.items()):
        ax.plot(x, y, label=name, **style(k, every=max(1, len(x) // 8)))
    ax.set(**labels)
    ax.legend(frameon=False)
    return ax
