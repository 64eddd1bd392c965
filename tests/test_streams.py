"""Streams do what their docstrings say."""

import numpy as np
import pytest

import oco
from oco.streams import as_block, blocks, generator, head


def rows(stream, rounds, seed=0):
    signed = hasattr(stream.loss, "labels")
    block = next(blocks(stream, seed, rounds, signed))
    if hasattr(block, "a"):
        return block.a, block.y
    a = np.zeros((len(block.y), block.d))
    a[np.repeat(np.arange(len(block.y)), np.diff(block.indptr)), block.indices] = block.values
    return a, block.y


def test_random_signs():
    a, _ = rows(oco.RandomSigns(4, scale=2.0), 4000)
    assert np.allclose(np.linalg.norm(a, axis=1), 2.0)
    assert set(np.unique(a)) == {-1.0, 1.0}
    assert np.abs(a.mean(axis=0)).max() < 0.06
    biased, _ = rows(oco.RandomSigns(1, bias=0.5), 4000)
    assert biased.mean() == pytest.approx(0.5, abs=0.05)


def test_zipf_text():
    stream = oco.ZipfText(d=300, words=10, exponent=1.0, noise=0.0)
    a, y = rows(stream, 8000)
    frequency = (a > 0.0).mean(axis=0)
    # A word is present unless ten draws miss it.
    p = 1.0 / np.arange(1, 301) / (1.0 / np.arange(1, 301)).sum()
    assert np.allclose(frequency, 1.0 - (1.0 - p) ** 10, atol=0.02)
    _, weights = stream.target(generator(0, 0))
    score = np.sign(a) @ weights
    assert np.array_equal(np.sign(score[score != 0.0]), y[score != 0.0])
    assert np.abs(np.linalg.norm(a, axis=1)).max() <= 1.0 + 1e-12


def test_condition_and_rotation():
    straight, _ = rows(oco.Regression(5, condition=1e4), 8000)
    deviations = straight.std(axis=0)
    assert deviations[0] / deviations[-1] > 30.0
    rotated, _ = rows(oco.Regression(5, condition=1e4, rotated=True), 8000)
    spectrum = np.linalg.eigvalsh(np.cov(rotated.T))
    assert np.sqrt(spectrum[-1] / spectrum[0]) > 30.0
    assert rotated.std(axis=0).max() / rotated.std(axis=0).min() < 30.0


def test_regression_follows_its_target_and_drift_turns_it():
    stream = oco.Regression(3, noise=0.0)
    a, y = rows(stream, 2000)
    inside = np.abs(y) < 2.0
    x = np.linalg.lstsq(a[inside], y[inside], rcond=None)[0]
    assert np.allclose(a[inside] @ x, y[inside], atol=1e-12)
    a, y = rows(oco.Regression(3, noise=0.0, period=1000.0), 2000)
    quarter, half = slice(0, 20), slice(500, 520)
    first = np.linalg.lstsq(a[quarter], y[quarter], rcond=None)[0]
    opposite = np.linalg.lstsq(a[half], y[half], rcond=None)[0]
    assert first @ opposite / np.linalg.norm(first) / np.linalg.norm(opposite) < -0.98


def test_classification_noise():
    clean, noisy = (rows(oco.Classification(3, noise=noise), 5000) for noise in (0.0, 0.2))
    target = oco.Classification(3).target(generator(0, 0)).target
    assert np.array_equal(clean[1], np.where(clean[0] @ target >= 0.0, 1.0, -1.0))
    assert np.mean(noisy[1] != np.where(noisy[0] @ target >= 0.0, 1.0, -1.0)) == pytest.approx(0.2, abs=0.02)


@pytest.mark.parametrize("x", [np.array([0.3, -0.2, 0.5, 0.0]), np.zeros(4), np.array([1.0, 1.0, 1.0, 1.0])])
def test_orthogonal_adversary(x):
    stream, rng, memory = oco.Orthogonal(4), np.random.default_rng(0), np.zeros(4)
    for t in range(1, 200):
        before, a = memory.copy(), np.empty(4)
        stream.reveal(t, x, rng, memory, a)
        assert np.linalg.norm(a) == pytest.approx(1.0, rel=1e-14)
        assert abs(a @ x) < 1e-12 * max(1.0, np.linalg.norm(x))
        assert abs(a @ before) < 1e-12 * max(1.0, np.linalg.norm(before))
        assert np.linalg.norm(memory) == pytest.approx(np.sqrt(t), rel=1e-12)


def test_sign_flip():
    a = np.empty(4)
    oco.SignFlip(4).reveal(1, np.array([0.5, -0.1, 0.0, -3.0]), None, np.zeros(4), a)
    assert np.array_equal(a, np.array([1.0, -1.0, 1.0, -1.0]) / 2.0)


def test_blocks_and_heads():
    from scipy.sparse import csr_array

    dense = np.array([[1.0, 0.0, 2.0], [0.0, 0.0, 0.0], [3.0, 4.0, 0.0]])
    block = as_block(csr_array(dense), [1.0, 2.0, 3.0], "data")
    last = head(block, 1, 3)
    assert last.indptr.tolist() == [0, 0, 2]
    assert last.values.tolist() == [3.0, 4.0]
    assert last.y.tolist() == [2.0, 3.0]
    repeated = csr_array((np.ones(3), np.array([1, 1, 0]), np.array([0, 3])), shape=(1, 2))
    assert as_block(repeated, [1.0], "data").values.tolist() == [1.0, 2.0]


def test_experts():
    stream = oco.streams.Experts(5, gap=0.3)
    a, _ = rows(stream, 8000, seed=2)
    best = stream.target(generator(2, 0))
    assert set(np.unique(a)) == {0.0, 1.0}
    assert np.allclose(a.mean(axis=0), np.where(np.arange(5) == best, 0.2, 0.5), atol=0.03)
    a, _ = rows(oco.streams.ExpertsGame(2), 100)
    assert np.array_equal(a.sum(axis=1), np.ones(100))


def test_markets():
    a, _ = rows(oco.streams.Market(6, volatility=0.05, common=0.1), 8000)
    returns = np.log(a)
    assert 0.1**2 * 0.9 < np.cov(returns.T)[np.triu_indices(6, 1)].mean() < 0.1**2 * 1.1
    assert (np.sqrt(returns.var(axis=0) - 0.01) < 1.7 * 0.05).all() and np.abs(returns.mean(axis=0)).max() < 0.03
    a, _ = rows(oco.streams.Kelly(4, bias=1.0), 8000)
    assert np.array_equal(np.sort(a, axis=1), np.tile([0.0, 0.0, 0.0, 4.0], (8000, 1)))
    assert np.allclose((a > 0.0).mean(axis=0), [0.5, 1 / 6, 1 / 6, 1 / 6], atol=0.03)
    assert rows(oco.streams.Kelly(2, bias=1.0), 50)[0][:, 0].min() == 2.0
