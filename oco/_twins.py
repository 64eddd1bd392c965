"""Parts and their twins: what compiled code sees in the place of a NamedTuple with methods.

A part (learner, domain, loss, adversary) is a NamedTuple whose methods are ordinary functions. Before a kernel
runs, each part is exchanged for its twin, a NamedTuple of the same fields whose class carries a digest of the
part's code; Numba is taught that calling a method on a twin calls the compiled method. A part whose code or
whose helpers changed gets another twin, so neither this process nor the disk cache can serve old code.
"""

import math
import threading
import types
from collections import namedtuple
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numba
import numpy as np
from numba.core import types as nbtypes
from numba.core.imputils import lower_builtin, lower_getattr_generic
from numba.core.typing.templates import AbstractTemplate, AttributeTemplate, infer_getattr
from numba.cpython.tupleobj import namedtuple_getattr

from oco._fingerprint import fingerprint, methods
from oco._inner import INNER, linked

# Fast-math flags of methods: a b + c may be rounded once in what every coordinate of every round waits for.
RELAXED = {"rule": {"contract"}}

_twins: dict[tuple[type, str, bool, tuple[str, ...]], type] = {}
_parts: set[type] = set()
_methods: dict[type, dict[str, Any]] = {}
_zeros: dict[type, tuple[str, ...]] = {}
_content: dict[type, str] = {}
_taught: set[str] = set()
_making = threading.RLock()  # two threads that meet a class at once get the same twin
_looked_up: ContextVar[dict[Any, Any] | None] = ContextVar("looked_up", default=None)


@contextmanager
def settled() -> Iterator[None]:
    """Inside, the code of a part is looked at once: for many calls between which nobody edits it."""
    if _looked_up.get() is not None:
        yield
        return
    token = _looked_up.set({})
    try:
        yield
    finally:
        _looked_up.reset(token)


def twin(value: Any) -> Any:
    """The compiled counterpart of a part: nested parts exchanged too, numbers made float64 where declared so.

    What `rounded` made float32 stays float32. Numbers that are zero are constants of the machine code, which is made
    without what they turn off.
    """
    cls = type(value)
    if cls in _methods or not (isinstance(value, tuple) and hasattr(value, "_fields")) or not _is_part(cls):
        return value
    found = _looked_up.get()
    if found is None:
        return _exchanged(value)
    if id(value) not in found:
        found[id(value)] = value, _exchanged(value)  # kept with its twin: no other value gets its id
    return found[id(value)][1]


def _exchanged(value: Any) -> Any:
    cls = type(value)
    hints = getattr(cls, "__annotations__", {})
    fields = [_field(cls, name, item, hints.get(name)) for name, item in zip(value._fields, value, strict=True)]
    single = any(isinstance(item, np.float32) for item in value)
    zeros = tuple(name for name, item in zip(value._fields, fields, strict=True) if _is_zero(item))
    # Numba cannot call a method on an empty tuple: a part without fields gets one that nobody reads.
    return _twin_class(cls, single, zeros)(*(fields or [0.0]))


def _is_part(cls: type) -> bool:
    """Whether a NamedTuple has methods, or had some once."""
    if cls not in _parts and methods(cls):
        _parts.add(cls)
    return cls in _parts


def _is_zero(item: Any) -> bool:
    return isinstance(item, (float, np.float32)) and item == 0.0 and math.copysign(1.0, item) > 0.0


def _field(cls: type, name: str, item: Any, hint: Any) -> Any:
    item = twin(item)
    if isinstance(item, (bool, np.float32, np.ndarray, tuple, np.random.Generator)):
        return item
    if isinstance(item, (int, float, np.number)):
        return float(item) if "float" in str(hint) else item.item() if isinstance(item, np.number) else item
    raise TypeError(f"{cls.__name__}.{name} = {item!r} cannot enter compiled code: use a number, an array or a part")


def rounded(value: Any, dtype: Any) -> Any:
    """A part, number or array with its floating-point numbers rounded to `dtype`; float64 leaves all as it is."""
    if dtype == np.float64:
        return value
    if isinstance(value, tuple):
        items = [rounded(item, dtype) for item in value]
        return type(value)(*items) if hasattr(value, "_fields") else tuple(items)
    if isinstance(value, np.ndarray) and value.dtype.kind == "f":
        return value.astype(dtype)
    return dtype(value) if isinstance(value, float) else value


def _twin_class(cls: type, single: bool, zeros: tuple[str, ...]) -> type:
    """The class of a part's twins whose fields `zeros` are 0."""
    found, key = _looked_up.get(), (cls, single, zeros)
    if found is None:
        with _making:
            return _made(*key)
    if key not in found:
        with _making:
            found[key] = _made(*key)
    return found[key]


def _made(cls: type, single: bool, zeros: tuple[str, ...]) -> type:
    content = fingerprint(cls)
    if (cls, content, single, zeros) not in _twins:
        own = methods(cls)
        fields = getattr(cls, "_fields", ()) or ("unused",)
        clash = set(fields) & own.keys()
        if clash:
            raise TypeError(f"{cls.__name__}: {', '.join(clash)} is both a field and a method")
        name = "_".join([cls.__name__, content[:16], *(["single"] if single else []), *zeros])
        made: type = namedtuple(name, fields)  # type: ignore[misc]
        _twins[cls, content, single, zeros], _content[made], _zeros[made] = made, content, zeros
        _methods[made] = {
            name: numba.njit(renamed(f, content, single), **INNER, forceinline=True, fastmath=RELAXED.get(name, False))
            for name, f in own.items()
        }
        for name in _methods[made].keys() - _taught:
            _teach(name)
    return _twins[cls, content, single, zeros]


def renamed(function: types.FunctionType, tag: str, single: bool = False) -> types.FunctionType:
    """The same function under a name that carries its content: equal symbols then mean equal machine code.

    single: constants that float32 holds exactly are float32, so that they do not make arithmetic float64.
    """
    code = function.__code__
    if single:
        code = code.replace(co_consts=tuple(_single(constant) for constant in code.co_consts))
    name, scope = function.__name__, function.__globals__
    copy = types.FunctionType(code, scope, name, function.__defaults__, function.__closure__)
    copy.__qualname__ = f"{function.__qualname__}_{tag[:16]}{'_single' if single else ''}"
    copy.__module__ = function.__module__
    copy.__kwdefaults__ = function.__kwdefaults__
    return copy


def _single(constant: Any) -> Any:
    with np.errstate(over="ignore"):
        exact = isinstance(constant, float) and float(np.float32(constant)) == constant
    return np.float32(constant) if exact else constant


def _teach(name: str) -> None:
    """Let compiled code call `part.name(...)` on any twin whose class has that method."""
    _taught.add(name)

    @lower_builtin((_PartMethods, name), nbtypes.BaseNamedTuple, nbtypes.VarArg(nbtypes.Any))
    def call(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        method = nbtypes.Dispatcher(_methods[signature.args[0].instance_class][name])
        return linked(context, method, signature.args)(builder, arguments)


@lower_getattr_generic(nbtypes.BaseNamedTuple)
def _read_field(context: Any, builder: Any, part: Any, value: Any, name: str) -> Any:
    """What Numba does, but for the zeros of a twin."""
    if name in _zeros.get(part.instance_class, ()):
        return context.get_constant(part[part.fields.index(name)], 0.0)
    return namedtuple_getattr(context, builder, part, value, name)


@infer_getattr
class _PartMethods(AttributeTemplate):
    """Types `part.name` for methods of twins; a field of that name on any other NamedTuple stays a field."""

    key = nbtypes.BaseNamedTuple

    def generic_resolve(self, part: Any, name: str) -> Any:
        method = _methods.get(part.instance_class, {}).get(name)
        if method is None:
            return None

        class Bound(AbstractTemplate):
            key = (_PartMethods, name)

            def generic(self, arguments: Any, keywords: Any) -> Any:
                typed = nbtypes.Dispatcher(method).get_call_type(self.context, (part, *arguments), keywords)
                return typed.as_method()

        return nbtypes.BoundFunction(Bound, part)


def offers(kind: Any, name: str) -> bool:
    """Whether values of this Numba type are parts with a method of that name."""
    return name in _methods.get(getattr(kind, "instance_class", object), {})


def describe(kind: Any) -> str:
    """Text that pins a Numba type by content, not by the identity of a class made at run time."""
    if isinstance(kind, nbtypes.BaseNamedTuple):
        cls = kind.instance_class
        inner = ",".join(describe(item) for item in kind)
        return f"{cls.__module__}.{cls.__qualname__}{kind.fields}[{_content.get(cls, '')}]({inner})"
    if isinstance(kind, nbtypes.BaseTuple):
        return "(" + ",".join(describe(item) for item in kind) + ")"
    if isinstance(kind, nbtypes.Dispatcher):
        return f"<{fingerprint(kind.dispatcher)}>"
    return f"<{kind}>"


def is_twin(value: Any) -> bool:
    return type(value) in _methods
