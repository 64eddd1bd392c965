"""Functions that only kernels call: but for quick passes they are optimised and made machine code with the kernel.

Numba would do both for every function that it compiles, and again for every function that calls it, on all that it
calls: twice and more of the time that a kernel takes.
"""

import copy
from typing import Any

from llvmlite.binding import Linkage
from numba import _dynfunc
from numba.core import config
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import CompilerBase, DefaultPassBuilder
from numba.core.compiler_machinery import register_pass
from numba.core.typed_passes import NativeLowering

from oco.lowlevel.late import settle


class _Library(JITCodeLibrary):
    """A function in LLVM's language, to be linked into others."""

    def _optimize_final_module(self) -> None:
        return

    def _finalize_final_module(self) -> None:
        self._finalize_dynamic_globals()
        self._finalized = True


class _Whole(JITCodeLibrary):
    """A kernel with all that it calls, which nothing else does: what is called once is inlined whatever its size."""

    def _optimize_final_module(self) -> None:
        for function in self._final_module.functions:
            if not function.is_declaration and function.linkage == Linkage.linkonce_odr:
                function.linkage = Linkage.internal
        super()._optimize_final_module()
        settle(self._final_module, self._codegen._tm)


class _Packed(_Whole):
    """The same; what a kernel does alike with several numbers, though not in a loop, becomes SIMD."""

    def _optimize_final_module(self) -> None:
        before, config.SLP_VECTORIZE = config.SLP_VECTORIZE, 1
        try:
            super()._optimize_final_module()
        finally:
            config.SLP_VECTORIZE = before


@register_pass(mutates_CFG=True, analysis_only=False)
class _LoweringWhole(NativeLowering):
    _name = "oco_whole_lowering"
    library: type[JITCodeLibrary] = _Whole

    def run_pass(self, state: Any) -> bool:
        state.library = self.library(state.targetctx.codegen(), state.func_id.func_qualname)
        state.library.enable_object_caching()
        return bool(super().run_pass(state))


@register_pass(mutates_CFG=True, analysis_only=False)
class _LoweringPacked(_LoweringWhole):
    _name = "oco_packed_lowering"
    library = _Packed


@register_pass(mutates_CFG=True, analysis_only=False)
class _Lowering(NativeLowering):
    _name = "oco_inner_lowering"

    def run_pass(self, state: Any) -> bool:
        context = state.targetctx
        state.library = _Library(context.codegen(), state.func_id.func_qualname)
        state.targetctx = copy.copy(context)
        state.targetctx.get_executable = _unready
        try:
            return bool(super().run_pass(state))
        finally:
            state.targetctx = context


def _unready(library: Any, function: Any, environment: Any) -> Any:
    """What stands for the function's entry, which nobody uses."""
    return _dynfunc.make_function(function.lookup_module(), function.qualname, "", 0, environment, (library,))


def linked(context: Any, dispatcher: Any, arguments: Any) -> Any:
    """The code of a function, by the type of its dispatcher and its arguments' types, for what is being built."""
    code = context.get_function(dispatcher, dispatcher.get_call_type(context.typing_context, arguments, {}))
    context.add_linking_libs(getattr(code, "libs", ()))
    return code


class _Compiler(CompilerBase):
    lowering: type[NativeLowering]

    def define_pipelines(self) -> list[Any]:
        passes = DefaultPassBuilder.define_nopython_pipeline(self.state)
        passes.passes = [(self.lowering if kind is NativeLowering else kind, why) for kind, why in passes.passes]
        passes.finalize()
        return [passes]


class InnerCompiler(_Compiler):
    lowering = _Lowering


class KernelCompiler(_Compiler):
    lowering = _LoweringWhole


class PackedCompiler(_Compiler):
    lowering = _LoweringPacked


# Python's zero-division test would keep loops from vectorising; x / 0 is IEEE's infinity or NaN instead.
OPTIONS: dict[str, Any] = {"error_model": "numpy", "nogil": True}
# What only kernels call needs no entry from Python or C.
INNER = OPTIONS | {"no_cpython_wrapper": True, "no_cfunc_wrapper": True, "pipeline_class": InnerCompiler}
