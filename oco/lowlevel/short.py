"""A handful of numbers: machine code for just so many, one after the other or in whole registers, without loops."""

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba.core import cgutils
from numba.core import types as nbtypes
from numba.extending import intrinsic

from oco._inner import linked
from oco._jit import specialise

WIDEST = 8  # numbers in a register

_INT, _INDEX, _NUMBER = ir.IntType(64), ir.IntType(32), ir.DoubleType()
_FUSED = ("contract",)


def each(rows: Any, body: Callable[..., None], *arguments: Any) -> None:
    """body(i, *arguments) for i up to the length of the tuple `rows`."""
    for i in range(len(rows)):
        body(i, *arguments)


@specialise(each, forceinline=True)  # the body handed on at run time would keep kernels from the disk
def _each(rows, body, *arguments):  # type: ignore[no-untyped-def]
    return lambda rows, body, *arguments: _unrolled(rows, body, arguments)


@intrinsic
def _unrolled(typing: Any, rows: Any, body: Any, arguments: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        _, kind, given = signature.args
        code = linked(context, kind, (nbtypes.intp, *given))
        unpacked = cgutils.unpack_tuple(builder, values[2])
        for i in range(len(rows)):
            code(builder, [_INT(i), *unpacked])
        return context.get_dummy_value()

    return nbtypes.void(rows, body, arguments), generate


@intrinsic
def dot_in_registers(typing: Any, a: Any, b: Any, rows: Any) -> Any:
    """<a, b>: eight products at a time are added to what there is, then four to its two halves, and so on."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        places = [context.make_array(kind)(context, builder, v).data for kind, v in zip((a, b), values, strict=False)]
        start, width, total = 0, WIDEST, None
        while width:
            total = total and _halved(builder, total)
            while len(rows) - start >= width:
                product = builder.fmul(*(_several(builder, place, start, width) for place in places), flags=_FUSED)
                total = builder.fadd(total, product, flags=_FUSED) if total else product
                start += width
            width //= 2
        return builder.extract_element(total, _INDEX(0))

    return nbtypes.float64(a, b, rows), generate


def _several(builder: Any, place: Any, start: int, width: int) -> Any:
    """Numbers start .. start + width - 1, in float64."""
    number = place.type.pointee
    first = builder.bitcast(builder.gep(place, [_INT(start)]), ir.VectorType(number, width).as_pointer())
    found = builder.load(first, align=8 if number == _NUMBER else 4)
    return found if number == _NUMBER else builder.fpext(found, ir.VectorType(_NUMBER, width))


def _halved(builder: Any, v: Any) -> Any:
    """The sum of the two halves of v."""
    n = v.type.count // 2
    kind = ir.VectorType(_INDEX, n)
    low, high = (builder.shuffle_vector(v, v, ir.Constant(kind, list(range(s, s + n)))) for s in (0, n))
    return builder.fadd(low, high)
