"""Losses on which one learner fails: the leader, Adam. Linear on [-1, 1], one coordinate, x_1 given."""

import math
from typing import Any, NamedTuple

import numpy as np

from oco.bounds import bound
from oco.domains import Box
from oco.losses import Linear
from oco.protocols import Vector, declare
from oco.streams.signs import is_linear


@declare(loss=Linear(), d=1, norm=1.0)
class LeaderBreaker(NamedTuple):
    """Breaks follow-the-leader: x / 2, then -x, x, -x, ...: the leader of the past is always wrong by one."""

    def examples(self, rng: np.random.Generator, t: Any, target: Any) -> tuple[Any, Vector]:
        a = np.where(t == 1, 0.5, np.where(t % 2 == 0, -1.0, 1.0))
        return a[:, None], np.zeros(len(t))

    @bound("leader-lower", "lower", "t - 1/2, exactly, for follow-the-leader on [-1, 1] from 0")
    def value(self, run: Any) -> Vector:
        fooled = type(run.learner).__name__ == "FollowTheLeader" and is_linear(run) and _on_segment(run, 0.0)
        return run.t - 0.5 if fooled else run.t * math.nan


@declare(loss=Linear(), d=1, positive=("C", "period", "scale"))
class AdamBreaker(NamedTuple):
    """Breaks Adam: C x in the first round of every period, -x in its others; Adam forgets C and stays at +1.

    Reddi, Kale and Kumar 2018. Theorem 1: period 3, C > 2, and Adam(eta, 0, 1 / (1 + C^2), eps=0, decay=True,
    correct=False) with eta < sqrt(1 - beta2) from x_1 = 1 on [-1, 1] is at 1 again after every period. Then it loses
    at least C - (period - 1) a period and x = -1 the negative of that: regret >= 2 (C - period + 1) floor(t / period).
    Theorem 2: for any beta1 < sqrt(beta2) a longer period = C does it; see `breaker_of`. The paper's experiment is
    AdamBreaker(101, 101, 10). AMSGrad and AdaGrad keep their bounds.
    """

    C: float = 4.0
    period: int = 3
    scale: float = 1.0

    @property
    def norm(self) -> float:
        return self.scale * max(1.0, self.C)

    def examples(self, rng: np.random.Generator, t: Any, target: Any) -> tuple[Any, Vector]:
        a = self.scale * np.where((t - 1) % self.period == 0, self.C, -1.0)
        return a[:, None], np.zeros(len(t))

    @bound("adam-lower", "lower", "Reddi, Kale, Kumar 2018, Theorem 1: (2 C - 4) floor(T / 3) for Adam from 1")
    def value(self, run: Any) -> Vector:
        fooled = type(run.learner).__name__ == "Adam" and is_linear(run) and _on_segment(run, 1.0)
        if not (fooled and self.C > 2.0 and self.period == 3 and self._theorem1(run.learner)):
            return run.t * math.nan
        return 2.0 * self.scale * (self.C - 2.0) * (run.t // 3)

    def _theorem1(self, adam: Any) -> bool:
        form = adam.beta1 == 0.0 and adam.eps == 0.0 and adam.decay and not adam.correct
        memory = math.isclose(adam.beta2, 1.0 / (1.0 + self.C**2), rel_tol=1e-12)
        return form and memory and bool(adam.eta < math.sqrt(1.0 - adam.beta2))


def breaker_of(beta1: float, beta2: float) -> AdamBreaker:
    """The shortest stream of Theorem 2's family for Adam with these parameters: an even period C such that

    (1 - beta1) beta1^{C-1} C <= 1 - beta1^{C-1},  beta2^{(C-2)/2} C^2 <= 1 and, with r = beta1 / sqrt(beta2) < 1,
    3 (1 - beta1) / (2 sqrt(1 - beta2)) (1 + r (1 - r^{C-1}) / (1 - r)) + beta1^{C/2-1} / (1 - beta1) < C / 3.
    Adam's average regret then stays above a constant, 2 / C a round, from some round on.
    """
    r = beta1 / math.sqrt(beta2)
    if not r < 1.0:
        raise ValueError(f"breaker_of: beta1 = {beta1} must be below sqrt(beta2) = {math.sqrt(beta2):.6g}")
    C = 4
    while not (
        (1.0 - beta1) * beta1 ** (C - 1) * C <= 1.0 - beta1 ** (C - 1)
        and (C - 2) / 2.0 * math.log(beta2) + 2.0 * math.log(C) <= 0.0
        and 1.5 * (1.0 - beta1) / math.sqrt(1.0 - beta2) * (1.0 + r * (1.0 - r ** (C - 1)) / (1.0 - r))
        + beta1 ** (C / 2 - 1) / (1.0 - beta1)
        < C / 3.0
    ):
        C += 2
    return AdamBreaker(float(C), C)


@declare(loss=Linear(), d=1, positive=("C", "delta", "scale"))
class AdamLottery(NamedTuple):
    """Breaks Adam on average: C x with probability (1 + delta) / (C + 1), else -x; the mean loss is delta x.

    Reddi, Kale and Kumar 2018, Theorem 3: for any beta1 < sqrt(beta2) and C large enough Adam's expected regret is
    linear, though x = -1 is best on average. The defaults are their experiment: 1010 x in 1 round of 100, else -10 x.
    """

    C: float = 101.0
    delta: float = 0.02
    scale: float = 10.0

    @property
    def norm(self) -> float:
        return self.scale * max(1.0, self.C)

    def examples(self, rng: np.random.Generator, t: Any, target: Any) -> tuple[Any, Vector]:
        drawn = rng.random(len(t)) < (1.0 + self.delta) / (self.C + 1.0)
        return self.scale * np.where(drawn, self.C, -1.0)[:, None], np.zeros(len(t))


def _on_segment(run: Any, start: float) -> bool:
    """On [-1, 1], from x_1 = start."""
    box = isinstance(run.domain, Box) and np.all(run.domain.lower == -1.0) and np.all(run.domain.upper == 1.0)
    return bool(box and np.all(run.start == start))
