"""What a script has computed, kept in a file until anything changes that it depends on."""

import hashlib
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oco._fingerprint import fingerprint
from oco.record import plain
from oco.study.keys import join, setting
from oco.study.table import whole

Arrays = dict[str, NDArray[Any]]


def kept(compute: Callable[..., Any], file: Path, /, *, force: bool = False, **parameters: Any) -> tuple[Arrays, float]:
    """(compute(**parameters) as arrays, the seconds that it took), from `file` where that holds the same computation.

    The same is: of this code, engine and versions, for these parameters; a Path, or a dict of them, counts by what the
    file holds. compute: returns a dict of arrays, numbers and text. force: compute again.
    """
    key = join(fingerprint(compute), setting(), json.dumps({name: _said(item) for name, item in parameters.items()}))
    if file.is_file() and not force:
        with np.load(file) as stored:
            found = dict(stored)
        if str(found.pop("key")) == key:
            seconds = float(found.pop("seconds"))
            return found, seconds
    began = time.perf_counter()
    arrays = {name: np.asarray(value) for name, value in compute(**parameters).items()}
    seconds = time.perf_counter() - began
    with whole(file) as out:
        np.savez_compressed(out, key=np.array(key), seconds=np.array(seconds), **arrays)  # type: ignore[arg-type]
    return arrays, seconds


def _said(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _said(item) for name, item in value.items()}
    if isinstance(value, Path):
        with open(value, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    return plain(value)
