"""Regret against paths (OGD, Ader) and on every interval of rounds (SAOL, CBCE); twins; what must fail."""

import math

import numpy as np
import pytest

from oco import OGD, AdaGrad, AdaGradNorm, Ball, Box, Data, Linear, OGDSqrt, Player, Simplex, Space, play
from oco.conformance import check
from oco.learners import CBCE, SAOL, Ader
from oco.learners.cbce import prior, reached
from oco.learners.coin import log_potential
from oco.learners.covering import cover, gains
from oco.learners.saol import started
from oco.trials import STREAMS

DOMAINS = [Ball(1.5), Box(-0.5, 1.0), Simplex()]
LINEAR = ["signs", "biased", "sign-flip", "orthogonal", "greedy"]


def within(regret, bound):
    return regret <= bound + 1e-9 * (1.0 + abs(bound))


def block_optimal(g, domain, block):
    """The path that is best in each block of rounds, constant within it."""
    path = [
        np.tile(domain.minimiser(part.sum(axis=0)), (len(part), 1)) for part in np.split(g, range(block, len(g), block))
    ]
    return np.concatenate(path)


def audited(stream, learner, domain, rounds, **options):
    return play(stream, learner, domain=domain, rounds=rounds, audit=True, compiled=False, **options)[0]


def dynamic_regret(run, path):
    return (run.history.g * (run.history.x - path)).sum()


@pytest.mark.parametrize("domain", DOMAINS)
@pytest.mark.parametrize("stream", [*LINEAR, "regression"])
def test_dynamic_regret(stream, domain):
    rounds, best = 256, 0.0
    peak = audited(STREAMS[stream], OGD(0.1), domain, rounds).peak[-1] * 1.5
    size = 1.0 if stream in LINEAR else peak
    for learner in (OGD(0.3), Ader(rounds, size, domain.diameter(4))):
        run = audited(STREAMS[stream], learner, domain, rounds)
        for block in 2 ** np.arange(9):
            path = block_optimal(run.history.g, domain, block)
            for bound in (learner.dynamic, getattr(learner, "tuned", learner.dynamic)):
                value = bound(run, path)
                assert within(dynamic_regret(run, path), value) and np.isfinite(value)
                best = max(best, dynamic_regret(run, path) / value)
        for bound in run.bounds().values():
            assert (run.regret.high <= bound + 1e-9 * (1.0 + np.abs(bound))).all()
    assert best > 0.1 or isinstance(domain, Simplex)  # where these adversaries' losses are all alike


def test_ader_states_its_assumptions():
    run = audited(STREAMS["signs"], Ader(64, 0.5, 3.0), Ball(1.5), 64)
    path = np.zeros((64, 4))
    assert np.isinf(run.learner.dynamic(run, path)) and np.isinf(run.bounds()["ader-data"]).all()  # |g| = 1 > 0.5
    run = audited(STREAMS["signs"], Ader(64, 1.0, 3.0), Ball(1.5), 32)
    assert np.isinf(run.learner.tuned(run, path[:32])) and np.isfinite(run.learner.dynamic(run, path[:32]))
    assert audited(STREAMS["signs"], Ader(), Ball(1.5), 32).learner == Ader(32, 1.0, 3.0)


@pytest.mark.parametrize("meta", [SAOL, CBCE])
def test_what_is_given_is_kept(meta):
    step = 2.0 / (5.0 * math.sqrt(2.0))
    for learner in (meta(lipschitz=5.0), meta(OGDSqrt(), 5.0), meta(OGDSqrt(step), 5.0)):
        run = audited(STREAMS["doubling"], learner, Ball(), 9)
        assert run.learner == meta(OGDSqrt(pytest.approx(step)), 5.0, 2.0)
        assert (run.learner.interval(run, 2, 9) < math.inf) == (run.peak[-1] <= 5.0)
    assert audited(STREAMS["signs"], meta(), Ball(), 5).learner.lipschitz == 1.0


def test_control_ader_without_the_meta_term():
    """The experts' bound alone is broken, and so is OGD's without the length of the path."""
    run = audited(STREAMS["sign-flip"], Ader(), Ball(1.5), 256)
    path = block_optimal(run.history.g, Ball(1.5), 256)
    meta = 3.0 * (math.log(1.0 / run.learner.prior()[-1]) / math.sqrt(8.0 / 256) + run.tally["mixed"][-1])
    assert dynamic_regret(run, path) > run.learner.dynamic(run, path) - meta
    g = np.repeat(np.tile([[1.0], [-1.0]], (6, 1)), 40, axis=0)
    run = audited(Data(g, np.zeros(len(g))), OGD(0.05), Box(), len(g), loss=Linear())
    path = block_optimal(g, Box(), 40)
    assert dynamic_regret(run, path) > run.learner.dynamic(run, path[:1]) and len(np.unique(path)) == 2


def naive_ader(g, domain, rounds, lipschitz, diameter):
    count = math.ceil(0.5 * math.log2(1 + 2 * rounds)) + 1
    i = np.arange(1, count + 1)
    eta = 2.0 ** (i - 1) * diameter / (lipschitz * math.sqrt(rounds))
    weight, alpha = (1 + 1 / count) / (i * (i + 1)), math.sqrt(8 / rounds) / (lipschitz * diameter)
    points = np.tile(domain.centre(g.shape[1]), (count, 1))
    path = [weight @ points]
    for row in g:
        weight = weight * np.exp(-alpha * (points - path[-1]) @ row)
        weight /= weight.sum()
        points = points - eta[:, None] * row
        for point in points:
            domain.project(point)
        path.append(weight @ points)
    return np.array(path)


class Interval:
    """One covering interval of a naive meta-learner: OGD with steps eta / sqrt(n) from its first round on."""

    def __init__(self, first, size, centre):
        self.first, self.size, self.point = first, size, centre.copy()
        self.weight, self.coins, self.wealth, self.prior = 1.0, 0.0, 1.0, prior(first)
        self.eta = min(0.5, size**-0.5)

    def bet(self, t):
        return self.coins / (t - self.first + 1) * self.wealth


def naive_meta(g, domain, size, step, mixture, learn):
    """Restarted base learners under `mixture(interval, t)`; also every interval that ever began."""
    everyone, path, centre = [], [], domain.centre(g.shape[1])
    for t in range(1, len(g) + 2):
        everyone += [Interval(t, 2**k, centre) for k in range(20) if t % 2**k == 0]
        active = [one for one in everyone if t < one.first + one.size]
        p = np.array([mixture(one, t) for one in active])
        p = p if p.sum() > 0 else np.array([one.prior for one in active])
        # At first all decide alike and every gain is zero: rounding must not make it a coin.
        x = centre + p @ np.array([one.point - centre for one in active]) / p.sum()
        path.append(x)
        for one in active if t <= len(g) else ():
            learn(one, t, g[t - 1] @ (x - one.point) / size)
            one.point = one.point - step / math.sqrt(t - one.first + 1) * g[t - 1]
            domain.project(one.point)
    return np.array(path), [one for one in everyone if one.first <= len(g)]


def weigh(one, t, r):
    one.weight *= 1.0 + one.eta * r


def toss(one, t, r):
    bet = one.bet(t)
    coin = r if bet > 0 else max(r, 0.0)
    one.coins += coin
    one.wealth += coin * bet


SAOL_TWIN = (lambda one, t: one.eta * one.weight, weigh)
CBCE_TWIN = (lambda one, t: one.prior * max(one.bet(t), 0.0), toss)


def gradients(rounds=70):
    g = np.random.default_rng(3).normal(size=(rounds, 3)) + np.sign(np.sin(np.arange(rounds) / 9.0))[:, None]
    return g / np.maximum(1.0, np.linalg.norm(g, axis=1, keepdims=True))


def walk(learner, g, domain):
    player = Player(learner, g.shape[1], domain, compiled=False)
    path = [player.x.copy()]
    for row in g:
        player.update(row)
        path.append(player.x.copy())
    return np.array(path)


@pytest.mark.parametrize("domain", [Ball(), Box(-0.2, 0.4), Simplex()])
def test_twins(domain):
    g, size = gradients(), domain.diameter(3)
    twin = naive_ader(g, domain, 70, 1.0, size)
    assert np.allclose(walk(Ader(70, 1.0, size), g, domain), twin, rtol=1e-9, atol=1e-12)
    for learner, form in ((SAOL, SAOL_TWIN), (CBCE, CBCE_TWIN)):
        twin, _ = naive_meta(g, domain, size, 0.3, *form)
        assert np.allclose(walk(learner(OGDSqrt(0.3), 1.0, size), g, domain), twin, rtol=1e-9, atol=1e-12)


def test_what_the_weights_add_up_to():
    """SAOL's weights always sum to the intervals begun, CBCE's wealths to no more than what they began with."""
    g = gradients()
    for t in (1, 17, 70):
        _, everyone = naive_meta(g[:t], Ball(), 2.0, 0.3, *SAOL_TWIN)
        assert len(everyone) == started(t)
        assert sum(one.weight for one in everyone) == pytest.approx(started(t), rel=1e-12)
        _, everyone = naive_meta(g[:t], Ball(), 2.0, 0.3, *CBCE_TWIN)
        held = sum(one.prior * one.wealth for one in everyone)
        begun = sum(one.prior for one in everyone)
        assert held <= begun * (1.0 + 1e-12) and begun <= math.pi**2 / 6.0


def test_control_wrong_mixtures():
    """Without eta_I in SAOL's mixture, or with CBCE's turned round, neither holds."""
    g = gradients()
    _, everyone = naive_meta(g, Ball(), 2.0, 0.3, lambda one, t: one.weight, weigh)
    assert sum(one.weight for one in everyone) != pytest.approx(started(70), rel=1e-3)
    _, everyone = naive_meta(g, Ball(), 2.0, 0.3, lambda one, t: 1.0, toss)
    assert sum(one.prior * one.wealth for one in everyone) > (1.0 + 1e-6) * sum(one.prior for one in everyone)


def interval_regrets(run, step=1):
    """(first, last, regret) for intervals of rounds, against the best decision of each."""
    g, domain, rounds = run.history.g, run.domain, run.rounds
    sums = np.vstack([np.zeros(g.shape[1]), np.cumsum(g, axis=0)])
    paid = np.concatenate([[0.0], np.cumsum((g * run.history.x).sum(axis=1))])
    for first in range(1, rounds + 1, step):
        for last in range(first, rounds + 1, step):
            pull = sums[last] - sums[first - 1]
            yield first, last, paid[last] - paid[first - 1] + domain.support(-pull)


@pytest.mark.parametrize("learner", [SAOL(), CBCE()])
def test_all_intervals(learner):
    run = audited(STREAMS["greedy"], learner, Ball(), 127)
    value = {part: run.learner.interval(run, *part) for t in range(1, 128) for part in cover(t, 127) + cover(1, t)}
    for first, last, regret in interval_regrets(run):
        assert within(regret, sum(value[part] for part in cover(first, last)))
    assert run.learner.interval(run, 5, 90) == pytest.approx(sum(value[part] for part in cover(5, 90)), rel=1e-12)


@pytest.mark.parametrize("base", [AdaGrad(1.0), AdaGradNorm(1.0)])
@pytest.mark.parametrize("meta", [SAOL, CBCE])
@pytest.mark.parametrize("stream", ["biased", "sign-flip", "classification", "regression"])
def test_intervals_on_any_base(stream, meta, base):
    learner = meta(base, 60.0 if stream == "regression" else 3.0, 2.0)
    run = audited(STREAMS[stream], learner, Ball(), 63)
    for first, last, regret in interval_regrets(run, 4):
        for bound in (learner.interval, learner.paper, getattr(learner, "closed", learner.paper)):
            value = bound(run, first, last)
            assert within(regret, value) and np.isfinite(value)


@pytest.mark.parametrize("stream", ["biased", "sign-flip", "greedy"])
def test_meta_regret_on_every_covering_interval(stream):
    for learner in (SAOL(), CBCE()):
        run = audited(STREAMS[stream], learner, Ball(), 127)
        for first, last in {part for t in range(1, 128) for part in cover(t, 127)}:
            r, n = gains(run, first, last, 2.0), last - first + 1
            if isinstance(run.learner, SAOL):
                learner = run.learner
                assert within(r.sum(), learner.meta(n, last, float(r @ r)))
                assert within(learner.seen(run, first, last), learner.interval(run, first, last))
            else:
                assert within(r.sum(), reached(n, math.log(math.pi**2 / 6.0 / prior(first))))


def test_cover():
    for first in range(1, 70):
        for last in range(first, 70):
            parts = cover(first, last)
            assert [t for a, b in parts for t in range(a, b + 1)] == list(range(first, last + 1))
            for a, b in parts:
                size = b - a + 1
                assert size & (size - 1) == 0 and a % size == 0
            assert len(parts) <= 2 * math.log2(70)


def test_potential_is_inverted():
    n = np.array([1, 8, 100, 1000])
    x = np.array([0.5, 3.0, 40.0, 100.0])
    assert np.allclose(reached(n, log_potential(n, x)), x, rtol=1e-9)
    assert np.array_equal(reached(n, 1e4), n)


def test_memory_is_logarithmic():
    player = Player(SAOL(OGDSqrt(1.0), 1.0, 2.0), 2, Ball(), compiled=False)
    for t in range(1, 65):
        assert player.state.w.shape == (int(math.log2(t)) + 1, 2, 2)
        player.update(np.array([0.1, -0.2]))


@pytest.mark.parametrize("learner", [Ader(50, 1.0, 2.0), SAOL(OGDSqrt(1.0), 1.0, 2.0), CBCE(OGDSqrt(1.0), 1.0, 2.0)])
@pytest.mark.parametrize("scale", [1e-150, 1e150])
def test_any_scale(learner, scale):
    """Longer gradients than promised: no NaN, and nothing outside."""
    path = walk(learner, scale * gradients(50), Ball())
    assert np.isfinite(path).all() and all(Ball().contains(x) for x in path)
    assert (walk(learner, np.zeros((9, 3)), Ball()) == 0.0).all()


@pytest.mark.parametrize("learner", [Ader(), SAOL(), CBCE()])
def test_conforms(learner):
    check(learner, Ball())


def test_refusals():
    with pytest.raises(ValueError, match="SAOL is not compatible with Space"):
        play(STREAMS["signs"], SAOL(), rounds=3)
    with pytest.raises(ValueError, match="Ader: no step by theorem on Space"):
        play(STREAMS["signs"], Ader(), domain=Space(), rounds=3)
    with pytest.raises(TypeError, match="base: Ader must be"):
        play(STREAMS["signs"], SAOL(Ader(), 1.0, 2.0), domain=Ball(), rounds=3)
