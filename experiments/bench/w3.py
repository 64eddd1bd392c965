"""W3: two or ten coordinates, linear losses; OGD on a ball and AdaGrad on a box, oblivious and adaptive."""

import math
import time
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import numba
import numpy as np

import oco
from experiments.bench import data, with_jax, with_torch
from experiments.bench.contest import Entry, Options, contest
from experiments.bench.ours import played
from experiments.bench.rows import Row
from experiments.bench.timing import median

ETA = {"ogd": 0.01, "adagrad": 0.5}
GOALS = {("ogd", 2): 4.0, ("ogd", 10): 3.0, ("adagrad", 2): 2.0, ("adagrad", 10): 2.0}


def rows(options: Options) -> Iterator[Row]:
    for d in (2, 10):
        a = data.signs(options.size(10_000_000, 2000), d)
        for learner in ("ogd", "adagrad"):
            for adaptive in (False, True):
                yield from _case(a, learner, adaptive, options)
    yield Row("W3", "PyNOL", "PyNOL (missing: not on PyPI, and not measured)")
    yield step_from_python(options)


def play(a: np.ndarray, learner: str, adaptive: bool, n: int) -> Callable[[], float]:
    d = a.shape[1]
    part = oco.OGD(ETA["ogd"]) if learner == "ogd" else oco.AdaGrad(ETA["adagrad"])
    domain = oco.Ball() if learner == "ogd" else oco.Box()
    stream = oco.SignFlip(d) if adaptive else oco.Data(a[:n], np.zeros(n))
    return played(stream, part, loss=oco.Linear(), domain=domain, rounds=n)


def _case(a: np.ndarray, learner: str, adaptive: bool, options: Options) -> list[Row]:
    n, d = a.shape
    some, few = options.size(1_000_000, 1000), options.size(5000, 100)
    eta, goal = ETA[learner], GOALS[learner, d]
    kernel = by_hand_ogd if learner == "ogd" else by_hand_adagrad
    scans = {"JAX scan": False, "JAX scan, optax inside": True}
    others = [
        Entry("Numba loop by hand", lambda: lambda: kernel(a, eta, adaptive)[0], n, 1.5, at_most=True),
        *(
            Entry(f"{name} (first rounds)", lambda o=o: with_jax.tiny(a[:some], learner, eta, adaptive, o), some, goal)
            for name, o in scans.items()
        ),
    ]
    if not adaptive:
        others.append(Entry("torch (first rounds)", lambda: with_torch.tiny(a[:few], learner, eta), few))
    name = {"ogd": "OGD on a ball", "adagrad": "AdaGrad on a box"}[learner]
    case = f"{name}, d = {d}, {'adaptive' if adaptive else 'oblivious'}"
    ours = Entry("oco", lambda: play(a, learner, adaptive, n), n)
    return contest("W3", case, ours, others, options, cache(lambda n: play(a, learner, adaptive, n)()))


@numba.njit(error_model="numpy")
def by_hand_ogd(a: Any, eta: float, adaptive: bool) -> Any:
    """OGD on the unit ball as one would write it for this case alone: cumulative loss and sum of gradients."""
    n, d = a.shape
    x, total, g, loss = np.zeros(d), np.zeros(d), np.zeros(d), 0.0
    for t in range(n):
        z = 0.0
        for i in range(d):
            g[i] = (1.0 if x[i] >= 0.0 else -1.0) / math.sqrt(d) if adaptive else a[t, i]
            z += g[i] * x[i]
        loss += z
        square = 0.0
        for i in range(d):
            total[i] += g[i]
            x[i] -= eta * g[i]
            square += x[i] * x[i]
        if square > 1.0:
            size = 1.0 / math.sqrt(square)
            for i in range(d):
                x[i] *= size
    return loss, total


@numba.njit(error_model="numpy")
def by_hand_adagrad(a: Any, eta: float, adaptive: bool) -> Any:
    """AdaGrad on the box [-1, 1]^d, likewise."""
    n, d = a.shape
    x, s, total, g, loss = np.zeros(d), np.zeros(d), np.zeros(d), np.zeros(d), 0.0
    for t in range(n):
        z = 0.0
        for i in range(d):
            g[i] = (1.0 if x[i] >= 0.0 else -1.0) / math.sqrt(d) if adaptive else a[t, i]
            z += g[i] * x[i]
        loss += z
        for i in range(d):
            total[i] += g[i]
            s[i] += g[i] * g[i]
            x[i] = min(max(x[i] - eta * g[i] / math.sqrt(s[i]), -1.0), 1.0)
    return loss, total


def step_from_python(options: Options) -> Row:
    """One Player.update from a loop in Python."""
    player, g, n = oco.Player(oco.OGD(0.01), 2, oco.Ball()), np.array([1.0, -1.0]), options.size(20_000, 100)
    player.update(g)
    each = []
    for _ in range(options.rounds):
        began = time.perf_counter()
        for _ in range(n):
            player.update(g)
        each.append((time.perf_counter() - began) / n)
    micro = median(each)
    return Row("W3", "one step from Python, microseconds", "oco", micro * 1e6, 1.0, at_most=True, ours=micro)
