"""What LLVM is told of a single loop."""

from typing import Any

from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from oco._jit import specialise
from oco.lowlevel.late import avx512

WHOLE = "llvm.loop.unroll.disable"
MASKED = "llvm.loop.vectorize.predicate.enable"


def masked() -> None:
    """Last in a loop that is short and whose length nobody knows: its end, too, is done in whole vectors, masked.

    Loops over what fills no vector would cost less by their work than by branches that no processor foresees.
    """


@specialise(masked, inline="always")  # the loop must be the caller's
def _masked():  # type: ignore[no-untyped-def]
    if avx512():
        return lambda: _marked_masked()
    return lambda: None


@intrinsic
def _marked_masked(typing):  # type: ignore[no-untyped-def]
    def code(context, builder, signature, given):  # type: ignore[no-untyped-def]
        branch = builder.branch

        def back(target: Any) -> Any:
            made = branch(target)
            if target.is_terminated:  # a block that is there already: the loop's first
                del builder.branch
                made.set_metadata("llvm.loop", told(builder.module, MASKED, ir.Constant(ir.IntType(1), 1)))
            return made

        builder.branch = back
        return context.get_dummy_value()

    return types.void(), code


def told(module: Any, name: str, *value: Any) -> Any:
    """Loop metadata: a node whose first operand is itself, which is how LLVM tells loops apart."""
    fact = module.add_metadata([ir.MetaDataString(module, name), *value])
    node = ir.values.MDValue(module, [], name=str(len(module.metadata)))
    node.operands = (node, fact)
    return node
