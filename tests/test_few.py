"""Machine code for a handful of coordinates: the very plays of the loops for any number."""

import math
from typing import NamedTuple

import numpy as np
import pytest

import oco
from oco import engine, player
from oco._jit import kernel
from oco.engine.ledger import SPAN
from oco.lowlevel.glance import glance_at_few
from oco.updates import few

T = 3 * SPAN + 5


def examples(d, seed=0):
    rng = np.random.default_rng(seed)
    a = rng.standard_normal((T, d))
    return oco.Data(a, np.where(a[:, 0] + rng.standard_normal(T) > 0.0, 1.0, -1.0))


@pytest.fixture
def always(monkeypatch):
    """However few the rounds; switched off by always(False)."""

    def switch(on):
        monkeypatch.setattr(player, "LEAST", 1 if on else math.inf)

    switch(True)
    return switch


def numbers(run):
    columns = (run.loss, run.size, run.sumsq, run.faded, run.peak, run.reach, run.x, run.rates)
    return np.concatenate([np.ravel(column) for column in (*columns, *(run.tally[key] for key in sorted(run.tally)))])


def both(always, stream, learner, **options):
    """The numbers of a play by Few, and by the loops for any number of coordinates."""
    told = []
    for on in (True, False):
        always(on)
        run = oco.play(stream, learner, rounds=T, **options)[0]
        assert (run.player._rounds is engine.dense_few) is on
        told.append(numbers(run))
    return told


CASES = {
    "ball": (examples(2), oco.OGD(0.3), {"loss": oco.Linear(), "domain": oco.Ball()}),
    "sides": (examples(10), oco.AdaGrad(0.5), {"loss": oco.Logistic(), "domain": oco.Box(-np.arange(0.1, 1.1, 0.1))}),
    "metric": (examples(3), oco.AdaGrad(0.5), {"loss": oco.Logistic(), "domain": oco.Ball(0.5)}),
    "simplex": (examples(5), oco.OGDSqrt(0.5), {"loss": oco.Squared(), "domain": oco.Simplex()}),
    "memories": (examples(4), oco.AMSGrad(0.1), {"loss": oco.Squared(), "domain": oco.Box()}),
    "most": (examples(few.MOST), oco.AdaGrad(0.5), {"loss": oco.Hinge(), "domain": oco.Box()}),
    "penalty": (examples(2), oco.OGD(0.1), {"loss": oco.Logistic(), "penalty": oco.Penalty(0.01, 0.1)}),
    "adversary": (oco.SignFlip(2), oco.AdaGrad(0.5), {"domain": oco.Box()}),
    # Gradient descent would leave nothing but rounding errors of x for this adversary to be orthogonal to.
    "orthogonal": (oco.Orthogonal(3), oco.AdaGrad(0.5), {"domain": oco.Box()}),
}


@pytest.mark.parametrize("name", CASES)
def test_few_coordinates_are_played_as_any_number(always, name):
    stream, learner, options = CASES[name]
    ours, theirs = both(always, stream, learner, **options)
    assert np.allclose(ours, theirs, rtol=1e-12, atol=1e-12, equal_nan=True)
    always(True)
    plain = numbers(oco.play(stream, learner, rounds=T, compiled=False, **options)[0])
    assert np.allclose(ours, plain, rtol=1e-11, atol=1e-11, equal_nan=True)


def test_single_precision(always):
    ours, theirs = both(always, examples(3), oco.AdaGrad(0.5), loss=oco.Logistic(), dtype=np.float32)
    assert np.allclose(ours, theirs, rtol=1e-5, atol=1e-6)
    assert not np.allclose(ours, numbers(oco.play(examples(3), oco.AdaGrad(0.5), loss=oco.Logistic())[0]), rtol=1e-12)


def test_slices_do_not_change_a_digit(always, monkeypatch):
    stream, learner, options = CASES["sides"]
    whole = numbers(oco.play(stream, learner, rounds=T, **options)[0])
    monkeypatch.setattr("oco.game.PIECE", 0.0)
    assert (numbers(oco.play(stream, learner, rounds=T, **options)[0]) == whole).all()


def test_the_first_bad_round_ends_the_play(always):
    for bad in (math.nan, math.inf, 1e200):
        stream = examples(2)
        stream.X[SPAN + 3, 1] = bad
        ends = []
        for on in (True, False):
            always(on)
            with pytest.raises(oco.BrokenPlayError, match=rf"round {SPAN + 4}") as broken:
                oco.play(stream, oco.AdaGrad(0.5), loss=oco.Squared(), rounds=T)
            ends.append(str(broken.value))
        assert ends[0] == ends[1]


def test_a_coordinate_left_out_would_be_noticed(always, monkeypatch):
    monkeypatch.setattr(player, "few", lambda part, d: few.few(part, d)._replace(rows=(0.0,) * (d - 1)))
    ours, theirs = both(always, examples(7), oco.AdaGrad(0.5), loss=oco.Logistic())
    assert not np.allclose(ours, theirs, rtol=1e-3)


@kernel
def sums(a, x, rows):
    seen = glance_at_few(a, x, rows)
    return seen.z, seen.square


@pytest.mark.parametrize(
    ("n", "dtype"), [(1, float), (5, float), (7, float), (8, float), (15, float), (13, np.float32)]
)
def test_sums_are_those_of_all_coordinates(n, dtype):
    a, x = np.random.default_rng(n).standard_normal((2, n + 1)).astype(dtype)[:, :n]
    exact = [math.fsum(float(u) * float(v) for u, v in zip(a, b, strict=True)) for b in (x, a)]
    for function in (sums, sums.plain):
        # Machine code adds up in float64; Python in the precision of the numbers.
        within = 8 * n * np.finfo(dtype).eps if function is sums.plain and dtype is np.float32 else 1e-14
        assert np.allclose(function(a, x, (0.0,) * n), exact, rtol=within, atol=within)
    if n > 5:
        assert not np.allclose(sums(a, x, (0.0,) * (n - 1)), exact, rtol=1e-6)


class Lost(NamedTuple):
    """Does not know where to go after round `last`."""

    last: float = math.inf

    def rule(self, now, g, x, s):
        return (math.nan if now.t >= self.last else 0.9 * x - 0.1 * g), s


@pytest.mark.parametrize("d", [2, 10])
def test_the_last_decision_is_looked_at(always, d):
    """No loss is suffered for it."""
    for on in (True, False):
        always(on)
        game = {"loss": oco.Linear(), "domain": oco.Space(), "rounds": T}
        with pytest.raises(oco.BrokenPlayError, match="outside Space"):
            oco.play(examples(d), Lost(T), **game)
        assert oco.play(examples(d), Lost(T + 1), **game)[0].t[-1] == T
