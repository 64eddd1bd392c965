"""A part that is written wrongly is told so by its own name, in one sentence, before anything is compiled."""

from typing import NamedTuple

import numpy as np
import pytest

import oco


class OneNumber(NamedTuple):
    eta: float = 0.1

    def rule(self, now, g, x, s):
        return x - self.eta * g


class Unknown(NamedTuple):
    eta: float = 0.1

    def rule(self, now, g, x, s):
        return x - self.step * g, s


class FewArguments(NamedTuple):
    eta: float = 0.1

    def rule(self, g, x):
        return x - self.eta * g, 0.0


class OtherMemory(NamedTuple):
    eta: float = 0.1

    def rule(self, now, g, x, s):
        return x - self.eta * g, (s, s)


class NoState(NamedTuple):
    eta: float = 0.1

    def init(self, x):
        return x

    def update(self, now, g, state, domain):
        return state


class Leaves(NamedTuple):
    eta: float = 0.1

    class State(NamedTuple):
        x: np.ndarray

    def init(self, x):
        return Leaves.State(x)

    def update(self, now, g, state, domain):
        for i in range(len(g)):
            state.x[i] -= self.eta * g[i]
        return state


@pytest.mark.parametrize(
    ("learner", "message"),
    [
        (OneNumber(), r"OneNumber.rule\(now, g, x, s\) must return \(x, s\)"),
        (Unknown(), r"Unknown.rule.*has no attribute 'step'.*test_fit.py, line"),
        (FewArguments(), r"FewArguments.rule.*positional arguments"),
        (OtherMemory(), r"OtherMemory.rule.*with s like 0.0"),
        (NoState(), r"NoState.init\(x\) must return a NamedTuple with x \(10,\); it returned a ndarray"),
    ],
)
def test_learners(learner, message):
    with pytest.raises(TypeError, match=message):
        oco.play(oco.RandomSigns(), learner)


def test_a_decision_outside_ends_the_play_and_keeps_what_was_played():
    with pytest.raises(oco.BrokenPlayError, match=r"Leaves: the decision after round \d+ is outside Box.*conformance"):
        oco.play(oco.RandomSigns(2, bias=0.9), Leaves(), domain=oco.Box(), rounds=1000)


class NoLabel(oco.SignFlip):
    def reveal(self, t, x, rng, memory, a):
        a[0] = 1.0


class NoColumns(NamedTuple):
    k: int = 2

    def examples(self, rng, t, target):
        return rng.standard_normal((len(t), self.k)), np.zeros(len(t))


class NothingRevealed(NamedTuple):
    d: int = 2


@pytest.mark.parametrize(
    ("stream", "message"),
    [
        (NoLabel(), "NoLabel.reveal.*must fill a and return the label, not None"),
        (NoColumns(), "NoColumns is not a stream: it needs d"),
        (NothingRevealed(), "NothingRevealed is not a stream: missing examples"),
    ],
)
def test_streams(stream, message):
    with pytest.raises(TypeError, match=message):
        oco.play(stream, oco.AdaGrad(0.1), loss=oco.Linear())


@pytest.mark.parametrize(
    ("part", "message"),
    [
        (oco.Orthogonal(2), r"Orthogonal: d = 2 must be in \[3, inf\]"),
        (oco.RandomSigns(2, bias=3.0), r"bias = 3.0 must be in \[-1, 1\]"),
        (oco.RandomSigns(2.5), "d = 2.5 must be a whole number"),
        (oco.ZipfText(noise=1.5), r"noise = 1.5 must be in \[0, 1\]"),
    ],
)
def test_parameters(part, message):
    with pytest.raises(ValueError, match=message):
        oco.play(part, oco.AdaGrad(0.1))


def test_claims():
    with pytest.raises(ValueError, match="Hedge is not compatible with Box: use Simplex"):
        oco.play(oco.Experts(), oco.Hedge(), domain=oco.Box())
    with pytest.raises(ValueError, match="VovkAzouryWarmuth is not compatible with Logistic: use Squared"):
        oco.play(oco.Classification(3), oco.VovkAzouryWarmuth())
    with pytest.raises(ValueError, match="SAOL is not compatible with Space: it needs a bounded domain"):
        oco.play(oco.RandomSigns(), oco.SAOL())
    with pytest.raises(ValueError, match="it sees the features before it decides"):
        oco.play(oco.SignFlip(2), oco.VovkAzouryWarmuth(), loss=oco.Squared())
    with pytest.raises(ValueError, match="RDA starts at x_1 = 0"):
        oco.play(oco.RandomSigns(2), oco.RDA(1.0), domain=oco.Box(), start=[0.5, 0.5])


def test_a_parameter_of_a_held_part_may_be_left_to_the_theorem():
    learner = oco.SAOL(oco.OGDSqrt(), 1.0, 2.0)
    run = oco.play(oco.RandomSigns(2), learner, domain=oco.Ball(), rounds=20, compiled=False)[0]
    assert run.learner.base.eta is not None
