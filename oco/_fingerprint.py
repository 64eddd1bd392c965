"""A digest of everything that compiled code refers to, which changes with the code's meaning and with nothing else.

It follows values through functions, classes, modules and constants, so that a changed helper, constant or closure
shows, wherever it is; what versions pin is named, not followed.
"""

import builtins
import enum
import functools
import hashlib
import re
import types
from collections.abc import Iterator
from operator import eq, is_
from typing import Any

import numpy as np
from numba.core.ccallback import CFunc
from numba.core.dispatcher import Dispatcher
from numba.core.extending import _Intrinsic
from numba.experimental.jitclass.base import JitClassType
from numba.np.ufunc.dufunc import DUFunc
from numba.np.ufunc.gufunc import GUFunc
from numba.stencils.stencil import StencilFunc

from oco._pinned import is_pinned, is_pinned_class

PLAIN = {bool, int, float, complex, str, bytes, type(None)}  # values that repr tells in full
GIVEN = {"_make", "_replace", "_asdict"}  # to every NamedTuple
_ABSENT = object()
ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")

_codes: dict[int, tuple[types.CodeType, str, tuple[str, ...]]] = {}
_known: dict[Any, tuple[str, list[tuple[Any, ...]]]] = {}


def methods(cls: type) -> dict[str, types.FunctionType]:
    """The functions that a class and its bases define, without those that every NamedTuple is given."""
    function = types.FunctionType
    return {
        name: member
        for base in reversed(cls.__mro__)
        if base is not tuple and base is not object
        for name, member in vars(base).items()
        if type(member) is function and name not in GIVEN and not name.startswith("__")
    }


def fingerprint(value: Any) -> str:
    """A digest of `value` that changes whenever compiled code that refers to it could change.

    A function or class is walked again only if something that its last walk read is no longer the same object.
    """
    kept = isinstance(value, (types.FunctionType, type))
    if kept and value in _known:
        text, readings = _known[value]
        if _unchanged(readings):
            return text
    walk, digest = _Walk(), hashlib.sha256()
    for piece in walk.pieces(value):
        digest.update(piece.encode(errors="surrogatepass") + b"\0")
    if kept and not walk.changeable:
        _known[value] = digest.hexdigest(), [(read, *zip(*rows, strict=True)) for read, rows in walk.readings.items()]
    return digest.hexdigest()


def _unchanged(readings: list[tuple[Any, ...]]) -> bool:
    try:
        for read, *where, found in readings:
            if not all(map(eq if read is types.MappingProxyType.copy else is_, map(read, *where), found)):
                return False
    except ValueError:  # a cell that is not bound, or a class's array beside another
        return False
    return True


class _Walk:
    """All that compiled code could read, reached from one value.

    A function, class, module, list or dictionary is told once; where it is met it stands as a number, so that
    cycles end, and that `f = g` became `f = h` shows although g and h are told elsewhere.
    """

    def __init__(self) -> None:
        self._numbers: dict[tuple[int, tuple[str, ...]], int] = {}
        self._met: list[tuple[Any, tuple[str, ...]]] = []
        self.readings: dict[Any, list[tuple[Any, ...]]] = {}  # by `read`: (*where, found) where read(*where) was found
        self.changeable = False  # whether something was met that can change and remain the same object

    def _read(self, read: Any, *where: Any) -> Any:
        found = read(*where)
        self.readings.setdefault(read, []).append((*where, found))
        return found

    def pieces(self, value: Any) -> Iterator[str]:
        yield from self._value(value, ())
        for item, names in self._met:  # grows meanwhile
            yield from self._content(item, names)

    def _number(self, value: Any, names: tuple[str, ...] = ()) -> str:
        key = (id(value), names)
        if key not in self._numbers:
            self._numbers[key] = len(self._met)
            self._met.append((value, names))
        return f"#{self._numbers[key]}"

    def _value(self, value: Any, names: tuple[str, ...]) -> Iterator[str]:
        """`names` are the attributes that the code at hand could read of a module."""
        kind = type(value)
        if kind in PLAIN:
            yield f"{kind.__name__} {value!r}"
        elif isinstance(value, types.FunctionType):
            pinned = is_pinned(value.__globals__)
            yield f"function {value.__module__}.{value.__qualname__}" if pinned else self._number(value)
        elif isinstance(value, type):
            yield f"class {value.__module__}.{value.__qualname__}" if is_pinned_class(value) else self._number(value)
        elif isinstance(value, types.ModuleType):
            yield f"module {value.__name__}" if is_pinned(vars(value)) else self._number(value, names)
        elif isinstance(value, (list, dict)):
            self.changeable = True
            yield self._number(value)
        elif isinstance(value, enum.Enum):
            yield from self._all(type(value), value.name, value.value)
        elif isinstance(value, (np.ndarray, np.generic)):
            self.changeable = True
            yield from self._array(value)
        elif isinstance(value, tuple):
            yield from self._all(kind, len(value), *value, names=names)
        elif isinstance(value, (set, frozenset)):
            self.changeable |= isinstance(value, set)
            yield from self._all(kind, *sorted(value, key=_place))
        elif isinstance(value, functools._lru_cache_wrapper):
            yield "cached"
            yield from self._value(self._read(getattr, value, "__wrapped__", None), names)
        elif isinstance(value, types.BuiltinFunctionType) and isinstance(value.__self__, types.ModuleType):
            yield f"builtin {value.__module__}.{value.__qualname__}"
        else:
            self.changeable = True
            yield f"{kind.__module__}.{kind.__qualname__}"
            inside = _inside(value)
            yield from self._all(*inside, names=names) if inside else [ADDRESS.sub("", repr(value))]

    def _all(self, *values: Any, names: tuple[str, ...] = ()) -> Iterator[str]:
        for value in values:
            yield from self._value(value, names)

    def _array(self, value: Any) -> Iterator[str]:
        array, flags = np.asarray(value), value.flags
        yield f"{type(value).__qualname__} {array.dtype} {array.shape} {flags.c_contiguous} {flags.f_contiguous}"
        if array.dtype.hasobject:
            yield from self._all(*array.ravel().tolist())
        else:
            yield hashlib.sha256(array.tobytes()).hexdigest()

    def _content(self, value: Any, names: tuple[str, ...]) -> Iterator[str]:
        if isinstance(value, types.FunctionType):
            yield from self._function(value)
        elif isinstance(value, type):
            yield f"class {value.__module__}.{value.__qualname__} {getattr(value, '_fields', None)}"
            self._read(getattr, value, "_fields", None)
            defaults = self._read(getattr, value, "_field_defaults", None) or {}
            for base in self._read(getattr, value, "__mro__", None):
                if not is_pinned_class(base):
                    self._read(types.MappingProxyType.copy, vars(base))
            yield from self._all(*sorted(defaults.items()), *sorted(methods(value).items()))
            if isinstance(value, enum.EnumMeta):
                self.changeable = True
                members: dict[str, Any] = dict(value.__members__)
                yield from self._all(*((name, member.value) for name, member in members.items()))
            if isinstance(value, JitClassType):
                self.changeable = True
                yield from self._all(*_jitclass(value))
        elif isinstance(value, types.ModuleType):
            yield f"module {value.__name__} {getattr(value, '__version__', '')}"
            for name in names:
                try:
                    member = self._read(getattr, value, name, _ABSENT)
                except Exception:  # a module may compute its attributes, and fail in its own way
                    self.changeable = True
                    continue
                if member is not _ABSENT:
                    yield name
                    yield from self._value(member, names)
        else:
            items = value.items() if isinstance(value, dict) else value
            yield f"{type(value).__qualname__} {len(value)}"
            yield from self._all(*items)

    def _function(self, function: types.FunctionType) -> Iterator[str]:
        code, names = _code(self._read(getattr, function, "__code__", None))
        yield f"function {function.__module__}.{function.__qualname__} {code}"
        for name in ("__defaults__", "__kwdefaults__", "relaxed"):
            yield from self._value(self._read(getattr, function, name, None), ())
        for name in names:
            for scope in (function.__globals__, vars(builtins)):
                if (found := self._read(dict.get, scope, name, _ABSENT)) is not _ABSENT:
                    yield name
                    yield from self._value(found, names)
                    break
        for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
            yield name
            try:
                content = self._read(getattr, cell, "cell_contents", None)
            except ValueError:  # not bound yet
                self.changeable = True
                continue
            yield from self._value(content, names)


def _code(code: types.CodeType) -> tuple[str, tuple[str, ...]]:
    """A digest of what a function's code says, inner functions included, and all names in it."""
    if id(code) not in _codes:
        text: list[str] = []
        names: set[str] = set()
        pending = [code]
        for inner in pending:
            text.append(f"{inner.co_code.hex()} {inner.co_exceptiontable.hex()} {inner.co_flags} {inner.co_argcount}")
            text.append(f"{inner.co_names} {inner.co_varnames} {inner.co_freevars} {inner.co_cellvars}")
            text.append(f"{inner.co_posonlyargcount} {inner.co_kwonlyargcount}")
            names.update(inner.co_names)
            for constant in inner.co_consts:
                if isinstance(constant, types.CodeType):
                    text.append("code")
                    pending.append(constant)
                else:
                    text.extend(_Walk().pieces(constant))
        _codes[id(code)] = code, hashlib.sha256("\0".join(text).encode()).hexdigest(), tuple(sorted(names))
    return _codes[id(code)][1:]


def _inside(value: Any) -> tuple[Any, ...]:
    """What a function's wrapper holds that decides what it computes; nothing for any other object."""
    if isinstance(value, Dispatcher):
        fixed = () if value._can_compile else tuple(map(str, value.nopython_signatures))
        return value.py_func, value.targetoptions, value.locals, fixed
    if isinstance(value, (DUFunc, GUFunc)):
        inner = value._dispatcher
        fixed = tuple(value.types) if value._frozen else ()
        return inner.py_func, inner.targetoptions, getattr(value, "signature", None), value.identity, fixed
    if isinstance(value, CFunc):
        return value._pyfunc, str(value._sig), value._compiler.targetoptions
    if isinstance(value, StencilFunc):
        return value.kernel_ir.func_id.func, value.mode, value.options
    if isinstance(value, _Intrinsic):
        return (value._defn,)
    if isinstance(value, functools.partial):
        return value.func, value.args, value.keywords
    if isinstance(value, types.MethodType):
        return value.__func__, value.__self__
    wrapped = getattr(value, "__wrapped__", None)
    return () if wrapped is None else (wrapped,)


def _jitclass(cls: Any) -> tuple[Any, ...]:
    kind = cls.class_type
    fields = {name: str(field) for name, field in kind.struct.items()}
    return fields, kind.jit_methods, kind.jit_props, kind.jit_static_methods


def _place(value: Any) -> str:
    """Orders a set in the same way in every process."""
    return f"{type(value).__qualname__} {getattr(value, '__qualname__', '')} {ADDRESS.sub('', repr(value))}"
