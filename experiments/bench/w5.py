"""W5: Hedge over a thousand experts."""

from collections.abc import Callable, Iterator
from functools import cache

import numpy as np

import oco
from experiments.bench import data, limits, with_jax, with_numpy, with_torch
from experiments.bench.contest import Entry, Options, contest
from experiments.bench.ours import played
from experiments.bench.rows import Row


def rows(options: Options) -> Iterator[Row]:
    losses = data.losses(options.size(100_000, 400), options.size(1000, 50))
    yield from _case(losses, 2.0, 4.0, "eta 2, losses in [0, 1]", options)
    yield from _case(losses, 0.02, 6.5, "eta 0.02, losses in [0, 1]", options)
    yield Row("W5", "PyNOL", "PyNOL (missing: not on PyPI, and not measured)")


def play(losses: np.ndarray, eta: float, n: int) -> Callable[[], float]:
    stream = oco.Data(losses[:n], np.zeros(n))
    return played(stream, oco.Hedge(eta, spread=1.0), loss=oco.Linear(), domain=oco.Simplex())


def _case(losses: np.ndarray, eta: float, goal: float, case: str, options: Options) -> list[Row]:
    n, some = len(losses), options.size(5000, 100)
    first = losses[:some]
    others = [
        Entry("limit: read losses, r+w two numbers an expert", lambda: limits.hedge_traffic(losses), n, limit=True),
        *(
            Entry(f"JAX scan, {form} (first rounds)", lambda f=form: with_jax.hedge(first, eta, f), some, goal)
            for form in ("multiplicative", "softmax")
        ),
        Entry("NumPy loop (first rounds)", lambda: with_numpy.hedge(first, eta), some, goal),
        Entry("torch softmax (first rounds)", lambda: with_torch.hedge(first, eta), some, goal),
    ]
    ours = Entry("oco", lambda: play(losses, eta, n), n)
    return contest(
        "W5", f"N = {losses.shape[1]}, {case}", ours, others, options, cache(lambda n: play(losses, eta, n)())
    )
