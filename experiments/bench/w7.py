"""W7: the best fixed decision at every checkpoint, certified, against solving the last one alone."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

import oco
from experiments.bench import data, with_sklearn
from experiments.bench.contest import Entry, Options, contest, why
from experiments.bench.rows import Row
from oco._twins import settled
from oco.game import checkpoints
from oco.hindsight.bracket import Best
from oco.hindsight.comparators import Hindsight
from oco.streams import as_block, head

L2 = 1.0  # the penalty of all rounds together
TOLERANCES = 10.0 ** -np.arange(2.0, 12.0, 0.5)
GOALS = {"liblinear": 3.0}  # at most so many times the time of this solver of scikit-learn


def rows(options: Options) -> Iterator[Row]:
    try:
        matrix, y = data.a9a()
        n = options.size(len(y), 1000)
        yield from _case("a9a", matrix[:n], y[:n], ("liblinear", "lbfgs", "newton-cholesky"), options)
    except OSError:
        yield Row("W7", "a9a", "a9a (missing: set OCO_DATA to the folder that holds a9a/a9a.gz)")
    bits = options.size(18, 10)
    matrix, y = data.hashed_words(options.size(200_000, 500), bits)
    yield from _case(f"hashed words, d = 2^{bits}", matrix, y, ("liblinear",), options)


def best(matrix: Any, y: np.ndarray) -> list[Best]:
    """Enclosures of min_u sum_t ln(1 + exp(-y_t <a_t, u>)) + (t / T) (L2 / 2) |u|^2 at `play`'s checkpoints t.

    As `play` has them made: it puts the rounds aside, and asks when a regret is asked for. No learner plays here: its
    rounds would take longer than all else, as the penalty moves every coordinate in each.
    """
    rounds, t = as_block(matrix, y, "W7"), 0
    hindsight = Hindsight(oco.Logistic(), oco.Space(), penalty=oco.Penalty(l2=L2 / len(y)))
    for upcoming in checkpoints():
        hindsight.see(head(rounds, t, min(upcoming, len(y))), lasting=True)
        hindsight.mark()
        t = upcoming
        if t >= len(y):
            with settled():
                return hindsight.solve()
    raise AssertionError("checkpoints never end")


def _case(name: str, matrix: Any, y: np.ndarray, solvers: Sequence[str], options: Options) -> list[Row]:
    found = best(matrix, y)
    last, width = found[-1], max((one.upper - one.lower) / one.upper for one in found)
    case = f"{name}, {len(y)} rounds, {len(found)} checkpoints within {width:.0e}"
    others, missing = [], []
    for solver in solvers:
        try:
            tolerance, excess = _tolerance(matrix, y, solver, last)
        except ImportError as absent:
            missing.append(Row("W7", case, f"{solver} ({why(absent)})"))
            continue
        peer = f"{solver}, the last one alone, tol {tolerance:.0e}, within {excess:.0e}"
        others.append(Entry(peer, _build(matrix, y, solver, tolerance), 1, GOALS.get(solver), at_most=solver in GOALS))
    ours = Entry("oco", lambda: lambda: best(matrix, y), 1)
    return [*missing, *(contest("W7", case, ours, others, options) if others else [])]


def _build(matrix: Any, y: np.ndarray, solver: str, tolerance: float) -> Callable[[], Callable[[], Any]]:
    return lambda: with_sklearn.best(matrix, y, L2, solver, tolerance)


def _tolerance(matrix: Any, y: np.ndarray, solver: str, ours: Best) -> tuple[float, float]:
    """The solver's largest tolerance that gives ours' certified accuracy, and the accuracy it gave."""
    for tolerance in TOLERANCES:
        u = with_sklearn.best(matrix, y, L2, solver, tolerance)()
        value = np.logaddexp(0.0, -y * (matrix @ u)).sum() + 0.5 * L2 * u @ u
        excess = float(value - ours.lower) / ours.upper
        if value <= ours.upper:
            break
    return float(tolerance), excess
