"""Functions that LLVM does not see into before it has made vectors of loops.

It makes vectors only of functions whose vector forms it is told, and only while it does not know what they do. So
code calls them by name, and `settle` puts what they do in the place of all calls of a kernel whose loops are loops
over vectors already.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import llvmlite.binding as llvm
from llvmlite import ir
from llvmlite.binding.newpassmanagers import ModulePassManager
from numba.core.registry import cpu_target

_KEPT = "llvm.compiler.used"
_known: list["Late"] = []


class Late(NamedTuple):
    """A function of a number, or in its vector forms of as many as `widths` has, and of scalars."""

    name: str
    number: ir.Type
    widths: tuple[int, ...]
    scalars: tuple[tuple[str, ir.Type], ...]  # each either grows by one from number to number, "l", or does not, "u"
    body: Callable[[Any, Any, int], Any]  # (builder, arguments, width), of type `number` where the width is 1

    def form(self, module: ir.Module, width: int) -> ir.Function:
        kind = self.number if width == 1 else ir.VectorType(self.number, width)
        taken = [kind, *(scalar for _, scalar in self.scalars)]
        return ir.Function(module, ir.FunctionType(kind, taken), self.named(width))

    def named(self, width: int) -> str:
        return self.name if width == 1 else f"{self.name}_{width}"

    def call(self, builder: Any, given: Any) -> Any:
        known = builder.module.globals
        return builder.call(known[self.name] if self.name in known else self._declare(builder.module), given)

    def _declare(self, module: ir.Module) -> ir.Function:
        place, function = ir.IntType(8).as_pointer(), self.form(module, 1)
        forms = {width: self.form(module, width) for width in self.widths}
        scalars = "".join(how for how, _ in self.scalars)
        told = ",".join(f"_ZGV_LLVM_N{width}v{scalars}_{self.name}({form.name})" for width, form in forms.items())
        # What might not return would have to keep its place: calls that are not in a loop would stay apart.
        facts = "nounwind", "readnone", "willreturn", "speculatable", f'"vector-function-abi-variant"="{told}"'
        function.attributes.update(facts)
        # Forms that nobody calls yet would be dropped before loops are made vectors.
        kept = module.globals.get(_KEPT) or ir.GlobalVariable(module, ir.ArrayType(place, 0), _KEPT)
        names = [*(kept.initializer.constant if kept.initializer else ()), *(f.bitcast(place) for f in forms.values())]
        kept.value_type = ir.ArrayType(place, len(names))
        kept.linkage, kept.section, kept.initializer = "appending", "llvm.metadata", ir.Constant(kept.value_type, names)
        return function

    def define(self, module: ir.Module) -> None:
        for width in (1, *self.widths):
            form = self.form(module, width)
            builder = ir.IRBuilder(form.append_basic_block())
            builder.ret(self.body(builder, form.args, width))
            form.linkage = "linkonce_odr"
            form.attributes.add("alwaysinline")


def late(function: Late) -> Late:
    """The same, which `settle` knows from now on."""
    _known.append(function)
    return function


def avx512() -> bool:
    """Whether the processor that code is made for has it, with masks for vectors of every width."""
    features = cpu_target.target_context.codegen().magic_tuple()[2].split(",")
    return {"+avx512f", "+avx512vl"} <= set(features)


def offered() -> bool:
    """Whether this llvmlite has the pass that is needed."""
    return hasattr(ModulePassManager, "add_always_inliner_pass")


def settle(module: Any, target: Any) -> None:
    """Put what late functions do in the place of calls in an optimised module for the target machine."""
    names = {function.name for function in module.functions}
    # Where all calls became vectors the form for one number is gone.
    called = [function for function in _known if any(function.named(n) in names for n in (1, *function.widths))]
    if called:
        definitions = ir.Module()
        for function in called:
            function.define(definitions)
        module.link_in(llvm.parse_assembly(str(definitions)))
        passes = llvm.create_new_module_pass_manager()
        passes.add_always_inliner_pass()
        passes.run(module, llvm.create_pass_builder(target, llvm.create_pipeline_tuning_options()))
