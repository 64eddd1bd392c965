"""Figures of runs: each function draws on the axes that it is given and returns them; nothing is computed here.

Curves of different learners differ in colour, lightness and marker, so they read in grey.
"""

import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from oco.bounds import bounds_of
from oco.regret import Run

STYLES = (("#000000", "o"), ("#0072b2", "s"), ("#e69f00", "^"), ("#cc79a7", "D"), ("#009e73", "v"), ("#56b4e9", "P"))
DASHES = {"data": "--", "worst": ":"}
GREY = "#888888"
# Type 42 keeps fonts in the file as text; sizes suit a column of a two-column paper.
PAPER = {
    "pdf.fonttype": 42,
    "ps.fonttype": 42,
    "font.size": 8.0,
    "axes.labelsize": 8.0,
    "axes.titlesize": 8.0,
    "legend.fontsize": 6.5,
    "lines.linewidth": 1.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
}


def _style(i: int) -> dict[str, Any]:
    colour, marker = STYLES[i % len(STYLES)]
    return {"color": colour, "marker": marker, "markersize": 2.5, "markevery": 4}


def _of_kind(run: Run, kind: str) -> list[np.ndarray]:
    kinds = {bound.name: bound.kind for bound in bounds_of(run.learner)}
    return [value for name, value in run.bounds().items() if kinds[name] == kind]


def _from_below(run: Run) -> dict[str, Any]:
    return run.lower_bounds() or run.expected_lower_bounds()


def regret(runs: Sequence[Run], ax: Any, legend: bool = True) -> Any:
    """Regret as its certified band; data-dependent bound dashed, worst case dotted, lower bounds dash-dotted."""
    lowest, highest = np.inf, 0.0
    for i, run in enumerate(runs):
        interval, style = run.regret, _style(i)
        ax.plot(run.t, interval.middle, label=run.name, **style)
        ax.fill_between(run.t, interval.low, interval.high, color=style["color"], alpha=0.25, linewidth=0)
        for kind, dashes in DASHES.items():
            for value in _of_kind(run, kind):
                ax.plot(run.t, value, color=style["color"], linestyle=dashes, linewidth=0.7)
        lowest, highest = min(lowest, interval.low.min()), max(highest, np.abs(interval.high).max())
    for value in _from_below(runs[0]).values():
        ax.plot(runs[0].t, value, color=GREY, linestyle="-.", linewidth=0.8)
    ax.set_xscale("log")
    if lowest > 0.0:
        ax.set_yscale("log")
    else:  # a negative regret is shown as such
        # Linear below a power of ten: ticks of the decades within would overlap at 0.
        ax.set_yscale("symlog", linthresh=10.0 ** np.ceil(np.log10(max(highest, 1e-12)) - 3.0))
    ax.set_xlabel("round $t$")
    ax.set_ylabel("regret")
    if legend:
        ax.legend(handles=_handles([runs]), frameon=False)
    return ax


def _handles(games: Sequence[Sequence[Run]]) -> list[Any]:
    """A legend's entries: learners by colour and marker, then what the dashes mean."""
    from matplotlib.lines import Line2D

    learners = {run.name: _style(i) for runs in games for i, run in enumerate(runs)}
    handles = [Line2D([], [], label=name, **style) for name, style in learners.items()]
    named = {"data": "bound, gradients seen", "worst": "bound, worst case"}
    seen = {kind for runs in games for run in runs for kind in DASHES if _of_kind(run, kind)}
    handles += [
        Line2D([], [], color=GREY, linestyle=DASHES[kind], label=named[kind]) for kind in DASHES if kind in seen
    ]
    below = [runs[0] for runs in games if _from_below(runs[0])]
    if below:
        label = "lower bound, any learner" + ("" if below[0].lower_bounds() else " (mean over seeds)")
        handles.append(Line2D([], [], color=GREY, linestyle="-.", label=label))
    return handles


def ratio(runs: Sequence[Run], ax: Any) -> Any:
    """Regret over the data-dependent bound (over the worst case where there is no other); the theorem says <= 1."""
    for i, run in enumerate(runs):
        bounds = _of_kind(run, "data") or _of_kind(run, "worst")
        if bounds:
            known = np.isfinite(bounds[0]) & (bounds[0] > 0.0)
            quotient = np.divide(run.regret.middle, bounds[0], out=np.full(len(run.t), np.nan), where=known)
            ax.plot(run.t, quotient, label=run.name, **_style(i))
    ax.axhline(1.0, color=GREY, linewidth=0.8)
    ax.set_xscale("log")
    ax.set_xlabel("round $t$")
    ax.set_ylabel("regret / bound")
    return ax


def rates(steps: Sequence[float], ax: Any, label: str = "") -> Any:
    """Effective rates of one coordinate over the rounds; gaps where no gradient was seen yet."""
    shown = np.where(np.isfinite(steps), steps, np.nan)
    ax.plot(np.arange(1, len(shown) + 1), shown, marker="o", markersize=2.5, label=label)
    ax.set_xlabel("round $t$")
    ax.set_ylabel("effective rate")
    return ax


def games(played: Sequence[tuple[str, Sequence[Run]]]) -> Any:
    """A figure with a column a game: regret above, regret / bound below."""
    import matplotlib

    with matplotlib.rc_context(PAPER):
        from matplotlib.figure import Figure

        figure = Figure(figsize=(max(3.4, 2.4 * len(played)), 3.8), layout="constrained")
        axes = figure.subplots(2, len(played), squeeze=False, sharex="col", height_ratios=(2, 1))
        for column, (title, runs) in zip(axes.T, played, strict=True):
            regret(runs, column[0], legend=False).set_title(title)
            column[0].set_xlabel("")
            ratio(runs, column[1])
        handles = _handles([runs for _, runs in played])
        figure.legend(
            handles=handles, loc="outside lower center", ncols=min(len(handles), 2 * len(played)), frameon=False
        )
        return figure


def save(figure: Any, folder: Path, name: str) -> Iterable[Path]:
    """Write NAME.pdf and NAME.png; the same figure gives the same bytes."""
    import matplotlib

    kinds: dict[str, Any] = {"pdf": {"metadata": {"CreationDate": None}}, "png": {"dpi": 200}}
    kinds["png"]["metadata"] = {"Software": None}
    paths = []
    with matplotlib.rc_context(PAPER):
        for kind, options in kinds.items():
            drawn = io.BytesIO()  # so that a figure that cannot be drawn leaves no broken file
            figure.savefig(drawn, format=kind, **options)
            paths.append(folder / f"{name}.{kind}")
            paths[-1].write_bytes(drawn.getvalue())
    return paths
