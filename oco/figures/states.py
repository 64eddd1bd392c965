"""What is inside learners: rates by the frequency of features, weights of experts, regret in every interval."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from oco.figures.style import GREY, paper, style
from oco.notions import Intervals
from oco.protocols import Matrix, Vector
from oco.regret import Run


@paper
def frequencies(
    counts: Vector, rates: Mapping[str, Vector], ax: Any, words: Mapping[int, str] | None = None, legend: bool = True
) -> Any:
    """Effective rate of every coordinate over the rounds in which its feature was present, for each learner.

    counts (d,); rates: name -> (d,), such as run.rates; coordinates that were never seen are left out. The line is
    AdaGrad's law, a rate in proportion to counts^(-1/2), through the median. words: names to write beside coordinates,
    on the rates of the first learner.
    """
    seen = np.asarray(counts) > 0
    for i, (name, values) in enumerate(rates.items()):
        shown = seen & np.isfinite(values)
        look = style(i) | {"linestyle": "none", "markersize": 1.8, "markevery": None, "alpha": 0.5}
        ax.plot(counts[shown], values[shown], label=name, rasterized=shown.sum() > 2000, **look)
    first = next(iter(rates.values()))
    shown = seen & np.isfinite(first)
    ends = np.array([counts[shown].min(), counts[shown].max()], dtype=float)
    through = np.median(first[shown] * np.sqrt(counts[shown]))
    ax.plot(ends, through / np.sqrt(ends), color=GREY, linewidth=0.8, label=r"$\propto$ frequency$^{-1/2}$")
    ax.set_xscale("log")
    ax.set_yscale("log")
    _without_the_odd(ax, np.concatenate([values[seen & np.isfinite(values)] for values in rates.values()]))
    for i, word in (words or {}).items():
        back = {"facecolor": "white", "alpha": 0.8, "linewidth": 0, "pad": 0.5}
        ax.annotate(word, (counts[i], first[i]), (3, 4), textcoords="offset points", fontsize=6, bbox=back)
    ax.set_xlabel("rounds with the feature")
    ax.set_ylabel("effective rate at the end")
    if legend:
        ax.legend()
    return ax


def _without_the_odd(ax: Any, values: Vector) -> None:
    """Limits for all but the largest 1 % of the rates, which may be many decades away; the figure says how many."""
    most = np.quantile(values, 0.99)
    above = int((values > 2.0 * most).sum())
    ax.set_ylim(0.5 * values.min(), 2.0 * most)
    if above:
        told = f"{above} of {len(values)} are above"
        ax.text(0.99, 0.99, told, transform=ax.transAxes, ha="right", va="top", fontsize=6)


@paper
def weights(
    source: Run | Matrix, ax: Any, experts: Sequence[str] | None = None, most: int = 6, legend: bool = True
) -> Any:
    """The decisions (T, d), or those of an audited run: the `most` coordinates that ever were largest, others grey."""
    if not isinstance(source, Run):
        x = source
    elif source.history is not None:
        x = source.history.x
    else:
        raise ValueError(f"{source.name}: weights over time are kept by an audited play: play(..., audit=True)")
    t = np.arange(1, len(x) + 1)
    largest = np.sort(np.argsort(-x.max(axis=0), kind="stable")[:most])
    rest = np.setdiff1d(np.arange(x.shape[1]), largest)
    if len(rest):
        ax.plot(t, x[:, rest], color=GREY, linewidth=0.4, alpha=0.6)
        ax.plot([], [], color=GREY, linewidth=0.4, label=f"{len(rest)} others")
    for i, k in enumerate(largest):
        label = f"expert {k + 1}" if experts is None else experts[k]
        ax.plot(t, x[:, k], label=label, **style(i, every=max(1, len(t) // 8)))
    ax.set_xlabel("round $t$")
    ax.set_ylabel("weight")
    if legend:
        ax.legend()
    return ax


@paper
def intervals(found: Intervals, ax: Any, most: float | None = None) -> Any:
    """Heat map of regret in the rounds first .. last for all intervals, darker where it is more, with its scale.

    found: oco.interval_regrets(run), cover "all". most: regret of the darkest shade, to compare maps. Where the regret
    is known as an interval its upper end is shown.
    """
    rounds = int(found.last.max())
    if len(found.first) != rounds * (rounds + 1) // 2:
        raise ValueError('the heat map shows all intervals: interval_regrets(run, cover="all")')
    shown = np.full((rounds, rounds), np.nan)
    shown[found.last - 1, found.first - 1] = found.high
    edges = np.arange(rounds + 1) + 0.5
    # Of one hue in even steps of lightness; pixels, not a million vector squares.
    mesh = ax.pcolormesh(edges, edges, shown, cmap="cividis_r", vmin=0.0, vmax=most, rasterized=True)
    below = "min" if found.high.min() < 0.0 else "neither"
    ax.figure.colorbar(mesh, ax=ax, label="regret in the interval", pad=0.02, extend=below)
    ax.set_xlabel("first round")
    ax.set_ylabel("last round")
    return ax
