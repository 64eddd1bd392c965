"""What machine code is told that Python cannot say: the same numbers, on any processor."""

import os
import platform
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numba.core.caching import NullCache

import oco
from oco import Player
from oco._jit import kernel
from oco.lowlevel import estimate, late
from oco.lowlevel.arrays import aligned, columns_apart, on_lines
from oco.lowlevel.glance import SHORT, glance, glance_at_multiple, unseen
from oco.lowlevel.loops import masked
from oco.lowlevel.numbers import BRANCHES, finite, order, over_root, signed, unordered
from oco.lowlevel.prefetch import LINE, entry
from oco.protocols import Round

ROOT = Path(__file__).parents[1]


@kernel
def over_roots(g, v, eta, out):
    for i in range(len(v)):
        out[i] = over_root(g[i], v[i], eta)


def test_over_root_everywhere():
    """Within 3 ulp (5 in float32) of eta g / sqrt(v) in extended precision; where g^2 = v = 0 that is 0."""
    v = np.concatenate([2.0 ** np.random.default_rng(0).uniform(-1022.0, 1024.0, 100_000), [2.3e-308, 1.7e308]])
    for kind, most in ((np.float64, 3.0), (np.float32, 5.0)):
        some = v[(v > np.finfo(kind).tiny) & (v < np.finfo(kind).max)].astype(kind)
        g = np.sqrt(some) * np.random.default_rng(1).uniform(-1.0, 1.0, len(some)).astype(kind)
        for eta in (kind(1.0), kind(0.3), kind(1e30), kind(1e-30)):
            out, exact = np.empty_like(some), eta * g.astype(np.longdouble) / np.sqrt(some.astype(np.longdouble))
            for function, least in ((over_roots, most), (over_roots.plain, 2.5)):
                function(g, some, eta, out)
                assert np.abs((out - exact) / np.spacing(np.abs(exact).astype(kind))).max() <= least
        tiny, out = np.finfo(kind).tiny, np.empty(4, kind)
        g, ends = np.array([0.0, np.sqrt(tiny) / 2, -2.0, np.nan], kind), np.array([0.0, 0.0, 4.0, 1.0], kind)
        for function in (over_roots, over_roots.plain):
            for eta in (kind(1.0), np.finfo(kind).max / 2):
                function(g, ends, eta, out)
                assert np.allclose(out, [0.0, eta * kind(0.5), -eta, np.nan], rtol=1e-6, equal_nan=True)


@kernel
def doubled(a, out):
    for r in range(len(a)):
        for i in range(np.uint64(a.shape[1])):
            out[r, i] = a.dtype.type(2.0) * entry(a[r], i)


def test_an_entry_with_a_hint_is_the_entry():
    for kind in (np.float64, np.float32):
        for d in (1, 7, 8, 100):
            a = np.random.default_rng(d).standard_normal((5, d)).astype(kind)
            for function in (doubled, doubled.plain):
                out = np.full_like(a, np.nan)
                function(a, out)
                assert np.array_equal(out, 2.0 * a)


@kernel
def products(a, b, out):
    for j in range(len(a)):
        out[j] = a[j] * b[j]
        masked()


def test_masked_loops_do_all_and_no_more():
    for n in range(40):
        a, b = np.arange(1.0, n + 1), np.arange(n, 0.0, -1.0)
        for function in (products, products.plain):
            out = np.full(n + 9, -1.0)
            function(a, b, out)
            assert (out[:n] == a * b).all() and (out[n:] == -1.0).all()


def test_what_loops_are_told_on_any_processor(tmp_path):
    """The same on one of the plainest kind. Late functions must be gone from the code, whose loops are SIMD."""
    check = (
        "from tests.test_lowlevel import *\n"
        "test_over_root_everywhere()\n"
        "test_an_entry_with_a_hint_is_the_entry()\n"
        "test_masked_loops_do_all_and_no_more()\n"
        "def some(*words, of=(over_roots, doubled, products)):\n"
        "    lines = [line for k in of for text in k._compiled.inspect_asm().values() for line in text.splitlines()]\n"
        "    return any(all(word in line for word in words) for line in lines)\n"
        "masked = some('zmm', '{%k', of=[products])\n"
        "print(some('mulpd'), some('prefetcht'), some('rsqrt14pd'), masked, some('call', 'oco_'))"
    )
    for plain in (True, False):
        only = {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": ""} if plain else {}
        env = os.environ | only | {"OCO_CACHE_DIR": str(tmp_path / str(plain))}
        run = subprocess.run([sys.executable, "-c", check], env=env, cwd=ROOT, capture_output=True, text=True)
        expected = True, late.offered(), estimate.offered() and not plain, late.avx512() and not plain, False
        assert run.stdout.split() == [str(value) for value in expected], run.stderr


def test_order_of_sizes():
    for kind in (np.float64, np.float32):
        v = kind([0.0, -1e-40, 1e-30, -1.0, 1.5, -2.0, 3e38, -np.inf, np.nan])
        keys = [order(x) for x in v]
        assert keys == sorted(keys)
        assert np.array_equal([unordered(key) for key in keys], np.abs(v), equal_nan=True)
        assert [order(x) for x in -v] == keys


@kernel
def looks(v, is_finite, few, many):
    for i in range(len(v)):
        is_finite[i] = finite(v[i])
        few[i], many[i] = signed(2.0, v[i], 1), signed(2.0, v[i], BRANCHES + 1)


def test_looks_at_numbers():
    """Finite or not, and the sign with which zeros of both signs are taken."""
    v = np.array([0.0, -0.0, 5e-324, -1.0, 1.7e308, -1.7e308, np.inf, -np.inf, np.nan, -np.nan])
    for function in (looks, looks.plain):
        is_finite, few, many = np.empty((3, len(v)))
        function(v, is_finite, few, many)
        assert (is_finite == np.isfinite(v)).all()
        for signs in (few, many):
            assert (signs[:-2] == np.where(v[:-2] >= 0.0, 2.0, -2.0)).all()


@kernel
def glanced(a, x):
    return glance(a, x)[:]


@kernel
def glanced_at_half(a, x):
    return glance_at_multiple(a, x, 0.5, 7.0)[:]


@pytest.mark.parametrize("d", [1, 2, 7, 8, 9, 31, 64, 100, 1001, 5000])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_glance_sees_what_is_there(d, dtype):
    """Sums of float32 are within min(d, SHORT) roundings of every product, however often they cancel."""
    a, x = np.random.default_rng(d).standard_normal((2, d)).astype(dtype)
    wide, size = a.astype(float), float(np.abs(x).max())
    sums = np.array([wide @ x.astype(float), wide @ wide])
    narrow = min(d, SHORT) * np.finfo(np.float32).eps * np.array([np.abs(wide) @ np.abs(x.astype(float)), sums[1]])
    within = narrow if dtype == np.float32 else 1e-13 + 1e-13 * np.abs(sums)
    for compiled in (True, False):
        run = (lambda kernel: kernel) if compiled else (lambda kernel: kernel.plain)
        seen = run(glanced)(a, x)
        assert (np.abs(seen[:2] - sums) <= within).all() and seen[2] == size and np.isnan(seen[3:]).all()
        if dtype == np.float64:
            seen = run(glanced_at_half)(a, x)
            assert seen[2:] == (7.0, a.min(), a.max())
            assert np.allclose(seen[:2], [sums[0] / 2.0, sums[1]], rtol=1e-13, atol=1e-13)


def test_long_sums_of_single_precision_are_not_single():
    """Of 2^22 numbers .7, whose sum in float32, the control, goes astray as soon as it is 2^23 of their last digits."""
    a, x = np.full(1 << 22, 0.7, np.float32), np.ones(1 << 22, np.float32)
    exact, within = a.astype(float).sum(), SHORT * np.finfo(np.float32).eps
    assert abs(glanced(a, x)[0] / exact - 1.0) <= within < abs(np.cumsum(a)[-1] / exact - 1.0)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("columns", [2, 3, 5])
def test_columns_are_apart(columns, dtype):
    """Each begins a line, none near a multiple of 4096 bytes from another, whatever the number of coordinates."""

    def starts_of(w):
        return [w[:, j].ctypes.data for j in range(columns)]

    def nearest(w):
        starts = starts_of(w)
        gaps = [(starts[j] - starts[i]) % 4096 for j in range(columns) for i in range(j)]
        return min(min(gap, 4096 - gap) for gap in gaps)

    for d in (1, 2, 10, 100, 500, 512, 1000, 1024, 1600, 4097):
        w = columns_apart(d, columns, dtype)
        assert w.shape[0] >= d and w.shape[1] == columns and w.flags.f_contiguous and not w.any()
        assert nearest(w) >= 10 * LINE and not any(start % LINE for start in starts_of(w))
    assert nearest(aligned((columns, 1000), dtype).T) < 10 * LINE, "control: side by side they may be near"


def test_vectors_of_a_state_begin_with_a_line():
    room = np.zeros(100)
    state = (room[1:60].copy(), 3.0, (np.arange(7), np.eye(3)))
    moved = on_lines(state)
    assert all(part.ctypes.data % LINE == 0 for part in (moved[0], moved[2][0]))
    assert np.array_equal(moved[0], state[0]) and np.array_equal(moved[2][0], np.arange(7)) and moved[1] == 3.0
    assert moved[2][1] is state[2][1]
    for shared in ((room, room[:5]), (room, 1.0, room)):
        assert on_lines(shared) is shared


def stepped(player, a, state):
    return player.step(Round(1, 0.1, 0.2, 0.3, 0.0, 0.0), 0.5, a, unseen(), state)[:]


@pytest.mark.skipif(platform.machine() not in {"x86_64", "AMD64"}, reason="looks for names of x86's instructions")
@pytest.mark.parametrize(
    "learner", [oco.RMSprop(), oco.Adam(), oco.AdaDelta(), oco.AMSGrad()], ids=lambda part: type(part).__name__
)
def test_rules_become_vectors_however_much_they_remember(learner):
    player, run = Player(learner, 100), kernel(stepped)
    run._compiled._cache = NullCache()  # kernels from the disk have no assembly
    run(player._part, np.ones(100), player._state)
    (code,) = run._compiled.inspect_asm().values()
    assert "sqrtpd" in code and "divpd" in code
    assert "sqrtps" not in code, "control: that is float32's"
