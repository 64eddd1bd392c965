"""Hedge, AdaHedge: twins, regret within every bound against every expert, identities, controls."""

import math
from typing import NamedTuple

import naive_experts as naive
import numpy as np
import pytest

import oco
from oco import Player, Simplex, play
from oco.conformance import check
from oco.learners import AdaHedge, Hedge, HedgeAnytime
from oco.learners.experts import mixability_gap
from oco.streams import Data, Experts, ExpertsGame

ROUNDS = 150


class Alternating(NamedTuple):
    """Two experts that follow-the-leader is always wrong about, the others a little worse."""

    d: int = 4
    loss = oco.Linear()
    norm = 2.0
    spread = 1.0

    def examples(self, rng, t, target):
        a = np.full((len(t), self.d), 0.6)
        a[:, 0], a[:, 1] = t % 2, (t + 1) % 2
        a[t == 1, :2] = 0.5, 0.0
        return a, np.zeros(len(t))


class Punisher(NamedTuple):
    """Adaptive: the expert with most weight pays 1, and in every third round so does the next one."""

    d: int = 4
    loss = oco.Linear()
    norm = 2.0
    spread = 1.0

    def reveal(self, t, x, rng, memory, a):
        for i in range(len(x)):
            a[i] = 0.0
        a[np.argmax(x)] = 1.0
        if t % 3 == 0:
            a[(np.argmax(x) + 1) % len(x)] = 1.0
        return 0.0


STREAMS = {
    "experts": Experts(4, gap=0.2),
    "game": ExpertsGame(4),
    "two": ExpertsGame(2),
    "alternating": Alternating(),
    "punisher": Punisher(),
}
SKEWED = np.array([0.5, 0.25, 0.2, 0.05])


def walk(learner, losses, prior, compiled=False):
    player = Player(learner, len(prior), Simplex(), start=prior, compiled=compiled)
    path = [player.x.copy()]
    for g in losses:
        player.update(g)
        path.append(player.x.copy())
    return np.array(path)


def draw(n=4, rounds=60, seed=0):
    return np.random.default_rng(seed).random((rounds, n)) ** 2


def assert_bounds(run):
    """Certified regret against every point of the simplex, or at the comparator."""
    assert run.bounds()
    for bound in run.bounds().values():
        assert not np.isnan(bound).any()
        assert (run.regret.low <= bound + 1e-9 * (1.0 + np.abs(bound))).all(), run.name
    kinds = {b.name: b.kind for b in oco.bounds.bounds_of(run.learner)}
    for name in run.bounds():
        if kinds[name] != "trajectory":
            assert (run.regret.high <= run.bounds()[name] + 1e-9 * (1.0 + run.bounds()[name])).all(), name


def expert_regrets(run):
    """Regret to every expert after every round, (T, N)."""
    return np.cumsum((run.history.x * run.history.a).sum(axis=1)[:, None] - run.history.a, axis=0)


@pytest.mark.parametrize("prior", [np.full(4, 0.25), SKEWED], ids=["uniform", "skewed"])
@pytest.mark.parametrize("shift", [0.0, -3.0])
def test_twins(prior, shift):
    losses = draw() + shift
    twins = {
        Hedge(0.7, 1.0): naive.hedge(losses, prior, lambda t: 0.7),
        HedgeAnytime(1.5, 1.0): naive.hedge(losses, prior, lambda t: 1.5 / math.sqrt(t)),
        AdaHedge(): naive.adahedge(losses, prior),
    }
    for learner, twin in twins.items():
        assert np.allclose(walk(learner, losses, prior), twin, rtol=1e-9, atol=1e-12), learner


@pytest.mark.parametrize(
    "learner", [Hedge(0.5, 1.0), HedgeAnytime(0.5, 1.0), AdaHedge()], ids=lambda x: type(x).__name__
)
def test_conformance(learner):
    check(learner, Simplex())


@pytest.mark.parametrize("stream", STREAMS)
def test_regret_is_within_every_bound(stream):
    learners = [Hedge(), HedgeAnytime(), AdaHedge()]
    for start in (None, SKEWED) if STREAMS[stream].d == 4 else (None,):
        for run in play(
            STREAMS[stream], learners, domain=Simplex(), rounds=ROUNDS, start=start, audit=True, compiled=False
        ):
            assert_bounds(run)
            assert np.isfinite(list(run.bounds().values())).all()


def test_exponentiated_gradient_on_convex_losses():
    for run in play(
        oco.Regression(4), [Hedge(0.3, 6.0), HedgeAnytime(0.3, 6.0), AdaHedge()],
        domain=Simplex(), rounds=ROUNDS, audit=True, compiled=False,
    ):  # fmt: skip
        assert_bounds(run)


def test_regret_of_hedge_is_an_identity():
    """R(u) = (KL(u || x_1) - KL(u || x_{t+1})) / eta + sum of mixability gaps, for every u."""
    losses, eta, u = draw(), 0.8, np.array([0.1, 0.2, 0.3, 0.4])
    path = walk(Hedge(eta, 1.0), losses, SKEWED)
    regret = sum(p @ g - u @ g for p, g in zip(path, losses, strict=False))
    gaps = sum(mixability_gap(p, g, eta) for p, g in zip(path, losses, strict=False))
    fallen = u @ np.log(path[-1] / SKEWED)
    assert regret == pytest.approx(fallen / eta + gaps, rel=1e-12)
    assert regret != pytest.approx(-fallen / eta + gaps, rel=1e-3)  # control: the divergences exchanged


@pytest.mark.parametrize("eta", [1e-200, 1e-8, 1.0, 1e8, 1e200, math.inf])
def test_mixability_gap_at_any_rate(eta):
    p, g = np.array([1e-300, 0.5, 0.5, 0.0]), np.array([0.0, 1.0, 2.0, -5.0])
    gap = mixability_gap(p, g, eta)
    low, high = {1e-200: (0.0, 1e-190), 1e-8: (1.24e-9, 1.26e-9), 1.0: (0.1, 0.13)}.get(eta, (0.5, 1.5))
    assert low <= gap <= high


def test_steps_by_theorem():
    runs = play(Experts(8), [Hedge(), HedgeAnytime()], domain=Simplex(), rounds=100, compiled=False)
    assert runs[0].learner == (pytest.approx(math.sqrt(8 * math.log(8) / 100)), 1.0)
    assert runs[1].learner == (pytest.approx(2.0 * math.sqrt(math.log(8))), 1.0)
    assert runs[0].bounds()["hedge-worst"][-1] == pytest.approx(math.sqrt(100 * math.log(8) / 2))
    assert np.allclose(runs[1].bounds()["hedge-anytime-worst"], np.sqrt(runs[1].t * math.log(8)))


def test_broken_promises_make_bounds_infinite():
    run = play(Experts(4), Hedge(0.1, spread=0.5), domain=Simplex(), rounds=50, compiled=False)[0]
    assert np.isinf(run.bounds()["hedge-worst"][-1]) and np.isfinite(run.bounds()["hedge-hoeffding"]).all()
    for learner in (Hedge(), HedgeAnytime()):
        with pytest.raises(ValueError, match="spread is not known"):
            play(Data(draw(), np.zeros(60)), learner, loss=oco.Linear(), domain=Simplex())


def test_an_expert_without_a_chance_has_an_infinite_bound():
    for run in play(
        Experts(3),
        [Hedge(), HedgeAnytime(), AdaHedge()],
        domain=Simplex(),
        rounds=40,
        start=[0.5, 0.5, 0.0],
        compiled=False,
    ):
        assert run.x[2] == 0.0 and np.isinf(list(run.bounds().values())).all()


@pytest.mark.parametrize("scale", [1e-150, 1e150])
def test_scales(scale):
    losses, prior = draw(), np.full(4, 0.25)
    for learner in (Hedge(0.5, 1.0), HedgeAnytime(0.5, 1.0), AdaHedge()):
        path = walk(learner, scale * losses, prior)
        assert np.isfinite(path).all() and np.allclose(path.sum(axis=1), 1.0)
    assert np.allclose(walk(AdaHedge(), scale * losses, prior), walk(AdaHedge(), losses, prior), rtol=1e-9)


def test_one_expert():
    one = Data(np.array([[0.3], [0.7]]), np.zeros(2))
    for run in play(one, [Hedge(0.5, 1.0), HedgeAnytime(0.5, 1.0), AdaHedge()], loss=oco.Linear(), domain=Simplex()):
        assert run.x[0] == 1.0
        assert_bounds(run)


def test_game_of_experts_in_the_mean():
    """No learner has less regret in the mean; Hedge's bound is not far above for many experts."""
    stream = ExpertsGame(2)
    runs = [play(stream, Hedge(), domain=Simplex(), rounds=40, seed=s, compiled=False)[0] for s in range(150)]
    regrets = np.array([run.regret.middle[-1] for run in runs])
    (theorem,) = oco.bounds.bounds_of(stream)
    value = theorem.value(stream, runs[0])[-1]
    assert theorem.kind == "expected-lower"
    assert value == pytest.approx(math.sqrt(40 / (2.0 * math.pi)), rel=0.02)
    assert abs(regrets.mean() - value) < 4.0 * regrets.std() / math.sqrt(len(regrets))
    ratios = [theorem.value(ExpertsGame(n), runs[0])[-1] for n in (10, 100, 1000)] / np.sqrt(
        20.0 * np.log([10, 100, 1000])
    )
    assert np.allclose(ratios, [0.71, 0.82, 0.86], atol=0.03)


def test_control_a_smaller_constant_is_exceeded():
    """Regret comes within 1 % of the trajectory bound of Hedge, and attains that of AdaHedge."""
    runs = play(Experts(4, 0.5), [Hedge(), AdaHedge()], domain=Simplex(), rounds=ROUNDS, audit=True, compiled=False)
    assert runs[0].regret.low[-1] / runs[0].bounds()["hedge-trajectory"][-1] > 0.98
    assert (0.999 * runs[1].bounds()["adahedge-gap"] < runs[1].regret.low).any()


def test_control_a_wrong_sign_is_caught():
    class Loser(Hedge):
        def update(self, now, g, state, domain):
            return super().update(now, -g, state, domain)

    run = play(Experts(4), {"loser": Loser()}, domain=Simplex(), rounds=ROUNDS, compiled=False)[0]
    with pytest.raises(AssertionError):
        assert_bounds(run)


@pytest.mark.parametrize("eta", [0.02, 0.5, 4.0, 30.0])
def test_long_plays_at_any_rate_are_the_definition(eta):
    """Over many rounds, whichever exponential the rate allows; an expert that fell far behind comes back in time."""
    rounds = 1500
    losses = draw(40, rounds, seed=3)
    losses[:, 0] = np.arange(rounds) < rounds // 2  # weights of e^-700 and less at half time
    losses[:, 1] = np.arange(rounds) >= rounds // 2
    prior = np.full(40, 1.0 / 40.0)
    truth = naive.hedge(losses, prior, lambda t: eta)[:-1]
    run = play(Data(losses, np.zeros(rounds)), Hedge(eta, 1.0), loss=oco.Linear(), domain=Simplex())[0]
    total = (truth * losses).sum()
    assert run.loss[-1] == pytest.approx(total, rel=1e-12)
    assert run.regret.middle[-1] == pytest.approx(total - losses.sum(axis=0).min(), rel=1e-9)
    assert run.loss[-1] != pytest.approx(
        (naive.hedge(losses, prior, lambda t: 1.001 * eta)[:-1] * losses).sum(), rel=1e-12
    )


@pytest.mark.parametrize("eta", [0.02, 4.0])
def test_reach_is_the_largest_weight_and_losses_stay_as_they_are(eta):
    losses = draw(5, 200)
    before = losses.copy()
    for compiled in (True, False):
        stream = Data(losses, np.zeros(len(losses)))
        run = play(stream, Hedge(eta, 1.0), loss=oco.Linear(), domain=Simplex(), audit=True, compiled=compiled)[0]
        assert run.reach[-1] == max(run.history.x.max(), run.x.max())
        assert run.reach[-1] > run.history.x[:-50].mean()  # control: not any number will do
        assert (losses == before).all()


@pytest.mark.parametrize("learner", [Hedge(0.5, 1.0), HedgeAnytime(0.5, 1.0)], ids=["hedge", "anytime"])
@pytest.mark.parametrize("slope", [1.0, 1e-40, 1e-120, 1e120])
def test_gradients_that_are_not_rows(learner, slope):
    """Where g = q a is a copy, and where the squares of losses are no ordinary floats, the weights are the same."""
    losses = draw(5, 100)
    plain, scaled = (
        walk(type(learner)(learner.eta / size, size), size * losses, np.full(5, 0.2), compiled=True)
        for size in (1.0, slope)
    )
    np.testing.assert_allclose(scaled, plain, rtol=1e-11)


@pytest.mark.parametrize("penalty", [oco.Penalty(), oco.Penalty(l1=0.2, l2=0.7)])
def test_a_multiple_of_the_weights_is_the_decision_wherever_it_is_read(penalty):
    """By rows in one piece, by a round at a time, and by an adversary that looks at x."""
    losses = draw(6, 500)
    game = {"loss": oco.Linear(), "domain": Simplex(), "penalty": penalty}
    plain, audited = (
        play(Data(losses, np.zeros(500)), Hedge(0.3, 1.0), audit=audit, **game)[0] for audit in (False, True)
    )
    assert plain.loss == pytest.approx(audited.loss, rel=1e-13) and np.allclose(plain.x, audited.x, rtol=1e-12)
    assert plain.tally["seconds"] == pytest.approx(audited.tally["seconds"], rel=1e-12)
    x = audited.history.x
    charges = penalty.l1 * np.abs(x).sum(axis=1) + penalty.l2 / 2.0 * (x**2).sum(axis=1)
    assert plain.loss[-1] == pytest.approx(((x * losses).sum(axis=1) + charges).sum(), rel=1e-12)
    mean = (x.mean(axis=1, keepdims=True) * losses).sum()
    assert plain.loss[-1] != pytest.approx(mean + charges.sum(), rel=1e-12)  # control: weights matter
    seen, once = (play(oco.SignFlip(6), Hedge(0.3, 2.0), rounds=200, audit=audit, **game)[0] for audit in (False, True))
    assert seen.loss == pytest.approx(once.loss, rel=1e-13)
