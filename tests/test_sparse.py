"""Sparse rounds: the support fetched, moved and put back; rows of a matrix as they are; naive twins beside each."""

import itertools
import math
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import coo_array, csr_array

import oco
from oco._jit import kernel
from oco.engine.tally import STRIP
from oco.lowlevel import support
from oco.protocols import declare
from oco.streams import as_block, head
from oco.streams.rows import OUTSIDE, REPEATED, WELL, survey


@kernel
def _there_and_back(w: Any, row: Any, copy: Any) -> None:
    near = support.room(w, len(row))
    support.gather(w, row, near)
    support.announce(w, row)
    for j in range(len(row)):
        for c in range(w.shape[1]):
            copy[j, c] = near[j, c]
            near[j, c] += 1.0
    support.scatter(near, w, row)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("width", [2, 3, 5])
def test_coordinates_there_and_back(width: int, dtype: Any) -> None:
    rng = np.random.default_rng(0)
    for length in range(12):
        w = rng.standard_normal((50, width)).astype(dtype)
        row = rng.permutation(50)[:length].astype(np.int32)
        known, copy = w.copy(), np.empty((length, width), dtype)
        _there_and_back(w, row, copy)
        assert np.array_equal(copy, known[row])
        known[row] += 1.0
        assert np.array_equal(w, known)
        _there_and_back.plain(w, row, copy)
        known[row] += 1.0
        assert np.array_equal(w, known)


# Rows of a matrix


def test_survey_against_the_definition() -> None:
    rng = np.random.default_rng(1)
    seen = set()
    for _ in range(300):
        d, lengths = int(rng.integers(1, 200)), rng.integers(0, 5, 4)
        indptr = np.concatenate([[0], np.cumsum(lengths)])
        indices = rng.integers(-1 if rng.random() < 0.1 else 0, d + (rng.random() < 0.1), indptr[-1]).astype(np.int32)
        rows = [indices[low:high] for low, high in itertools.pairwise(indptr)]
        wrong = len(indices) and (indices.min() < 0 or indices.max() >= d)
        twice = any(len(set(row)) < len(row) for row in rows)
        found = survey(indptr, indices, d, np.zeros(7, np.int64))
        assert found == survey.plain(indptr, indices, d, np.zeros(7, np.int64))
        expected = OUTSIDE if wrong else REPEATED if twice else WELL
        assert found == expected or (found == REPEATED and wrong and twice)
        seen.add(found)
    assert seen == {WELL, REPEATED, OUTSIDE}


def test_rows_are_neither_copied_nor_changed() -> None:
    indices, values = np.array([2, 0, 1, 4], np.int32), np.array([1.0, 2.0, 3.0, 4.0])
    a = csr_array((values, indices, np.array([0, 3, 4], np.int32)), shape=(2, 5))
    block: Any = as_block(a, np.ones(2), "X")
    assert np.shares_memory(block.values, a.data) and np.shares_memory(block.indices, a.indices)
    assert a.indices.tolist() == [2, 0, 1, 4]
    narrow: Any = as_block(a.astype(np.float32), np.ones(2), "X")
    assert narrow.values.dtype == np.float32
    twice = csr_array((np.array([1.0, 2.0, 3.0, 4.0]), np.array([1, 1, 0, 4]), np.array([0, 3, 4])), shape=(2, 5))
    added: Any = as_block(twice, np.ones(2), "X")
    assert added.indices.tolist() == [0, 1, 4] and added.values.tolist() == [3, 3, 4]
    assert twice.indices.tolist() == [1, 1, 0, 4]


@pytest.mark.parametrize("place", [-1, 5, 1 << 20])
def test_columns_that_are_not_there_are_refused(place: int) -> None:
    for indices in ([0, place], [place, 0]):
        a = csr_array((np.ones(2), np.array([0, 1]), np.array([0, 2])), shape=(1, 5))
        a.indices[:] = indices
        with pytest.raises(ValueError, match=r"X: indptr or indices of the .* are wrong; columns are 0 .. 4"):
            as_block(a, np.ones(1), "X")


def test_more_columns_than_int32_counts_are_refused() -> None:
    with pytest.raises(ValueError, match="need \\(n, d\\) with d <= 2147483647"):
        as_block(coo_array((np.ones(1), ([0], [1 << 31])), shape=(1, 1 << 32)), np.ones(1), "X")


# Plays


@declare(lazy=True)
class Three(NamedTuple):
    """A lazy rule with three memories, so that coordinates are no pairs."""

    def memory(self, x: Any) -> Any:
        return 0.0, 0.0, 1.0

    def rule(self, now: Any, g: float, x: float, s: Any) -> Any:
        total, count = s[0] + g * g, s[1] + (1.0 if g != 0.0 else 0.0)
        return (x - s[2] * g / math.sqrt(total) if total > 0.0 else x), (total, count, 0.5 + 0.5 / (1.0 + count))


def stream(seed: int, rounds: int = 60, d: int = 40, widest: int = 20) -> tuple[Any, Any]:
    rng = np.random.default_rng(seed)
    rows = [rng.permutation(d)[: rng.integers(0, widest)] for _ in range(rounds)]
    indptr = np.cumsum([0, *map(len, rows)]).astype(np.int32)
    values = rng.standard_normal(indptr[-1])
    return csr_array((values, np.concatenate(rows).astype(np.int32), indptr), shape=(rounds, d)), rng.choice(
        [-1.0, 1.0], rounds
    )


LEARNERS: dict[str, Any] = {
    "adagrad": oco.AdaGrad(eta=0.3),
    "three": Three(),
    "proximal": oco.FTRLProximal(alpha=0.3),
    "composite": oco.AdaGradFOBOS(eta=0.3),
}


@pytest.mark.parametrize("name", LEARNERS)
@given(seed=st.integers(0, 1000))
@settings(max_examples=5, deadline=None)
def test_sparse_rounds_equal_dense_and_interpreted_ones(name: str, seed: int) -> None:
    a, y = stream(seed)
    game: dict[str, Any] = {"loss": oco.Logistic(), "domain": oco.Box(-0.4, 0.5)}
    sparse = oco.play(oco.Data(a, y), LEARNERS[name], **game)[0]
    for data, compiled in ((a, False), (a.toarray(), True)):
        other = oco.play(oco.Data(data, y), LEARNERS[name], compiled=compiled, **game)[0]
        np.testing.assert_allclose(sparse.loss, other.loss, rtol=1e-12)
        np.testing.assert_allclose(sparse.x, other.x, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(sparse.reach, other.reach, rtol=1e-12)
    wrong = oco.play(oco.Data(a, -y), LEARNERS[name], **game)[0]  # the control
    assert not np.allclose(sparse.loss, wrong.loss, rtol=1e-6)


def test_order_of_entries_and_cuts_of_blocks_change_nothing() -> None:
    a, y = stream(3)
    ordered = a.copy()
    ordered.sort_indices()
    assert not np.array_equal(ordered.indices, a.indices)
    players = []
    for matrix, cuts in ((a, [60]), (a, [1, 2, 30, 60]), (ordered, [60])):
        player, block, start = oco.Player(oco.AdaGrad(eta=0.3), 40, layout="sparse"), as_block(matrix, y, "X"), 0
        for stop in cuts:
            player.advance(head(block, start, stop), oco.Logistic())
            start = stop
        players.append(player)
    assert np.array_equal(players[0].state, players[1].state) and players[0].ledger == players[1].ledger
    np.testing.assert_allclose(players[2].state, players[0].state, rtol=1e-12)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_bad_number_ends_the_play_in_its_round(bad: float) -> None:
    a, y = stream(4)
    a.data[a.indptr[17]] = bad
    with pytest.raises(oco.BrokenPlayError, match="NaN or infinity among the features of round 18"):
        oco.play(oco.Data(a, y), oco.AdaGrad(eta=0.3), loss=oco.Logistic())


def test_checkpoints_of_many_columns_are_thinned() -> None:
    """Few entries, many columns: the last checkpoint alone; as many columns as a look may take: all of them."""
    a, y = stream(5)
    few = csr_array((a.data, a.indices, a.indptr), shape=(60, 1 << 16))
    many = csr_array((a.data, a.indices, a.indptr), shape=(60, 1 << 18))
    game: dict[str, Any] = {"loss": oco.Logistic(), "learners": oco.AdaGrad(eta=0.3)}
    usual, thinned = (oco.play(oco.Data(matrix, y), **game)[0] for matrix in (few, many))
    assert usual.t.tolist()[:4] == [1, 2, 3, 4] and thinned.t.tolist() == [60]
    assert usual.loss[-1] == pytest.approx(thinned.loss[-1], rel=1e-12)
    assert usual.tally["roots"][-1] == pytest.approx(thinned.tally["roots"][-1], rel=1e-12)


@pytest.mark.parametrize("layout", ["dense", "sparse"])
def test_sums_leave_no_coordinate_out(layout):
    """Strips of any length; every summand is seen in the sum."""
    for d in (1, 2, STRIP - 1, STRIP, STRIP + 1, 2 * STRIP + 1):
        player = oco.Player(oco.AdaGrad(0.1), d, layout=layout)
        player.state[:, 1] = s = np.random.default_rng(d).uniform(0.5, 1.0, d)
        assert player.tally()["roots"] == pytest.approx(np.sqrt(s).sum(), rel=1e-13)
