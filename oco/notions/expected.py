"""Expected regret of a randomised learner, estimated from plays with different seeds of its own."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from oco.notions.rounds import theorems
from oco.protocols import Vector
from oco.regret import Run
from oco.streams import is_adaptive

GAME = ("stream", "seed", "domain", "loss_function", "penalty")


class Estimate(NamedTuple):
    """An estimate of the mean regret at every checkpoint: low and high are the ends of a confidence interval, (K,).

    The interval is Student's t, mean -+ quantile * standard deviation / sqrt(plays), widened by the certified
    intervals of the regrets; it is no certificate, and covers each checkpoint by itself, not all at once.
    """

    t: NDArray[np.int64]
    mean: Vector
    low: Vector
    high: Vector
    confidence: float
    plays: int
    sense: str  # what is estimated
    bounds: dict[str, Any]  # the learner's "expected" bounds, in the mean over the plays


def expected_regret(runs: Sequence[Run], confidence: float = 0.95) -> Estimate:
    """E[sum_t f_t(x_t) - min_u sum_t f_t(u)] over the learner's randomness, from plays of the same stream.

    runs: oco.play(stream, [learner._replace(seed=k) for k in range(plays)], ...), two plays or more. On an oblivious
    stream the best fixed decision does not depend on the learner, and this is the pseudo-regret
    max_u E[sum_t f_t(x_t) - f_t(u)] too. Against an adaptive adversary it is only an upper bound of the pseudo-regret,
    and neither of them is policy regret: the losses of u are those that the adversary chose against x_1, x_2, ..., not
    those that it would have chosen against u.
    """
    from scipy.stats import t as student

    n = len(runs)
    if n < 2 or not 0.0 < confidence < 1.0:
        raise ValueError(f"{n} plays, confidence {confidence}: need two plays or more, and a number between 0 and 1")
    first = runs[0]
    if len({repr(run.learner) for run in runs}) < n:
        raise ValueError("two of the plays have the same learner and seed: give learner._replace(seed=k)")
    for run in runs[1:]:
        same = type(run.learner) is type(first.learner) and np.array_equal(run.t, first.t)
        if not (same and all(repr(getattr(run, part)) == repr(getattr(first, part)) for part in GAME)):
            raise ValueError(f"{run.name} and {first.name} are not plays of one kind of learner in the same game")
    lows, highs = (np.array([getattr(run.regret, end) for run in runs]) for end in ("low", "high"))
    middles = (lows + highs) / 2.0
    margin = student.ppf(0.5 + confidence / 2.0, n - 1) * middles.std(axis=0, ddof=1) / np.sqrt(n)
    adaptive = is_adaptive(first.stream)
    sense = "expected regret, adaptive adversary (not policy regret)" if adaptive else "expected and pseudo-regret"
    ends = lows.mean(axis=0) - margin, highs.mean(axis=0) + margin
    promised = [theorems(run, "expected") for run in runs]
    bounds = {name: np.mean([values[name] for values in promised], axis=0) for name in promised[0]}
    return Estimate(first.t, middles.mean(axis=0), *ends, confidence, n, sense, bounds)
