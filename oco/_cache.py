"""Compiled kernels on disk, found by the content of everything they were compiled from.

Numba's own cache trusts the modification time of one file: edit a method in another file and the old machine
code comes back. Here the key is a digest of the values that the code refers to, followed through functions,
classes, modules and constants, so a changed helper, constant or closure is a different kernel.
"""

import functools
import hashlib
import os
import pickle
import sys
import sysconfig
import tempfile
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import llvmlite
import numba
import numpy as np
from numba.core import compiler, serialize
from numba.core import types as nbtypes
from numba.core.caching import CompileResultCacheImpl, _Cache

LIMIT = 1000  # kernels kept on disk; the least recently written go first


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
def _library_folders() -> tuple[str, ...]:
    paths = sysconfig.get_paths()
    return tuple({paths[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")})


def _is_library(module: types.ModuleType) -> bool:
    source = getattr(module, "__file__", None)
    return source is None or source.startswith(_library_folders())


def methods(cls: type) -> dict[str, types.FunctionType]:
    """The functions that a class and its bases define, without those that every NamedTuple is given."""
    given = {"_make", "_replace", "_asdict"}
    return {
        name: member
        for base in reversed(cls.__mro__)
        if base not in (tuple, object)
        for name, member in vars(base).items()
        if isinstance(member, types.FunctionType) and not name.startswith("__") and name not in given
    }


def fingerprint(value: Any) -> str:
    """A digest of `value` that changes whenever compiled code that refers to it could change."""
    digest = hashlib.sha256()
    for piece in _pieces(value, (), set()):
        digest.update(piece.encode() + b"\0")
    return digest.hexdigest()


def _pieces(value: Any, names: tuple[str, ...], seen: set[int]) -> Iterator[str]:
    if isinstance(value, numba.core.dispatcher.Dispatcher):
        value = value.py_func
    if isinstance(value, (types.FunctionType, type, types.ModuleType)):
        if id(value) in seen and not isinstance(value, types.ModuleType):
            return
        seen.add(id(value))
    if isinstance(value, types.FunctionType):
        yield from _function_pieces(value, seen)
    elif isinstance(value, type):
        yield f"class {value.__qualname__} {getattr(value, '_fields', None)}"
        for name, member in sorted(methods(value).items()):
            yield name
            yield from _function_pieces(member, seen)
        yield repr(getattr(value, "_field_defaults", None))
    elif isinstance(value, types.ModuleType):
        yield f"module {value.__name__} {getattr(value, '__version__', '')}"
        if not _is_library(value):
            for name in names:
                if hasattr(value, name):
                    yield name
                    yield from _pieces(getattr(value, name), names, seen)
    elif isinstance(value, np.ndarray):
        yield f"array {value.dtype} {value.shape} {hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest()}"
    elif isinstance(value, tuple):
        yield f"tuple {len(value)}"
        for item in value:
            yield from _pieces(item, names, seen)
    else:
        yield f"{type(value).__qualname__} {value!r}"


def _function_pieces(function: types.FunctionType, seen: set[int]) -> Iterator[str]:
    yield f"function {function.__qualname__} {function.__defaults__!r}"
    pending = [function.__code__]
    while pending:
        code = pending.pop()
        yield f"{code.co_code.hex()} {code.co_names} {code.co_varnames} {code.co_freevars}"
        for constant in code.co_consts:
            if isinstance(constant, types.CodeType):
                pending.append(constant)
            else:
                yield repr(constant)
        for name in code.co_names:
            if name in function.__globals__:
                yield name
                yield from _pieces(function.__globals__[name], code.co_names, seen)
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        yield name
        yield from _pieces(cell.cell_contents, function.__code__.co_names, seen)


class ContentCache(_Cache):
    """What a Numba dispatcher asks for machine code, keyed by content; damage to a file only costs a compilation."""

    def __init__(self, name: str, describe: Any) -> None:
        self._name = name
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
        versions = (sys.version, numba.__version__, llvmlite.__version__, np.__version__)
        content = (self._name, package_digest(), versions, target.codegen().magic_tuple())
        text = repr(content) + "".join(self._describe(argument) for argument in signature)
        return folder() / f"{self._name}-{hashlib.sha256(text.encode()).hexdigest()[:40]}.kernel"

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
            handle, temporary = tempfile.mkstemp(dir=path.parent)
            with os.fdopen(handle, "wb") as file:
                file.write(hashlib.sha256(payload).digest() + payload)
            os.replace(temporary, path)
            _prune(path.parent)
        except OSError:
            return  # a read-only or full disk: the kernel is compiled again next time


def _prune(root: Path) -> None:
    kernels = list(root.glob("*.kernel"))
    if len(kernels) > LIMIT:
        kernels.sort(key=lambda path: path.stat().st_mtime)
        for path in kernels[: len(kernels) - LIMIT]:
            path.unlink(missing_ok=True)
