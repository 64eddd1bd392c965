"""How plain Python parts become machine code: methods of NamedTuples and the functions they call, nothing else.

A part (learner, domain, loss, adversary) is a NamedTuple whose methods are ordinary functions. Before a kernel
runs, each part is exchanged for its twin, a NamedTuple of the same fields whose class carries a digest of the
part's code; Numba is taught that calling a method on a twin calls the compiled method. A part whose code or
whose helpers changed gets another twin, so neither this process nor the disk cache can serve old code.
"""

import dis
import gc
import math
import threading
import types
from collections import namedtuple
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numba
import numpy as np
from numba.core import types as nbtypes
from numba.core.errors import NumbaError
from numba.core.imputils import lower_builtin, lower_getattr_generic
from numba.core.typing.templates import AbstractTemplate, AttributeTemplate, infer_getattr
from numba.core.typing.typeof import Purpose
from numba.cpython.tupleobj import namedtuple_getattr
from numba.extending import overload, typeof_impl

from oco._cache import ContentCache, package_digest
from oco._fingerprint import fingerprint, methods
from oco._inner import InnerCompiler, KernelCompiler

# Python's zero-division test would keep loops from vectorising; x / 0 is IEEE's infinity or NaN instead.
OPTIONS: dict[str, Any] = {"error_model": "numpy", "nogil": True}
# Fast-math flags of methods: a b + c may be rounded once in what every coordinate of every round waits for.
RELAXED = {"rule": {"contract"}}
# What only kernels call needs no entry from Python or C.
INNER = OPTIONS | {"no_cpython_wrapper": True, "no_cfunc_wrapper": True, "pipeline_class": InnerCompiler}

_twins: dict[tuple[type, str, bool, tuple[str, ...]], type] = {}
_methods: dict[type, dict[str, Any]] = {}
_zeros: dict[type, tuple[str, ...]] = {}
_content: dict[type, str] = {}
_taught: set[str] = set()
_functions: dict[tuple[types.FunctionType, str], Any] = {}
_overloaded: set[Callable[..., Any]] = set()


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


def _copy(function: types.FunctionType, tag: str, single: bool = False) -> types.FunctionType:
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
    """Whether a NamedTuple has methods."""
    found = _looked_up.get()
    if found is None:
        return bool(methods(cls))
    if cls not in found:
        found[cls] = bool(methods(cls))
    return bool(found[cls])


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


def _single(constant: Any) -> Any:
    with np.errstate(over="ignore"):
        exact = isinstance(constant, float) and float(np.float32(constant)) == constant
    return np.float32(constant) if exact else constant


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
    own, content = methods(cls), fingerprint(cls)
    if (cls, content, single, zeros) not in _twins:
        fields = getattr(cls, "_fields", ()) or ("unused",)
        clash = set(fields) & own.keys()
        if clash:
            raise TypeError(f"{cls.__name__}: {', '.join(clash)} is both a field and a method")
        name = "_".join([cls.__name__, content[:16], *(["single"] if single else []), *zeros])
        made: type = namedtuple(name, fields)  # type: ignore[misc]
        _twins[cls, content, single, zeros], _content[made], _zeros[made] = made, content, zeros
        _methods[made] = {
            name: numba.njit(_copy(f, content, single), **INNER, forceinline=True, fastmath=RELAXED.get(name, False))
            for name, f in own.items()
        }
        for name in _methods[made].keys() - _taught:
            _teach(name)
    return _twins[cls, content, single, zeros]


def _inner(function: types.FunctionType) -> dict[str, Any]:
    """How a function that only kernels call is compiled: what has no loop becomes a part of what calls it."""
    loops = any(step.opname.startswith("JUMP_BACKWARD") for step in dis.get_instructions(function))
    return INNER | {"forceinline": not loops}


def _teach(name: str) -> None:
    """Let compiled code call `part.name(...)` on any twin whose class has that method."""
    _taught.add(name)

    @lower_builtin((_PartMethods, name), nbtypes.BaseNamedTuple, nbtypes.VarArg(nbtypes.Any))
    def call(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        method = nbtypes.Dispatcher(_methods[signature.args[0].instance_class][name])
        typed = method.get_call_type(context.typing_context, signature.args, {})
        code = context.get_function(method, typed)
        context.add_linking_libs(getattr(code, "libs", ()))
        return code(builder, arguments)


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


def specialise(function: Callable[..., Any], inline: str = "never", **options: Any) -> Callable[..., Any]:
    """Decorator for compiled versions of `function` chosen by argument types; the plain one serves Python."""
    _overloaded.add(function)

    def register(chooser: Callable[..., Any]) -> Callable[..., Any]:
        chooser.__annotations__ = {}  # Numba compares signatures with those of the chosen implementation
        return overload(function, jit_options=INNER | {"forceinline": True} | options, inline=inline)(chooser)

    return register


def offers(kind: Any, name: str) -> bool:
    """Whether values of this Numba type are parts with a method of that name."""
    return name in _methods.get(getattr(kind, "instance_class", object), {})


@typeof_impl.register(types.FunctionType)
def _plain_function(function: types.FunctionType, context: Any) -> Any:
    """A plain function that compiled code refers to is compiled with it: no decorator needed."""
    module = (function.__module__ or "").split(".")[0]
    if context.purpose is not Purpose.constant or module in {"numba", "numpy", "math"}:
        return None
    if function in _overloaded or function.__module__ == __name__:
        return None
    content = fingerprint(function)
    if (function, content) not in _functions:
        relaxed = set(getattr(function, "relaxed", ()))
        _functions[function, content] = numba.njit(_copy(function, content), **_inner(function), fastmath=relaxed)
    return nbtypes.Dispatcher(_functions[function, content])


def _describe(kind: Any) -> str:
    """Text that pins a Numba type by content, not by the identity of a class made at run time."""
    if isinstance(kind, nbtypes.BaseNamedTuple):
        cls = kind.instance_class
        inner = ",".join(_describe(item) for item in kind)
        return f"{cls.__module__}.{cls.__qualname__}{kind.fields}[{_content.get(cls, '')}]({inner})"
    if isinstance(kind, nbtypes.BaseTuple):
        return "(" + ",".join(_describe(item) for item in kind) + ")"
    if isinstance(kind, nbtypes.Dispatcher):
        return f"<{fingerprint(kind.dispatcher)}>"
    return f"<{kind}>"


def relaxed(*flags: str) -> Callable[[Any], Any]:
    """Decorator: LLVM's fast-math flags for one function, such as reassoc, which lets a sum be reordered for SIMD."""

    def mark(function: Any) -> Any:
        function.relaxed = frozenset(flags)
        return function

    return mark


def _uncollected(work: Callable[..., Any]) -> Callable[..., Any]:
    """Without garbage collections: Numba makes millions of small objects, and each would look through them all."""

    def wrapped(*arguments: Any) -> Any:
        collects = gc.isenabled()
        gc.disable()
        try:
            return work(*arguments)
        finally:
            if collects:
                gc.enable()

    return wrapped


class Kernel:
    """A function compiled for the types it is called with and kept on disk; `plain` is the same in Python."""

    def __init__(self, function: Any, **options: Any) -> None:
        self.plain = self.__wrapped__ = function  # the second name is how a fingerprint finds its way in
        options = OPTIONS | {"no_cfunc_wrapper": True, "pipeline_class": KernelCompiler} | options
        self._compiled = numba.njit(_copy(function, package_digest()), **options)
        self._compiled._cache = ContentCache(function, _describe)
        self._compiled.compile = _uncollected(self._compiled.compile)

    def __call__(self, *arguments: Any) -> Any:
        try:
            return self._compiled(*[twin(argument) for argument in arguments])
        except NumbaError as error:
            raise TypeError(_explain(arguments, error)) from error

    def entry(self, *arguments: Any) -> Any:
        """The machine code for arguments of these types, which is called without a look at types, in a third of a µs.

        Whoever calls it passes twins and sees to the types; an array of another dtype would be misread.
        """
        try:
            types = tuple(numba.typeof(argument) for argument in arguments)
            self._compiled.compile(types)
        except NumbaError as error:
            raise TypeError(_explain(arguments, error)) from error
        return self._compiled.overloads[types].entry_point

    def address(self, *types: Any) -> int:
        """Where the machine code for arguments of these types is, for callers that use C's convention."""
        self._compiled.compile(types)
        made = self._compiled.overloads[types]
        return int(made.library.get_pointer_to_function(made.fndesc.llvm_cfunc_wrapper_name))


kernel = Kernel  # as a decorator


REASONS = (
    "Unknown attribute",
    "No implementation",
    "Untyped global",
    "Cannot unify",
    "NameError",
    "Use of unsupported",
)


def _explain(arguments: tuple[Any, ...], error: NumbaError) -> str:
    """One sentence from Numba's pages: which parts, the innermost line of theirs, the reason."""
    parts = [type(value).__name__.rpartition("_")[0] for value in arguments if type(value) in _methods]
    lines = [line.strip() for line in str(error).splitlines()]
    reasons = [line.rstrip(":") for line in lines if line.startswith(REASONS)]
    called = [line.removeprefix(">>> ") for line in lines if line.startswith(">>> ")]
    places = [line.rstrip(":") for line in lines if line.startswith("File ") and "numba" not in line]
    told = [reasons[-1] if reasons else lines[0], *called[-1:], *places[:1]]
    return f"{', '.join(parts)} cannot be compiled: {'; '.join(told)}"
