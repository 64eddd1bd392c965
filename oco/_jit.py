"""How plain Python becomes machine code: kernels, the functions that they call, and nothing else."""

import dis
import gc
import types
from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from numba.core import types as nbtypes
from numba.core.errors import NumbaError
from numba.core.typing.typeof import Purpose
from numba.extending import overload, typeof_impl

from oco._cache import ContentCache, package_digest
from oco._fingerprint import fingerprint
from oco._inner import INNER, OPTIONS, KernelCompiler
from oco._twins import describe, is_twin, renamed, twin

_functions: dict[tuple[types.FunctionType, str], Any] = {}
_overloaded: set[Callable[..., Any]] = set()


def specialise(
    function: Callable[..., Any], inline: str = "never", prefer_literal: bool = False, **options: Any
) -> Callable[..., Any]:
    """Decorator for compiled versions of `function` chosen by argument types; the plain one serves Python."""
    _overloaded.add(function)

    def register(chooser: Callable[..., Any]) -> Callable[..., Any]:
        chooser.__annotations__ = {}  # Numba compares signatures with those of the chosen implementation
        compiled = INNER | {"forceinline": True} | options
        return overload(function, jit_options=compiled, inline=inline, prefer_literal=prefer_literal)(chooser)

    return register


def _inner(function: types.FunctionType) -> dict[str, Any]:
    """How a function that only kernels call is compiled: what has no loop becomes a part of what calls it."""
    loops = any(step.opname.startswith("JUMP_BACKWARD") for step in dis.get_instructions(function))
    return INNER | {"forceinline": not loops}


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
        _functions[function, content] = numba.njit(renamed(function, content), **_inner(function), fastmath=relaxed)
    return nbtypes.Dispatcher(_functions[function, content])


def relaxed(*flags: str) -> Callable[[Any], Any]:
    """Decorator: LLVM's fast-math flags for one function, such as reassoc, which lets a sum be reordered for SIMD."""

    def mark(function: Any) -> Any:
        function.relaxed = frozenset(flags)
        return function

    return mark


SUMS = relaxed("reassoc", "contract", "nsz")  # as a decorator: sums may be taken in any order


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


# What Numba looks at of numpy.ndarray.flags.num: aligned, writeable, and in C order, or else in Fortran's.
IN_C, OTHERWISE = 0x501, 0x502


def kind(value: Any) -> Any:
    """What the type of an argument depends on; typeof takes 50 times as long."""
    if isinstance(value, np.ndarray):
        flags = value.flags.num
        return value.dtype, value.ndim, flags & (IN_C if flags & 1 else OTHERWISE)
    return (type(value), *map(kind, value)) if isinstance(value, tuple) else type(value)


class Kernel:
    """A function compiled for the types it is called with and kept on disk; `plain` is the same in Python."""

    def __init__(self, function: Any, **options: Any) -> None:
        self.plain = self.__wrapped__ = function  # the second name is how a fingerprint finds its way in
        options = OPTIONS | {"no_cfunc_wrapper": True, "pipeline_class": KernelCompiler} | options
        self._compiled = numba.njit(renamed(function, package_digest()), **options)
        self._compiled._cache = ContentCache(function, describe)
        self._compiled.compile = _uncollected(self._compiled.compile)
        self._entries: dict[Any, Any] = {}

    def __call__(self, *arguments: Any) -> Any:
        try:
            return self._compiled(*[twin(argument) for argument in arguments])
        except NumbaError as error:
            raise TypeError(_explain(arguments, error)) from error

    def entry(self, *arguments: Any) -> Any:
        """The machine code for arguments of these types, which is called without a look at types, in a third of a µs.

        Whoever calls it passes twins and sees to the types; an array of another dtype would be misread.
        """
        kinds = kind(arguments)
        if kinds not in self._entries:
            try:
                types = tuple(numba.typeof(argument) for argument in arguments)
                self._compiled.compile(types)
            except NumbaError as error:
                raise TypeError(_explain(arguments, error)) from error
            self._entries[kinds] = self._compiled.overloads[types].entry_point
        return self._entries[kinds]

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
    parts = [type(value).__name__.rpartition("_")[0] for value in arguments if is_twin(value)]
    lines = [line.strip() for line in str(error).splitlines()]
    reasons = [line.rstrip(":") for line in lines if line.startswith(REASONS)]
    called = [line.removeprefix(">>> ") for line in lines if line.startswith(">>> ")]
    places = [line.rstrip(":") for line in lines if line.startswith("File ") and "numba" not in line]
    told = [reasons[-1] if reasons else lines[0], *called[-1:], *places[:1]]
    return f"{', '.join(parts)} cannot be compiled: {'; '.join(told)}"
