"""Sums by row on a CUDA device, several entries at a time and still in a fixed order."""
# mypy: disable-error-code="no-untyped-def,name-defined"

from __future__ import annotations

import triton
import triton.language as tl
from torch import Tensor

from superionic.potentials.chgnet.rows import OrderedRows

__all__ = ["CompiledRows"]

_AT_ONCE = 16


class CompiledRows(OrderedRows):
    """`OrderedRows` whose entries are read 16 at a time; torch reads one, and waits for it."""

    def summed(self, entries: Tensor) -> Tensor:
        """As `OrderedRows.summed`."""
        width = entries.shape[1]
        result = entries.new_empty(self.n_rows, width)
        _sum[(self.n_rows,)](
            entries.contiguous(), self.order, self.starts, result,
            WIDTH=width, COLUMNS=triton.next_power_of_2(width), AT_ONCE=_AT_ONCE,
        )  # fmt: skip
        return result


@triton.jit
def _sum(entries, order, starts, result, WIDTH: tl.constexpr, COLUMNS: tl.constexpr, AT_ONCE: tl.constexpr):
    row = tl.program_id(0).to(tl.int64)
    columns = tl.arange(0, COLUMNS)
    start, end = tl.load(starts + row), tl.load(starts + row + 1)
    total = tl.zeros([COLUMNS], entries.dtype.element_ty)
    for first in range(start, end, AT_ONCE):
        places = first + tl.arange(0, AT_ONCE)
        entry = tl.load(order + places, mask=places < end, other=0)
        there = (places < end)[:, None] & (columns < WIDTH)
        total += tl.sum(tl.load(entries + entry[:, None] * WIDTH + columns, mask=there, other=0.0), 0)
    tl.store(result + row * WIDTH + columns, total, mask=columns < WIDTH)
