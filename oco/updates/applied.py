"""Which of the ways of oco.updates applies a learner on a domain."""

from typing import Any

import numpy as np

from oco.penalty import NONE, Penalty
from oco.updates.by_rule import ByRule, Clipped, Drifting, Euclidean, InMetric, Still
from oco.updates.whole import Bandit, Blind, Foreseeing, Full, Itself, Lent, Scaled, Whole


def by_rule(learner: Any, domain: Any, memory: Any) -> ByRule:
    """For a learner with a rule whose coordinates remember what `memory` says of them all."""
    rest = Drifting() if hasattr(learner, "idle") else Still()
    return ByRule(learner, domain, _shape(memory), _projection(learner, domain), rest)


def whole(learner: Any, domain: Any) -> Whole:
    """For a learner with an update of its own."""
    sight = Foreseeing() if hasattr(learner, "foresee") else Blind()
    return Whole(learner, domain, sight, _feedback(learner), _shown(learner))


def _feedback(learner: Any) -> Any:
    if getattr(learner, "bandit", False):
        return Bandit()
    return Lent() if getattr(learner, "lent", False) else Full()


def _shown(learner: Any) -> Any:
    if not getattr(learner, "scaled", False):
        return Itself()
    if hasattr(learner, "foresee") or getattr(learner, "bandit", False):
        raise TypeError(
            f"{type(learner).__name__}: scaled is for learners that see gradients, and those after they decide"
        )
    return Scaled()


def _projection(learner: Any, domain: Any) -> Any:
    if domain.separable:
        return Clipped()
    even = getattr(learner, "euclidean", False) or not hasattr(learner, "metric")
    return Euclidean() if even else InMetric()


def _shape(memory: Any) -> Any:
    """What tells compiled code whether a coordinate remembers one number or several."""
    return tuple(0.0 for _ in memory) if isinstance(memory, tuple) else 0.0


def first_of(memory: Any) -> Any:
    """What the first coordinate remembers."""
    if isinstance(memory, tuple):
        return tuple(float(np.ravel(part)[0]) for part in memory)
    return float(np.ravel(memory)[0])


def told(learner: Any, penalty: Penalty) -> Penalty:
    """The part of the penalty that reaches the learner as a subgradient."""
    return penalty._replace(l1=0.0) if getattr(learner, "composite", False) else penalty


def by_support(learner: Any, domain: Any, penalty: Penalty) -> bool:
    """Whether a sparse round need only touch the coordinates of its support."""
    if not hasattr(learner, "rule") or told(learner, penalty) != NONE:
        return False
    if hasattr(learner, "idle"):
        return bool(domain.separable)
    return bool(getattr(learner, "lazy", False) and penalty == NONE)
