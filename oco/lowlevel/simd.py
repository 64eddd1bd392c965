"""SIMD lanes: the same plain code for LANES numbers at once.

Each function here says what it means in Python; compiled code makes vector instructions of it. Two things keep LLVM
from making them of an ordinary inner loop: it unrolls a loop of eight before it looks for vectors, and arrays that
may overlap forbid them. `each_lane` makes a loop that is left whole, `local` makes arrays on the stack, which nothing
else can overlap; conditional expressions then become selections between lanes.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import cgutils
from numba.core import types as nbtypes
from numba.extending import intrinsic

from oco._inner import linked
from oco._jit import specialise
from oco.lowlevel.arrays import on_stack
from oco.lowlevel.loops import WHOLE, told
from oco.protocols import Matrix

LANES = 8  # numbers of 8 bytes in a cache line, and in the widest registers

_INT = ir.IntType(64)


def each_lane(body: Callable[..., None], *arguments: Any) -> None:
    """body(lane, *arguments) for every lane; what it does in one lane must not depend on another."""
    for lane in range(LANES):
        body(lane, *arguments)


@specialise(each_lane, forceinline=True)  # the body handed on at run time would keep kernels from the disk
def _each_lane(body, *arguments):  # type: ignore[no-untyped-def]
    return lambda body, *arguments: _lane_loop(body, arguments)


def local(like: Matrix, columns: Any) -> Matrix:
    """Uninitialised room (LANES, len(columns)) for numbers of the type of `like`, columns apart, on the stack."""
    return np.empty((LANES, len(columns)), like.dtype, order="F")


@specialise(local, inline="always")  # into the caller before LLVM sees either: the stack must be the caller's
def _local(like, columns):  # type: ignore[no-untyped-def]
    return lambda like, columns: _on_stack(like, columns)


def take(w: Any, i: int, cell: Matrix) -> None:
    """cell (LANES, n) = w[i] (n, LANES), whole registers at a time."""
    cell[:] = w[i].T


@specialise(take)
def _take(w, i, cell):  # type: ignore[no-untyped-def]
    return lambda w, i, cell: _copy(w, i, cell, cell)


def put(cell: Matrix, w: Any, i: int) -> None:
    """The inverse of take."""
    w[i] = cell.T


@specialise(put)
def _put(cell, w, i):  # type: ignore[no-untyped-def]
    return lambda cell, w, i: _copy(w, i, cell, w)


def of_lane(part: Any, numbers: Any, lane: int) -> Any:
    """The part with numbers[k][lane] for its field k, where numbers[k] is not None."""
    return part._make(old if new is None else type(old)(new[lane]) for old, new in zip(part, numbers, strict=True))


@specialise(of_lane)
def _of_lane(part, numbers, lane):  # type: ignore[no-untyped-def]
    return lambda part, numbers, lane: _with_fields(part, numbers, lane)


@intrinsic
def _lane_loop(typing: Any, body: Any, arguments: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        kind, given = signature.args
        code = linked(context, kind, (nbtypes.intp, *given))
        unpacked = cgutils.unpack_tuple(builder, values[1])
        before, loop, after = builder.block, builder.append_basic_block("lane"), builder.append_basic_block("lanes")
        builder.branch(loop)
        builder.position_at_end(loop)
        lane = builder.phi(_INT)
        lane.add_incoming(_INT(0), before)
        code(builder, [lane, *unpacked])
        following = builder.add(lane, _INT(1), flags=("nuw", "nsw"))
        lane.add_incoming(following, builder.block)
        back = builder.cbranch(builder.icmp_unsigned("<", following, _INT(LANES)), loop, after)
        back.set_metadata("llvm.loop", told(builder.module, WHOLE))
        builder.position_at_end(after)
        return context.get_dummy_value()

    return nbtypes.void(body, arguments), generate


@intrinsic
def _on_stack(typing: Any, like: Any, columns: Any) -> Any:
    made = nbtypes.Array(like.dtype, 2, "F")
    count = len(columns)

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return on_stack(context, builder, made, LANES, count)

    return made(like, columns), generate


@intrinsic
def _copy(typing: Any, w: Any, i: Any, cell: Any, target: Any) -> Any:
    """Between w[i] and a cell, which lie in memory alike, to the one that is given again as the target."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        row, room = (
            context.make_array(kind)(context, builder, value) for kind, value in ((w, values[0]), (cell, values[2]))
        )
        place = builder.mul(
            context.cast(builder, values[1], i, nbtypes.intp), cgutils.unpack_tuple(builder, row.strides)[0]
        )
        number = context.get_data_type(w.dtype)
        size = context.get_abi_sizeof(number)
        ends = [cgutils.pointer_add(builder, row.data, place), room.data]
        source, destination = ends if target == cell else ends[::-1]
        several = ir.VectorType(number, LANES).as_pointer()
        total = cgutils.unpack_tuple(builder, room.shape)[1]
        with cgutils.for_range(builder, total) as loop:
            step = builder.mul(loop.index, _INT(size * LANES))
            come, go = (
                builder.bitcast(cgutils.pointer_add(builder, end, step), several) for end in (source, destination)
            )
            builder.store(builder.load(come, align=size), go, align=size)
        return context.get_dummy_value()

    return nbtypes.void(w, i, cell, target), generate


@intrinsic
def _with_fields(typing: Any, part: Any, numbers: Any, lane: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        fields = cgutils.unpack_tuple(builder, values[0])
        place = context.cast(builder, values[2], lane, nbtypes.intp)
        for k, (kind, given) in enumerate(zip(numbers, cgutils.unpack_tuple(builder, values[1]), strict=True)):
            if isinstance(kind, nbtypes.Array):
                array = context.make_array(kind)(context, builder, given)
                number = builder.load(builder.gep(array.data, [place]))
                fields[k] = context.cast(builder, number, kind.dtype, part[k])
        return context.make_tuple(builder, part, fields)

    return part(part, numbers, lane), generate
