"""Sums over idle rounds: closed forms against sums term by term in exact arithmetic."""

import math
from fractions import Fraction

import numpy as np
import pytest

from oco.learners import FOBOS, RDA, AdaGradFOBOS, AdaGradRDA, FTRLProximal
from oco.learners.shrinkage import falling_sum, root_sum, rounds_within, soft
from oco.protocols import Round


def test_soft_is_the_argmin():
    grid = np.linspace(-3.0, 3.0, 6001)
    for v in (-2.0, -0.3, 0.0, 0.5, 1.7):
        best = grid[np.argmin((grid - v) ** 2 / 2.0 + 0.5 * np.abs(grid))]
        assert soft(v, 0.5) == pytest.approx(best, abs=1e-3)


@pytest.mark.parametrize("cap", [0.1, 0.5, 2.0, 7.0])
@pytest.mark.parametrize("step", [0.0, 1e-300, 0.01, 0.125, 3.0])
@pytest.mark.parametrize("n", [0, 1, 2, 17, 400])
def test_falling_sum(cap, step, n):
    start = 2.0
    terms = [min(Fraction(cap), max(Fraction(0), Fraction(start) - j * Fraction(step))) for j in range(n)]
    assert falling_sum(start, step, cap, float(n)) == pytest.approx(float(sum(terms)), rel=1e-14)


@pytest.mark.parametrize("first", [1, 5, 63, 64, 65, 1000, 10**9])
@pytest.mark.parametrize("terms", [1, 2, 10, 3000])
@pytest.mark.parametrize("form", [(1.0, 0.0), (0.0, 1.0), (3.0, 1e-3)])
def test_root_sum(first, terms, form):
    last = first + terms - 1
    w = form[1]
    c = form[0] + w * last
    expected = math.fsum(float(Fraction(c) - Fraction(w) * r) / math.sqrt(r) for r in range(first, last + 1))
    rounded = 4e-16 * c * terms / math.sqrt(first) if form[0] * w else 0.0  # of w r, which c nearly cancels
    assert root_sum(c, w, float(first), float(last)) == pytest.approx(expected, rel=4e-15, abs=rounded)


def test_root_sum_of_nothing():
    assert root_sum(1.0, 0.0, 5.0, 4.0) == 0.0 and root_sum(1.0, 0.0, 500.0, 499.0) == 0.0


@pytest.mark.parametrize("first", [1.0, 2.0, 70.0, 1e6])
def test_rounds_within(first):
    rng = np.random.default_rng(0)
    for budget in np.concatenate([10.0 ** rng.uniform(-4, 3, 40), [1.0 / math.sqrt(first)]]):
        m = rounds_within(budget, first, 1e12)
        assert root_sum(1.0, 0.0, first, m) < budget <= root_sum(1.0, 0.0, first, m + 1.0)
        assert rounds_within(budget, first, m + 5.0) == m == rounds_within(budget, first, m)


@pytest.mark.parametrize(
    "learner", [FOBOS(0.5), RDA(0.7), AdaGradFOBOS(0.5), AdaGradRDA(0.5), FTRLProximal(0.5)], ids=str
)
def test_long_idling_is_many_rounds_without_gradient(learner):
    """Gradients, penalties, bounds of a box and gaps of any size, early and late in the game."""
    learner = learner._replace(delta=1.0) if isinstance(learner, AdaGradRDA) else learner
    rng = np.random.default_rng(0)
    for trial in range(60):
        touched, gap = (int(10.0 ** rng.uniform(0, most)) for most in (6, 4))
        l1 = 10.0 ** rng.uniform(-8, 1) if trial % 5 else 0.0
        bound = 10.0 ** rng.uniform(-3, 1)
        _, s, nothing = learner.idle(Round(touched - 1, 0.0, 0.0, 1.0, l1), 0.0, learner.memory(np.zeros(1)))
        x, s = learner.rule(
            Round(touched, 0.0, 0.0, 1.0, l1), rng.standard_normal() * 10.0 ** rng.uniform(-3, 6), 0.0, s
        )
        x = min(max(x, -bound), bound)
        now = Round(touched + gap, 0.0, 0.0, 1.0, l1)
        ended, _, paid = learner.idle(now, x, s)
        half, memory, first = learner.idle(now._replace(t=touched + gap // 3), x, s)
        again, _, second = learner.idle(now, half, memory)
        size, decisions = abs(x), []
        for t in range(touched + 1, touched + gap + 1):
            decisions.append(abs(x))
            x, s = learner.rule(now._replace(t=t), 0.0, x, s)
            x = min(max(x, -bound), bound)
        assert nothing == 0.0 and paid == pytest.approx(math.fsum(decisions), rel=1e-11)
        assert first + second == pytest.approx(paid, rel=1e-11)
        assert (ended, again) == pytest.approx((x, x), rel=0.0, abs=1e-11 * size)
