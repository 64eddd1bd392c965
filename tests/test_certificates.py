"""lower <= min F <= upper for every loss and domain, tight, against another solver; a wrong certificate is caught."""

import math
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog, minimize
from scipy.sparse import csr_array

from oco import (
    OGD,
    Absolute,
    Ball,
    Box,
    Data,
    Hinge,
    L1Ball,
    Linear,
    Logistic,
    Penalty,
    Simplex,
    Space,
    Squared,
    ZipfText,
    play,
)
from oco.domains import DOMAINS
from oco.game import checkpoints
from oco.hindsight import comparators
from oco.hindsight import rows as rows_module
from oco.hindsight.columns import Columns
from oco.hindsight.comparators import Hindsight
from oco.hindsight.measures import infimum
from oco.hindsight.rows import BATCH_BYTES
from oco.losses import LOSSES, NegativeLog
from oco.protocols import Dense, Sparse
from oco.record import _notes
from oco.regret import Interval
from oco.streams import as_block, blocks, head

SETS = {"space": Space(), "box": Box(-0.5, 0.8), "ball": Ball(0.9), "l1": L1Ball(1.1), "simplex": Simplex()}


class Huber(NamedTuple):
    """A user's loss: value and slope only."""

    width: float = 0.3

    def value(self, z, y):
        r = abs(z - y)
        return 0.5 * r * r if r < self.width else self.width * (r - 0.5 * self.width)

    def slope(self, z, y):
        return min(max(z - y, -self.width), self.width)


class Pinball(NamedTuple):
    """A user's loss with a kink."""

    tau: float = 0.8

    def value(self, z, y):
        return self.tau * (y - z) if z < y else (1.0 - self.tau) * (z - y)

    def slope(self, z, y):
        return -self.tau if z < y else 1.0 - self.tau


def problem(seed, n=40, d=4, signed=False):
    rng = np.random.default_rng(seed)
    a = rng.standard_normal((n, d)) * (rng.random((n, d)) < 0.7)
    y = a @ rng.standard_normal(d) + 0.5 * rng.standard_normal(n)
    return a, np.where(y >= 0.0, 1.0, -1.0) if signed else y


def total(loss, a, y, u):
    return math.fsum(loss.value(z, label) for z, label in zip(a @ u, y, strict=True))


def enclose(loss, domain, a, y, marks=None, **options):
    from scipy.sparse import csr_array

    results = []
    for block in (as_block(a, y, "test"), as_block(csr_array(a), y, "test")):
        hindsight = Hindsight(loss, domain, **options)
        hindsight.see(block)
        hindsight.mark()
        results.append(hindsight.solve()[-1])
    dense, sparse = results
    assert sparse.upper == pytest.approx(dense.upper, rel=1e-6, abs=1e-8)
    return dense


def other_minimum(loss, domain, a, y, start):
    """By SLSQP from the solver's own point and from elsewhere; an upper bound of min F up to its tolerance."""
    constraints = {
        Ball: [{"type": "ineq", "fun": lambda u: domain.radius**2 - u @ u}],
        Simplex: [{"type": "eq", "fun": lambda u: u.sum() - 1.0}],
    }.get(type(domain), [])
    bounds = {Box: [(-0.5, 0.8)] * a.shape[1], Simplex: [(0.0, 1.0)] * a.shape[1]}.get(type(domain))
    f, d = lambda u: total(loss, a, y, u), a.shape[1]
    if isinstance(domain, L1Ball):  # u = p - q, p, q >= 0, sum p + q <= r
        g = lambda v: f(v[:d] - v[d:])  # noqa: E731
        limit = [{"type": "ineq", "fun": lambda v: domain.radius - v.sum()}]
        found = minimize(g, np.full(2 * d, 0.1), bounds=[(0.0, None)] * (2 * d), constraints=limit, tol=1e-12)
    else:
        found = minimize(f, domain.centre(d), method="SLSQP", bounds=bounds, constraints=constraints, tol=1e-12)
    return found.fun


@pytest.mark.parametrize("domain", SETS)
@pytest.mark.parametrize(
    "loss", [Squared(), Logistic(), Hinge(), Absolute(), Huber(), Pinball()], ids=lambda x: type(x).__name__
)
def test_brackets_the_minimum(loss, domain):
    smooth = isinstance(loss, (Squared, Logistic, Huber))
    for seed in range(3):
        a, y = problem(seed, signed=hasattr(loss, "labels"))
        best = enclose(loss, SETS[domain], a, y)
        assert SETS[domain].contains(best.x)
        assert best.upper == pytest.approx(total(loss, a, y, best.x), rel=1e-9, abs=1e-9)
        assert best.upper - best.lower <= (1e-6 if smooth else 1e-4) * best.upper + 1e-9
        if smooth:  # SLSQP needs derivatives
            other = other_minimum(loss, SETS[domain], a, y, best.x)
            assert best.lower <= other + 1e-9
            assert best.upper <= other + 1e-6 * (1.0 + abs(other))


@pytest.mark.parametrize("domain", ["space", "box", "simplex"])
def test_least_absolute_deviations_against_a_linear_program(domain):
    for seed in range(3):
        a, y = problem(seed)
        n, d = a.shape
        limits = {"space": (None, None), "box": (-0.5, 0.8), "simplex": (0.0, 1.0)}[domain]
        equal = {"A_eq": np.r_[np.ones(d), np.zeros(n)][None], "b_eq": [1.0]} if domain == "simplex" else {}
        rows = np.block([[a, -np.eye(n)], [-a, -np.eye(n)]])
        program = linprog(
            np.r_[np.zeros(d), np.ones(n)], rows, np.r_[y, -y], bounds=[limits] * d + [(0.0, None)] * n, **equal
        )
        best = enclose(Absolute(), SETS[domain], a, y)
        assert best.lower <= program.fun * (1.0 + 1e-9)
        assert program.fun * (1.0 - 1e-9) <= best.upper <= program.fun * (1.0 + 1e-4)


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(sorted(set(LOSSES) - {"negative-log"})),  # finite everywhere
    st.sampled_from(sorted(DOMAINS)),
    st.integers(1, 30),
    st.integers(1, 4),
    st.integers(0, 10**6),
)
def test_no_feasible_point_is_below_the_certificate(loss, domain, n, d, seed):
    loss, domain = LOSSES[loss](), DOMAINS[domain]()
    a, y = problem(seed, n, d, hasattr(loss, "labels"))
    best = enclose(loss, domain, a, y)
    rng = np.random.default_rng(seed)
    for size in (0.1, 1.0, 10.0):
        u = size * rng.standard_normal(d)
        domain.project(u)
        if np.linalg.norm(u) <= best.within:
            assert total(loss, a, y, u) >= best.lower - 1e-9 * (1.0 + abs(best.lower))


def test_control_a_dual_point_outside_the_conjugates_domain_is_caught():
    """With slopes 10 % too steep the same formula claims more than the minimum."""
    a, y = problem(0)
    best = enclose(Absolute(), Ball(0.9), a, y)
    s = 1.1 * np.sign(a @ best.x - y)
    claimed = -(s @ y) - Ball(0.9).support(-(a.T @ s))
    honest = -(s / 1.1 @ y) - Ball(0.9).support(-(a.T @ s / 1.1))
    assert claimed > best.upper > honest or claimed > honest


def test_linear_is_closed_form():
    a, y = problem(1)
    g = a.sum(axis=0)
    best = enclose(Linear(), Ball(0.9), a, y)
    assert best.lower <= -0.9 * np.linalg.norm(g) <= best.upper
    assert best.upper - best.lower < 1e-11
    assert enclose(Linear(), Space(), a, y).lower == -math.inf
    assert enclose(Linear(), Space(), np.zeros((3, 2)), np.zeros(3)).upper == pytest.approx(0.0, abs=1e-12)


def test_separable_data_on_the_whole_space():
    best = enclose(Logistic(), Space(), np.array([[1.0, 0.0], [0.0, 2.0]]), np.array([1.0, -1.0]))
    assert 0.0 <= best.upper < 1e-6
    assert -1e-12 <= best.lower <= best.upper
    assert math.isinf(best.within)


def test_squared_on_the_whole_space_is_certified_everywhere():
    a, y = problem(2)
    best = enclose(Squared(), Space(), a, y)
    u = np.linalg.lstsq(a, y, rcond=None)[0]
    assert best.lower <= total(Squared(), a, y, u) <= best.upper
    assert math.isinf(best.within)
    assert best.upper - best.lower < 1e-9 * best.upper


def test_marks_growth_and_replay():
    a, y = problem(3, 60, 3, signed=True)
    rows = [Sparse(np.array([0, 1, 3]), np.array([0, 0, 2], np.int32), np.array([1.0, 2.0, -1.0]), y[:2], 3)]
    rows.append(as_block(a, y, "test"))

    def replay():
        yield from rows

    results = []
    for options in ({}, {"replay": replay, "memory": 0}):
        hindsight = Hindsight(Logistic(), Ball(2.0), **options)
        for block in rows:
            hindsight.see(block)
            hindsight.mark()
            hindsight.mark()
        results.append(hindsight.solve())
    for one, other in zip(*results, strict=True):
        assert one.lower <= other.upper * (1 + 1e-12)
        assert other.lower <= one.upper * (1 + 1e-12)
    assert len(results[0]) == 4
    with pytest.raises(MemoryError, match="cannot be read again"):
        Hindsight(Logistic(), Ball(2.0), memory=0).see(rows[0])


def zipf(rounds, seed=0, d=80):
    return next(blocks(ZipfText(d=d), seed, rounds, True))


def test_hinge_far_from_separable_after_it_was():
    """Up to t = 24 a u of any size is as good, at t = 422 it is not: the last minimiser is a bad place to start."""
    rounds = 422
    block, hindsight, t = zipf(rounds), Hindsight(Hinge(), Space()), 0
    for mark in checkpoints():
        if mark > rounds:
            break
        hindsight.see(head(block, t, mark))
        hindsight.mark()
        t = mark
    found = hindsight.solve()
    assert all(best.upper - best.lower <= 1e-6 * mark for best, mark in zip(found, checkpoints(), strict=False))
    a = np.zeros((rounds, 80))
    a[np.repeat(np.arange(rounds), np.diff(block.indptr)), block.indices] = block.values
    rows = np.hstack([-a * block.y[:, None], -np.eye(rounds)])
    limits = [(None, None)] * 80 + [(0.0, None)] * rounds
    program = linprog(np.r_[np.zeros(80), np.ones(rounds)], rows, -np.ones(rounds), bounds=limits)
    assert found[-1].lower <= program.fun * (1.0 + 1e-9)
    assert program.fun * (1.0 - 1e-9) <= found[-1].upper <= program.fun * (1.0 + 1e-5)


@pytest.mark.parametrize("domain", [Space(), Box(-3.0, 2.0), Ball(20.0)], ids=lambda x: type(x).__name__)
@pytest.mark.parametrize("loss", [Hinge(), Absolute()], ids=lambda x: type(x).__name__)
def test_few_rounds_in_many_columns(loss, domain):
    for n in (1, 2, 5):
        block = zipf(n, seed=n)
        hindsight = Hindsight(loss, domain)
        hindsight.see(block)
        hindsight.mark()
        best = hindsight.solve()[-1]
        assert best.upper - best.lower <= 1e-6 * n


def test_small_blocks_are_as_good_as_one_and_not_copied_whole():
    import tracemalloc

    rng = np.random.default_rng(0)
    a, y = rng.standard_normal((7_000, 1000)), np.where(rng.random(7_000) < 0.5, 1.0, -1.0)
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    small = Hindsight(Logistic(), Ball(0.1))
    for low in range(0, len(y), 200):
        small.see(Dense(a[low : low + 200], y[low : low + 200]))
    small.mark()
    best = small.solve()[-1]
    peak = tracemalloc.get_traced_memory()[1] - before
    tracemalloc.stop()
    assert a.nbytes > 2 * BATCH_BYTES
    assert peak < 1.0 * a.nbytes + 1.5 * BATCH_BYTES
    one = Hindsight(Logistic(), Ball(0.1))
    one.see(Dense(a, y))
    one.mark()
    assert one.solve()[-1].upper == pytest.approx(best.upper, rel=1e-7)


def test_a_loss_that_falls_for_ever_has_no_floor():
    floors = np.empty(1)
    infimum(NegativeLog(), np.zeros(1), floors)
    assert floors[0] == -math.inf
    for loss in (Logistic(), Hinge()):
        infimum(loss, np.ones(1), floors)
        assert abs(floors[0]) <= 1e-300
    with pytest.raises(ValueError, match="infinite at the point nearest to 0"):
        enclose(NegativeLog(), Space(), np.ones((2, 2)), np.zeros(2))


def test_the_note_names_the_worst_checkpoint():
    from types import SimpleNamespace

    regret = Interval(np.array([1.0, 1.0, 5.0]), np.array([1.005, 1.4, 5.2]))
    run = SimpleNamespace(name="A", regret=regret, t=np.array([1, 2, 3]), certified_within=math.inf, interrupted=False)
    (note,) = _notes("S", run)
    assert "at 2 of 3 checkpoints, most at t = 2: 0.4 of 1.2" in note
    run.regret = Interval(regret.low, regret.low)
    assert _notes("S", run) == []


PENALTIES = {"l1": Penalty(0.05), "both": Penalty(0.05, 0.1), "l2": Penalty(0.0, 0.1)}


def penalised_minimum(loss, domain, penalty, a, y):
    """By SLSQP over u = p - q with p, q >= 0, and for the hinge with a slack for every round."""
    n, d = a.shape
    slacks = n if isinstance(loss, Hinge) else 0

    def split(v):
        return v[:d] - v[d : 2 * d]

    def f(v):
        u = split(v)
        data = v[2 * d :].sum() if slacks else total(loss, a, y, u)
        return data + n * (penalty.l1 * v[: 2 * d].sum() + 0.5 * penalty.l2 * u @ u)

    limits = {
        Space: [],
        Box: [lambda v: split(v) + 0.5, lambda v: 0.8 - split(v)],
        Ball: [lambda v: domain.radius**2 - split(v) @ split(v)],
        L1Ball: [lambda v: domain.radius - v[: 2 * d].sum()],
        Simplex: [split],
    }[type(domain)]
    limits = [*limits, *([lambda v: v[2 * d :] - 1.0 + y * (a @ split(v))] if slacks else [])]
    constraints = [{"type": "ineq", "fun": limit} for limit in limits]
    if isinstance(domain, Simplex):
        constraints.append({"type": "eq", "fun": lambda v: split(v).sum() - 1.0})
    start = np.r_[np.full(d, 1.0 / d + 0.01), np.full(d, 0.01), np.ones(slacks)]
    options = {"maxiter": 1000, "ftol": 1e-13}
    done = minimize(
        f, start, method="SLSQP", bounds=[(0.0, None)] * len(start), constraints=constraints, options=options
    )
    return done.fun


@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("domain", SETS)
@pytest.mark.parametrize("loss", [Linear(), Squared(), Logistic(), Hinge()], ids=lambda x: type(x).__name__)
def test_penalised_against_another_solver(loss, domain, penalty):
    domain, penalty = SETS[domain], PENALTIES[penalty]
    a, y = problem(5, 20, 3, signed=hasattr(loss, "labels"))
    if isinstance(loss, Linear) and isinstance(domain, Space) and penalty.l2 == 0.0:
        assert enclose(loss, domain, a, y, penalty=penalty).lower == -math.inf
        assert enclose(loss, domain, 0.01 * a, y, penalty=penalty).lower == pytest.approx(0.0, abs=1e-12)
        return
    best = enclose(loss, domain, a, y, penalty=penalty)
    other = penalised_minimum(loss, domain, penalty, a, y)
    own = total(loss, a, y, best.x) + len(y) * penalty.value(best.x)
    size = 1.0 + abs(other)
    assert domain.contains(best.x)
    assert best.upper == pytest.approx(own, rel=1e-9, abs=1e-9)
    assert best.upper - best.lower <= (1e-4 if isinstance(loss, Hinge) else 1e-6) * size
    assert best.lower <= other + 1e-8 * size
    assert best.upper <= other + 1e-5 * size
    # Control: with the penalty of one round too many the interval lies above the minimum.
    more = (len(y) + 1.0) / len(y)
    wrong = enclose(loss, domain, a, y, penalty=Penalty(more * penalty.l1, more * penalty.l2))
    assert wrong.lower > other + 1e-5 * size


@pytest.mark.parametrize("l1", [0.0, 0.3, 5.0])
@pytest.mark.parametrize("l2", [0.0, 0.7])
@pytest.mark.parametrize("box", [(-0.5, 0.8), (0.2, 0.8), (-0.8, -0.3)])
def test_penalised_linear_loss_on_boxes_in_closed_form(l1, l2, box):
    a, y = problem(6, 7, 5)
    best = enclose(Linear(), Box(*box), a, y, penalty=Penalty(l1, l2))
    g, n = a.sum(axis=0), len(y)

    def f(v):
        return g[:, None] * v + n * (l1 * np.abs(v) + 0.5 * l2 * v * v)

    kinks = [(-g + n * l1) / (n * l2), (-g - n * l1) / (n * l2)] if l2 > 0.0 else []
    points = np.clip(np.stack([np.zeros(5), np.full(5, box[0]), np.full(5, box[1]), *kinks], axis=1), *box)
    truth = f(points).min(axis=1).sum()
    assert best.lower <= truth + 1e-12 and truth <= best.upper + 1e-12
    assert best.upper - best.lower < 1e-9 * (1.0 + abs(truth))


@pytest.mark.parametrize("loss", [Logistic(), Squared(), Linear(), Hinge()], ids=lambda x: type(x).__name__)
def test_strongly_convex_certificates_hold_everywhere(loss):
    """Far from the minimiser too, where a certificate within a radius would not."""
    a, y = problem(7, 30, 3, signed=hasattr(loss, "labels"))
    penalty = Penalty(0.01, 0.02)
    best = enclose(loss, Space(), a, y, penalty=penalty)
    assert math.isinf(best.within)
    for size in (0.01, 1.0, 1e3, 1e6):
        for step in np.random.default_rng(8).standard_normal((10, 3)):
            u = best.x + size * step
            assert total(loss, a, y, u) + len(y) * penalty.value(u) >= best.lower


def test_nan_is_refused():
    with pytest.raises(ValueError, match="NaN or infinity"):
        Hindsight(Squared(), Ball()).see(Dense(np.array([[np.nan]]), np.ones(1)))


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("loss", [Squared(), Logistic(), Absolute(), Linear()], ids=lambda x: type(x).__name__)
def test_a_mark_knows_the_rows_before_it_and_no_others(loss, sparse, monkeypatch):
    """Whatever blocks the rows come in, and whichever of these are joined on the way."""
    monkeypatch.setattr("oco.hindsight.rows.CHUNK", 64)
    a, y = problem(8, 300, 3, signed=hasattr(loss, "labels"))
    whole, marks, done = Hindsight(loss, Ball()), [1, 5, 40, 41, 90, 200, 300], 0
    rows = as_block(csr_array(a) if sparse else a, y, "rows")
    for stop in sorted({*range(0, 301, 7), *marks} - {0}):
        whole.see(head(rows, done, stop))
        done = stop
        if stop in marks:
            whole.mark()
    for t, best in zip(marks, whole.solve(), strict=True):
        alone = enclose(loss, Ball(), a[:t], y[:t])
        assert best.lower <= alone.upper + 1e-9 and alone.lower <= best.upper + 1e-9
        assert best.upper - best.lower <= 1e-4 * (1.0 + abs(alone.upper))
        if t < 300:  # control: a row more is another minimum
            more = enclose(loss, Ball(), a[: t + 7], y[: t + 7])
            assert more.lower > best.upper + 1e-3 or more.upper < best.lower - 1e-3


@pytest.mark.parametrize("loss", [Squared(), Logistic()], ids=lambda x: type(x).__name__)
def test_rows_are_numbered_when_a_comparator_is_asked_for_and_not_while_they_are_played(loss, monkeypatch):
    looks = []
    for target, name in ((Columns, "renumber"), (rows_module, "_merge"), (rows_module, "_least")):
        plain = getattr(target, name)
        monkeypatch.setattr(target, name, lambda *given, plain=plain, name=name: looks.append(name) or plain(*given))
    stream = Data(csr_array(problem(9, 60, 4)[0]), problem(9, 60, 4, signed=True)[1])
    run = play(stream, OGD(0.1), loss=loss, domain=Space())[0]
    assert not looks
    assert len(run.solve()) == len(run.t)
    assert set(looks) == {"renumber", "_merge", "_least"}  # control: they are what is done then


def test_rows_that_are_read_again_are_read_when_a_comparator_is_asked_for():
    a, y = problem(10, 40, 3, signed=True)
    rows, reads = [as_block(csr_array(a[low : low + 7]), y[low : low + 7], "rows") for low in range(0, 40, 7)], []

    def replay():
        reads.append(True)
        yield from rows

    found = []
    for options in ({}, {"replay": replay, "memory": 400}):  # the first blocks fit
        hindsight = Hindsight(Logistic(), Space(), penalty=Penalty(0.0, 0.1), **options)
        for k, block in enumerate(rows):
            hindsight.see(block, lasting=True)
            hindsight.mark()
            if k == 0:
                assert len(hindsight.solve()) == 1
        assert not reads
        found.append(hindsight.solve())
    assert reads
    for one, other in zip(*found, strict=True):
        assert one.x == pytest.approx(other.x, abs=1e-3)
        assert one.upper == pytest.approx(other.upper, rel=1e-6)


def test_a_mark_among_joined_rows_has_the_columns_of_its_time():
    """Where a column without entries matters, as 0 is no decision there, rows keep their numbers."""
    few, many = (as_block(csr_array(np.eye(d)), np.ones(d), "rows") for d in (2, 4))
    hindsight = Hindsight(Absolute(), Box(0.2, 0.8))
    for block in (few, many):
        hindsight.see(block)
        hindsight.mark()
    for best, truth in zip(hindsight.solve(), (2 * 0.2, 6 * 0.2), strict=True):
        assert best.x == pytest.approx(np.full(2 if truth < 1.0 else 4, 0.8), abs=1e-4)
        assert best.upper == pytest.approx(truth, rel=1e-4)


@pytest.mark.parametrize("penalty", [Penalty(), Penalty(0.1, 0.0)], ids=["plain", "l1"])
def test_rows_in_memory_are_added_up_when_a_comparator_is_asked_for(penalty, monkeypatch):
    added = []
    monkeypatch.setattr(comparators, "add_sums", lambda *a, made=comparators.add_sums: added.append(1) or made(*a))
    a, y = np.random.default_rng(0).standard_normal((300, 4)), np.zeros(300)
    run = play(Data(a, y), OGD(0.1), loss=Linear(), domain=Ball(), penalty=penalty)[0]
    assert not added
    late, now = run.solve(), Hindsight(Linear(), Ball(), penalty=penalty)
    for low, high in pairwise([0, *run.t.tolist()]):
        now.see(Dense(a[low:high], y[low:high]))
        now.mark()
    assert len(added) > 1, "control: rows that are not held are added up at once"
    assert np.allclose([best[1:] for best in late], [best[1:] for best in now.solve()], rtol=1e-9, atol=0.0)
