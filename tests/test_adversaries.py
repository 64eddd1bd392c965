"""What a stream promises to do to learners, it does; and not where its theorem does not say so."""

import math

import numpy as np
import pytest

import oco
from oco import AdaGrad, AdaGradNorm, Ball, Box, L1Ball, OGDSqrt, Player, Simplex, Space, play
from oco.bounds import bounds_of
from oco.learners import Adam, AMSGrad, FollowTheLeader, Momentum
from oco.streams import (
    AdamBreaker,
    AdamLottery,
    BoxSigns,
    DoublingPhases,
    Drift,
    Greedy,
    LeaderBreaker,
    LogMagnitudes,
    RandomSigns,
    blocks,
    breaker_of,
)
from oco.streams.signs import walk

SEEDS = 40


def test_the_walk_is_exact():
    for t in range(1, 41):
        ways = [math.comb(t, k) * abs(2 * k - t) for k in range(t + 1)]
        assert walk(t) == pytest.approx(sum(ways) / 2**t, rel=1e-13)
        assert walk(t) >= math.sqrt(t / 2.0) * (1.0 - 1e-14)  # Khinchine, with equality at t = 2
    assert walk(10**9) == pytest.approx(math.sqrt(2e9 / math.pi), rel=1e-8)


def expected(run):
    """The bounds on the mean over the stream's randomness."""
    return {b.name: b.value(run.stream, run) for b in bounds_of(run.stream) if b.kind == "expected-lower"}


def over_seeds(stream, learner, domain, rounds=12):
    """Regret less each bound at the end, one row a seed; and the last bounds."""
    rows = []
    for seed in range(SEEDS):
        run = play(stream, learner, domain=domain, rounds=rounds, seed=seed, compiled=False)[0]
        assert run.lower_bounds() == {}, "a bound on a mean is none on a run"
        rows.append([run.regret.middle[-1] - value[-1] for value in expected(run).values()])
    return dict(zip(expected(run), np.array(rows).T, strict=True)), {k: v[-1] for k, v in expected(run).items()}


BOX = Box(np.array([-0.5, 0.0, 1.0]), np.array([1.0, 0.1, 4.0]))


@pytest.mark.parametrize("learner", [AdaGradNorm(0.5), Momentum(0.2), Adam(0.3)], ids=str)
@pytest.mark.parametrize("stream", [RandomSigns(3), BoxSigns(3), LogMagnitudes(3, 2.0)], ids=str)
def test_on_a_box_no_learner_does_better_on_average(stream, learner):
    """The mean over seeds is, within 4 standard errors, the exact value, and no less than Khinchine's."""
    left, bounds = over_seeds(stream, learner, BOX)
    for name, gap in left.items():
        error = gap.std() / math.sqrt(SEEDS)
        assert gap.mean() >= -4.0 * error, name
        if name.endswith("walk"):
            assert abs(gap.mean()) <= 4.0 * error
            assert gap.mean() - bounds[name] < -4.0 * error, "control: twice the value would be refused"


@pytest.mark.parametrize("domain", [Ball(2.0), L1Ball(), Simplex()], ids=str)
def test_elsewhere_a_diameter_is_enough(domain):
    left, bounds = over_seeds(RandomSigns(3), AdaGradNorm(0.5), domain)
    for name, gap in left.items():
        if np.isfinite(bounds[name]):
            assert gap.mean() >= -4.0 * gap.std() / math.sqrt(SEEDS), name
    assert bounds["signs-khinchine"] > 0.0 and np.isfinite(bounds["signs-walk"]) == isinstance(domain, Ball)


def test_khinchine_on_the_cube_and_the_ball_is_the_minimax_bound():
    for domain in (Box(), Ball()):
        run = play(RandomSigns(4), OGDSqrt(), domain=domain, rounds=50, compiled=False)[0]
        assert np.allclose(expected(run)["signs-khinchine"], oco.bounds.minimax(run), rtol=1e-12)


def test_where_signs_promise_nothing():
    for stream, options in [
        (RandomSigns(2, bias=0.2), {"domain": Box()}),
        (RandomSigns(2), {"domain": Space()}),
        (RandomSigns(2), {"domain": Box(), "penalty": oco.Penalty(l1=0.1)}),
        (BoxSigns(2), {"domain": Ball()}),
        (LogMagnitudes(2), {"domain": Space()}),
        (RandomSigns(2), {"domain": Box(), "loss": oco.Squared()}),
    ]:
        run = play(stream, AdaGradNorm(0.5), rounds=5, compiled=False, **options)[0]
        assert all(np.isnan(value).all() for value in expected(run).values())


def test_the_leader_is_always_wrong():
    leader, adagrad = play(
        LeaderBreaker(), {"leader": FollowTheLeader(), "adagrad": AdaGrad()}, domain=Box(), rounds=1001, compiled=False
    )
    assert np.allclose(leader.regret.middle, leader.t - 0.5, rtol=1e-12)
    assert np.array_equal(leader.lower_bounds()["leader-lower"], leader.t - 0.5)
    assert adagrad.lower_bounds() == {} and (adagrad.regret.high <= adagrad.bounds()["adagrad-data"]).all()
    elsewhere = play(LeaderBreaker(), FollowTheLeader(), domain=Box(-1.0, 2.0), rounds=10, compiled=False)[0]
    assert elsewhere.lower_bounds() == {}


def paper(kind, C, share=0.9, **changes):
    beta2 = 1.0 / (1.0 + C * C)
    learner = kind(share * math.sqrt(1.0 - beta2), 0.0, beta2, 0.0, True, False)
    return learner._replace(**changes)


def against(stream, learners, rounds=900, start=1.0, **options):
    return play(stream, learners, domain=Box(), start=[start], rounds=rounds, compiled=False, **options)


@pytest.mark.parametrize("C", [2.01, 3.0, 10.0, 101.0])
def test_adam_has_linear_regret(C):
    adam, amsgrad, adagrad = against(AdamBreaker(C), [paper(Adam, C), paper(AMSGrad, C), AdaGrad()])
    value = (2.0 * C - 4.0) * (adam.t // 3)
    assert np.allclose(adam.lower_bounds()["adam-lower"], value, rtol=1e-12)
    assert (adam.regret.low >= value - 1e-9).all()
    assert amsgrad.lower_bounds() == {} and (amsgrad.regret.high <= amsgrad.bounds()["amsgrad-data"]).all()
    assert adagrad.lower_bounds() == {} and (adagrad.regret.high <= adagrad.bounds()["adagrad-data"]).all()
    if C > 2.5:
        assert adam.exponent() > 0.85 and amsgrad.exponent() < 0.6 and adagrad.exponent() < 0.6
        assert adam.regret.low[-1] > 3.0 * max(amsgrad.regret.high[-1], adagrad.regret.high[-1])


@pytest.mark.parametrize("C", [2.01, 3.0, 10.0])
def test_adam_is_back_at_one_after_every_period(C):
    player = Player(paper(Adam, C), 1, Box(), start=[1.0], compiled=False)
    for t in range(1, 601):
        assert player.x[0] > 0.0 and (t % 3 != 1 or player.x[0] == 1.0)
        player.update(np.array([C if t % 3 == 1 else -1.0]))
    assert player.x[0] == 1.0


def test_what_holds_along_the_run_holds_for_broken_adam():
    run = against(AdamBreaker(4.0), paper(Adam, 4.0), rounds=200, audit=True)[0]
    for bound in run.bounds().values():
        assert (run.regret.low <= bound + 1e-9 * bound).all()


def test_control_two_or_less_breaks_nothing():
    run = against(AdamBreaker(1.5), paper(Adam, 1.5))[0]
    assert run.lower_bounds() == {}
    assert run.regret.high[-1] < 0.03 * run.t[-1] and run.exponent() < 0.6


@pytest.mark.parametrize(
    "change",
    [{"beta1": 0.5}, {"eps": 1e-8}, {"decay": False}, {"correct": True}, {"beta2": 0.5}, {"eta": 1.0}],
    ids=str,
)
def test_theorem_1_is_about_its_adam(change):
    assert against(AdamBreaker(), paper(Adam, 4.0, **change), rounds=9)[0].lower_bounds() == {}


def test_theorem_1_starts_at_one():
    assert against(AdamBreaker(), paper(Adam, 4.0), rounds=9, start=0.5)[0].lower_bounds() == {}


@pytest.mark.parametrize("betas", [(0.0, 0.3), (0.5, 0.5)])
def test_theorem_2(betas):
    """Momentum and a longer memory: at least 2 a period, once steps have become small."""
    stream = breaker_of(*betas)
    run = against(stream, Adam(0.5, *betas, 0.0, True, False), rounds=100 * stream.period)[0]
    late = run.t >= 20 * stream.period
    assert stream.period == stream.C and stream.period % 2 == 0
    assert (run.regret.low[late] >= 2.0 * (run.t[late] // stream.period)).all()
    with pytest.raises(ValueError, match="below sqrt"):
        breaker_of(0.9, 0.8)


def test_theorem_3():
    """On average x = -1 is best and Adam ends at +1; AMSGrad does not."""
    adam = Adam(0.5, 0.0, 0.3, 0.0, True, False)
    runs = against(AdamLottery(11.0, 0.1, 1.0), [adam, AMSGrad(*adam)], rounds=20_000, start=0.0)
    assert runs[0].x[0] > 0.9 and runs[1].x[0] < -0.9
    assert runs[0].regret.low[-1] > 0.2 * 20_000 > 3.0 * runs[1].regret.high[-1]


def test_the_published_experiment():
    adam = Adam(0.5, 0.9, 0.99, 0.0, True, False)
    runs = against(AdamBreaker(101.0, 101, 10.0), [adam, AMSGrad(*adam)], rounds=20_000, start=0.0)
    assert runs[0].regret.middle[-1] / 20_000 == pytest.approx(0.510, abs=1e-3)
    assert runs[1].regret.middle[-1] / 20_000 == pytest.approx(0.295, abs=1e-3)
    assert runs[0].x[0] == pytest.approx(0.995, abs=1e-3) and runs[1].x[0] == pytest.approx(-0.84, abs=1e-2)


def gain(domain, x, total, a):
    return a @ x + np.array([domain.support(-row) for row in total + a])


@pytest.mark.parametrize("domain", [Ball(), Ball(3.0), Box(-0.5, 1.0), L1Ball(), Simplex()], ids=str)
def test_greed_finds_the_best_round(domain):
    """No direction of a fine grid would have raised the regret by more than a hair."""
    rng, angle = np.random.default_rng(2), np.linspace(0.0, 2.0 * np.pi, 721)
    grid = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    short = 0.0
    for size in (0.0, 0.1, 1.0, 10.0) * 5:
        x = domain.centre(2) + 0.2 * rng.standard_normal(2)
        total, a = size * rng.standard_normal(2), np.empty(2)
        memory = total.copy()
        Greedy(2, domain).reveal(1, x, rng, memory, a)
        assert np.allclose(memory, total + a) and np.linalg.norm(a) == pytest.approx(1.0)
        best = gain(domain, x, total, grid).max()
        short = max(short, best - gain(domain, x, total, a[None])[0])
    assert short <= (1e-4 if isinstance(domain, Ball) else 0.35)


def test_a_greedy_round_gains_what_an_orthogonal_one_does():
    """On the unit ball, d >= 3: at least sqrt(|A|^2 + 1) - |A| a round, whatever the learner."""
    for learner in (OGDSqrt(), AdaGrad(), Momentum(0.1)):
        run = play(Greedy(4), learner, domain=Ball(), rounds=60, audit=True, compiled=False)[0]
        total = np.linalg.norm(np.cumsum(run.history.a, axis=0), axis=1)
        before = np.concatenate([[0.0], total[:-1]])
        rise = run.history.loss + total - before
        assert (rise >= np.sqrt(before**2 + 1.0) - before - 1e-9).all()


def test_moving_targets():
    phases = next(blocks(DoublingPhases(3), 0, 64, False)).a
    assert all((phases[2**k - 1 : 2 ** (k + 1) - 1, k % 3] * (-1.0) ** k > 0.0).all() for k in range(5))
    assert (np.abs(np.log10(np.abs(phases[phases != 0.0]))) <= 3.0).all()
    turning = next(blocks(Drift(5, period=40.0), 0, 80, False)).a
    assert np.allclose(turning[:40], turning[40:]) and np.allclose(turning[:20], -turning[20:40])
    assert np.linalg.matrix_rank(turning, tol=1e-9) == 2 and np.allclose(np.linalg.norm(turning, axis=1), 1.0)
    assert np.linalg.matrix_rank(next(blocks(Drift(5, noise=0.1), 0, 80, False)).a) == 5
