"""Figures of runs and of studies' tables, for a two-column paper as they are.

Each function draws on the axes that it is given and returns them; nothing is shown, pyplot is not touched. `panels`
makes axes of the right size. Curves differ in colour, lightness and marker, so they read in grey.
"""

from oco.figures.curves import difference, games, rates, ratio, regret
from oco.figures.scaling import cost, sensitivity
from oco.figures.states import frequencies, intervals, weights
from oco.figures.style import COLUMN, PAGE, PAPER, STYLES, below, panels, paper, save, style

__all__ = [
    "COLUMN",
    "PAGE",
    "PAPER",
    "STYLES",
    "below",
    "cost",
    "difference",
    "frequencies",
    "games",
    "intervals",
    "panels",
    "paper",
    "rates",
    "ratio",
    "regret",
    "save",
    "sensitivity",
    "style",
    "weights",
]
