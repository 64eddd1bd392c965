"""Online to batch: the average of a run's decisions as a predictor, and how good it must be.

Where the losses f_1, f_2, ... are drawn independently from one law with mean F, and each of x_1, ..., x_t is chosen
before its loss is seen, the average decision has F(average) - F(u) <= R_t(u) / t in the mean, for every u
(Cesa-Bianchi, Conconi and Gentile 2004). If |f_s(x) - f_s(u)| <= D G for all x and u, then with probability 1 - p it is
at most R_t(u) / t + D G sqrt(2 ln(1 / p) / t) (Azuma's inequality).
"""

import math
from typing import Any

import numpy as np

from oco.bounds import lipschitz
from oco.protocols import Matrix, Vector


def averages(run: Any) -> Matrix:
    """The mean of x_1, ..., x_t at every checkpoint of an audited run, (K, d)."""
    if run.history is None:
        raise ValueError(f"{run.name}: averages need the decisions of every round; play(..., audit=True) keeps them")
    return np.asarray(np.cumsum(run.history.x, axis=0)[run.t - 1] / run.t[:, None])


def excess(run: Any) -> Vector:
    """What F(average) - min F is at most in the mean, at every checkpoint: the mean of this over runs, R_t / t."""
    return np.asarray(run.regret.high / run.t)


def excess_within(run: Any, failure: float) -> Vector:
    """What F(average) - min F is at most with probability 1 - failure; infinite on unbounded domains."""
    if not 0.0 < failure < 1.0:
        raise ValueError(f"failure = {failure} must be a probability, between 0 and 1")
    widest = run.domain.diameter(run.d) * lipschitz(run)
    return excess(run) + widest * np.sqrt(2.0 * math.log(1.0 / failure) / run.t)
