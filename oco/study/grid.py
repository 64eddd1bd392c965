"""Grids: one label and one part for every combination of parameters."""

from itertools import product
from typing import Any

import numpy as np

from oco.learners import LEARNERS
from oco.streams import STREAMS

NAMES: dict[type, str] = {
    part: name for parts in (LEARNERS, STREAMS) for name, part in parts.items()
}  # as `oco list` has them


def grid(kind: Any, name: str | None = None, /, **parameters: Any) -> dict[str, Any]:
    """Parts of a class by label: {"adagrad:eta=0.1": AdaGrad(eta=0.1), ...}; grids are joined by `|`.

    A list, range or vector is an axis, whose values are combined with those of all others; anything else is one value
    (so an axis of vectors is a list of them). name: the label's first word, default the part's name in `oco list`, or
    of its class.
    """
    if not (isinstance(kind, type) and hasattr(kind, "_fields")):
        raise TypeError(f"grid: {kind!r} is not a class of parts")
    name = name or NAMES.get(kind) or kind.__name__
    unknown = [key for key in parameters if key not in kind._fields]
    if unknown:
        takes = ", ".join(kind._fields) or "none"
        raise ValueError(f"grid: {name} takes no parameter {unknown[0]!r}; its parameters: {takes}")
    axes = {key: _axis(value) for key, value in parameters.items()}
    empty = [key for key, values in axes.items() if not values]
    if empty:
        raise ValueError(f"grid: {name}: {empty[0]} has no values")
    parts: dict[str, Any] = {}
    for places in product(*(range(len(values)) for values in axes.values())):
        chosen = {key: axes[key][place] for key, place in zip(axes, places, strict=True)}
        words = [f"{key}={_word(value, place)}" for (key, value), place in zip(chosen.items(), places, strict=True)]
        label = f"{name}:{','.join(words)}" if words else name
        if label in parts:
            raise ValueError(f"grid: {label} is there twice")
        parts[label] = kind(**chosen)
    return parts


def labelled(parts: Any, noun: str) -> dict[str, Any]:
    """Parts by label, from one part, a list of parts, or what `grid` returns."""
    if isinstance(parts, dict):
        labels = dict(parts)
    else:
        several = parts if isinstance(parts, list) else [parts]
        names = [NAMES.get(type(part)) or type(part).__name__ for part in several]
        labels = {
            name if names.count(name) == 1 else f"{name}:{place}": part
            for place, (name, part) in enumerate(zip(names, several, strict=True), 1)
        }
    if not labels:
        raise ValueError(f"a study needs a {noun}: a part, a list of parts, or a grid")
    for label in labels:
        if not isinstance(label, str) or not label:
            raise TypeError(f"{noun} {label!r}: a label is a word")
    return labels


def _axis(value: Any) -> list[Any]:
    if isinstance(value, np.ndarray) and value.ndim == 1:
        return value.tolist()
    values = list(value) if isinstance(value, (list, range)) else [value]
    return [item.item() if isinstance(item, np.generic) else item for item in values]


def _word(value: Any, place: int) -> str:
    """The value as `oco play` would take it; the place on its axis for what is not a number or a name."""
    if value is None:
        return "theory"
    if isinstance(value, (bool, int, float)):
        return repr(value).removesuffix(".0").lower()
    if isinstance(value, str):
        return value
    return type(value).__name__ if hasattr(value, "_fields") and not value else f"#{place}"
