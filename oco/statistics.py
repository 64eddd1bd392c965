"""What replicates say together: bands, growth exponents, ratios to bounds, ranks.

Replicates are plays of one game on independent seeds; all that is said about means rests on that independence alone,
never on checkpoints, which are parts of one path. Regret enters as its certified interval: ends of bands are those of
the interval's ends.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from oco.protocols import Matrix, Vector
from oco.samples import Sample, samples


class Band(NamedTuple):
    """A curve with a band about it, each (K,), and the words for a legend."""

    middle: Vector
    low: Vector
    high: Vector
    what: str


class Estimated(NamedTuple):
    """A number with its confidence interval; infinite ends where there are too few replicates to tell."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.2f} [{self.low:.2f}, {self.high:.2f}]"


def mean_band(sample: Sample, level: float = 0.95) -> Band:
    """The mean over seeds and Student's interval for it; of a single run its certified interval."""
    count = len(sample.low)
    if count == 1:
        return Band(sample.middle[0], sample.low[0], sample.high[0], "certified interval")
    low, high = (end.mean(axis=0) for end in (sample.low, sample.high))
    what = f"mean of {count} seeds, {level:.0%} t-interval"
    return Band((low + high) / 2.0, low - _half(sample.low, level), high + _half(sample.high, level), what)


def quantile_band(sample: Sample, share: float = 0.8) -> Band:
    """The median over seeds and the quantiles between which the middle `share` of them lies: a spread, not an error."""
    low = np.quantile(sample.low, (1.0 - share) / 2.0, axis=0)
    high = np.quantile(sample.high, (1.0 + share) / 2.0, axis=0)
    return Band(
        np.median(sample.middle, axis=0), low, high, f"median of {len(sample.low)} seeds, {share:.0%} of them within"
    )


def paired_band(sample: Sample, other: Sample, level: float = 0.95) -> Band:
    """Mean over seeds of the loss of `sample` less that of `other` on the same rounds, with Student's interval.

    What both have in common, the stream, is no part of the error. On an oblivious stream the best fixed decision is
    the same for both, and this is the difference of their regrets.
    """
    if sample.stream != other.stream:
        raise ValueError(f"paired_band: streams {sample.stream!r} and {other.stream!r} are not the same rounds")
    shared, i, j = np.intersect1d(sample.replicate, other.replicate, return_indices=True)
    if len(shared) < 2 or not np.array_equal(sample.t, other.t):
        raise ValueError(
            f"paired_band: {sample.learner} and {other.learner} need two replicates or more in common, and the same "
            "checkpoints"
        )
    difference = sample.loss[i] - other.loss[j]
    middle, half = difference.mean(axis=0), _half(difference, level)
    return Band(
        middle, middle - half, middle + half, f"mean paired difference, {len(shared)} seeds, {level:.0%} t-interval"
    )


def _half(values: Matrix, level: float) -> Vector:
    """Half the width of Student's interval for the mean over rows."""
    from scipy.stats import t

    with np.errstate(invalid="ignore"):  # an infinite regret has no error
        error = values.std(axis=0, ddof=1) / np.sqrt(len(values))
    return np.asarray(t.ppf((1.0 + level) / 2.0, len(values) - 1) * error)


def slope(x: Any, y: Any) -> tuple[float, float]:
    """(p, c) of the least-squares fit of y = c x^p in logarithms."""
    power, level = np.polyfit(np.log(x), np.log(y), 1)
    return float(power), float(np.exp(level))


def exponent(t: Any, regret: Matrix, level: float = 0.95) -> Estimated:
    """p of the model: mean regret over seeds = c t^p over the second half of the checkpoints; regret is (R, K).

    p is the slope of the logarithm of the mean by least squares; the interval is Student's on jackknife pseudo-values,
    for R independent replicates. NaN where a mean regret is not positive.
    """
    half = slice(len(t) // 2, None)
    regret, count = np.asarray(regret, dtype=float)[:, half], len(regret)
    total = regret.sum(axis=0)
    means = np.vstack([total / count, (total - regret) / max(count - 1, 1)])  # of all, and without each
    if count == 1:
        means = means[:1]
    if not np.all((means > 0.0) & np.isfinite(means)) or means.shape[1] < 2:
        return Estimated(np.nan, np.nan, np.nan)
    slopes = np.polyfit(np.log(np.asarray(t)[half]), np.log(means.T), 1)[0]
    value = float(slopes[0])
    if count == 1:
        return Estimated(value, -np.inf, np.inf)
    pseudo = count * value - (count - 1) * slopes[1:]
    width = float(_half(pseudo[:, None], level)[0])
    return Estimated(value, value - width, value + width)


def ratio_at_end(sample: Sample) -> float:
    """The largest ratio of regret to bound at T over seeds, each against its tightest bound; NaN without a bound."""
    ends = [value[:, -1] for value in sample.bounds.values()]
    if not ends:
        return float("nan")
    tightest = np.nanmin(np.where(np.isfinite(ends), ends, np.inf), axis=0)
    return float((sample.high[:, -1] / tightest).max()) if (tightest > 0.0).all() else float("nan")


class Ranks(NamedTuple):
    """Ranks of A learners on S streams, 1 the least regret; equals share the mean of their ranks."""

    learners: list[str]
    streams: list[str]
    each: NDArray[np.float64]  # (S, A)
    critical: float  # mean ranks nearer than this are not told apart (Nemenyi's test; Demsar 2006)

    @property
    def mean(self) -> Vector:
        """(A,)"""
        return np.asarray(self.each.mean(axis=0))


def ranks(source: Any, level: float = 0.95) -> Ranks:
    """Learners by mean regret at T on every stream of a study's table, which must have every learner on each."""
    from scipy.stats import rankdata, studentized_range

    found = samples(source)
    rows, columns = (list(dict.fromkeys(getattr(one, part) for one in found)) for part in ("stream", "learner"))
    score = np.full((len(rows), len(columns)), np.nan)
    for sample in found:
        score[rows.index(sample.stream), columns.index(sample.learner)] = sample.middle[:, -1].mean()
    if np.isnan(score).any():
        i, j = np.argwhere(np.isnan(score))[0]
        raise ValueError(f"ranks: {columns[j]} has no regret on {rows[i]}; ranks need every learner on every stream")
    count, k = score.shape
    quantile = studentized_range.ppf(level, k, np.inf) / np.sqrt(2.0) if k > 1 else np.nan
    critical = float(quantile * np.sqrt(k * (k + 1) / (6.0 * count)))
    return Ranks(columns, rows, rankdata(score, axis=1), critical)


def summary(source: Any, level: float = 0.95) -> list[tuple[str, ...]]:
    """A row for each learner and stream, under a header: for oco.record.aligned."""
    header = (
        "stream",
        "learner",
        "T",
        "seeds",
        f"regret at T ({level:.0%})",
        "regret/bound",
        f"exponent ({level:.0%})",
    )
    rows: list[tuple[str, ...]] = [header]
    for sample in samples(source):
        band = mean_band(sample, level)
        regret = f"{band.middle[-1]:.4g} [{band.low[-1]:.4g}, {band.high[-1]:.4g}]"
        slope, ratio = exponent(sample.t, sample.middle, level), f"{ratio_at_end(sample):.3f}"
        rows.append((sample.stream, sample.learner, f"{sample.t[-1]}", f"{len(sample.low)}", regret, ratio, str(slope)))
    return rows


def rank_rows(found: Ranks) -> list[tuple[str, ...]]:
    """The rank table as rows of text: a stream each, and their mean."""
    rows: list[tuple[str, ...]] = [("rank on", *found.learners)]
    lines = zip([*found.streams, "mean"], [*found.each, found.mean], strict=True)
    return rows + [(name, *(f"{rank:.2f}" for rank in line)) for name, line in lines]
