"""Compiled kernels on disk, found by the content of everything they were compiled from.

Numba's own cache trusts the modification time of one file: edit a method in another file and the old machine
code comes back. Here the key is a digest of the values that the code refers to, so that an edit anywhere is a
different kernel.
"""

import functools
import hashlib
import os
import pickle
import sys
import tempfile
import time
import types
from pathlib import Path
from typing import Any

import llvmlite
import numba
import numpy as np
import scipy
from numba.core import compiler, serialize
from numba.core import types as nbtypes
from numba.core.caching import CompileResultCacheImpl, _Cache

from oco._fingerprint import fingerprint

LIMIT = 1000  # kernels kept on disk; the least recently written go first
LEFT = 3600.0  # seconds after which a file that is still being written was left by a process that is gone


def folder() -> Path:
    """Where kernels are kept: $OCO_CACHE_DIR, else oco/ in the user's cache folder."""
    chosen = os.environ.get("OCO_CACHE_DIR")
    if chosen:
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "oco"


@functools.cache
def package_digest() -> str:
    """Digest of the package's own sources: an edit anywhere in oco makes every kernel new."""
    root = Path(__file__).parent
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


@functools.cache
def edition() -> str:
    """Digest of what all kernels depend on: the package's sources and the versions of what compiles them."""
    versions = (sys.version, numba.__version__, llvmlite.__version__, np.__version__, scipy.__version__)
    return hashlib.sha256(repr((package_digest(), versions)).encode()).hexdigest()


def cold() -> bool:
    """Whether there are no kernels of this edition yet."""
    return not any(folder().glob(f"*-{edition()[:12]}-*.kernel"))


class ContentCache(_Cache):
    """What a Numba dispatcher asks for machine code, keyed by content; damage to a file only costs a compilation."""

    def __init__(self, function: types.FunctionType, describe: Any) -> None:
        self._function = function
        self._name = function.__name__
        self._describe = describe  # Numba type -> text that pins its content
        self._codec = CompileResultCacheImpl(lambda: None)
        self._on = True

    @property
    def cache_path(self) -> str:
        return str(folder())

    def enable(self) -> None:
        self._on = True

    def disable(self) -> None:
        self._on = False

    def flush(self) -> None:
        for path in folder().glob(f"{self._name}-*.kernel"):
            path.unlink(missing_ok=True)

    def _path(self, signature: tuple[nbtypes.Type, ...], target: Any) -> Path:
        content = (self._name, fingerprint(self._function), edition(), target.codegen().magic_tuple())
        text = repr(content) + "".join(self._describe(argument) for argument in signature)
        return folder() / f"{self._name}-{edition()[:12]}-{hashlib.sha256(text.encode()).hexdigest()[:40]}.kernel"

    def load_overload(self, signature: Any, target: Any) -> Any:
        if not self._on:
            return None
        path = self._path(signature, target)
        try:
            stored = path.read_bytes()
        except OSError:
            return None
        check, payload = stored[:32], stored[32:]
        if hashlib.sha256(payload).digest() != check:
            return None
        target.refresh()
        result = self._codec.rebuild(target, pickle.loads(payload))
        # Classes made at run time come back as copies; the dispatcher must file the code under the living ones.
        result = result._replace(signature=result.signature.replace(args=tuple(signature)))
        return result

    def save_overload(self, signature: Any, result: compiler.CompileResult) -> None:
        if not self._on or not self._codec.check_cachable(result):
            return
        payload = serialize.dumps(self._codec.reduce(result))
        path = self._path(signature, result.target_context)
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle, temporary = tempfile.mkstemp(".part", dir=path.parent)
            with os.fdopen(handle, "wb") as file:
                file.write(hashlib.sha256(payload).digest() + payload)
            os.replace(temporary, path)
            _prune(path.parent)
        except OSError:
            return  # a read-only or full disk: the kernel is compiled again next time


def _prune(root: Path) -> None:
    for path in root.glob("*.part"):
        if time.time() - path.stat().st_mtime > LEFT:
            path.unlink(missing_ok=True)
    kernels = list(root.glob("*.kernel"))
    if len(kernels) > LIMIT:
        kernels.sort(key=lambda path: path.stat().st_mtime)
        for path in kernels[: len(kernels) - LIMIT]:
            path.unlink(missing_ok=True)
