"""Coordinates of one row's support, fetched and put back: each function has its plain meaning and machine code.

A coordinate's numbers lie side by side in w (d, 1 + k); in the copy `near` (n, 1 + k), Fortran order, columns are
apart, so that loops over it are loops over vectors. Where a coordinate has two numbers, as with one memory, machine
code moves four pairs at a time, transposed in registers: LLVM's own gathers are slow on common processors.
"""

from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from oco._jit import specialise
from oco.lowlevel.prefetch import fetch
from oco.protocols import Matrix

LANES = 4  # pairs moved at a time


def room(w: Matrix, rows: int) -> Matrix:
    """A copy's place for up to `rows` coordinates of w."""
    return np.zeros((w.shape[1], rows), w.dtype).T


def gather(w: Matrix, row: Any, near: Matrix) -> None:
    """near[j] = w[row[j]] for the coordinates in `row`."""
    near[: len(row)] = w[row]


def scatter(near: Matrix, w: Matrix, row: Any) -> None:
    """The inverse of gather, for coordinates that are distinct."""
    w[row] = near[: len(row)]


def announce(w: Matrix, row: Any) -> None:
    """Nothing but a hint that these coordinates will be wanted soon."""


@specialise(gather)
def _gather(w, row, near):  # type: ignore[no-untyped-def]
    def compiled(w, row, near):  # type: ignore[no-untyped-def]
        paired = len(row) - len(row) % LANES if w.shape[1] == 2 else 0
        for j in range(0, paired, LANES):
            _take(w, row, j, near)
        for j in range(paired, len(row)):
            near[j, 0], near[j, 1] = w[row[j], 0], w[row[j], 1]
            for c in range(2, w.shape[1]):
                near[j, c] = w[row[j], c]

    return compiled


@specialise(scatter)
def _scatter(near, w, row):  # type: ignore[no-untyped-def]
    def compiled(near, w, row):  # type: ignore[no-untyped-def]
        paired = len(row) - len(row) % LANES if w.shape[1] == 2 else 0
        for j in range(0, paired, LANES):
            _put(w, row, j, near)
        for j in range(paired, len(row)):
            w[row[j], 0], w[row[j], 1] = near[j, 0], near[j, 1]
            for c in range(2, w.shape[1]):
                w[row[j], c] = near[j, c]

    return compiled


@specialise(announce)
def _announce(w, row):  # type: ignore[no-untyped-def]
    def compiled(w, row):  # type: ignore[no-untyped-def]
        for j in range(len(row)):
            _prefetch(w, row[j])

    return compiled


class _Pairs:
    """LLVM's view of LANES pairs of w at row[j:] and of the two columns of near from j on."""

    def __init__(self, context: Any, builder: Any, signature: Any, arguments: Any) -> None:
        self.builder, j = builder, arguments[2]
        array, index, copy = (context.make_array(signature.args[k])(context, builder, arguments[k]) for k in (0, 1, 3))
        self.number = context.get_data_type(signature.args[0].dtype)
        self.align = context.get_abi_sizeof(self.number)
        pairs = builder.bitcast(array.data, ir.VectorType(self.number, 2).as_pointer())
        self.pairs, self.columns = [], []
        for k in range(LANES):
            entry = builder.gep(index.data, [builder.add(j, ir.Constant(j.type, k))])
            i = context.cast(builder, builder.load(entry), signature.args[1].dtype, types.intp)
            self.pairs.append(builder.gep(pairs, [i]))
        apart = cgutils.unpack_tuple(builder, copy.strides)[1]
        for start in (copy.data, cgutils.pointer_add(builder, copy.data, apart)):
            column = builder.gep(builder.bitcast(start, self.number.as_pointer()), [j])
            self.columns.append(builder.bitcast(column, ir.VectorType(self.number, LANES).as_pointer()))

    def mixed(self, u: Any, v: Any, lanes: list[int]) -> Any:
        kind = ir.IntType(32)
        return self.builder.shuffle_vector(u, v, ir.Constant(ir.VectorType(kind, len(lanes)), lanes))


@intrinsic
def _take(typing, w, row, j, near):  # type: ignore[no-untyped-def]
    """near[j + k] = w[row[j + k]] for LANES pairs."""

    def code(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        here = _Pairs(context, builder, signature, arguments)
        a, b, c, d = (builder.load(pair, align=here.align) for pair in here.pairs)
        low, high = here.mixed(a, b, [0, 1, 2, 3]), here.mixed(c, d, [0, 1, 2, 3])
        for k, column in enumerate(here.columns):
            builder.store(here.mixed(low, high, [k, k + 2, k + 4, k + 6]), column, align=here.align)
        return context.get_dummy_value()

    return types.void(w, row, types.intp, near), code


@intrinsic
def _put(typing, w, row, j, near):  # type: ignore[no-untyped-def]
    """The inverse of _take."""

    def code(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        here = _Pairs(context, builder, signature, arguments)
        x, s = (builder.load(column, align=here.align) for column in here.columns)
        for k, pair in enumerate(here.pairs):
            builder.store(here.mixed(x, s, [k, LANES + k]), pair, align=here.align)
        return context.get_dummy_value()

    return types.void(w, row, types.intp, near), code


@intrinsic
def _prefetch(typing, w, i):  # type: ignore[no-untyped-def]
    def code(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        w, i = arguments
        array = context.make_array(signature.args[0])(context, builder, w)
        row = builder.mul(i, cgutils.unpack_tuple(builder, array.strides)[0])
        place = cgutils.pointer_add(builder, array.data, row, ir.IntType(8).as_pointer())
        fetch(builder, place, write=1)
        return context.get_dummy_value()

    return types.void(w, types.intp), code
