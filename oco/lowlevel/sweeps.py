"""Solutions of many tridiagonal systems at once, column by column, with what is carried from row to row in registers.

LLVM would keep it in memory: the number of columns is not known when the loop over them is compiled.
"""

from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from oco._jit import specialise
from oco.protocols import Matrix, Vector

FUSED = ("contract",)


def sweep(lower: Matrix, inverse: Matrix, z: Vector, u: Matrix, sums: Matrix) -> None:
    """u_j = (L_j^T)^{-1} P_j L_j^{-1} (z - u_j) in place, column by column, <z, u_j> and |u_j|^2 in the rows of sums.

    lower: what L_j has below its diagonal of ones; inverse: the diagonal of P_j; all but sums (2, n) are (w, n).
    """
    width, n = u.shape
    for j in range(n):
        carry, sums[0, j], sums[1, j] = 0.0, 0.0, 0.0
        for k in range(width):
            carry = z[k] - u[k, j] - (lower[k - 1, j] if k > 0 else 0.0) * carry
            u[k, j] = carry
        carry = 0.0
        for k in range(width - 1, -1, -1):
            carry = u[k, j] * inverse[k, j] - lower[k, j] * carry
            u[k, j] = carry
            sums[0, j] += z[k] * carry
            sums[1, j] += carry * carry


@specialise(sweep, forceinline=False)
def _sweep(lower, inverse, z, u, sums):  # type: ignore[no-untyped-def]
    sixteen, eight, four, two, one = (_columns(width) for width in (16, 8, 4, 2, 1))

    def compiled(lower, inverse, z, u, sums):  # type: ignore[no-untyped-def]
        n = u.shape[1]
        for j in range(0, n - 15, 16):
            sixteen(lower, inverse, z, u, sums, j)
        if n & 8:
            eight(lower, inverse, z, u, sums, n & ~15)
        if n & 4:
            four(lower, inverse, z, u, sums, n & ~7)
        if n & 2:
            two(lower, inverse, z, u, sums, n & ~3)
        if n & 1:
            one(lower, inverse, z, u, sums, n & ~1)

    return compiled


def _columns(lanes: int) -> Any:
    """The same for `lanes` columns from the last argument on."""

    @intrinsic
    def columns(typing, lower, inverse, z, u, sums, j):  # type: ignore[no-untyped-def]
        def code(context, builder, signature, given):  # type: ignore[no-untyped-def]
            arrays = [
                context.make_array(kind)(context, builder, value)
                for kind, value in zip(signature.args[:5], given, strict=False)
            ]
            _lanes(builder, lanes, arrays, given[5])
            return context.get_dummy_value()

        return types.void(lower, inverse, z, u, sums, types.intp), code

    return columns


def _lanes(builder: Any, lanes: int, arrays: list[Any], j: Any) -> None:
    lower, inverse, z, u, sums = (array.data for array in arrays)
    width, n = cgutils.unpack_tuple(builder, arrays[3].shape)
    number = width.type
    vector = ir.VectorType(ir.DoubleType(), lanes)
    zero = vector([ir.DoubleType()(0.0)] * lanes)

    def place(data: Any, k: Any) -> Any:
        return builder.bitcast(builder.gep(data, [builder.add(builder.mul(k, n), j)]), vector.as_pointer())

    def read(data: Any, k: Any) -> Any:
        return builder.load(place(data, k), align=8)

    def of_all(k: Any) -> Any:
        one = builder.insert_element(
            ir.Constant(vector, ir.Undefined), builder.load(builder.gep(z, [k])), ir.IntType(32)(0)
        )
        return builder.shuffle_vector(one, one, ir.Constant(ir.VectorType(ir.IntType(32), lanes), [0] * lanes))

    def minus(a: Any, b: Any, c: Any) -> Any:
        return builder.fsub(a, builder.fmul(b, c, flags=FUSED), flags=FUSED)

    def plus(a: Any, b: Any, c: Any) -> Any:
        return builder.fadd(a, builder.fmul(b, c, flags=FUSED), flags=FUSED)

    def descend(k: Any, carry: Any, above: Any) -> tuple[Any, Any]:
        solved = minus(builder.fsub(of_all(k), read(u, k)), above, carry)
        builder.store(solved, place(u, k), align=8)
        return solved, read(lower, k)

    def ascend(i: Any, carry: Any, product: Any, square: Any) -> tuple[Any, Any, Any]:
        k = builder.sub(builder.sub(width, i), number(1))
        solved = minus(builder.fmul(read(u, k), read(inverse, k), flags=FUSED), read(lower, k), carry)
        builder.store(solved, place(u, k), align=8)
        return solved, plus(product, of_all(k), solved), plus(square, solved, solved)

    _loop(builder, width, descend, [zero, zero])
    _, product, square = _loop(builder, width, ascend, [zero, zero, zero])
    builder.store(product, place(sums, number(0)), align=8)
    builder.store(square, place(sums, number(1)), align=8)


def _loop(builder: Any, count: Any, body: Any, first: list[Any]) -> list[Any]:
    """values = body(k, *values) for k = 0, ..., count - 1, count > 0; the last values."""
    before, loop, after = builder.block, builder.append_basic_block("row"), builder.append_basic_block("rows")
    builder.branch(loop)
    builder.position_at_end(loop)
    k, *values = (builder.phi(item.type) for item in (count, *first))
    found = body(k, *values)
    following = builder.add(k, count.type(1), flags=("nuw", "nsw"))
    for phi, start, end in zip((k, *values), (count.type(0), *first), (following, *found), strict=True):
        phi.add_incoming(start, before)
        phi.add_incoming(end, loop)
    builder.cbranch(builder.icmp_unsigned("<", following, count), loop, after)
    builder.position_at_end(after)
    return list(found)
