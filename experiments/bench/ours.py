"""What is timed of `oco`: its public path, `play` with its ledger on."""

import inspect
from collections.abc import Callable
from typing import Any

import oco


def played(stream: Any, learner: Any, **game: Any) -> Callable[[], float]:
    """A whole play; the call returns the cumulative loss (of the first learner, where there are several)."""
    return lambda: float(oco.play(stream, learner, **game)[0].loss[-1])


def float32_missing() -> str | None:
    """Why this version cannot keep state in float32, or None."""
    return None if "dtype" in inspect.signature(oco.play).parameters else "oco in float32 (not in this version)"
