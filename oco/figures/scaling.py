"""What a number of the game does: regret against the step size, time against the dimension."""

from collections.abc import Callable
from typing import Any

import numpy as np

from oco.figures.curves import one_stream
from oco.figures.style import GREY, SHADE, paper, style
from oco.samples import Sample, samples
from oco.statistics import Band, mean_band, slope


@paper
def sensitivity(
    source: Any, ax: Any, parameter: str = "eta", legend: bool = True, band: Callable[[Sample], Band] = mean_band
) -> Any:
    """Regret at T over a parameter of the learners on one stream of a study's table: its grid, theory, best.

    A line and markers for the grid of each learner, a star for the value that its theorem sets (where the study has a
    learner that leaves it to the theorem), a ring for the best of the grid in hindsight; a level line for a learner
    without the parameter.
    """
    key, found = f"learner.{parameter}", one_stream(source)
    bands = [band(sample) for sample in found]
    for i, name in enumerate(dict.fromkeys(sample.name for sample in found)):
        points = [
            (float(sample.parameters.get(key, np.nan)), *(end[-1] for end in curve[:3]), parameter in sample.theory)
            for sample, curve in zip(found, bands, strict=True)
            if sample.name == name
        ]
        _line(ax, np.array(sorted(points), dtype=float), name, i)
    sign = r"$\eta$" if parameter == "eta" else parameter
    for what in dict.fromkeys(curve.what for curve in bands):
        ax.fill_between([], [], [], color=GREY, label=what, **SHADE)
    if any(parameter in sample.theory for sample in found):
        ax.plot([], [], "*", color=GREY, markersize=8, label=f"{sign} by theorem")
    ax.plot([], [], "o", color=GREY, markersize=7, markerfacecolor="none", label="best of the grid in hindsight")
    ax.set_xscale("log")
    ax.set_yscale("log" if all(curve.middle[-1] > 0.0 for curve in bands) else "linear")
    ax.set_xlabel(f"step size {sign}" if parameter == "eta" else parameter)
    ax.set_ylabel(f"regret at $T$ = {found[0].t[-1]}")
    if legend:
        ax.legend()
    return ax


def _line(ax: Any, points: Any, name: str, i: int) -> None:
    """points: rows of value, middle, low, high, whether by theorem."""
    colour, theory = style(i)["color"], points[:, 4] > 0.0
    if np.isnan(points[:, 0]).all():
        ax.axhline(points[0, 1], label=name, color=colour, linestyle=(0, (5, 1, 1, 1)))
        ax.axhspan(*points[0, 2:4], color=colour, **SHADE)
        return
    grid = points[~theory]
    ax.plot(grid[:, 0], grid[:, 1], label=name, **style(i, every=1))
    ax.fill_between(grid[:, 0], grid[:, 2], grid[:, 3], color=colour, **SHADE)
    if len(grid):
        best = grid[grid[:, 1].argmin()]
        ax.plot(best[:1], best[1:2], "o", color=colour, markersize=7, markerfacecolor="none")
    ax.plot(points[theory, 0], points[theory, 1], "*", color=colour, markersize=8, markeredgecolor="white", zorder=3)


@paper
def cost(source: Any, ax: Any, legend: bool = True) -> Any:
    """Seconds a round, the least seen, over the dimension, for every learner; with slopes of the larger half."""
    found = samples(source)
    for i, name in enumerate(dict.fromkeys(sample.name for sample in found)):
        spent: dict[int, list[float]] = {}
        for sample in found:
            if sample.name == name:
                spent.setdefault(sample.dimension, []).extend(sample.seconds / sample.t[-1])
        d = np.array(sorted(spent))
        seconds = np.array([min(spent[n]) for n in d])  # a machine that is busy elsewhere only adds time
        large = slice(-max(2, len(d) // 2), None)
        label = name
        if len(d) > 1:
            power, factor = slope(d[large], seconds[large])
            label += f": $d^{{{power:.1f}}}$"
            ax.plot(d[large], factor * d[large] ** power, color=style(i)["color"], linestyle="--", linewidth=0.7)
        ax.plot(d, seconds, label=label, **style(i, every=1) | {"linestyle": "none", "markersize": 3.5})
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_xlabel("dimension $d$")
    ax.set_ylabel("seconds a round")
    if legend:
        ax.legend()
    return ax
