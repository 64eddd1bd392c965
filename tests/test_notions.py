"""Regret in every sense, against brute force; certificates bracket the truth, and wrong ones do not."""

import itertools
import math
from typing import NamedTuple

import numpy as np
import pytest

import oco
from oco import figures
from oco.bounds import bound
from oco.notions.paths import Enclosure, lengthwise, program
from oco.notions.rounds import projected, rounds_of
from oco.notions.splitting import alternate, shortened
from oco.notions.switching import best_sequence
from oco.penalty import NONE
from oco.streams.experts import Experts

SMOOTH = (oco.Squared(), oco.Logistic())
LOSSES = (oco.Linear(), oco.Absolute(), oco.Hinge(), *SMOOTH)
DOMAINS = (oco.Ball(1.5), oco.Box(-1.0, 0.5), oco.Simplex(), oco.L1Ball(2.0))


def by_name(part):
    return type(part).__name__


def played(loss, domain, *, rounds=40, d=3, seed=0, learner=None, penalty=NONE):
    """A play on rounds whose best decision changes on the way."""
    rng = np.random.default_rng(seed)
    a = rng.standard_normal((rounds, d)) + 0.8 * np.sign(np.sin(6.0 * np.arange(rounds) / rounds))[:, None]
    y = np.sign(rng.standard_normal(rounds))
    learner = oco.AdaGradNorm() if learner is None else learner
    facts = {"loss": loss, "domain": domain, "penalty": penalty, "audit": True, "compiled": False}
    return oco.play(oco.Data(a, y), learner, **facts)[0]


def naive_losses(run, path):
    """f_t(u_t), one at a time."""
    l1, l2 = run.penalty
    h, loss = run.history, run.loss_function
    return np.array(
        [
            loss.value(float(h.a[t] @ u), float(h.y[t])) + l1 * np.abs(u).sum() + 0.5 * l2 * u @ u
            for t, u in enumerate(path)
        ]
    )


def random_paths(run, length, norm, count=30):
    """Feasible paths of exactly this length, where the steps of a random walk allow it."""
    rng = np.random.default_rng(5)
    for k in range(count):
        walk = rng.standard_normal((run.rounds, run.d)) * (rng.random((run.rounds, 1)) < 0.5 / (k + 1))
        path = np.cumsum(walk, axis=0)
        path = projected(run.domain, path)
        path = path.mean(axis=0) + (path - path.mean(axis=0)) * min(
            1.0, length / max(oco.path_length(path, norm), 1e-12)
        )
        yield path


class TestPaths:
    @pytest.mark.parametrize("penalty", [oco.Penalty(), oco.Penalty(0.1, 0.3)])
    @pytest.mark.parametrize("loss", LOSSES, ids=by_name)
    def test_any_path(self, loss, penalty):
        run = played(loss, oco.Ball(1.5), penalty=penalty)
        for path in random_paths(run, 3.0, 2, 3):
            found = oco.dynamic_regret(run, path)
            truth = run.history.loss.sum() - naive_losses(run, path).sum()
            assert found.low <= truth <= found.high and found.width < 1e-9
        fixed = oco.dynamic_regret(run, run.comparators[-1])
        assert run.regret.low[-1] - 1e-9 <= fixed.low <= fixed.high <= run.regret.high[-1] + 1e-9

    @pytest.mark.parametrize("norm", [1, 2])
    @pytest.mark.parametrize("domain", DOMAINS, ids=by_name)
    @pytest.mark.parametrize("loss", LOSSES, ids=by_name)
    def test_the_best_path_is_enclosed_within_a_percent(self, loss, domain, norm):
        run = played(loss, domain)
        found = oco.best_path_regret(run, 2.0, norm)
        assert 0.0 <= found.width <= 0.002 * abs(found.middle)
        assert oco.path_length(found.comparator, norm) <= 2.0 * (1.0 + 1e-12)
        assert oco.dynamic_regret(run, found.comparator).middle == pytest.approx(found.low, abs=1e-9)
        for path in random_paths(run, 2.0, norm):
            assert oco.dynamic_regret(run, path).low <= found.high

    @pytest.mark.parametrize("loss", LOSSES, ids=by_name)
    def test_against_all_paths_on_a_grid(self, loss):
        run = played(loss, oco.Box(-1.0, 1.0), rounds=5, d=1, seed=3)
        grid = np.linspace(-1.0, 1.0, 9)
        table = np.array([[naive_losses(run, np.full((5, 1), v))[t] for v in grid] for t in range(5)])
        paths = np.array(list(itertools.product(range(9), repeat=5)))
        cost = table[np.arange(5), paths].sum(axis=1)
        length = np.abs(np.diff(grid[paths], axis=1)).sum(axis=1)
        for most in (0.0, 0.25, 0.5, 1.0, 2.0, 8.0):
            truth = run.history.loss.sum() - cost[length <= most + 1e-9].min()
            for norm in (1, 2):
                found = oco.best_path_regret(run, most, norm)
                assert found.high >= truth - 1e-12
                # Linear losses have a best path on the grid; the others gain a little between its points.
                room = 0.0 if isinstance(loss, oco.Linear) else 0.5
                assert found.low <= truth + room + 1e-9 and found.low >= truth - 0.002 * abs(found.middle) - 1e-6

    @pytest.mark.parametrize("penalty", [oco.Penalty(0.1, 0.0), oco.Penalty(0.0, 0.3), oco.Penalty(0.1, 0.3)])
    @pytest.mark.parametrize("loss", [oco.Linear(), oco.Hinge(), oco.Squared()], ids=by_name)
    def test_penalties(self, loss, penalty):
        run = played(loss, oco.Ball(1.5), penalty=penalty)
        found = oco.best_path_regret(run, 2.0)
        assert found.width <= 0.002 * abs(found.middle)
        for path in random_paths(run, 2.0, 2):
            assert oco.dynamic_regret(run, path).low <= found.high

    @pytest.mark.parametrize("domain", [oco.Box(-1.0, np.array([0.5, 1.0, 2.0])), oco.Simplex()], ids=by_name)
    def test_linear_program_and_splitting_agree(self, domain):
        run = played(oco.Linear(), domain, rounds=60)
        rounds = rounds_of(run)
        for length in (0.5, 3.0, 1e3):
            exact, other = Enclosure(rounds, length, 1), Enclosure(rounds, length, 1)
            program(exact)
            alternate(other, 1e-4)
            assert 0.0 <= exact.upper - exact.lower <= 1e-9 * np.abs(rounds.a).sum()
            assert other.lower <= exact.upper and exact.lower <= other.upper

    @pytest.mark.parametrize("domain", DOMAINS, ids=by_name)
    def test_the_ends_of_the_scale(self, domain):
        """Length 0 is static regret; without a limit every round has its own best point. One round has no steps."""
        run = played(oco.Linear(), domain)
        still = oco.best_path_regret(run, 0.0)
        assert still.low == pytest.approx(run.regret.middle[-1]) and still.width < 1e-9
        free = run.history.loss.sum() + sum(domain.support(-g) for g in run.history.a)
        far = oco.best_path_regret(run, 1e6)
        assert far.low <= free + 1e-9 and far.high >= free - 1e-9 and far.width <= 2e-3 * free
        once = played(oco.Linear(), domain, rounds=1)
        for norm in (1, 2):
            assert oco.best_path_regret(once, 1.0, norm).middle == pytest.approx(once.regret.middle[0])

    def test_control_a_multiplier_longer_than_its_price_claims_too_much(self):
        run = played(oco.Linear(), oco.Box(), d=1, rounds=60)
        at = Enclosure(rounds_of(run), 3.0, 1)
        program(at)
        proved = {}
        at.prove = lambda c, h, p: proved.update(h=h, p=p)
        program(at)
        h, p = proved["h"], proved["p"]
        sigma = sum(run.domain.support(-row) for row in h + lengthwise(p))
        assert -sigma - 3.0 * np.abs(p).max() == pytest.approx(at.lower)
        assert -sigma - 3.0 * 0.9 * np.abs(p).max() > at.upper + 0.1

    def test_control_a_constant_is_no_tangent(self):
        """With f_t(0) in place of f_t(0) + <g_t, u> the bound exceeds what a path costs."""
        run = played(oco.Absolute(), oco.Ball(1.5))
        rounds = rounds_of(run)
        at = Enclosure(rounds, 2.0, 2)
        alternate(at, 1e-3)
        still, p = np.zeros((run.rounds, run.d)), np.zeros((run.rounds - 1, run.d))
        at.prove(rounds.values(still), rounds.gradients(still), p)
        assert at.lower <= at.upper
        at.prove(rounds.values(still), still, p)
        assert at.lower > at.upper + 0.1

    @pytest.mark.parametrize("norm", [1, 2])
    def test_nearest_steps(self, norm):
        rng = np.random.default_rng(1)
        w = rng.standard_normal((6, 3))
        near = shortened(w, 2.0, norm)
        size = np.linalg.norm(near, ord=norm, axis=1).sum()
        assert size == pytest.approx(2.0) and np.array_equal(shortened(near, 2.1, norm), near)
        assert not shortened(w, 0.0, norm).any()
        for _ in range(200):
            v = rng.standard_normal((6, 3))
            v *= 2.0 / np.linalg.norm(v, ord=norm, axis=1).sum()
            assert np.sum((w - near) * (v - near)) <= 1e-9  # the projection's inequality

    def test_bounds_hold_on_the_best_paths(self):
        run = played(oco.Linear(), oco.Ball(1.5), learner=oco.OGD(0.1))
        for length in (0.0, 1.0, 4.0, 20.0):
            found = oco.best_path_regret(run, length)
            assert found.bounds and all(found.low <= value for value in found.bounds.values())

    def test_what_is_refused(self):
        run = played(oco.Linear(), oco.Ball(1.5))
        with pytest.raises(ValueError, match=r"leaves Ball in round 1"):
            oco.dynamic_regret(run, np.full((40, 3), 1.0))
        with pytest.raises(ValueError, match=r"shape \(39, 3\), not \(40, 3\)"):
            oco.dynamic_regret(run, np.zeros((39, 3)))
        with pytest.raises(ValueError, match="need length >= 0"):
            oco.best_path_regret(run, -1.0)
        with pytest.raises(ValueError, match="bounded domain"):
            oco.best_path_regret(played(oco.Squared(), oco.Space(), learner=oco.OGD(0.01)), 1.0)
        bare = oco.play(oco.RandomSigns(), oco.OGD(0.1), domain=oco.Ball(), rounds=5, compiled=False)[0]
        with pytest.raises(ValueError, match="audit=True"):
            oco.best_path_regret(bare, 1.0)


class TestSwitches:
    def test_against_all_sequences(self):
        rng = np.random.default_rng(2)
        losses = rng.standard_normal((6, 3))
        sequences = np.array(list(itertools.product(range(3), repeat=6)))
        switches = (np.diff(sequences, axis=1) != 0).sum(axis=1)
        for m in range(7):
            least, chosen = best_sequence(losses, m)
            for t in range(1, 7):
                few = (np.diff(sequences[:, :t], axis=1) != 0).sum(axis=1) <= m
                assert least[t - 1] == pytest.approx(losses[np.arange(t), sequences[:, :t]].sum(axis=1)[few].min())
            assert losses[np.arange(6), chosen].sum() == pytest.approx(least[-1])
            assert (np.diff(chosen) != 0).sum() <= m
            if m < 3:  # control: one switch too many is another answer here
                fewer = losses[np.arange(6), sequences].sum(axis=1)[switches <= m].min()
                assert best_sequence(losses, m + 1)[0][-1] < fewer - 1e-3

    @pytest.mark.parametrize("domain", [oco.Simplex(), oco.L1Ball(2.0), oco.Box(-1.0, 0.5)], ids=by_name)
    def test_no_switch_is_static_regret(self, domain):
        run = played(oco.Linear(), domain)
        found = oco.switching_regret(run, 0)
        assert np.allclose((found.low + found.high) / 2.0, run.regret.middle) and np.all(found.width < 1e-9)
        more = [oco.switching_regret(run, m) for m in (1, 2, 5, 39)]
        assert all(np.all(a.high <= b.high) for a, b in itertools.pairwise([found, *more]))
        free = run.history.loss.sum() + sum(domain.support(-g) for g in run.history.a)
        assert more[-1].middle[-1] == pytest.approx(free)
        assert oco.dynamic_regret(run, more[1].comparator).middle == pytest.approx(more[1].middle[-1])

    def test_points_and_any_loss(self):
        run = played(oco.Hinge(), oco.Ball(1.5), d=2)
        points = np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0]])
        found = oco.switching_regret(run, 2, points)
        assert oco.dynamic_regret(run, found.comparator).middle == pytest.approx(found.middle[-1])
        with pytest.raises(ValueError, match=r"name the points to switch between, points=\(N, d\)"):
            oco.switching_regret(run, 2)
        with pytest.raises(ValueError, match="all in Ball"):
            oco.switching_regret(run, 2, 2.0 * points)
        with pytest.raises(ValueError, match=r"need 0, 1, 2"):
            oco.switching_regret(run, -1, points)

    def test_fixed_share_keeps_its_bound(self):
        facts = {"domain": oco.Simplex(), "rounds": 60, "audit": True, "compiled": False}
        run = oco.play(Experts(d=4), oco.FixedShare(), **facts)[0]
        for m in range(8):
            found = oco.switching_regret(run, m)
            assert found.bounds and all(np.all(found.high <= value) for value in found.bounds.values())


class TestIntervals:
    @pytest.mark.parametrize("domain", DOMAINS, ids=by_name)
    def test_linear_losses_one_by_one(self, domain):
        run = played(oco.Linear(), domain, rounds=25)
        found = oco.interval_regrets(run)
        assert len(found.first) == 25 * 26 // 2 and np.all(found.high - found.low < 1e-9)
        for first, last, low, high in zip(found.first, found.last, found.low, found.high, strict=True):
            a = run.history.a[first - 1 : last]
            truth = run.history.loss[first - 1 : last].sum() - a.sum(axis=0) @ domain.minimiser(a.sum(axis=0))
            assert low <= truth <= high
        whole = (found.first == 1) & (found.last == 25)
        assert run.regret.middle[-1] == pytest.approx(float(found.low[whole][0]))

    @pytest.mark.parametrize("penalty", [oco.Penalty(), oco.Penalty(0.1, 0.3)])
    @pytest.mark.parametrize("loss", LOSSES, ids=by_name)
    def test_other_losses_bracket_the_solved_interval(self, loss, penalty):
        run = played(loss, oco.Ball(1.5), rounds=24, penalty=penalty)
        found = oco.interval_regrets(run)
        assert np.all(found.low <= found.high)
        for k in range(0, len(found.first), 23):
            tight = oco.interval_regret(run, int(found.first[k]), int(found.last[k]))
            assert found.low[k] <= tight.high and tight.low <= found.high[k] and tight.low <= tight.high
        whole = oco.interval_regret(run, 1, 24)
        assert whole.low <= run.regret.high[-1] and whole.high >= run.regret.low[-1] and whole.width < 1e-4
        at = (found.first == 1) & (found.last == 24)
        assert found.low[at][0] == pytest.approx(whole.low, abs=0.05)  # its best point is among those tried

    def test_the_cover(self):
        run = played(oco.Linear(), oco.Box(), rounds=21)
        every, cover = oco.interval_regrets(run), oco.interval_regrets(run, "geometric")
        table = dict(zip(zip(every.first, every.last, strict=True), every.low, strict=True))
        for first, last, low in zip(cover.first, cover.last, cover.low, strict=True):
            size = last - first + 1
            assert size & (size - 1) == 0 and first % size == 0 and low == pytest.approx(table[first, last])
        assert {(1, 1), (2, 3), (4, 7), (8, 15), (16, 19), (20, 21), (20, 20)} <= set(
            zip(cover.first.tolist(), cover.last.tolist(), strict=True)
        )
        lengths, low, high = every.longest()
        assert list(lengths) == list(range(1, 22)) and high[-1] == pytest.approx(run.regret.high[-1])
        assert low[2] == max(table[t, t + 2] for t in range(1, 20)) and np.all(low <= high)

    @pytest.mark.parametrize("learner", [oco.SAOL(), oco.CBCE()], ids=by_name)
    def test_bounds_hold_on_all_intervals(self, learner):
        facts = {"domain": oco.Ball(), "rounds": 16, "audit": True, "compiled": False}
        run = oco.play(oco.RandomSigns(d=2), learner, **facts)[0]
        found = oco.interval_regrets(run)
        assert found.bounds and all(np.all(found.high <= value) for value in found.bounds.values())
        one = oco.interval_regret(run, 3, 9)
        assert one.bounds.keys() == found.bounds.keys() and all(one.high <= value for value in one.bounds.values())

    def test_control_rounds_are_counted_from_one(self):
        """Shifted by one round, prefix sums give other regrets: the comparison above would see it."""
        run = played(oco.Linear(), oco.Box(), rounds=25)
        found = oco.interval_regrets(run)
        table = dict(zip(zip(found.first, found.last, strict=True), found.low, strict=True))
        assert abs(table[2, 9] - table[3, 10]) > 1e-3
        with pytest.raises(ValueError, match=r"rounds 0 \.\. 3"):
            oco.interval_regret(run, 0, 3)
        with pytest.raises(ValueError, match=r"need 'all' or 'geometric'"):
            oco.interval_regrets(run, "some")


class TestNorms:
    def test_linear_losses(self):
        run = played(oco.Linear(), oco.Space(), learner=oco.KT(lipschitz=8.0))
        norms = np.array([0.0, 0.5, 2.0, 100.0])
        found = oco.regret_by_norm(run, norms)
        truth = run.history.loss.sum() + norms * np.linalg.norm(run.history.a.sum(axis=0))
        assert np.all((found.low <= truth) & (truth <= found.high)) and np.all(found.width < 1e-9)
        assert np.allclose(np.linalg.norm(found.comparator, axis=1), norms)
        assert found.bounds and all(np.all(found.high <= value) for value in found.bounds.values())
        # Control: a bettor's bound does not hold for twice the norm that it is evaluated at.
        assert all(value[-1] < oco.regret_by_norm(run, [1e4]).low[0] for value in found.bounds.values())

    @pytest.mark.parametrize("loss", LOSSES, ids=by_name)
    def test_every_point_of_the_sphere_is_below(self, loss):
        run = played(loss, oco.Space(), d=2, learner=oco.OGD(0.05))
        norms = [0.3, 1.0, 3.0]
        found = oco.regret_by_norm(run, norms)
        for k, r in enumerate(norms):
            around = [r * np.array([math.cos(v), math.sin(v)]) for v in np.linspace(0.0, 2.0 * math.pi, 100)]
            grid = max(run.history.loss.sum() - naive_losses(run, np.tile(u, (40, 1))).sum() for u in around)
            assert grid <= found.high[k] and np.linalg.norm(found.comparator[k]) <= r * (1.0 + 1e-9)
            at = run.history.loss.sum() - naive_losses(run, np.tile(found.comparator[k], (40, 1))).sum()
            assert found.low[k] <= at <= found.high[k] and found.width[k] < 1e-4
        assert np.all(np.diff(found.high) >= -1e-9)

    def test_what_is_refused(self):
        with pytest.raises(ValueError, match=r"on Box: need numbers >= 0, on Space or Ball"):
            oco.regret_by_norm(played(oco.Linear(), oco.Box()), [1.0])
        with pytest.raises(ValueError, match=r"norm 2 is more than the ball's radius 1.5"):
            oco.regret_by_norm(played(oco.Linear(), oco.Ball(1.5)), [2.0])


class SampledState(NamedTuple):
    x: np.ndarray
    total: np.ndarray
    rng: np.random.Generator


class Sampled(NamedTuple):
    """Hedge that plays one expert, drawn: the mean of its loss is Hedge's."""

    eta: float = 0.3
    seed: int = 0

    def init(self, x):
        state = SampledState(x.copy(), np.zeros(len(x)), np.random.default_rng(self.seed))
        self.draw(state)
        return state

    def draw(self, state):
        p = np.exp(-self.eta * (state.total - state.total.min()))
        state.x[:] = 0.0
        state.x[min(np.searchsorted(np.cumsum(p), state.rng.random() * p.sum()), len(p) - 1)] = 1.0

    def update(self, now, g, state, domain):
        state.total[:] += g
        self.draw(state)
        return state

    @bound("sampled", "expected", "Hedge's, in the mean")
    def mean(self, run):
        return np.log(run.d) / self.eta + self.eta * run.t / 8.0


class TestExpectation:
    facts = {"domain": oco.Simplex(), "rounds": 40, "compiled": False}  # noqa: RUF012

    def runs(self, stream, plays=25):
        return oco.play(stream, [Sampled(seed=k) for k in range(plays)], **self.facts)

    def test_an_oblivious_stream(self):
        stream = Experts(d=3)
        runs = self.runs(stream)
        found = oco.expected_regret(runs)
        hedge = oco.play(stream, oco.Hedge(eta=0.3), **self.facts)[0]  # its regret is the mean exactly
        assert found.sense == "expected and pseudo-regret" and found.plays == 25
        truth = hedge.regret.middle[-1]
        assert found.low[-1] <= truth <= found.high[-1] < found.low[-1] + 6.0
        assert np.all(truth <= found.bounds["sampled"][-1])
        wide = oco.expected_regret(runs, 0.999)
        assert np.all(wide.high[5:] - wide.low[5:] > found.high[5:] - found.low[5:])
        lucky = sorted(runs, key=lambda run: run.loss[-1])[:8]  # control: chosen plays are not a sample
        assert not oco.expected_regret(lucky).high[-1] >= truth

    def test_a_bandit_keeps_its_bound(self):
        learners = [oco.Exp3(seed=k) for k in range(10)]
        found = oco.expected_regret(oco.play(Experts(d=3), learners, **self.facts))
        assert found.bounds and all(np.all(found.high[-1:] <= value[-1:]) for value in found.bounds.values())

    def test_against_an_adversary_it_is_not_policy_regret(self):
        runs = self.runs(oco.SignFlip(d=3), plays=3)
        found = oco.expected_regret(runs)
        assert "not policy regret" in found.sense
        assert np.allclose(found.mean, np.mean([run.regret.middle for run in runs], axis=0))

    def test_what_is_refused(self):
        runs = self.runs(Experts(d=3), plays=2)
        with pytest.raises(ValueError, match="need two plays or more"):
            oco.expected_regret(runs[:1])
        with pytest.raises(ValueError, match=r"give learner._replace\(seed=k\)"):
            oco.expected_regret([runs[0], runs[0]])
        other = oco.play(Experts(d=3), Sampled(seed=7), seed=1, **self.facts)
        with pytest.raises(ValueError, match="in the same game"):
            oco.expected_regret([runs[0], other[0]])


def test_a_negative_regret_is_shown():
    """A learner that follows the rounds does better than any fixed decision, in every sense but the dynamic one."""
    from matplotlib.figure import Figure

    a = np.repeat([1.0, -1.0, 1.0, -1.0], 25)[:, None]
    run = oco.play(oco.Data(a, np.zeros(100)), oco.OGD(1.0), loss=oco.Linear(), domain=oco.Box(), audit=True)[0]
    assert run.regret.high[-1] < -80.0
    assert oco.dynamic_regret(run, np.zeros(1)).high < -80.0
    assert oco.best_path_regret(run, 0.0).high < -80.0 and oco.best_path_regret(run, 6.0, 1).low > 0.0
    assert oco.switching_regret(run, 0).high[-1] < -80.0 and oco.interval_regret(run, 1, 100).high < -80.0
    ax = figures.regret([run], Figure().subplots())
    assert min(line.get_ydata().min() for line in ax.lines) < -80.0 and ax.get_ylim()[0] < -80.0
