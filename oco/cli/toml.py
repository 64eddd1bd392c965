"""Studies written as TOML: the same content as a call of `oco.Study`."""

import tomllib
from pathlib import Path
from typing import Any

from oco.cli.parts import build, check, find, penalty
from oco.domains import DOMAINS
from oco.learners import LEARNERS
from oco.losses import LOSSES, Logistic
from oco.streams import STREAMS, File
from oco.study import Study, grid

GAME: dict[str, Any] = {
    "rounds": int,
    "seeds": int,
    "seed": int,
    "domain": str,
    "loss": str,
    "penalty": str,
    "audit": bool,
    "learner": list,
    "stream": list,
}
FILE: dict[str, Any] = {"data": (str, list), "labels": list, "bits": int}
WANTED: dict[Any, str] = {
    int: "a whole number",
    str: "text",
    bool: "true or false",
    list: "a list, of tables where it is written [[learner]] or [[stream]]",
    (str, list): "a path or a list of paths",
}


def read(path: Path) -> Study:
    """The study that a TOML file describes; ValueError says what is wrong and where."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except ValueError as problem:
        raise ValueError(f"{path}: {problem}") from None
    place = str(path)
    try:
        _check_keys(content, GAME)
        parts: dict[str, dict[str, Any]] = {"learner": {}, "stream": {}}
        for noun, found in parts.items():
            for number, entry in enumerate(content.pop(noun, []), 1):
                place = f"{path}: {noun} {number}"
                added = _grid(entry, noun, path.parent)
                twice = next((label for label in added if label in found), None)
                if twice:
                    raise ValueError(f"{twice} is there twice: give one of them a label")
                found.update(added)
        place = str(path)
        if "loss" in content:
            content["loss"] = build(content["loss"], LOSSES, "loss")
        elif all(isinstance(stream, File) for stream in parts["stream"].values()):
            content["loss"] = Logistic()
        if "domain" in content:
            content["domain"] = build(content["domain"], DOMAINS, "domain")
        content["penalty"] = penalty(content.get("penalty"))
        return Study(parts["learner"], parts["stream"], **content)
    except (ValueError, TypeError) as problem:
        raise ValueError(f"{place}: {problem}") from None


def _check_keys(entry: dict[str, Any], known: dict[str, Any]) -> None:
    for key, value in entry.items():
        wanted = find(key, known, "key")
        if not isinstance(value, wanted) or (isinstance(value, bool) and wanted is not bool):
            raise ValueError(f"{key} = {value!r} must be {WANTED[wanted]}")


def _grid(entry: Any, noun: str, folder: Path) -> dict[str, Any]:
    """The parts of one [[learner]] or [[stream]]."""
    if not isinstance(entry, dict):
        raise ValueError(f"write a table: [[{noun}]]")
    entry = dict(entry)
    label = entry.pop("label", None)
    if label is not None and not (isinstance(label, str) and label and ":" not in label):
        raise ValueError(f"label = {label!r} must be text without a colon")
    if noun == "stream" and "data" in entry:
        return _files(entry, label, folder)
    if not isinstance(entry.get("name"), str):
        raise ValueError(f'it needs a name, as in name = "..."{" or a file, data = ..." if noun == "stream" else ""}')
    name = entry.pop("name")
    kind = find(name, LEARNERS if noun == "learner" else STREAMS, noun)
    axes = {key: [None if item == "theory" else item for item in _list(value)] for key, value in entry.items()}
    for key, values in axes.items():
        for value in values:
            check(kind, {key: value}, f"{noun} {name}")
    return grid(kind, label, **axes)


def _files(entry: dict[str, Any], label: str | None, folder: Path) -> dict[str, Any]:
    _check_keys(entry, FILE)
    pair = entry.get("labels")
    if pair is not None and not (len(pair) == 2 and all(isinstance(item, (int, float)) for item in pair)):
        raise ValueError(f"labels = {pair}: two numbers are needed, [NEG, POS]")
    more: dict[str, Any] = {"labels": None if pair is None else (float(pair[0]), float(pair[1]))}
    more |= {"bits": entry["bits"]} if "bits" in entry else {}
    names = _list(entry["data"])
    paths = [folder / name for name in names]
    for path in paths:
        if not path.is_file():
            raise ValueError(f"{path}: there is no such file")
    labels = [label or path.name if len(names) == 1 or not label else f"{label}:{path.name}" for path in paths]
    return {name: File(str(path), **more) for name, path in zip(labels, paths, strict=True)}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
