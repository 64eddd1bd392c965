"""Small games for the tests of studies, learners that fail in chosen cells, and tables compared."""

import math
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import oco
from oco.protocols import THEORY, declare

ROOT = Path(__file__).parents[1]
NAMES = ("ogd-sqrt", "adagrad:eta=0.5")

TOML = """
rounds = {rounds}
seeds = {seeds}
domain = "box"
[[learner]]
name = "ogd-sqrt"
[[learner]]
name = "adagrad"
eta = 0.5
[[stream]]
name = "signs"
d = [2, 3]
"""


def tiny(**changes: Any) -> oco.Study:
    """Two learners on two streams; with TOML the same runs."""
    learners = oco.grid(oco.OGDSqrt) | oco.grid(oco.AdaGrad, eta=0.5)
    streams = oco.grid(oco.RandomSigns, d=[2, 3])
    given = {"learners": learners, "streams": streams, "rounds": 40, "seeds": 3, "domain": oco.Box()}
    return oco.Study(**(given | changes))


def same(one: oco.Table, two: oco.Table) -> bool:
    """Whether two tables are equal to the last bit, but for the time that runs took."""
    if list(one) != list(two) or one.rows != two.rows:
        return False
    return all(
        one[name].dtype == two[name].dtype and one[name].tobytes() == two[name].tobytes()
        for name in one
        if name != "seconds"
    )


def lines(folder: Path) -> int:
    """Runs that were written down, anew ones included."""
    log = folder / "runs.log"
    return log.read_bytes().count(b"\n") if log.is_file() else 0


def command(*arguments: Any) -> list[str]:
    return [sys.executable, "-m", "oco", "study", *map(str, arguments)]


def start(*arguments: Any) -> "subprocess.Popen[str]":
    """A real `oco study`."""
    return subprocess.Popen(command(*arguments), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@declare(lazy=True)
class Sick(NamedTuple):
    """Gradient descent; bad = 1: a decision that is NaN from round 4 on."""

    bad: float = 0.0

    def rule(self, now: Any, g: float, x: float, s: float) -> tuple[float, float]:
        step = 0.1 * g / math.sqrt(now.t)
        return (x - step + (math.nan if self.bad > 0.0 and now.t >= 3 else 0.0)), s


class Failing(NamedTuple):
    """Gradient descent that raises before round 1 where d is `at`."""

    eta: float = THEORY
    at: int = 3

    def rule(self, now: Any, g: float, x: float, s: float) -> tuple[float, float]:
        return x - self.eta * g, s

    def tune(self, setting: Any) -> "Failing":
        if setting.d == self.at:
            raise RuntimeError(f"no idea of {setting.d} coordinates")
        return self._replace(eta=0.1)


class Deadly(NamedTuple):
    """Gradient descent that kills its process where d is `at`: while the file $OCO_TEST_ALIVE is there, or always."""

    eta: float = THEORY
    at: int = 3
    always: int = 0

    def rule(self, now: Any, g: float, x: float, s: float) -> tuple[float, float]:
        return x - self.eta * g, s

    def tune(self, setting: Any) -> "Deadly":
        if setting.d == self.at:
            alive = Path(os.environ["OCO_TEST_ALIVE"])
            if self.always or alive.exists():
                alive.unlink(missing_ok=True)
                os.kill(os.getpid(), signal.SIGKILL)
        return self._replace(eta=0.1)
