"""The processor's estimate of 1 / sqrt(v) where it has one for vectors (AVX-512): relative error 2^-14."""

from typing import Any

from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from oco.lowlevel import late


def offered() -> bool:
    return late.offered() and late.avx512()


def _estimate(name: str, number: ir.Type, least: int) -> Any:
    """Of numbers of a type, of which the smallest register takes `least`."""

    def instruction(builder: Any, given: Any, width: int) -> Any:
        first = ir.IntType(64)(0)
        kind = ir.VectorType(number, max(width, least))
        bits = ir.IntType(max(8, kind.count))
        size = 128 * kind.count // least
        function, module = f"llvm.x86.avx512.rsqrt14.{name}.{size}", builder.module
        known = module.globals.get(function) or ir.Function(module, ir.FunctionType(kind, [kind, kind, bits]), function)
        v = given[0] if width > 1 else builder.insert_element(ir.Constant(kind, None), given[0], first)
        made = builder.call(known, [v, ir.Constant(kind, None), bits(-1)])
        return made if width > 1 else builder.extract_element(made, first)

    widths = (least, 2 * least, 4 * least)
    return late.late(late.Late(f"oco_root_estimate_{name}", number, widths, (), instruction))


_ROOTS = {types.float64: _estimate("pd", ir.DoubleType(), 2), types.float32: _estimate("ps", ir.FloatType(), 4)}


@intrinsic
def estimate(typing, v):  # type: ignore[no-untyped-def]
    return v(v), lambda context, builder, signature, given: _ROOTS[v].call(builder, given)
