"""Bandit feedback: what holds whatever the draws, means over many seeds, twins; online to batch."""

import math
from typing import NamedTuple

import numpy as np
import pytest

import oco
from oco import OGD, Ball, Box, Data, Linear, Player, Simplex, play
from oco.conformance import check
from oco.learners import FKM, Exp3
from oco.online_to_batch import averages, excess, excess_within
from oco.trials import STREAMS


def games(learner, seeds, stream, **options):
    """The same rounds for learners with different seeds."""
    learners = {str(seed): learner._replace(seed=seed) for seed in seeds}
    return play(stream, learners, compiled=False, **options)


def arms(rounds=300, d=5):
    """Losses in [0, 1]: arm 1 is a little better, from the middle on arm 2 is much better."""
    a = np.random.default_rng(7).random((rounds, d))
    a[:, 1] *= 0.8
    a[rounds // 2 :, 2] *= 0.3
    return Data(a, np.zeros(rounds))


def test_exp3_whatever_the_draws():
    for learner in (Exp3(0.05, 0.0, 1.0), Exp3(0.4, 0.0, 1.0), Exp3(0.2, -1.0, 3.0)):
        best = 0.0
        for run in games(learner, range(8), arms(), domain=Simplex(), loss=Linear()):
            left, right = run.learner.pathwise(run)
            assert (left <= right * (1.0 + 1e-12)).all()
            best = max(best, (left / right).max())
        assert best > 0.3


def test_control_exp3_without_importance_weights():
    """Losses that are not divided by their probability: the arm drawn most looks worst, and the bound is broken."""

    class Unweighted(Exp3):
        def update(self, now, g, state, domain):
            return super().update(now._replace(loss=now.loss * state.p[state.arm]), g, state, domain)

    rounds = 1500
    stream = Data(np.tile([0.5, 0.9, 0.9], (rounds, 1)), np.zeros(rounds))
    for kind, broken in ((Exp3, False), (Unweighted, True)):
        runs = games(kind(0.03, 0.0, 1.0), range(5), stream, domain=Simplex(), loss=Linear())
        bound = math.log(3) / 0.03 + 0.03 / 2.0 * 3 * rounds
        assert (np.mean([run.regret.middle[-1] for run in runs]) > 1.5 * bound) == broken


@pytest.mark.parametrize("stream", [arms(), oco.RandomSigns(4, bias=0.3)])
def test_exp3_in_the_mean(stream):
    """Mean regret against the best arm in hindsight, which is more than the pseudo-regret, at every checkpoint."""
    low = 0.0 if isinstance(stream, Data) else None
    learner = Exp3(None, low, 1.0 if low == 0.0 else None)
    runs = games(learner, range(40), stream, domain=Simplex(), loss=Linear(), rounds=300)
    regret = np.array([run.regret.high for run in runs])
    bound = runs[0].expected_bounds()["exp3-expected"]
    mean, error = regret.mean(axis=0), regret.std(axis=0) / math.sqrt(len(runs))
    assert (mean + 3.0 * error <= bound).all()
    scale, d = runs[0].learner.high - runs[0].learner.low, runs[0].d
    assert bound[-1] == pytest.approx(scale * math.sqrt(2.0 * d * 300 * math.log(d)))
    assert np.ptp([run.loss[-1] for run in runs]) > 0.0


def test_exp3_twin():
    """Probabilities and estimates recomputed from the losses seen, arms read off the decisions."""
    a = arms(60).X
    player = Player(Exp3(0.3, 0.0, 1.0, seed=4), 5, Simplex(), compiled=False)
    drawn, losses, probabilities = [], [], []
    for row in a:
        estimates = [
            sum(x / p for i, x, p in zip(drawn, losses, probabilities, strict=True) if i == k) for k in range(5)
        ]
        weights = np.exp(-0.3 * np.array(estimates))
        p = weights / weights.sum()
        assert np.allclose(player.state.p, p, rtol=1e-10)
        arm = int(player.x.argmax())
        assert player.x.sum() == player.x[arm] == 1.0
        drawn, losses, probabilities = [*drawn, arm], [*losses, row[arm]], [*probabilities, p[arm]]
        player.update(row, row[arm])
    counts = np.zeros(5)
    for seed in range(400):
        counts += Player(Exp3(0.3, 0.0, 1.0, seed), 5, Simplex(), compiled=False).x
    assert np.abs(counts / 400 - 0.2).max() < 0.07


def test_bounds_state_what_they_assume():
    run = games(Exp3(0.1, 0.2, 1.0), [0], arms(), domain=Simplex(), loss=Linear())[0]
    assert np.isinf(run.expected_bounds()["exp3-expected"][-1])  # losses below 0.2
    run = games(Exp3(), [0], oco.Orthogonal(4), domain=Simplex(), rounds=20)[0]
    assert np.isinf(run.expected_bounds()["exp3-expected"]).all()  # the adversary looks
    run = games(FKM(size=1e-3), [0], STREAMS["biased"], domain=Ball(), rounds=20)[0]
    assert np.isinf(run.expected_bounds()["fkm-expected"][-1])
    assert run.bounds() == {}
    with pytest.raises(ValueError, match="Exp3 is not compatible with Squared"):
        play(arms(), Exp3(0.1, 0.0, 1.0), loss=oco.Squared(), domain=Simplex())
    with pytest.raises(ValueError, match="FKM is not compatible with Box"):
        play(STREAMS["biased"], FKM(), domain=Box(), rounds=3)
    with pytest.raises(ValueError, match="delta = 2"):
        Player(FKM(0.1, 2.0, 1.0, 1.0), 2, Ball())


class Shifted(NamedTuple):
    """Absolute losses |<a, x> - y| with a minimiser off the centre."""

    d: int = 2
    loss = oco.Absolute()
    norm = 1.0
    label = 0.5

    def examples(self, rng, t, target):
        a = rng.normal(size=(len(t), 2))
        a /= np.linalg.norm(a, axis=1, keepdims=True)
        return a, a @ [0.4, -0.2]


@pytest.mark.parametrize(
    ("stream", "radius", "learner"),
    [
        (oco.RandomSigns(2, bias=0.6), 2.0, FKM()),
        (Shifted(), 1.0, FKM(size=1.5)),
        (oco.RandomSigns(2), 1.0, FKM(0.02, 0.3)),
    ],
)
def test_fkm_in_the_mean(stream, radius, learner):
    runs = games(learner, range(25), stream, domain=Ball(radius), rounds=600)
    bound = runs[0].expected_bounds()["fkm-expected"]
    regret = np.array([run.regret.high for run in runs])
    assert (regret.mean(axis=0) + 3.0 * regret.std(axis=0) / 5.0 <= bound).all()
    fkm = runs[0].learner
    if learner == FKM() and fkm.delta < 1.0:
        assert bound[-1] == pytest.approx(2.0 * math.sqrt(3.0 * radius * 2 * fkm.size) * 600**0.75)


def test_fkm_estimates_the_gradient_of_the_smoothed_loss():
    """For a linear loss smoothing changes nothing: the mean of (d / delta) f(x) v is a; without d not (control)."""
    a, seeds = np.array([0.6, -0.3, 0.2]), 4000
    steps = np.zeros(3)
    for seed in range(seeds):
        state = FKM(0.01, 0.5, 2.0, 1.0, seed).init(np.zeros(3))
        steps += 3.0 / 0.5 * (a @ state.x) * state.v / seeds
    assert np.allclose(steps, 2.0 * a, atol=0.08)  # of f(2 y)
    assert not np.allclose(steps / 3.0, 2.0 * a, atol=0.08)


def test_fkm_twin():
    learner = FKM(0.05, 0.25, 2.0, 3.0, seed=3)
    player, rng = Player(learner, 3, Ball(2.0), compiled=False), np.random.default_rng(3)
    y = np.zeros(3)
    for t in range(50):
        v = rng.standard_normal(3)
        v /= np.linalg.norm(v)
        assert np.allclose(player.x, 2.0 * (y + 0.25 * v), rtol=1e-12, atol=1e-14)
        loss = math.sin(t) + player.x[0]
        y = y - 0.05 * (3 / 0.25) * loss * v
        y *= min(1.0, 0.75 / np.linalg.norm(y))
        player.update(np.zeros(3), loss)


@pytest.mark.parametrize(("learner", "domain"), [(Exp3(), Simplex()), (FKM(), Ball())])
def test_conforms(learner, domain):
    check(learner, domain)


@pytest.mark.parametrize("scale", [1e-150, 1e150])
def test_any_scale(scale):
    for learner, domain in ((Exp3(0.1, -1.0, 1.0), Simplex()), (FKM(0.1, 0.2, 1.0, 1.0), Ball())):
        player = Player(learner, 3, domain, compiled=False)
        for t in range(40):
            player.update(np.zeros(3), scale * (-1.0) ** t)
            assert domain.contains(player.x)
    run = play(
        Data(np.ones((9, 1)), np.zeros(9)), Exp3(0.1, 0.0, 1.0), loss=Linear(), domain=Simplex(), compiled=False
    )[0]
    assert run.regret.high[-1] == pytest.approx(0.0, abs=1e-12)


def test_online_to_batch():
    """Squared error with a known mean: excess risk of the averages, its mean over samples and its largest values."""
    target, rounds, domain = np.array([0.5, -0.3, 0.1]), 100, Ball()
    found, means, tails = [], [], []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        a = rng.choice([-1.0, 1.0], (rounds, 3)) / math.sqrt(3.0)
        y = a @ target + rng.choice([-0.2, 0.2], rounds)
        run = play(Data(a, y), OGD(0.3), loss=oco.Squared(), domain=domain, audit=True, compiled=False)[0]
        gap = averages(run) - target
        found.append((gap**2).sum(axis=1) / 6.0)  # E (<a, x> - y)^2 / 2 less its minimum, E a a^T = I / 3
        means.append(excess(run))
        tails.append(excess_within(run, 0.1))
        assert np.allclose(averages(run)[1], run.history.x[:2].mean(axis=0))
    found, means = np.array(found), np.array(means)
    error = (found - means).std(axis=0) / math.sqrt(60)
    assert (found.mean(axis=0) <= means.mean(axis=0) + 3.0 * error).all()
    assert np.mean(found > tails) <= 0.1
    assert found[:, -1].mean() > 0.02 * means[:, -1].mean()
    with pytest.raises(ValueError, match="audit=True"):
        averages(play(oco.RandomSigns(2), OGD(0.1), domain=domain, rounds=5, compiled=False)[0])
    with pytest.raises(ValueError, match="probability"):
        excess_within(run, 1.0)


def test_control_the_last_decision_is_no_average():
    """Of a learner that swings between two points the average is good and the decision is not."""
    rng = np.random.default_rng(1)
    a = rng.choice([-1.0, 1.0], (400, 1))
    run = play(
        Data(np.ones((400, 1)), 0.9 * a[:, 0]), OGD(2.0), loss=oco.Absolute(), domain=Box(), audit=True, compiled=False
    )[0]

    def risk(x):
        return (abs(x - 0.9) + abs(x + 0.9)) / 2.0 - 0.9

    assert risk(averages(run)[-1, 0]) <= excess(run)[-1]
    assert max(risk(x) for x in run.history.x[-20:, 0]) > 0.09
