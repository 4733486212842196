"""The product that weights' gradients are made of: rows of one matrix times rows of another, summed over the rows."""

# numba calls intrinsics and their code generators with all arguments, needed or not
# ruff: noqa: ARG001
# mypy: disable-error-code="no-untyped-def, no-any-return, attr-defined"

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from superionic.potentials.chgnet.fused.compiling import kernel
from superionic.potentials.chgnet.fused.scratch import Matrix
from superionic.potentials.chgnet.fused.simd import COLUMNS, FLOAT, INT, LANES, LONG, ROWS, VECTORS, _call

__all__ = ["add_outer", "add_product"]


def _transposed_tile(rows: int, vectors: int) -> Callable[..., None]:  # noqa: C901
    """Compute c += a^T b for `rows` columns of a and `vectors` vectors of columns of b, kept in registers.

    As the register tile of `fused.simd`, but a is read along its rows.
    """

    def codegen(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> ir.Value:
        def number(value: int) -> ir.Constant:
            return ir.Constant(LONG, value)

        def element(k: int) -> ir.Value:
            array = context.make_array(signature.args[k])(context, builder, args[k])
            return builder.gep(array.data, [args[k + 1]])

        def vector_at(pointer: ir.Value, v: int) -> ir.Value:
            return builder.bitcast(builder.gep(pointer, [number(v * LANES)]), vector.as_pointer())

        def place(r: int, v: int) -> ir.Value:
            return vector_at(builder.gep(c, [builder.mul(c_step, number(r))]), v)

        def spread(value: ir.Value) -> ir.Value:
            single = builder.insert_element(empty, value, ir.Constant(INT, 0))
            return builder.shuffle_vector(single, empty, ir.Constant(ir.VectorType(INT, LANES), [0] * LANES))

        vector = ir.VectorType(FLOAT, LANES)
        empty = ir.Constant(vector, ir.Undefined)
        a, b, c = element(0), element(3), element(6)
        a_step, b_step, c_step, depth = args[2], args[5], args[8], args[9]
        places = [(r, v) for r in range(rows) for v in range(vectors)]
        initial = {at: builder.load(place(*at), align=4) for at in places}
        entry = builder.block
        loop, done = builder.append_basic_block("depth"), builder.append_basic_block("done")
        builder.branch(loop)

        builder.position_at_end(loop)
        k = builder.phi(LONG)
        k.add_incoming(number(0), entry)
        sums = {at: builder.phi(vector) for at in places}
        a_row, b_row = (builder.gep(start, [builder.mul(k, step)]) for start, step in ((a, a_step), (b, b_step)))
        of_b = [builder.load(vector_at(b_row, v), align=4) for v in range(vectors)]
        new = {}
        for r in range(rows):
            scalar = spread(builder.load(builder.gep(a_row, [number(r)])))
            for v in range(vectors):
                new[r, v] = _call(builder, "fma", scalar, of_b[v], sums[r, v])
        for at in places:
            sums[at].add_incoming(initial[at], entry)
            sums[at].add_incoming(new[at], loop)
        following = builder.add(k, number(1))
        k.add_incoming(following, loop)
        builder.cbranch(builder.icmp_signed("<", following, depth), loop, done)

        builder.position_at_end(done)
        for at in places:
            builder.store(new[at], place(*at), align=4)
        return context.get_dummy_value()

    @intrinsic
    def tile(
        typing: Any, a: Any, a_at: Any, a_step: Any, b: Any, b_at: Any, b_step: Any,
        c: Any, c_at: Any, c_step: Any, depth: Any,
    ):  # fmt: skip
        at = (types.int64, types.int64)
        return types.void(a, *at, b, *at, c, *at, types.int64), codegen

    return tile


_tile, _tile_row = _transposed_tile(ROWS, VECTORS), _transposed_tile(1, VECTORS)


@kernel
def add_outer(a, a_column, n_out, b, b_column, n_columns, c, n_rows):
    """Compute c[:n_out, :n_columns] += a[:n_rows, a_column:][:, :n_out]^T b[:n_rows, b_column:][:, :n_columns].

    n_columns is a multiple of 64.
    """
    if n_rows == 0:
        return
    a_step, b_step, c_step = a.shape[1], b.shape[1], c.shape[1]
    for column in range(0, n_columns, COLUMNS):
        row = 0
        while row < n_out:
            a_at, b_at, c_at = a_column + row, b_column + column, row * c_step + column
            if row + ROWS <= n_out:
                _tile(a, a_at, a_step, b, b_at, b_step, c, c_at, c_step, n_rows)
                row += ROWS
            else:
                _tile_row(a, a_at, a_step, b, b_at, b_step, c, c_at, c_step, n_rows)
                row += 1


def add_product(a: Matrix, b: Matrix, c: Matrix) -> None:
    """Compute c += a^T b over whole matrices."""
    add_outer(a, 0, a.shape[1], b, 0, b.shape[1], c, a.shape[0])
