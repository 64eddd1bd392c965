"""Losses: subgradient inequality, Fenchel-Young, prox and Lipschitz constant, at any margin; wrong ones are caught."""

import math
from typing import NamedTuple

import numpy as np
import pytest

from oco.conformance import NotConformantError, check
from oco.losses import LOSSES, Hinge, Logistic, NegativeLog


@pytest.mark.parametrize("name", LOSSES)
def test_conformance(name):
    check(LOSSES[name]())


@pytest.mark.parametrize("name", LOSSES)
def test_fenchel_young_inequality(name):
    loss, rng = LOSSES[name](), np.random.default_rng(0)
    for _ in range(500):
        z, s, y = 3.0 * rng.standard_normal(), rng.uniform(-1.5, 1.5), rng.choice([-1.0, 1.0])
        assert loss.value(z, y) + loss.conjugate(s, y) >= s * z - 1e-12


@pytest.mark.parametrize("z", [0.0, 1e-300, 36.0, 40.0, 700.0, 1e5, 1e300])
def test_logistic_at_any_margin(z):
    loss = Logistic()
    assert loss.value(-z, 1.0) == pytest.approx(z if z > 40.0 else math.log1p(math.exp(z)), rel=1e-15)
    assert loss.value(z, 1.0) == pytest.approx(math.log1p(math.exp(-z)), rel=1e-15)
    assert -1.0 <= loss.slope(-z, 1.0) <= loss.slope(z, 1.0) <= 0.0
    assert loss.slope(z, 1.0) == pytest.approx(-math.exp(-z) / (1.0 + math.exp(-z)), rel=1e-14)


@pytest.mark.parametrize(("z", "mu"), [(0.5, 0.1), (-3.0, 0.7), (-1e8, 1.0), (1e8, 1.0), (0.0, 1e-20)])
def test_negative_log(z, mu):
    loss = NegativeLog()
    assert (
        math.isinf(loss.value(0.0, 0.0)) and math.isinf(loss.value(-1.0, 0.0)) and math.isinf(loss.conjugate(0.0, 0.0))
    )
    p = loss.prox(z, 0.0, mu)
    assert p > 0.0 and p - z == pytest.approx(mu / p, rel=1e-7, abs=1e-15 * abs(z))
    assert loss.value(p, 0.0) + loss.conjugate(loss.slope(p, 0.0), 0.0) == pytest.approx(-1.0)


class WrongSign(NamedTuple):
    scale: float = 1.0

    def value(self, z, y):
        return 0.5 * (z - y) ** 2

    def slope(self, z, y):
        return y - z


class WrongConjugate(Hinge):
    def conjugate(self, s, y):
        return -s * y


class WrongProx(Hinge):
    def prox(self, z, y, mu):
        return z


@pytest.mark.parametrize(
    ("loss", "message"),
    [(WrongSign(), "no subgradient"), (WrongConjugate(), "conjugate"), (WrongProx(), "not the minimiser")],
)
def test_controls_are_caught(loss, message):
    with pytest.raises(NotConformantError, match=message):
        check(loss)
