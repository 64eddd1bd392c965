"""The processor's estimate of 1 / sqrt(v) in float64, where it has one for vectors (AVX-512): relative error 2^-14."""

from typing import Any

from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from oco.lowlevel import late

_NUMBER = ir.DoubleType()


def offered() -> bool:
    return late.offered() and late.avx512()


def _instruction(builder: Any, given: Any, width: int) -> Any:
    bits, first = ir.IntType(8), ir.IntType(64)(0)
    kind = ir.VectorType(_NUMBER, max(width, 2))
    name = f"llvm.x86.avx512.rsqrt14.pd.{64 * kind.count}"
    module = builder.module
    known = module.globals.get(name) or ir.Function(module, ir.FunctionType(kind, [kind, kind, bits]), name)
    v = given[0] if width > 1 else builder.insert_element(ir.Constant(kind, None), given[0], first)
    made = builder.call(known, [v, ir.Constant(kind, None), bits(-1)])
    return made if width > 1 else builder.extract_element(made, first)


_ROOT = late.late(late.Late("oco_root_estimate", _NUMBER, (2, 4, 8), (), _instruction))


@intrinsic
def estimate(typing, v):  # type: ignore[no-untyped-def]
    return types.float64(types.float64), lambda context, builder, signature, given: _ROOT.call(builder, given)
