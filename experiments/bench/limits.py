"""What the machine must do anyway, as the fastest loops that we know."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic


@intrinsic
def _prefetch(typing: Any, array: Any, row: Any) -> Any:
    """Ask for the cache line of array[row], array (n, 2) in C order."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        of_array, (value, index) = signature.args[0], arguments
        data = context.make_array(of_array)(context, builder, value).data
        step = builder.mul(index, ir.Constant(index.type, 2))
        place = builder.bitcast(builder.gep(data, [step]), ir.IntType(8).as_pointer())
        word, flag = ir.IntType(32), ir.VoidType()
        kind = ir.FunctionType(flag, [place.type, word, word, word])
        function = builder.module.globals.get("llvm.prefetch.p0") or ir.Function(
            builder.module, kind, "llvm.prefetch.p0"
        )
        builder.call(function, [place, *(ir.Constant(word, number) for number in (1, 3, 1))])  # to write, keep, data
        return context.get_dummy_value()

    return types.void(array, row), code


@numba.njit(fastmath={"reassoc"}, nogil=True)
def _read(a: Any) -> Any:
    total = a.dtype.type(0)
    for i in range(len(a)):
        total += a[i]
    return total


def read_once(a: np.ndarray) -> Callable[[], Any]:
    """Every entry of a read once."""
    flat = np.ascontiguousarray(a).reshape(-1)
    return partial(_read, flat)


@numba.njit(boundscheck=False)
def _touch(indptr: Any, indices: Any, w: Any) -> float:
    total = 0.0
    last = len(indptr) - 2
    for r in range(len(indptr) - 1):
        stop = indptr[r + 1]
        if r < last:
            for j in range(stop, indptr[r + 2]):
                _prefetch(w, np.int64(indices[j]))
        # The prediction reads x: by fours, so that one addition does not wait for the last.
        fours = stop - (stop - indptr[r]) % 4
        for j in range(indptr[r], fours, 4):
            low, high = w[indices[j], 0] + w[indices[j + 1], 0], w[indices[j + 2], 0] + w[indices[j + 3], 0]
            total += low + high
        for j in range(fours, stop):
            total += w[indices[j], 0]
        for j in range(indptr[r], stop):  # the update reads and writes x and G
            w[indices[j], 0] += 1.0
            w[indices[j], 1] += 1.0
    return total


def touch(matrix: Any, dtype: Any = np.float64) -> Callable[[], Any]:
    """The memory touches of a sparse round without its arithmetic: x and G side by side, next row prefetched."""
    w = np.zeros((matrix.shape[1], 2), dtype)
    indptr, indices = matrix.indptr.astype(np.int64), matrix.indices.astype(np.int32)
    return partial(_touch, indptr, indices, w)


@numba.njit
def _hedge_traffic(losses: Any, w: Any, c: Any) -> None:
    for t in range(len(losses)):
        row = losses[t]
        for i in range(len(w)):
            w[i] += row[i]
            c[i] += row[i]


def hedge_traffic(losses: np.ndarray) -> Callable[[], Any]:
    """Read each loss once; read and write weight and cumulative loss of every expert in every round."""
    w, c = np.zeros(losses.shape[1]), np.zeros(losses.shape[1])
    return partial(_hedge_traffic, losses, w, c)


@numba.njit
def _read_often(a: Any, times: Any) -> Any:
    total = 0.0
    for k in range(times):
        a[0] = k  # or one reading would do
        total += _read(a)
    return total


def products(d: int, rounds: int) -> Callable[[], Any]:
    """Read a d x d matrix twice a round, as two products with an orthogonal Q must."""
    q = np.zeros(d * d)
    return partial(_read_often, q, 2 * rounds)
