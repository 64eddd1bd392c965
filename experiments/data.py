"""What an experiment has computed, kept beside its figure until the code or the parameters change; real data."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from oco._cache import fingerprint
from oco.record import plain, versions
from oco.study.table import whole

Arrays = dict[str, np.ndarray]


class MissingDataError(Exception):
    """A data set is not there; the message says what to get and where to put it."""


def kept(compute: Callable[..., Arrays], file: Path, **parameters: Any) -> Arrays:
    """compute(**parameters), from `file` where that holds the same computation: of this code, versions, parameters."""
    key = json.dumps([fingerprint(compute), versions(), plain(parameters)])
    if file.is_file():
        with np.load(file) as stored:
            if str(stored["key"]) == key:
                return {name: stored[name] for name in stored.files if name != "key"}
    arrays = compute(**parameters)
    with whole(file) as out:
        np.savez_compressed(out, key=np.array(key), **arrays)
    return arrays


def data(name: str, source: str) -> Path:
    """A file under $OCO_DATA, or shared/data beside the checkout."""
    root = Path(os.environ.get("OCO_DATA") or Path(__file__).parents[2] / "shared" / "data")
    path = root / name
    if not path.is_file():
        raise MissingDataError(f"{path} is not there. Get {source}, and set OCO_DATA to the folder above {name}.")
    return path
