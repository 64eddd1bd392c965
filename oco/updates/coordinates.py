"""The numbers of a coordinate: x in column 0 of w (d, 1 + k), then what it remembers."""

from typing import Any, NamedTuple

from numba.core import types as nbtypes

from oco._jit import specialise
from oco.protocols import Matrix, Round, Vector


def load(w: Matrix, i: int, memory: Any, j: int = 1) -> Any:
    """What coordinate i remembers, from column j on, in the shape of `memory`: a number or a tuple of numbers."""
    return tuple(w[i, j:]) if isinstance(memory, tuple) else w[i, j]


@specialise(load)
def _load(w, i, memory, j=1):  # type: ignore[no-untyped-def]
    if not isinstance(memory, nbtypes.BaseTuple):
        return lambda w, i, memory, j=1: w[i, j]
    if len(memory) == 1:
        return lambda w, i, memory, j=1: (w[i, j],)
    return lambda w, i, memory, j=1: (w[i, j], *load(w, i, memory[1:], j + 1))


def store(w: Matrix, i: int, s: Any, j: int = 1) -> None:
    """The inverse of load: s from column j on."""
    w[i, j:] = s


@specialise(store)
def _store(w, i, s, j=1):  # type: ignore[no-untyped-def]
    if not isinstance(s, nbtypes.BaseTuple):

        def one(w, i, s, j=1):  # type: ignore[no-untyped-def]
            w[i, j] = s

        return one
    if len(s) == 1:
        return lambda w, i, s, j=1: store(w, i, s[0], j)

    def several(w, i, s, j=1):  # type: ignore[no-untyped-def]
        w[i, j] = s[0]
        store(w, i, s[1:], j + 1)

    return several


def in_precision(now: Round, w: Matrix) -> Round:
    """What a rule knows of the round, in the precision of the state: float32 arithmetic stays float32."""
    kind = w.dtype.type
    return Round(now.t, kind(now.loss), kind(now.norm2), kind(now.sumsq), kind(now.l1), kind(now.l2))


class Coordinates(NamedTuple):
    """State of a learner with a rule."""

    w: Matrix  # (d, 1 + k), or more rows, of which the rest is not used
    h: Vector  # (d,) scratch for the projection metric


def decision(state: Coordinates) -> Vector:
    """x (d,), where it lies."""
    return state.w[:, 0][: len(state.h)]
