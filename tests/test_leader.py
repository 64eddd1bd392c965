"""Leaders: strongly convex identities, the breaker, the value of the ball game; dual averaging."""

from typing import NamedTuple

import numpy as np
import pytest
from attack import STREAMS, D, assert_bounds, attacked, moving, tightness, walk

import oco
from oco import Ball, Box, L1Ball, Simplex, Space, play
from oco.conformance import check
from oco.learners import DualAveraging, FollowTheLeader, MinimaxBall, OGDStronglyConvex
from oco.penalty import Penalty

DOMAINS = [Space(), Box(-0.4, 0.6), Ball(0.8), L1Ball(0.9), Simplex()]
IDS = ["space", "box", "ball", "l1", "simplex"]
MU = 0.3


class Given(NamedTuple):
    """Linear losses with the rows of g as gradients."""

    g: np.ndarray
    loss = oco.Linear()

    @property
    def d(self):
        return self.g.shape[1]

    @property
    def norm(self):
        return float(np.linalg.norm(self.g, axis=1).max())

    def examples(self, rng, t, target):
        return self.g[(t - 1) % len(self.g)], np.zeros(len(t))


def quadratics(rounds, size):
    """Targets z_t; (mu/2)|x - z_t|^2 is, but for a constant, the loss -mu <z_t, x> with the penalty l2 = mu."""
    z = np.random.default_rng(2).standard_normal((rounds, D))
    return size * z / np.maximum(1.0, np.linalg.norm(z, axis=1, keepdims=True))


def alone(learner, g, domain, penalty=Penalty(), rounds=None):  # noqa: B008
    rounds = len(g) if rounds is None else rounds
    return play(Given(g), learner, domain=domain, rounds=rounds, penalty=penalty, audit=True, compiled=False)[0]


@pytest.mark.parametrize("domain", DOMAINS, ids=IDS)
def test_dual_averaging_twin(domain):
    path = walk(DualAveraging(0.1), domain)
    total = np.zeros(D)
    for t in range(1, len(path)):
        total += moving(t, path[t - 1])
        y = domain.centre(D) - 0.1 * total
        gap, far = np.linalg.norm(path[t] - y), np.random.default_rng(t).standard_normal((50, D))
        for v in far:  # no point of X is nearer than the projection
            domain.project(v)
            assert np.linalg.norm(v - y) >= gap - 1e-9
        assert domain.contains(path[t])
    assert np.ptp(path, axis=0).max() > 0.01


@pytest.mark.parametrize("domain", DOMAINS, ids=IDS)
def test_dual_averaging_keeps_its_bounds(domain):
    runs = attacked(DualAveraging(0.1), domain)
    for run in runs:
        assert_bounds(run)


def test_dual_averaging_by_theorem_is_minimax_on_the_ball():
    run = play(oco.Orthogonal(4), DualAveraging(), domain=Ball(2.0), rounds=256, compiled=False)[0]
    assert run.learner.eta == pytest.approx(2.0 / 16.0)
    assert run.bounds()["dual-averaging-worst"][-1] == pytest.approx(2.0 * 16.0)
    assert run.regret.low[-1] == pytest.approx(2.0 * 16.0, rel=1e-9)


def test_control_dual_averaging_attains_its_bound():
    g = np.zeros((40, 1)) + 1.0
    run = alone(DualAveraging(0.05), g, Space())
    assert run.loss[-1] - 40 * -2.0 * 1.0 == pytest.approx(4.0 / 0.1 + 0.05 / 2.0 * 40, rel=1e-12)  # u = -2 = x_{T+1}


@pytest.mark.parametrize("learner", [OGDStronglyConvex(MU), FollowTheLeader()], ids=["ogd", "leader"])
def test_quadratics_are_an_identity(learner):
    """Targets in X: regret = sum |g_s|^2 / (2 mu s), for gradient descent and the leader, which are then the same."""
    z = quadratics(60, 1.0)
    run = alone(learner, -MU * z, Ball(), Penalty(l2=MU))
    assert np.allclose(run.history.x[1:], (np.cumsum(z, axis=0) / np.arange(1, 61)[:, None])[:-1], atol=1e-12)
    name = next(iter(run.bounds()))
    assert np.allclose(run.regret.middle, run.bounds()[name], rtol=1e-7)


def test_control_an_identity_leaves_no_room():
    run = alone(OGDStronglyConvex(MU), -MU * quadratics(60, 1.0), Ball(), Penalty(l2=MU))
    assert (run.regret.low > 0.99 * run.bounds()["ogd-convex-data"]).all()


@pytest.mark.parametrize("domain", DOMAINS, ids=IDS)
@pytest.mark.parametrize("learner", [OGDStronglyConvex(), FollowTheLeader()], ids=["ogd", "leader"])
def test_strongly_convex_bounds(learner, domain):
    if isinstance(learner, FollowTheLeader) and isinstance(domain, Space):
        pytest.skip("the leader needs vertices")
    for run in attacked(learner, domain, rounds=60, penalty=Penalty(l2=MU)):
        assert_bounds(run)
    run = alone(learner, -MU * quadratics(60, 4.0), domain, Penalty(l2=MU))  # targets outside
    assert_bounds(run)


def test_strong_convexity_is_checked():
    with pytest.raises(ValueError, match="l2 > 0"):
        play(STREAMS["signs"], OGDStronglyConvex(), domain=Ball(), rounds=10)
    for penalty in (Penalty(), Penalty(l2=0.1)):
        run = alone(OGDStronglyConvex(0.2), np.ones((9, 2)), Ball(), penalty)
        assert np.isinf(run.bounds()["ogd-convex-data"]).all() and np.isinf(run.bounds()["ogd-convex-worst"]).all()


def test_control_steps_of_a_false_convexity_break_the_sum():
    """Linear losses are not strongly convex: steps 1 / (mu t) then pay more than sum |g_s|^2 / (2 mu s)."""
    run = alone(OGDStronglyConvex(2.0), np.tile([[-1.0], [1.0], [1.0], [1.0]], (25, 1)), Box())
    assert run.regret.low[-1] > 2.0 * run.tally["harmonic"][-1] / 4.0


@pytest.mark.parametrize("rounds", [10, 101])
def test_the_leader_breaks_on_linear_losses(rounds):
    """X = [-1, 1], g = 1/2, -1, 1, -1, ...: regret T - 1/2, and no bound is claimed."""
    g = np.where(np.arange(1, rounds + 1) % 2 == 0, -1.0, 1.0)[:, None]
    g[0] = 0.5
    run = alone(FollowTheLeader(), g, Box())
    best = abs(g.sum())
    assert run.loss[-1] == pytest.approx(rounds - 1.0)
    assert run.regret.low[-1] >= rounds - 1.0 + best - 1e-9 and best == 0.5
    assert all(np.isinf(bound).all() for bound in run.bounds().values())


@pytest.mark.parametrize("domain", DOMAINS[1:], ids=IDS[1:])
def test_the_leader_twin(domain):
    """Any vertex of the sum so far, with mu = 0."""
    path, total = walk(FollowTheLeader(), domain), np.zeros(D)
    for t in range(1, len(path)):
        total += moving(t, path[t - 1])
        assert total @ path[t] == pytest.approx(-domain.support(-total), abs=1e-9)
    assert np.array_equal(path[0], path[1])


@pytest.mark.parametrize("d", [1, 2, 3, 5])
def test_minimax_ball_keeps_its_potential(d):
    streams = {"signs": oco.RandomSigns(d), "biased": oco.RandomSigns(d, bias=0.3), "sign-flip": oco.SignFlip(d)}
    streams |= {"classification": oco.Classification(d)} | ({"orthogonal": oco.Orthogonal(d)} if d > 2 else {})
    for run in attacked(MinimaxBall(), Ball(1.5), rounds=80, streams=streams):
        assert_bounds(run)
        most = run.learner.lipschitz * 1.5 * np.sqrt(80.0)
        assert run.bounds()["minimax-ball-worst"][-1] == pytest.approx(most)


def test_the_value_of_the_ball_game():
    """The orthogonal adversary makes the potential an equality in every round; less than it is broken."""
    run = play(oco.Orthogonal(4), MinimaxBall(), domain=Ball(1.5), rounds=80, audit=True, compiled=False)[0]
    assert np.allclose(run.regret.middle, run.bounds()["minimax-ball-data"], rtol=1e-9)
    assert run.regret.low[-1] == pytest.approx(1.5 * np.sqrt(80.0), rel=1e-9)
    assert (run.regret.low > 0.99 * run.bounds()["minimax-ball-data"]).all()


def test_minimax_ball_twin_and_assumptions():
    path, total = walk(MinimaxBall(3.0, 60), Ball(0.8)), np.zeros(D)
    for t in range(1, 60):
        total += moving(t, path[t - 1])
        assert np.allclose(path[t], -0.8 * total / np.sqrt(total @ total + 9.0 * (60 - t)), atol=1e-12)
    with pytest.raises(ValueError, match="MinimaxBall"):
        play(STREAMS["signs"], MinimaxBall(), domain=Box(), rounds=10)
    run = play(STREAMS["signs"], MinimaxBall(0.9, 50.0), domain=Ball(), rounds=50, compiled=False)[0]
    assert_bounds(run, infinite=run.bounds().keys())
    run = play(STREAMS["signs"], MinimaxBall(1.0, 20.0), domain=Ball(), rounds=50, compiled=False)[0]
    assert np.array_equal(np.isfinite(run.bounds()["minimax-ball-data"]), run.t <= 20)


def test_tightness_of_strongly_convex_bounds():
    runs = attacked(OGDStronglyConvex(), Space(), penalty=Penalty(l2=MU))
    assert 0.99 < tightness(runs, "ogd-convex-data") <= 1.0 + 1e-9


@pytest.mark.parametrize(
    "learner", [DualAveraging(0.1), OGDStronglyConvex(0.5), FollowTheLeader(), MinimaxBall(3.0, 50.0)]
)
def test_conforms(learner):
    check(learner, Ball())
