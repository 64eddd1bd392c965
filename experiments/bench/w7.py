"""W7: the best fixed decision at some thirty checkpoints, certified, against solving the last one alone."""

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np

import oco
from experiments.bench import data, with_sklearn
from experiments.bench.contest import Entry, Options, contest, why
from experiments.bench.rows import Row

PRECISION = 1e-7  # width of the certified interval, relative
TOLERANCES = 10.0 ** -np.arange(1, 13)
SOLVERS = {"liblinear": 3.0, "lbfgs": None, "newton-cholesky": None}  # of scikit-learn, with the goal
LARGEST = 2000  # columns that newton-cholesky's d x d matrices allow


def rows(options: Options) -> Iterator[Row]:
    try:
        matrix, y = data.a9a()
        yield from _case("a9a", *_head(matrix, y, options.size(len(y), 1000)), options)
    except OSError:
        yield Row("W7", "a9a", "a9a (missing: set OCO_DATA to the folder that holds a9a/a9a.gz)")
    bits = options.size(18, 10)
    yield from _case(f"hashed words, d = 2^{bits}", *data.hashed_words(options.size(10_000, 500), bits), options)


def _head(matrix: Any, y: np.ndarray, n: int) -> tuple[Any, np.ndarray]:
    return matrix[:n], y[:n]


def _case(name: str, matrix: Any, y: np.ndarray, options: Options) -> list[Row]:
    """Sum of logistic losses + |u|^2 / 2 at the last checkpoint."""
    game = {"loss": oco.Logistic(), "penalty": oco.Penalty(l2=1.0 / len(y))}
    run = oco.play(oco.Data(matrix, y), oco.OGD(0.01), **game)[0]
    # Asked for a higher precision it solves all checkpoints again.
    precisions = (PRECISION * 0.999**k for k in itertools.count())
    best = run.solve(next(precisions))[-1]
    case = f"{name}, {len(y)} rounds, {len(run.t)} checkpoints within {(best.upper - best.lower) / best.upper:.0e}"
    others, found = [], []
    for solver, goal in SOLVERS.items():
        if solver == "newton-cholesky" and matrix.shape[1] > LARGEST:
            continue
        try:
            tolerance, excess = _tolerance(matrix, y, solver, best)
        except ImportError as missing:
            found.append(Row("W7", case, f"{solver} ({why(missing)})"))
            continue
        peer = f"{solver}, the last one alone, tol {tolerance:.0e}, within {excess:.0e}"
        call = with_sklearn.best(matrix, y, 1.0, solver, tolerance)
        others.append(Entry(peer, lambda call=call: call, 1, goal, at_most=goal is not None))
    ours = Entry("oco", lambda: lambda: run.solve(next(precisions)), 1)
    return [*found, *(contest("W7", case, ours, others, options) if others else [])]


def _tolerance(matrix: Any, y: np.ndarray, solver: str, best: Any) -> tuple[float, float]:
    """The solver's largest tolerance that gives ours' certified accuracy, and the accuracy it gave."""
    for tolerance in TOLERANCES:
        u = with_sklearn.best(matrix, y, 1.0, solver, tolerance)()
        value = np.logaddexp(0.0, -y * (matrix @ u)).sum() + 0.5 * u @ u
        excess = float(value - best.lower) / best.upper
        if excess <= (best.upper - best.lower) / best.upper:
            break
    return float(tolerance), excess
