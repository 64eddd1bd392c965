"""What goes with what: parts are refused before round 1, in one sentence, where they do not fit or cannot be."""

import math
from pathlib import Path
from typing import Any

import numpy as np

from oco.protocols import Round, Setting, Vector


def check_fit(learner: Any, domain: Any, loss: Any = None) -> None:
    """Refuse a learner where its protocol is incomplete, or a domain or loss that it does not claim."""
    who = type(learner).__name__
    if not hasattr(learner, "rule") and not (hasattr(learner, "update") and hasattr(learner, "init")):
        raise TypeError(
            f"{who} is not a learner: missing rule(now, g, x, s), or init(x) and update(now, g, state, domain)"
        )
    missing = [need for need in getattr(learner, "needs", ()) if not hasattr(domain, need)]
    if missing:
        raise ValueError(f"{who} is not compatible with {type(domain).__name__}: missing {', '.join(missing)}")
    if getattr(learner, "bounded", False) and not domain.bounded:
        raise ValueError(f"{who} is not compatible with {type(domain).__name__}: it needs a bounded domain")
    for part, claim in ((domain, "domains"), (loss, "losses")):
        names = getattr(learner, claim, None)
        if names is not None and part is not None and type(part).__name__ not in names:
            raise ValueError(f"{who} is not compatible with {type(part).__name__}: use {' or '.join(names)}")


def check_rule(learner: Any, x: float, memory: Any) -> None:
    """Call a rule once in Python, with a zero gradient, so that what is wrong with it is said in its own words."""
    who, now = type(learner).__name__, Round(1, 0.0, 0.0, 0.0)
    try:
        with np.errstate(all="ignore"):
            returned = learner.rule(now, 0.0, x, memory)
    except ZeroDivisionError:  # 0 / 0 is a NaN in compiled code, and is told of as such
        return
    except Exception as problem:
        raise TypeError(f"{who}.rule(now, g, x, s) failed: {_told(problem)}") from problem
    if not (isinstance(returned, tuple) and len(returned) == 2 and np.shape(returned[1]) == np.shape(memory)):
        raise TypeError(f"{who}.rule(now, g, x, s) must return (x, s), with s like {memory}; it returned {returned!r}")


def check_state(learner: Any, state: Any, d: int) -> None:
    """Refuse an init(x) that does not return a NamedTuple with the decision as its x (d,)."""
    x = getattr(state, "x", None)
    if not (isinstance(state, tuple) and isinstance(x, np.ndarray) and x.shape == (d,)):
        who, what = type(learner).__name__, f"{type(state).__name__} {'without x' if x is None else 'with another x'}"
        raise TypeError(f"{who}.init(x) must return a NamedTuple with x ({d},); it returned a {what}")


def check_stream(stream: Any) -> None:
    """Refuse a stream without its number of columns, or an adversary whose reveal fails or returns no label."""
    who = type(stream).__name__
    if not (hasattr(stream, "blocks") or isinstance(getattr(stream, "d", None), (int, np.integer))):
        raise TypeError(f"{who} is not a stream: it needs d, the number of columns, a whole number")
    if not any(hasattr(stream, method) for method in ("blocks", "examples", "reveal")):
        raise TypeError(f"{who} is not a stream: missing examples(rng, t, target), or reveal(t, x, rng, memory, a)")
    if hasattr(stream, "reveal"):
        try:
            y = stream.reveal(1, np.zeros(stream.d), np.random.default_rng(0), np.zeros(stream.d), np.zeros(stream.d))
        except Exception as problem:
            raise TypeError(f"{who}.reveal(t, x, rng, memory, a) failed: {_told(problem)}") from problem
        if not isinstance(y, (int, float, np.number)):
            raise TypeError(f"{who}.reveal(t, x, rng, memory, a) must fill a and return the label, not {y!r}")


def _told(problem: Exception) -> str:
    """The error and the line where it arose."""
    trace = problem.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f" ({Path(trace.tb_frame.f_code.co_filename).name}, line {trace.tb_lineno})" if trace else ""
    return f"{type(problem).__name__}: {problem}{place}"


def tuned(learner: Any, setting: Setting) -> Any:
    """The learner with every parameter that its theorem sets."""
    if _complete(learner):
        return learner
    who = type(learner).__name__
    unset = ", ".join(name for name, value in learner._asdict().items() if value is None)
    if not hasattr(learner, "tune"):
        raise ValueError(f"{who}: a parameter is None and there is no step by theorem")
    try:
        learner = learner.tune(setting)
    except ValueError as problem:
        raise ValueError(f"{who}: {problem}; give {unset}") from None
    if setting.domain.bounded and setting.domain.diameter(setting.d) == 0.0:
        # Where there is only one point theorems set a step of 0; any other will do.
        zeros = [name for name in getattr(learner, "positive", ()) if np.all(getattr(learner, name) == 0.0)]
        learner = learner._replace(**dict.fromkeys(zeros, 1.0))
    return learner


def _complete(part: Any) -> bool:
    """Whether no parameter, of the part or of parts that it holds, is left to a theorem."""
    return all(value is not None and (not hasattr(value, "_fields") or _complete(value)) for value in part)


def check_dtype(dtype: Any) -> Any:
    """The precision of rows and coordinates as a NumPy scalar type; refuse another than float64 and float32."""
    try:
        kind = np.dtype(dtype).type
    except TypeError:
        kind = None
    if kind not in (np.float64, np.float32):
        raise ValueError(f"dtype = {dtype}: float64 or float32 is needed")
    return kind


def check_dimension(domain: Any, d: int) -> None:
    """Refuse a domain whose bounds by coordinate are for another number of coordinates."""
    for bounds in (getattr(domain, "lower", 0.0), getattr(domain, "upper", 0.0)):
        if np.ndim(bounds) and np.shape(bounds) != (d,):
            raise ValueError(
                f"{type(domain).__name__} has bounds of shape {np.shape(bounds)}, the game {d} coordinates"
            )


def check_start(domain: Any, start: Vector, d: int) -> None:
    """Refuse an x_1 that is not a point of the domain."""
    if start.shape != (d,) or not domain.contains(start):
        raise ValueError(f"start: x_1 must be a point of {domain} with {d} coordinates")


def _is_positive(value: Any) -> bool:
    """Whether a number, or all of an array, is above 0 and finite."""
    if isinstance(value, float):  # many plays are short, and NumPy takes its time with a single number
        return 0.0 < value < math.inf
    return bool(np.greater(value, 0.0).all() and np.isfinite(value).all())


def validate(part: Any) -> None:
    """Refuse numbers that a part says cannot be, by its attributes `positive`, `nonnegative`, `fraction`, `limits`."""
    who = type(part).__name__
    if not (isinstance(part, tuple) and hasattr(part, "_fields")):
        raise TypeError(f"{part!r} is not a part: a learner, loss, domain or stream is a NamedTuple")
    for name in getattr(part, "positive", ()):
        value = getattr(part, name)
        if value is not None and not _is_positive(value):
            raise ValueError(f"{who}: {name} = {value} must be a positive number")
    for name in getattr(part, "nonnegative", ()):
        if not 0 <= getattr(part, name) < math.inf:
            raise ValueError(f"{who}: {name} = {getattr(part, name)} must be a number >= 0")
    for name in getattr(part, "fraction", ()):
        if not 0 <= getattr(part, name) < 1:
            raise ValueError(f"{who}: {name} = {getattr(part, name)} must be at least 0 and below 1")
    for name, (low, high) in getattr(part, "limits", {}).items():
        if not low <= getattr(part, name) <= high:
            raise ValueError(f"{who}: {name} = {getattr(part, name)} must be in [{low:g}, {high:g}]")
    for name, hint in getattr(type(part), "__annotations__", {}).items():
        value = getattr(part, name, None)
        if hint in (int, "int") and not (isinstance(value, (int, float, np.number)) and value == int(value)):
            raise ValueError(f"{who}: {name} = {value} must be a whole number")
    if hasattr(part, "lower") and hasattr(part, "upper") and not np.all(np.asarray(part.lower) <= part.upper):
        raise ValueError(f"{who}: lower must not be above upper")
