"""The conformance check passes every part of the package and catches every kind of broken part."""

from typing import NamedTuple

import numpy as np
import pytest

import oco
from oco.conformance import NotConformantError, check
from oco.learners import LEARNERS
from oco.learners.experts import found
from oco.streams import STREAMS


@pytest.mark.parametrize("name", LEARNERS)
def test_learners(name):
    check(LEARNERS[name]())


@pytest.mark.parametrize("name", STREAMS)
def test_streams(name):
    check(STREAMS[name]())


class Mine(NamedTuple):
    """A learner as a user writes it."""

    eta: float = 0.1

    def rule(self, now, g, x, s):
        s = s + abs(g)
        return x - self.eta * g / (1.0 + s), s


def test_a_users_learner():
    check(Mine())


class Two(NamedTuple):
    """Two memories a coordinate: momentum and a sum of squares. Moves where g = 0, so it is not lazy."""

    eta: float = 0.1

    def memory(self, x):
        return (0.0, 0.0)

    def rule(self, now, g, x, s):
        m, v = s
        m = 0.9 * m + 0.1 * g
        v = v + g * g
        return (x - self.eta * m / np.sqrt(v) if v > 0.0 else x), (m, v)


def test_two_memories_and_sparse_rounds_without_laziness():
    from scipy.sparse import csr_array

    check(Two())
    rng = np.random.default_rng(0)
    a = rng.standard_normal((50, 3)) * (rng.random((50, 3)) < 0.3)
    y = np.where(rng.random(50) < 0.5, -1.0, 1.0)
    ends = [oco.play(oco.Data(x, y), Two(), loss=oco.Logistic())[0] for x in (a, csr_array(a))]
    assert np.allclose(ends[0].x, ends[1].x, rtol=1e-12) and np.allclose(ends[0].loss, ends[1].loss, rtol=1e-12)


class Leaves(Mine):
    def update(self, now, g, state, domain):
        return state._replace(x=state.x - self.eta * g)

    rule = None


class Infeasible(NamedTuple):
    eta: float = 0.9

    class State(NamedTuple):
        x: np.ndarray

    def init(self, x):
        return Infeasible.State(x)

    def update(self, now, g, state, domain):
        for i in range(len(g)):
            state.x[i] -= self.eta * g[i]
        return state


class Divides(NamedTuple):
    eta: float = 0.1

    def rule(self, now, g, x, s):
        s = s + g * g
        return x - self.eta * g / np.sqrt(s), s


class Drifts(NamedTuple):
    eta: float = 0.1

    def rule(self, now, g, x, s):
        return x - self.eta * g - 0.01, s


class NotLazy(Two):
    lazy = True


SEEN = np.zeros(1)


class Remembers(NamedTuple):
    eta: float = 0.1

    def rule(self, now, g, x, s):
        SEEN[0] += 0.01
        return x - (self.eta + SEEN[0]) * g, s


class KeptState(NamedTuple):
    x: np.ndarray
    last: np.ndarray


class Keeps(NamedTuple):
    """Remembers the gradient itself, which it said that it would not."""

    eta: float = 0.1
    lent = True

    def init(self, x):
        return KeptState(x, np.zeros(len(x)))

    def update(self, now, g, state, domain):
        return KeptState(state.x - self.eta * g, g)


class Spoils(Keeps):
    def update(self, now, g, state, domain):
        g *= -self.eta
        return KeptState(state.x + g, state.last)


@pytest.mark.parametrize(
    ("learner", "message"),
    [
        (Keeps(), "keeps the gradient"),
        (Spoils(), "changes the gradient"),
        (Infeasible(), "outside the domain"),
        (Drifts(), "zero first gradient moved it"),
        (NotLazy(), "is it lazy"),
        (Remembers(), "remembered outside the state"),
    ],
)
def test_broken_learners_are_caught(learner, message):
    with pytest.raises(NotConformantError, match=message):
        check(learner)


class Inner(NamedTuple):
    u: np.ndarray
    count: int


class JugglerState(NamedTuple):
    x: np.ndarray
    y: np.ndarray
    inner: Inner
    last: np.ndarray


class Juggler(NamedTuple):
    """Does to the arrays of its state what can be done: swaps, changes, replaces, shifts and keeps them."""

    eta: float = 0.1

    def init(self, x):
        return JugglerState(x.copy(), x.copy(), Inner(np.zeros(2 * len(x)), 0), x.copy())

    def update(self, now, g, state, domain):
        d, inner = len(g), state.inner
        inner.u[:d] += g
        shifted = np.concatenate((inner.u[d:], inner.u[:d])) if now.t % 3 == 0 else inner.u
        x = state.y if now.t % 2 == 0 else state.x
        y = state.x if now.t % 2 == 0 else state.y
        x -= self.eta * (g + state.last + shifted[:d])
        return JugglerState(x, y, Inner(shifted, inner.count + 1), g if now.t % 5 else shifted[d:])


def test_states_that_loops_borrow_come_back_whole():
    a = np.random.default_rng(0).standard_normal((200, 3))
    stream, loss = oco.Data(a, np.zeros(200)), oco.Linear()
    plain, compiled = (oco.play(stream, Juggler(), loss=loss, compiled=c)[0] for c in (False, True))
    states = [run.player.state for run in (plain, compiled)]
    del a, stream
    room = [np.full(3, np.nan) for _ in range(1000)]  # takes what was freed
    assert len(room) == 1000 and states[0].inner.count == states[1].inner.count == 200
    for one, other in zip([*states[0], states[0].inner.u], [*states[1], states[1].inner.u], strict=True):
        if isinstance(one, np.ndarray):
            np.testing.assert_allclose(other, one, rtol=1e-12)
    assert plain.loss[-1] == pytest.approx(compiled.loss[-1], rel=1e-12)


def test_zero_over_zero_is_caught():
    with pytest.raises(NotConformantError, match="zero first gradient"):
        check(Divides())


class Peeks(oco.SignFlip):
    def reveal(self, t, x, rng, memory, a):
        x[0] = 0.0
        for i in range(len(x)):
            a[i] = 1.0
        return 0.0


class Unset(oco.SignFlip):
    def reveal(self, t, x, rng, memory, a):
        a[0] = 1.0
        return 0.0


class BrokenPromise(oco.RandomSigns):
    norm = 0.5


class Unseeded(NamedTuple):
    d: int = 2
    loss = oco.Linear()

    def examples(self, rng, t, target):
        return np.random.default_rng().standard_normal((len(t), self.d)), np.zeros(len(t))


class WrongShape(Unseeded):
    def examples(self, rng, t, target):
        return rng.standard_normal((len(t), 3)), np.zeros(len(t))


@pytest.mark.parametrize(
    ("stream", "message"),
    [
        (Peeks(), "changed the learner's decision"),
        (Unset(), "every entry of a must be set"),
        (BrokenPromise(), "norm = 0.5 is promised"),
        (Unseeded(), "same seed gives another stream"),
        (WrongShape(), "features have shape"),
    ],
)
def test_broken_streams_are_caught(stream, message):
    with pytest.raises(NotConformantError, match=message):
        check(stream)


def test_what_is_no_part():
    with pytest.raises(TypeError, match="is not a part"):
        check(object())
    with pytest.raises(NotConformantError, match="no learner"):
        check(oco.Round(1, 0.0, 0.0, 0.0))


class Noted(NamedTuple):
    x: np.ndarray
    factor: np.ndarray
    reach: float
    right: float  # rounds whose extremes were told as they are
    blank: float  # rounds of which nothing was told


class Watches(NamedTuple):
    """Looks at what it is told of the gradient's extremes."""

    scaled = True

    def init(self, x):
        return Noted(x, np.ones(1), 0.0, 0.0, 0.0)

    def update(self, now, g, state, domain):
        low, high = found(g)
        right, blank = 1.0 if now.low == low and now.high == high else 0.0, 1.0 if now.low != now.low else 0.0
        for i in range(len(g)):
            state.x[i] -= 0.1 * g[i]
        return Noted(state.x, state.factor, 0.0, state.right + right, state.blank + blank)


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize("loss", [oco.Linear(), oco.Logistic()], ids=["linear", "logistic"])
def test_extremes_are_told_where_they_are_known(loss, compiled):
    game = {"loss": loss, "rounds": 40, "compiled": compiled}
    (plain,), (penalised,) = (
        oco.play(oco.Classification(5), Watches(), **game, **more) for more in ({}, {"penalty": oco.Penalty(l2=0.1)})
    )
    # With a penalty the gradient is not a multiple of the features.
    assert plain.player.state[3:] == (40.0, 0.0) and penalised.player.state[3:] == (0.0, 40.0)
    player = oco.Player(Watches(), 5, compiled=compiled)
    player.update(np.arange(5.0))
    assert player.state[3:] == (0.0, 1.0)


class Hasty(Watches):
    def foresee(self, now, a, state, domain):
        return state


def test_a_decision_that_is_looked_at_is_itself():
    with pytest.raises(TypeError, match="Hasty: scaled is for learners that see gradients"):
        oco.Player(Hasty(), 5)


class HalfState(NamedTuple):
    x: np.ndarray
    factor: np.ndarray
    reach: float


class Halves(NamedTuple):
    """Always at 1: shows 2, and that half of it is meant."""

    scaled = True
    composite = True

    def init(self, x):
        return HalfState(np.ones(len(x)), np.ones(1), 1.0)

    def update(self, now, g, state, domain):
        for i in range(len(g)):
            state.x[i] = 2.0
        state.factor[0] = 0.5
        return state


@pytest.mark.parametrize("compiled", [True, False])
def test_a_penalty_is_paid_for_the_decision_itself(compiled):
    """Also where the learner is not told of it."""
    game = {"loss": oco.Linear(), "penalty": oco.Penalty(l1=1.0), "start": np.ones(3), "compiled": compiled}
    (run,) = oco.play(oco.Data(np.zeros((20, 3)), np.zeros(20)), Halves(), **game)
    assert run.loss[-1] == 20 * 3.0 and (run.x == 1.0).all() and run.reach[-1] == 1.0
