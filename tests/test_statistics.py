"""Statistics over replicates: known answers, coverage of intervals, and controls that do not cover."""

import numpy as np
import pytest
from scipy.stats import norm
from scipy.stats import t as student

import oco
from oco.samples import Sample, samples
from oco.statistics import exponent, mean_band, paired_band, quantile_band, rank_rows, ranks, ratio_at_end, summary

GAME = {"rounds": 60, "domain": oco.Box()}


def sample(regret, learner="a", stream="s", bounds=None, replicate=None, t=None):
    regret = np.asarray(regret, dtype=float)
    count, k = regret.shape
    return Sample(
        learner=learner,
        stream=stream,
        parameters={},
        theory=(),
        replicate=np.arange(count) if replicate is None else np.array(replicate),
        t=np.arange(1, k + 1) if t is None else t,
        loss=regret + 10.0,
        low=regret,
        high=regret,
        bounds=bounds or {},
        kinds=dict.fromkeys(bounds or {}, "data"),
        lower={},
        expected=True,
        dimension=1,
        seconds=np.ones(count),
    )


def covers(intervals, truth):
    low, high = np.array(intervals).T
    return np.mean((low <= truth) & (truth <= high))


def test_mean_band_by_hand():
    band = mean_band(sample([[1.0, 0.0], [2.0, 0.0], [6.0, 0.0]]))
    # mean 3, deviation sqrt(7), t_{0.975, 2} = 4.302653: 3 -+ 4.302653 sqrt(7 / 3).
    assert band.middle == pytest.approx([3.0, 0.0])
    assert band.high - band.middle == pytest.approx([4.302653 * np.sqrt(7.0 / 3.0), 0.0], rel=1e-6)
    assert band.what == "mean of 3 seeds, 95% t-interval"


def test_certificates_widen_the_band():
    exact = sample([[1.0], [2.0], [6.0]])
    band, wide = mean_band(exact), mean_band(exact._replace(low=exact.low - 0.5, high=exact.high + 0.25))
    assert wide.low == pytest.approx(band.low - 0.5) and wide.high == pytest.approx(band.high + 0.25)
    single = mean_band(exact._replace(low=np.array([[1.0]]), high=np.array([[2.0]])))
    assert (single.low, single.middle, single.high) == ([1.0], [1.5], [2.0]) and single.what == "certified interval"


def test_the_mean_band_covers_the_mean_as_often_as_it_says():
    rng = np.random.default_rng(1)
    draws = rng.normal(3.0, 2.0, (4, 4000))  # 4000 studies of 4 seeds, one at each "checkpoint"
    band = mean_band(sample(draws))
    assert covers(np.transpose([band.low, band.high]), 3.0) == pytest.approx(0.95, abs=0.015)
    # A control: the normal quantile in place of Student's.
    half = norm.ppf(0.975) * draws.std(axis=0, ddof=1) / 2.0
    assert covers(np.transpose([draws.mean(axis=0) - half, draws.mean(axis=0) + half]), 3.0) < 0.9


def test_quantile_band_is_where_the_replicates_are():
    values = np.arange(101.0)[:, None]
    band = quantile_band(sample(values), share=0.8)
    assert (band.low[0], band.middle[0], band.high[0]) == pytest.approx((10.0, 50.0, 90.0))
    assert "80% of them within" in band.what


def test_a_paired_difference_is_free_of_what_is_common():
    rng = np.random.default_rng(2)
    streams = 100.0 * rng.standard_normal((10, 1))
    a, b = sample(streams + 0.0), sample(streams + 1.0 + 0.1 * rng.standard_normal((10, 1)), "b")
    band = paired_band(b, a)
    assert band.low[0] < 1.0 < band.high[0] and band.high[0] - band.low[0] < 0.3
    # A control: bands of each apart cannot tell them.
    apart = [mean_band(one) for one in (a, b)]
    assert apart[1].low[0] < apart[0].high[0]


def test_pairs_are_made_by_replicate():
    a = sample([[1.0], [2.0], [3.0]], replicate=[0, 1, 2])
    b = sample([[13.0], [12.0]], "b", replicate=[2, 1])
    assert paired_band(b, a).middle == pytest.approx([10.0])
    with pytest.raises(ValueError, match="two replicates or more in common"):
        paired_band(a, b._replace(replicate=np.array([7, 8])))
    with pytest.raises(ValueError, match="not the same rounds"):
        paired_band(a, b._replace(stream="other"))


CHECKPOINTS = np.unique(np.round(10.0 ** np.arange(0.0, 4.01, 0.125))).astype(int)


@pytest.mark.parametrize("p", [0.0, 0.5, 1.0])
def test_exponent_of_a_power_is_exact(p):
    found = exponent(CHECKPOINTS, np.array([[2.0], [5.0]]) * CHECKPOINTS**p)
    assert found == pytest.approx((p, p, p), abs=1e-12)


def test_exponent_needs_positive_means_and_says_when_it_cannot_tell():
    assert np.isnan(exponent(CHECKPOINTS, -np.ones((3, len(CHECKPOINTS)))).value)
    assert exponent(CHECKPOINTS, CHECKPOINTS[None] ** 0.5) == pytest.approx((0.5, -np.inf, np.inf))
    # One replicate below zero is no harm to the mean.
    mixed = np.vstack([3.0 * CHECKPOINTS**0.5, -1.0 * CHECKPOINTS**0.5, 4.0 * CHECKPOINTS**0.5])
    assert exponent(CHECKPOINTS, mixed).value == pytest.approx(0.5)


def paths(rng, seeds):
    """Regrets c t^(1/2) times the exponential of a random walk in log t with mean 1: each one path of its own."""
    steps = 0.15 * rng.standard_normal((seeds, len(CHECKPOINTS)))
    walk = np.cumsum(steps, axis=1) - 0.5 * 0.15**2 * np.arange(1, len(CHECKPOINTS) + 1)
    return CHECKPOINTS**0.5 * np.exp(walk + 0.3 * rng.standard_normal((seeds, 1)))


def naive(regret):
    """Least squares on the mean curve as if its checkpoints were independent."""
    half = slice(len(CHECKPOINTS) // 2, None)
    x, y = np.log(CHECKPOINTS[half]), np.log(regret.mean(axis=0)[half])
    (p, _), covariance = np.polyfit(x, y, 1, cov=True)
    return p - 2.0 * np.sqrt(covariance[0, 0]), p + 2.0 * np.sqrt(covariance[0, 0])


def test_the_exponents_interval_covers_it_and_one_over_checkpoints_does_not():
    rng = np.random.default_rng(3)
    draws = [paths(rng, 12) for _ in range(600)]
    assert covers([exponent(CHECKPOINTS, regret)[1:] for regret in draws], 0.5) == pytest.approx(0.95, abs=0.035)
    assert covers([naive(regret) for regret in draws], 0.5) < 0.75


def test_the_exponents_interval_is_the_jackknifes():
    """t sqrt((R - 1) / R sum (p_-r - mean)^2), p_-r the slope without replicate r (Efron and Tibshirani 1993)."""
    regret = paths(np.random.default_rng(4), 4)
    half = slice(len(CHECKPOINTS) // 2, None)
    without = [
        np.polyfit(np.log(CHECKPOINTS[half]), np.log(np.delete(regret, r, axis=0).mean(axis=0)[half]), 1)[0]
        for r in range(4)
    ]
    width = student.ppf(0.975, 3) * np.sqrt(0.75 * np.sum((without - np.mean(without)) ** 2))
    found = exponent(CHECKPOINTS, regret)
    assert (found.high - found.low) / 2.0 == pytest.approx(width, rel=1e-9)


def test_ratio_at_the_end_is_of_the_worst_seed_and_the_tightest_bound():
    bounds = {"one": np.array([[1.0, 8.0], [1.0, 20.0]]), "two": np.array([[1.0, 10.0], [1.0, np.inf]])}
    assert ratio_at_end(sample([[0.0, 4.0], [0.0, 5.0]], bounds=bounds)) == 0.5
    assert np.isnan(ratio_at_end(sample([[1.0]])))


def test_ranks_and_their_ties():
    ends = {"s": {"a": 1.0, "b": 2.0, "c": 3.0}, "r": {"a": 2.0, "b": 2.0, "c": 1.0}}
    found = ranks([sample([[end]], who, where) for where, row in ends.items() for who, end in row.items()])
    assert found.each.tolist() == [[1.0, 2.0, 3.0], [2.5, 2.5, 1.0]]
    assert found.mean.tolist() == [1.75, 2.25, 2.0]
    assert rank_rows(found)[-1] == ("mean", "1.75", "2.25", "2.00")
    # Demsar 2006, Table 5: q_0.05 = 2.343 for three.
    assert found.critical == pytest.approx(2.343 * np.sqrt(3 * 4 / (6.0 * 2)), rel=1e-3)
    with pytest.raises(ValueError, match="b has no regret on r"):
        ranks([sample([[1.0]], "a", "s"), sample([[1.0]], "b", "s"), sample([[1.0]], "a", "r")])


def test_a_studys_table_and_single_plays_tell_the_same(tmp_path):
    learners = {"ada": oco.AdaGrad(), "ogd": oco.OGDSqrt()}
    table = oco.Study(learners, oco.RandomSigns(2), seeds=3, **GAME).run(tmp_path, progress=False)
    found = samples(table)
    assert [one.learner for one in found] == ["ada", "ogd"] and found[0].loss.shape == (3, len(found[0].t))
    for k, seed in enumerate(table.where(t=60, learner="ada")["seed"]):
        singles = samples(oco.play(oco.RandomSigns(2), learners, seed=int(seed), **GAME))
        for one, single in zip(found, singles, strict=True):
            assert np.array_equal(one.loss[k], single.loss[0]) and np.array_equal(one.high[k], single.high[0])
            assert one.bounds.keys() == single.bounds.keys()
            assert all(np.array_equal(one.bounds[name][k], value[0]) for name, value in single.bounds.items())
            assert all(one.kinds[name] == single.kinds[name] for name in one.bounds)
    assert found[0].theory == ("eta",) and len(summary(table)) == 3
