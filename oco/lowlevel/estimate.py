"""The processor's estimate of 1 / sqrt(v) in float64, where it has one for vectors (AVX-512): relative error 2^-14.

LLVM makes vectors only of functions whose vector forms it is told, and only while it does not see into them. So code
calls `estimate` by name, as a function with forms for vectors, and `settle` puts the instruction in the place of all
calls of a kernel whose loops are loops over vectors already.
"""

from typing import Any

import llvmlite.binding as llvm
from llvmlite import ir
from llvmlite.binding.newpassmanagers import ModulePassManager
from numba.core import types
from numba.core.registry import cpu_target
from numba.extending import intrinsic

NAME = "oco_root_estimate"
FORMS = {width: f"{NAME}_{width}" for width in (2, 4, 8)}
_NUMBER = ir.DoubleType()


def offered() -> bool:
    """Whether the processor that code is made for has the instruction, and this llvmlite the pass that is needed."""
    features = cpu_target.target_context.codegen().magic_tuple()[2].split(",")
    return {"+avx512f", "+avx512vl"} <= set(features) and hasattr(ModulePassManager, "add_always_inliner_pass")


@intrinsic
def estimate(typing, v):  # type: ignore[no-untyped-def]
    def code(context, builder, signature, given):  # type: ignore[no-untyped-def]
        known = builder.module.globals
        return builder.call(known[NAME] if NAME in known else _declare(builder.module), given)

    return types.float64(types.float64), code


def _of(module: ir.Module, kind: ir.Type, name: str) -> ir.Function:
    return ir.Function(module, ir.FunctionType(kind, [kind]), name)


def _declare(module: ir.Module) -> ir.Function:
    place = ir.IntType(8).as_pointer()
    forms = [_of(module, ir.VectorType(_NUMBER, width), name) for width, name in FORMS.items()]
    told = ",".join(f"_ZGV_LLVM_N{width}v_{NAME}({name})" for width, name in FORMS.items())
    function = _of(module, _NUMBER, NAME)
    # What might not return would have to keep its place: calls of several numbers that are not in a loop stay apart.
    function.attributes.update(
        ["nounwind", "readnone", "willreturn", "speculatable", f'"vector-function-abi-variant"="{told}"']
    )
    # Forms that nobody calls yet would be dropped before loops are made vectors.
    kept = ir.GlobalVariable(module, ir.ArrayType(place, len(forms)), "llvm.compiler.used")
    kept.linkage, kept.section = "appending", "llvm.metadata"
    kept.initializer = ir.Constant(kept.value_type, [form.bitcast(place) for form in forms])
    return function


def _definitions() -> ir.Module:
    module, bits = ir.Module(), ir.IntType(8)
    for width, name in FORMS.items():
        kind = ir.VectorType(_NUMBER, width)
        form = _of(module, kind, name)
        several = ir.FunctionType(kind, [kind, kind, bits])
        instruction = ir.Function(module, several, f"llvm.x86.avx512.rsqrt14.pd.{64 * width}")
        builder = ir.IRBuilder(form.append_basic_block())
        builder.ret(builder.call(instruction, [form.args[0], ir.Constant(kind, None), bits(-1)]))
        form.linkage = "linkonce_odr"
        form.attributes.add("alwaysinline")
    function, first = _of(module, _NUMBER, NAME), ir.IntType(64)(0)
    builder = ir.IRBuilder(function.append_basic_block())
    pair = ir.Constant(ir.VectorType(_NUMBER, 2), None)
    pair = builder.insert_element(pair, function.args[0], first)
    builder.ret(builder.extract_element(builder.call(module.globals[FORMS[2]], [pair]), first))
    function.linkage = "linkonce_odr"
    function.attributes.add("alwaysinline")
    return module


def settle(module: Any, target: Any) -> None:
    """Put the instruction in the place of calls in an optimised module for the target machine."""
    if any(function.name == NAME for function in module.functions):
        module.link_in(llvm.parse_assembly(str(_definitions())))
        passes = llvm.create_new_module_pass_manager()
        passes.add_always_inliner_pass()
        passes.run(module, llvm.create_pass_builder(target, llvm.create_pipeline_tuning_options()))
