"""What numba lacks without a vendor's library: a small matrix product, sums of 64, and exp, sin and cos that vectorise.

These are a few lines of LLVM code that numba inlines and compiles for the processor at hand, so they need neither
BLAS nor a compiler on the user's machine. Every rounding is spelled out: an element of a product is one chain of
fused multiply-adds over the depth, a sum is one fixed tree. Results depend neither on the size of a batch, nor on
memory alignment, nor on how a kernel was compiled or which processor it runs on.
"""

# numba calls intrinsics and their code generators with all arguments, needed or not
# ruff: noqa: ARG001
# mypy: disable-error-code="no-untyped-def, no-any-return, attr-defined"

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import llvmlite.binding as llvm
import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from superionic.potentials.chgnet.fused.compiling import kernel

__all__ = ["NOTHING", "exp", "fma", "inner", "multiply", "product", "register_tile", "sin_cos", "total"]

FLOAT, INT, LONG = ir.FloatType(), ir.IntType(32), ir.IntType(64)


def _vector_registers() -> tuple[int, int]:
    """Lanes of a vector, and vectors per row such that six rows of them fit into the registers."""
    features = llvm.get_host_cpu_features()
    if features.get("avx512f"):
        return 16, 4
    return (8, 2) if features.get("avx2") else (4, 4)


LOG2_E = 1.4426950408889634
ROWS = 6
LANES, VECTORS = _vector_registers()
COLUMNS = LANES * VECTORS
NOTHING = np.zeros((1, 256), dtype=np.float32)
"""A row to start products from."""


def _call(builder: ir.IRBuilder, name: str, *values: ir.Value) -> ir.Value:
    kind = values[0].type
    suffix = f"v{kind.count}f32" if isinstance(kind, ir.VectorType) else "f32"
    signature = ir.FunctionType(kind, [kind] * len(values))
    return builder.call(cgutils.get_or_insert_function(builder.module, signature, f"llvm.{name}.{suffix}"), values)


def register_tile(rows: int, vectors: int, *, transposed: bool = False) -> Callable[..., None]:  # noqa: C901
    """Compute c = start + a b for `rows` rows and `vectors` vectors of columns, kept in registers over the depth.

    Transposed, c = start + a^T b. Each matrix is given by its array, the index of the tile's first element and the
    distance of its rows.
    """

    def codegen(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> ir.Value:
        def number(value: int) -> ir.Constant:
            return ir.Constant(LONG, value)

        def element(k: int) -> ir.Value:
            array = context.make_array(signature.args[k])(context, builder, args[k])
            return builder.gep(array.data, [args[k + 1]])

        def row(pointer: ir.Value, step: ir.Value, r: int) -> ir.Value:
            return builder.gep(pointer, [builder.mul(step, number(r))])

        def vector_at(pointer: ir.Value, v: int) -> ir.Value:
            return builder.bitcast(builder.gep(pointer, [number(v * LANES)]), vector.as_pointer())

        vector = ir.VectorType(FLOAT, LANES)
        a, b, start, c = element(0), element(3), element(6), element(9)
        a_step, b_step, start_step, c_step, depth = args[2], args[5], args[8], args[11], args[12]
        of_row, of_depth = (a_step, number(1))[:: -1 if transposed else 1]
        places = [(r, v) for r in range(rows) for v in range(vectors)]
        initial = {(r, v): builder.load(vector_at(row(start, start_step, r), v), align=4) for r, v in places}
        entry = builder.block
        loop, done = builder.append_basic_block("depth"), builder.append_basic_block("done")
        builder.branch(loop)

        builder.position_at_end(loop)
        k = builder.phi(LONG)
        k.add_incoming(number(0), entry)
        sums = {place: builder.phi(vector) for place in places}
        b_row = builder.gep(b, [builder.mul(k, b_step)])
        of_b = [builder.load(vector_at(b_row, v), align=4) for v in range(vectors)]
        new = {}
        for r in range(rows):
            scalar = builder.load(builder.gep(row(a, of_row, r), [builder.mul(k, of_depth)]))
            empty = ir.Constant(vector, ir.Undefined)
            single = builder.insert_element(empty, scalar, ir.Constant(INT, 0))
            spread = builder.shuffle_vector(single, empty, ir.Constant(ir.VectorType(INT, LANES), [0] * LANES))
            for v in range(vectors):
                new[r, v] = _call(builder, "fma", spread, of_b[v], sums[r, v])
        for place in places:
            sums[place].add_incoming(initial[place], entry)
            sums[place].add_incoming(new[place], loop)
        following = builder.add(k, number(1))
        k.add_incoming(following, loop)
        builder.cbranch(builder.icmp_signed("<", following, depth), loop, done)

        builder.position_at_end(done)
        for r, v in places:
            builder.store(new[r, v], vector_at(row(c, c_step, r), v), align=4)
        return context.get_dummy_value()

    @intrinsic
    def tile(
        typing: Any, a: Any, a_at: Any, a_step: Any, b: Any, b_at: Any, b_step: Any,
        start: Any, start_at: Any, start_step: Any, c: Any, c_at: Any, c_step: Any, depth: Any,
    ):  # fmt: skip
        at = (types.int64, types.int64)
        return types.void(a, *at, b, *at, start, *at, c, *at, types.int64), codegen

    return tile


_tile, _tile_row = register_tile(ROWS, VECTORS), register_tile(1, VECTORS)
_half_tile, _half_tile_row = register_tile(ROWS, VECTORS // 2), register_tile(1, VECTORS // 2)


@kernel
def product(a, a_column, b, start, start_step, c, c_column, n_rows):
    """Compute c[:n_rows, c_column:][:, :n] = start + a[:n_rows, a_column:][:, :depth] @ b for b of shape (depth, n).

    n is a multiple of 32. `start` is a row to start from at each row (start_step = 0) or a matrix shaped like c,
    c itself to add to it, with the distance of its rows.
    """
    depth, n_columns = b.shape
    a_step, c_step = a.shape[1], c.shape[1]
    for column in range(0, n_columns, COLUMNS):
        half = n_columns - column < COLUMNS
        row = 0
        while row < n_rows:
            a_at, c_at = row * a_step + a_column, row * c_step + c_column + column
            start_at = row * start_step + c_column + column
            if row + ROWS <= n_rows:
                if half:
                    _half_tile(
                        a, a_at, a_step, b, column, n_columns, start, start_at, start_step, c, c_at, c_step, depth
                    )
                else:
                    _tile(a, a_at, a_step, b, column, n_columns, start, start_at, start_step, c, c_at, c_step, depth)
                row += ROWS
            else:
                if half:
                    _half_tile_row(
                        a, a_at, a_step, b, column, n_columns, start, start_at, start_step, c, c_at, c_step, depth
                    )
                else:
                    _tile_row(
                        a, a_at, a_step, b, column, n_columns, start, start_at, start_step, c, c_at, c_step, depth
                    )
                row += 1


@kernel
def multiply(a, b, start, start_step, c):
    """Compute c = start + a b over whole matrices; see `product`."""
    product(a, 0, b, start, start_step, c, 0, a.shape[0])


def _sum_of_64(builder: ir.IRBuilder, context: Any, signature: Any, args: Any) -> ir.Value:
    """Sum of a, or of (a - a_shift) (b - b_shift), over 64 features: four vectors of 16, then by halves."""
    vector = ir.VectorType(FLOAT, 16)
    empty = ir.Constant(vector, ir.Undefined)

    def part(k: int, v: int) -> ir.Value:
        array = context.make_array(signature.args[k])(context, builder, args[k])
        at = builder.gep(array.data, [builder.add(args[k + 1], ir.Constant(LONG, 16 * v))])
        return builder.load(builder.bitcast(at, vector.as_pointer()), align=4)

    def spread(value: ir.Value) -> ir.Value:
        single = builder.insert_element(empty, value, ir.Constant(INT, 0))
        return builder.shuffle_vector(single, empty, ir.Constant(ir.VectorType(INT, 16), [0] * 16))

    result = None
    for v in range(4):
        if len(args) == 2:
            one = part(0, v)
            result = one if result is None else builder.fadd(result, one)
        else:
            one = builder.fsub(part(0, v), spread(args[2]))
            two = builder.fsub(part(3, v), spread(args[5]))
            result = builder.fmul(one, two) if result is None else _call(builder, "fma", one, two, result)
    width = 16
    while width > 1:
        width //= 2
        low, high = (
            builder.shuffle_vector(
                result, result, ir.Constant(ir.VectorType(INT, width), list(range(start, start + width)))
            )
            for start in (0, width)
        )
        result = builder.fadd(low, high)
    return builder.extract_element(result, ir.Constant(INT, 0))


@intrinsic
def total(typing: Any, a: Any, a_at: Any):
    """Sum of the 64 features that begin at element a_at of a."""

    def codegen(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> ir.Value:
        return _sum_of_64(builder, context, signature, args)

    return types.float32(a, types.int64), codegen


@intrinsic
def inner(typing: Any, a: Any, a_at: Any, a_shift: Any, b: Any, b_at: Any, b_shift: Any):
    """Sum of (a - a_shift) (b - b_shift) over 64 features."""

    def codegen(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> ir.Value:
        return _sum_of_64(builder, context, signature, args)

    return types.float32(a, types.int64, types.float32, b, types.int64, types.float32), codegen


def _polynomial(builder: ir.IRBuilder, x: ir.Value, *coefficients: float) -> ir.Value:
    """Horner's scheme, highest power first."""
    value = _constant(coefficients[0])
    for coefficient in coefficients[1:]:
        value = _call(builder, "fma", value, x, _constant(coefficient))
    return value


def _constant(value: float) -> ir.Constant:
    return ir.Constant(FLOAT, float(np.float32(value)))


def _nearest_integer(builder: ir.IRBuilder, x: ir.Value, factor: float) -> tuple[ir.Value, ir.Value]:
    """The integer next to factor * x, |.| < 2^22, as a float and, in its low bits, as an integer."""
    magic = _constant(1.5 * 2**23)
    shifted = _call(builder, "fma", x, _constant(factor), magic)
    return builder.fsub(shifted, magic), builder.bitcast(shifted, INT)


@intrinsic
def fma(typing: Any, a: Any, b: Any, c: Any):
    """A b + c, rounded once."""

    def codegen(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> ir.Value:
        return _call(builder, "fma", *args)

    return types.float32(types.float32, types.float32, types.float32), codegen


@intrinsic
def exp(typing: Any, x: Any):
    """exp(x) for |x| < 87, to (2 + |x| / 4) 1e-7 relative: 2^n by its bits, 2^f by a polynomial for |f| <= 1/2."""

    def codegen(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> ir.Value:
        n, bits = _nearest_integer(builder, args[0], LOG2_E)
        f = _call(builder, "fma", args[0], _constant(LOG2_E), builder.fsub(_constant(0.0), n))
        p = _polynomial(
            builder, f, 1.3264720215e-3, 9.6715131391e-3, 5.5507337664e-2, 2.4022242074e-1, 6.9314697758e-1, 1.0
        )
        power = builder.shl(bits, ir.Constant(INT, 23))
        return builder.bitcast(builder.add(builder.bitcast(p, INT), power), FLOAT)

    return types.float32(types.float32), codegen


@intrinsic
def sin_cos(typing: Any, x: Any):
    """(sin x, cos x) for |x| < 8192 to 1e-7 absolute (range reduction and polynomials of Cephes' sinf and cosf)."""

    def codegen(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> ir.Value:
        n, bits = _nearest_integer(builder, args[0], 2.0 / np.pi)
        r = args[0]
        for part in (-1.5703125, -4.837512969970703125e-4, -7.54978995489188216e-8):
            r = _call(builder, "fma", n, _constant(part), r)
        square = builder.fmul(r, r)
        sine = _polynomial(builder, square, -1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1)
        sine = _call(builder, "fma", builder.fmul(sine, square), r, r)
        cosine = _polynomial(builder, square, 2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2, -0.5)
        cosine = _call(builder, "fma", cosine, square, _constant(1.0))

        def bit(value: ir.Value, place: int) -> ir.Value:
            return builder.trunc(builder.lshr(value, ir.Constant(INT, place)), ir.IntType(1))

        def signed(value: ir.Value, quadrant: ir.Value) -> ir.Value:
            return builder.select(bit(quadrant, 1), builder.fsub(_constant(0.0), value), value)

        odd, following = bit(bits, 0), builder.add(bits, ir.Constant(INT, 1))
        results = [
            signed(builder.select(odd, cosine, sine), bits),
            signed(builder.select(odd, sine, cosine), following),
        ]
        return context.make_tuple(builder, signature.return_type, results)

    return types.UniTuple(types.float32, 2)(types.float32), codegen
