"""Coin betting: equality on coins of one dimension, twins, regret at every radius, bounded sets, cut gradients."""

import math
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pytest

import oco
from oco import Ball, Box, L1Ball, Player, Simplex, Space, play
from oco.bounds import at_most
from oco.conformance import check
from oco.learners import COCOB, KT, KTBounded
from oco.learners.coin import conjugate, log_potential
from oco.trials import STREAMS

BOUNDED = [Box(-0.5, 1.0), Ball(1.5), L1Ball(), Simplex(), Box(2.0, 3.0)]


class Sequence(NamedTuple):
    """The gradients g (T, d), given in full."""

    g: np.ndarray
    loss = oco.Linear()
    norm = 1.0

    @property
    def d(self):
        return self.g.shape[1]

    def examples(self, rng, t, target):
        return self.g[(t - 1) % len(self.g)], np.zeros(len(t))


def walk(learner, g, domain=None, start=None):
    """Decisions x_1 .. x_{T+1} for given gradients."""
    player = Player(learner, g.shape[1], domain, start=start, compiled=False)
    path = [player.x.copy()]
    for row in g:
        player.update(row)
        path.append(player.x.copy())
    return np.array(path)


def potential(t, x, epsilon):
    """F_t(x) by the Gamma functions of the paper."""
    half = [(t + 1 + x) / 2, (t + 1 - x) / 2]
    return epsilon * 2.0**t * math.gamma(half[0]) * math.gamma(half[1]) / (math.pi * math.factorial(t))


def naive_kt(g, epsilon, lipschitz, project=lambda z: z):
    """Algorithm 1 with whole sums each round; beyond a bounded set, the gradient without its outward part."""
    path, bets, fed = [], [], []
    for t in range(1, len(g) + 2):
        wealth = epsilon - sum(h @ z for h, z in zip(fed, bets, strict=True))
        z = -(wealth / t) * np.sum(fed, axis=0) if fed else np.zeros(g.shape[1])
        x = project(z)
        path.append(x)
        if t <= len(g):
            h, out = g[t - 1] / lipschitz, z - x
            if np.linalg.norm(out) > 1e-12 and h @ out < 0:
                h = h - (h @ out) * out / (out @ out)
            bets.append(z)
            fed.append(h)
    return np.array(path)


def coins(rounds, bias, seed=0):
    return np.where(np.random.default_rng(seed).random((rounds, 1)) < (1.0 + bias) / 2.0, 1.0, -1.0)


def test_potential_and_conjugate():
    for t, x in [(1, 0.0), (1, 1.0), (5, 2.5), (20, 20.0)]:
        assert math.exp(log_potential(t, x)) == pytest.approx(potential(t, x, 1.0), rel=1e-12)
    for t, u, epsilon in [
        (1, 0.2, 1.0),
        (10, 3.0, 0.1),
        (50, 1e4, 2.0),
        (50, 1e-6, 2.0),
        (50, 0.0, 1.0),
        (3, 1e9, 1e-5),
    ]:
        grid = np.linspace(0.0, t, 200001)
        best = (u * grid - epsilon * np.exp(log_potential(t, grid))).max()
        assert conjugate(t, u, epsilon) == pytest.approx(best, rel=1e-7)
        assert conjugate(t, u, epsilon) >= best - 1e-12 * abs(best)


@pytest.mark.parametrize("bias", [0.0, 0.3, 1.0])
def test_equality_on_coins(bias):
    """d = 1, g = +-1: regret at every u, not only at the best, is eps - F_t(|theta|) + theta u."""
    g = coins(80, bias, 5)
    path = walk(KT(1.0, 0.5), g)
    for t in (1, 2, 7, 80):
        theta = -g[:t].sum()
        for u in (-3.0, 0.0, 1e3):
            regret = (g[:t] * (path[:t] - u)).sum()
            assert regret == pytest.approx(0.5 - potential(t, abs(theta), 0.5) + theta * u, rel=1e-9, abs=1e-9)


def steepest(t, epsilon, far):
    """Coins whose sum is the integer nearest to where F* at `far` is attained."""
    sums = np.arange(t % 2, t + 1, 2)
    total = sums[(far * sums - epsilon * np.exp(log_potential(t, sums))).argmax()]
    return np.concatenate([np.tile([1.0, -1.0], (t - total) // 2), -np.ones(total)])[:, None]


def test_control_the_conjugate_cannot_be_lowered():
    """On coins 0.98 of the bound is broken: neither F* nor the wealth has slack."""
    t, far = 60, 40.0
    g = steepest(t, 1.0, far)
    path = walk(KT(1.0), g)
    regret = (g * (path[:t] - far)).sum()
    bound = 1.0 + conjugate(t, far, 1.0)
    assert 0.98 * bound < regret <= bound * (1.0 + 1e-12)


def test_control_wrong_wealth():
    """A bettor who forgets winnings (wealth eps for ever) breaks the same bound."""

    class Forgetful(KT):
        def update(self, now, g, state, domain):
            return super().update(now, g, state._replace(wealth=self.epsilon), domain)

    t, far = 60, 40.0
    g = steepest(t, 1.0, far)
    path = walk(Forgetful(1.0), g)
    assert (g * (path[:t] - far)).sum() > 1.0 + conjugate(t, far, 1.0)


def regrets(run, u):
    """Linearised regret at u at every checkpoint, of an audited run: at least the regret."""
    each = (run.history.g * (run.history.x - u)).sum(axis=1)
    return np.cumsum(each)[run.t - 1]


@pytest.mark.parametrize("stream", STREAMS)
def test_regret_at_every_norm(stream):
    run = play(STREAMS[stream], KT(), rounds=200, seed=2, audit=True, compiled=False)[0]
    if not at_most(run.peak[-1], run.learner.lipschitz):
        assert np.isinf(run.learner.worst(run)[-1]) and np.isfinite(run.x).all()
        run = play(STREAMS[stream], KT(run.peak[-1]), rounds=200, seed=2, audit=True, compiled=False)[0]
    norms = np.array([0.0, 1e-3, 1.0, 30.0, 1e4])
    curve = run.learner.curve(run, norms)
    pull = -run.history.g.sum(axis=0)
    for far, value in zip(norms, curve, strict=True):
        regret = regrets(run, far * pull / (np.linalg.norm(pull) or 1.0))[-1]  # the worst u of that norm
        assert regret <= value + 1e-9 * (1.0 + value)
    assert curve[0] <= run.learner.lipschitz * run.learner.epsilon


@pytest.mark.parametrize("learner", [KT(), COCOB()])
@pytest.mark.parametrize("start", [None, [1.0, -2.0, 0.0, 0.5]])
def test_bounds_at_the_comparator(learner, start):
    """Losses with a minimiser in R^d: data <= conjugate <= closed, regret below all of them."""
    stream = oco.Classification(4, period=80.0)
    run = play(stream, learner, loss=oco.Absolute(), rounds=300, seed=3, start=start, audit=True, compiled=False)[0]
    bounds = run.bounds()
    for k, u in enumerate(run.comparators):
        for bound in bounds.values():
            assert regrets(run, u)[k] <= bound[k] + 1e-9 * (1.0 + abs(bound[k]))
    values = list(bounds.values())
    assert all((a <= b * (1.0 + 1e-12)).all() for a, b in pairwise(values))
    assert np.isfinite(values[-1]).all()


@pytest.mark.parametrize("domain", BOUNDED)
@pytest.mark.parametrize("stream", ["biased", "regression", "sign-flip", "greedy"])
def test_bounded(stream, domain):
    run = play(STREAMS[stream], KTBounded(), domain=domain, rounds=200, seed=4, audit=True, compiled=False)[0]
    data, worst = run.bounds().values()
    assert (run.regret.high <= data + 1e-9 * (1.0 + np.abs(data))).all()
    assert (data <= worst * (1.0 + 1e-12)).all()
    assert all(domain.contains(x) for x in run.history.x)
    assert at_most(run.peak[-1], run.learner.lipschitz) == np.isfinite(worst[-1])


def test_control_the_bounded_set_needs_its_reduction():
    """Betting on and projecting, with the gradients as they are: the bettor's losses outside are not the player's."""

    class Plain(KTBounded):
        def update(self, now, g, state, domain):
            return super().update(now, g, state._replace(x=state.bet.copy()), domain)

    g = np.concatenate([-np.ones((40, 1)), np.ones((200, 1))])
    for learner, broken in [(KTBounded(), False), (Plain(1.0), True)]:
        run = play(Sequence(g), learner, domain=Box(), rounds=240, compiled=False)[0]
        assert (run.regret.low > run.bounds()["kt-bounded-data"] + 1e-9).any() == broken


@pytest.mark.parametrize("domain", [Space(), Ball(0.3), Box(-0.2, 0.2)])
def test_twins(domain):
    g = np.random.default_rng(1).normal(size=(60, 3)) / 4.0 + [0.0, 0.2, -0.1]
    learner = KT(1.3, 0.7) if isinstance(domain, Space) else KTBounded(1.3, 0.7)
    g = g / np.maximum(1.0, np.linalg.norm(g, axis=1, keepdims=True))

    def project(z):
        z = z.copy()
        domain.project(z)
        return z

    assert np.allclose(walk(learner, g, domain), naive_kt(g, 0.7, 1.3, project), rtol=1e-9, atol=1e-12)


def naive_cocob(g, lipschitz):
    """The paper's update: w_{t,i} = w_1 + beta (L + reward), beta by the logistic function."""
    path = [np.zeros(g.shape[1])]
    for t in range(1, len(g) + 1):
        seen, played = g[:t], np.array(path)
        total, theta, reward = np.abs(seen).sum(axis=0), -seen.sum(axis=0), -(seen * played).sum(axis=0)
        beta = (2.0 / (1.0 + np.exp(-2.0 * theta / (total + lipschitz))) - 1.0) / lipschitz
        path.append(beta * (lipschitz + reward))
    return np.array(path)


def test_cocob_twin():
    g = np.random.default_rng(2).uniform(-2.0, 1.7, (70, 3))
    assert np.allclose(walk(COCOB(2.0), g), naive_cocob(g, 2.0), rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("learner", [KT(), KT(1e-150), COCOB(), COCOB(1e150), KTBounded()])
@pytest.mark.parametrize("scale", [1e-150, 1.0, 1e150])
def test_any_scale(learner, scale):
    """Cut gradients and bets: no NaN where the assumption is broken, nor where wealth would double for ever."""
    learner = learner if learner.lipschitz else learner._replace(lipschitz=1.0)
    domain = Ball() if isinstance(learner, KTBounded) else Space()
    for g in (np.ones((1200, 2)), coins(50, 0.2)):
        path = walk(learner, scale * g, domain)
        assert np.isfinite(path).all() and np.abs(path).max() <= 1e100
    assert (walk(learner, np.zeros((3, 2)), domain) == 0.0).all()


def test_no_bound_after_a_cut_bet():
    run = play(Sequence(np.ones((1, 1))), {"kt": KT(), "cocob": COCOB()}, rounds=900, compiled=False)
    for each in run:
        values = next(iter(each.bounds().values()))
        assert np.isinf(values[-1]) and np.isfinite(each.x).all()


@pytest.mark.parametrize(("learner", "domain"), [(KT(), Space()), (COCOB(), Space()), (KTBounded(), Ball())])
def test_conforms(learner, domain):
    check(learner, domain)


class Along(NamedTuple):
    """Adaptive: the unit gradient along x_t and, by three tenths, the mean of those before."""

    d: int = 4
    loss = oco.Linear()
    norm = 1.0

    def reveal(self, t, x, rng, memory, a):
        size = 0.0
        for i in range(len(x)):
            a[i] = x[i] + 0.3 * memory[i] / t
            size += a[i] * a[i]
        for i in range(len(x)):
            a[i] = a[i] / np.sqrt(size) if size > 0.0 else 0.5
            memory[i] += a[i]
        return 0.0


def test_the_bounded_data_bound_is_attained():
    run = play(Along(), KTBounded(), domain=Ball(), rounds=100, compiled=False)[0]
    assert run.regret.middle / run.bounds()["kt-bounded-data"] == pytest.approx(1.0, abs=1e-9)
