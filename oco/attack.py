"""Theorems under attack: the largest ratios of regret to each bound, over all trials and by search."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np

from oco.bounds import bounds_of, ratios
from oco.domains import Ball, Box, Simplex, Space
from oco.fit import check_fit
from oco.losses import LOSSES, NegativeLog
from oco.notions import dynamic_regret, expected_regret, interval_regrets, regret_by_norm, switching_regret
from oco.play import BrokenPlayError
from oco.protocols import Matrix
from oco.regret import Run
from oco.trials import Trial, trials
from oco.worst import worst

SEEDS = 20  # plays whose mean is held to an expected bound
NORMS = (0.01, 0.3, 1.0, 10.0)
SWITCHES = (1, 3)
BLOCKS = 5  # stretches of the path of comparators

# The largest ratios that an independent check of the formulas found, in plain NumPy on streams of the same kinds and by
# search over short sequences; a bound without an entry was not part of it.
SHEET = {
    "ogd-data": 1.0,
    "ogd-worst": 1.0,
    "ogd-trajectory": 1.0,
    "ogd-dynamic": 1.0,
    "ogd-sqrt-data": 0.815,
    "ogd-sqrt-worst": 0.943,
    "ogd-sqrt-trajectory": 1.0,
    "adagrad-norm-data": 0.760,
    "adagrad-norm-trajectory": 1.0,
    "ogd-convex-data": 1.0,
    "leader-data": 1.0,
    "dual-averaging-data": 1.0,
    "minimax-ball-data": 1.0,
    "minimax-ball-worst": 1.0,
    "adagrad-data": 0.891,
    "adagrad-trajectory": 1.0,
    "adagrad-widths-data": 0.760,
    "adagrad-fobos-data": 0.766,
    "adagrad-fobos-trajectory": 0.976,
    "rda-worst": 0.749,
    "rda-trajectory": 0.994,
    "adagrad-rda-data": 0.753,
    "adagrad-rda-trajectory": 0.990,
    "ftrl-proximal-data": 0.751,
    "ftrl-proximal-trajectory": 0.998,
    "full-matrix-data": 0.717,
    "full-matrix-trajectory": 0.992,
    "full-matrix-da-data": 0.723,
    "full-matrix-da-trajectory": 0.899,
    "sketch-data": 0.731,
    "sketch-trajectory": 0.961,
    "sketch-spectrum": 0.491,
    "ftrl-lagged": 0.994,
    "ftrl-data": 0.941,
    "solo-data": 0.676,
    "solo-trajectory": 0.909,
    "optimistic-data": 1.0,
    "optimistic-errors": 0.913,
    "adaptive-optimistic-steps": 0.536,
    "adaptive-optimistic-data": 0.479,
    "optimistic-ftrl-lagged": 0.901,
    "optimistic-ftrl-data": 0.715,
    "newton-data": 0.966,
    "newton-logdet": 0.803,
    "newton-worst": 0.545,
    "forward-data": 1.0,
    "forward-logdet": 1.0,
    "hedge-hoeffding": 0.964,
    "hedge-second-order": 0.981,
    "hedge-trajectory": 1.0,
    "hedge-anytime-worst": 0.775,
    "hedge-anytime-trajectory": 0.903,
    "adahedge-gap": 1.0,
    "adahedge-variance": 0.687,
    "adahedge-best": 0.541,
    "adahedge-worst": 0.621,
    "ml-prod-data": 0.318,
    "ml-poly-data": 0.595,
    "boa-data": 0.966,
    "squint-data": 0.864,
    "fixed-share-switching": 0.876,
    "fixed-share-trajectory": 0.989,
    "kt-experts-data": 0.900,
    "kt-experts-closed": 0.319,
    "universal-data": 1.0,
    "eg-data": 0.450,
    "eg-worst": 0.147,
    "ons-portfolio-trajectory": 0.259,
    "kt-data": 1.0,
    "kt-conjugate": 1.0,
    "kt-closed": 0.966,
    "kt-norm": 1.0,
    "kt-bounded-data": 1.0,
    "cocob-data": 0.845,
    "ader-dynamic": 0.993,
    "ader-tuned": 0.285,
    "saol-interval": 0.013,
    "cbce-interval": 0.522,
    "exp3-expected": 0.525,
    "fkm-expected": 0.345,
    "momentum-trajectory": 1.0,
    "rmsprop-trajectory": 0.996,
    "adam-trajectory": 1.0,
    "amsgrad-trajectory": 1.0,
    "amsgrad-data": 0.699,
    "adam-variation": 0.784,
}


def attack(learner: Any, rounds: int, evaluations: int, seed: int) -> dict[str, dict[str, float | None]]:
    """Of every bound the largest ratio over all trials, the largest found by search, and the sheet's; None: not tried.

    A ratio is above 1 only where the bound was exceeded by more than rounding.
    """
    kinds = {bound.name: bound.kind for bound in bounds_of(learner) if bound.kind not in ("lower", "expected-lower")}
    streams: dict[str, float] = {}
    for _, trial in trials(learner):
        for name, ratio in tried(trial, rounds, seed).items():
            streams[name] = max(streams.get(name, -np.inf), ratio)
    found = searched(learner, evaluations, seed)
    return {
        name: {"streams": _finite(streams.get(name)), "search": _finite(found.get(name)), "sheet": SHEET.get(name)}
        for name in kinds
    }


def _finite(ratio: float | None) -> float | None:
    """A bound that was never finite and positive was not tried."""
    return None if ratio is None or ratio == -np.inf else ratio


def tried(trial: Trial, rounds: int, seed: int) -> dict[str, float]:
    """The largest ratios in one game, for bounds of every kind."""
    try:
        run = trial.run(rounds=rounds, seed=seed, audit=True, compiled=False)
    except BrokenPlayError:  # an infinite loss in the first round
        return {}
    kinds = {bound.name: bound.kind for bound in bounds_of(run.learner)}
    low, high = run.regret
    found: dict[str, float] = {}
    for name, bound in run.bounds().items():
        # Trajectory bounds, and all on unbounded domains, were evaluated at the comparators that were found.
        everywhere = run.domain.bounded and kinds[name] != "trajectory"
        found[name] = largest(np.where(np.isfinite(low), high if everywhere else low, -np.inf), bound)
    for regret, bounds in finer(trial, run, set(kinds.values()), rounds, seed):
        for name, bound in bounds.items():
            found[name] = max(found.get(name, -np.inf), largest(regret, bound))
    return found


def largest(regret: Any, bound: Any) -> float:
    """The largest of the ratios."""
    return float(ratios(regret, bound).max())


def finer(trial: Trial, run: Run, kinds: set[str], rounds: int, seed: int) -> Iterator[tuple[Any, dict[str, Any]]]:
    """Regret in the senses that the learner has theorems about, with their values."""
    bounded = run.domain.bounded
    if "dynamic" in kinds and bounded:
        against = dynamic_regret(run, path_of_blocks(run))
        yield against.low, against.bounds
    if "switching" in kinds:
        for switches in SWITCHES:
            against = switching_regret(run, switches)
            yield against.high, against.bounds
    if "interval" in kinds and bounded:
        intervals = interval_regrets(run, "geometric")
        yield intervals.high, intervals.bounds
    if "norm" in kinds:
        against = regret_by_norm(run, NORMS)
        yield against.high, against.bounds
    if "expected" in kinds:
        learners = [run.learner._replace(seed=k) for k in range(SEEDS)]
        runs = [trial._replace(learner=one).run(rounds=rounds, seed=seed, compiled=False) for one in learners]
        estimate = expected_regret(runs)
        yield estimate.mean, estimate.bounds


def path_of_blocks(run: Run) -> Matrix:
    """In every stretch of rounds the point that is best against its gradients."""
    g = run.history.g if run.history is not None else np.zeros((run.rounds, run.d))
    edges = np.linspace(0, run.rounds, BLOCKS + 1).astype(int)
    points = [run.domain.minimiser(g[a:b].sum(axis=0)) for a, b in pairwise(edges)]
    return np.repeat(points, np.diff(edges), axis=0)


def searched(learner: Any, evaluations: int, seed: int) -> dict[str, float]:
    """The largest ratios by search on short sequences, one coordinate on a box, two elsewhere."""
    if getattr(learner, "bandit", False):
        return {}
    claimed = getattr(learner, "losses", ("Linear",))
    loss = next(loss() for loss in LOSSES.values() if loss.__name__ in claimed)
    for domain, d in ((Box(), 1), (Ball(), 2), (Simplex(), 2), (Space(), 1)):
        if isinstance(loss, NegativeLog) and not isinstance(domain, Simplex):
            continue
        try:
            check_fit(learner, domain, loss)
            found = worst(learner, domain=domain, loss=loss, d=d, rounds=16, seed=seed, evaluations=evaluations)
        except ValueError:  # not for this domain, or no step by theorem there
            continue
        return {name: case.ratio for name, case in found.items()}
    return {}
