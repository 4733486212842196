"""The product that weights' gradients are made of: rows of one matrix times rows of another, summed over the rows."""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from superionic.potentials.chgnet.fused.compiling import kernel
from superionic.potentials.chgnet.fused.scratch import Matrix
from superionic.potentials.chgnet.fused.simd import COLUMNS, ROWS, VECTORS, register_tile

__all__ = ["add_outer", "add_product"]


_tile, _tile_row = register_tile(ROWS, VECTORS, transposed=True), register_tile(1, VECTORS, transposed=True)


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
                _tile(a, a_at, a_step, b, b_at, b_step, c, c_at, c_step, c, c_at, c_step, n_rows)
                row += ROWS
            else:
                _tile_row(a, a_at, a_step, b, b_at, b_step, c, c_at, c_step, c, c_at, c_step, n_rows)
                row += 1


def add_product(a: Matrix, b: Matrix, c: Matrix) -> None:
    """Compute c += a^T b over whole matrices."""
    add_outer(a, 0, a.shape[1], b, 0, b.shape[1], c, a.shape[0])
