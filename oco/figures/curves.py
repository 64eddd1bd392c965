"""Curves over the rounds: regret with its bounds, regret over bound, paired differences."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from oco.figures.style import COLUMN, DASHES, GREY, SHADE, below, panels, paper, style
from oco.protocols import Vector
from oco.regret import Run
from oco.samples import Sample, samples
from oco.statistics import Band, mean_band, paired_band

MEANING = {"data": "bound, gradients seen", "worst": "bound, worst case"}


def one_stream(source: Any) -> list[Sample]:
    """The samples of a figure, which is about one stream."""
    found = samples(source)
    streams = list(dict.fromkeys(sample.stream for sample in found))
    if len(streams) != 1:
        raise ValueError(f"a figure is of one stream, not of {streams}: choose by table.where(stream=...)")
    return found


@paper
def regret(source: Any, ax: Any, legend: bool = True, band: Callable[[Sample], Band] = mean_band) -> Any:
    """Regret of runs, or of one stream of a study's table, with a band (oco.statistics; the legend says which).

    Data-dependent bounds are dashed, worst cases dotted, lower bounds dash-dotted; each the mean over seeds.
    """
    found = one_stream(source)
    bands = [band(sample) for sample in found]
    for i, (sample, curve) in enumerate(zip(found, bands, strict=True)):
        _curve(ax, sample.t, curve, sample.learner, i)
        for kind, dashes in DASHES.items():
            for value in sample.of_kind(kind):
                ax.plot(sample.t, value.mean(axis=0), color=style(i)["color"], linestyle=dashes, linewidth=0.7)
    for value in found[0].lower.values():
        ax.plot(found[0].t, value.mean(axis=0), color=GREY, linestyle="-.", linewidth=0.8)
    _meanings(ax, found, bands)
    _scale(ax, bands)
    ax.set_xlabel("round $t$")
    ax.set_ylabel("regret")
    if legend:
        ax.legend()
    return ax


def _curve(ax: Any, t: Any, band: Band, label: str, i: int) -> None:
    ax.plot(t, band.middle, label=label, **style(i))
    ax.fill_between(t, band.low, band.high, color=style(i)["color"], **SHADE)


def _meanings(ax: Any, found: Sequence[Sample], bands: Sequence[Band]) -> None:
    """A legend's entries for what is not a learner: band, dashes."""
    for what in dict.fromkeys(band.what for band in bands):
        ax.fill_between([], [], [], color=GREY, label=what, **SHADE)
    for kind, dashes in DASHES.items():
        if any(sample.of_kind(kind) for sample in found):
            ax.plot([], [], color=GREY, linestyle=dashes, label=MEANING[kind])
    if found[0].lower:
        label = "lower bound, any learner" + (" (mean over seeds)" if found[0].expected else "")
        ax.plot([], [], color=GREY, linestyle="-.", label=label)


def _scale(ax: Any, bands: Sequence[Band]) -> None:
    ends = np.concatenate([np.concatenate([band.low, band.high]) for band in bands])
    ends = ends[np.isfinite(ends)]
    ax.set_xscale("log")
    if ends.min(initial=np.inf) > 0.0:
        ax.set_yscale("log")
    else:  # a negative regret is shown as such
        # Linear below a power of ten: ticks of the decades within would overlap at 0.
        highest = np.abs(ends).max(initial=1e-12)
        ax.set_yscale("symlog", linthresh=10.0 ** np.ceil(np.log10(max(highest, 1e-12)) - 3.0))


def _bound(sample: Sample) -> Any:
    return next(iter(sample.of_kind("data") or sample.of_kind("worst")), None)


@paper
def ratio(source: Any, ax: Any, band: Callable[[Sample], Band] = mean_band) -> Any:
    """Regret over the data-dependent bound (over the worst case where there is no other); the theorem says <= 1."""
    for i, sample in enumerate(one_stream(source)):
        bound = _bound(sample)
        if bound is not None:
            _curve(ax, sample.t, band(_over(sample, bound)), sample.learner, i)
    ax.axhline(1.0, color=GREY, linewidth=0.8)
    ax.set_ylim(bottom=min(0.0, ax.get_ylim()[0]))
    ax.set_xscale("log")
    ax.set_xlabel("round $t$")
    ax.set_ylabel("regret / bound")
    return ax


def _over(sample: Sample, bound: Any) -> Sample:
    """The sample in units of its bound; NaN, a gap in the curve, where the bound is 0 or infinite."""
    known = np.isfinite(bound) & (bound > 0.0)
    low, high = (
        np.divide(end, bound, out=np.full(bound.shape, np.nan), where=known) for end in (sample.low, sample.high)
    )
    return sample._replace(low=low, high=high)


@paper
def difference(source: Any, ax: Any, to: str, legend: bool = True) -> Any:
    """Loss of every learner less that of the learner `to` on the same rounds: paired over the seeds of a study."""
    found = {sample.learner: sample for sample in one_stream(source)}
    if to not in found:
        raise ValueError(f"no learner {to!r} to compare with; there are {', '.join(found)}")
    for i, (name, sample) in enumerate(found.items()):
        if name != to:
            band = paired_band(sample, found[to])
            _curve(ax, sample.t, band, name, i)
    ax.fill_between([], [], [], color=GREY, label=band.what, **SHADE)
    ax.axhline(0.0, color=GREY, linewidth=0.8)
    ax.set_xscale("log")
    ax.set_xlabel("round $t$")
    ax.set_ylabel(f"loss $-$ loss of {to}")
    if legend:
        ax.legend()
    return ax


@paper
def rates(steps: Vector | Sequence[float], ax: Any, label: str = "") -> Any:
    """Effective rates of one coordinate over the rounds; gaps where no gradient was seen yet. Call it once a curve."""
    shown = np.where(np.isfinite(steps), steps, np.nan)
    look = style(len(ax.lines), every=max(1, len(shown) // 8))
    ax.plot(np.arange(1, len(shown) + 1), shown, label=label, **look)
    ax.set_xlabel("round $t$")
    ax.set_ylabel("effective rate")
    return ax


@paper
def games(played: Sequence[tuple[str, Sequence[Run]]]) -> Any:
    """A figure with a column a game: regret above, regret / bound below."""
    size = {"width": max(COLUMN, 2.4 * len(played)), "height": 3.8}
    figure, axes = panels(2, len(played), **size, squeeze=False, sharex="col", height_ratios=(2, 1))
    for column, (title, runs) in zip(axes.T, played, strict=True):
        regret(runs, column[0], legend=False).set_title(title)
        column[0].set_xlabel("")
        ratio(runs, column[1])
    return below(figure, columns=2 * len(played))
