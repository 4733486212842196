"""Gathering rows of a table and adding entries up by row: what a graph network does between its layers."""

from __future__ import annotations

from typing import Any, Self

import torch
from torch import Tensor
from torch.nn import functional

__all__ = ["OrderedRows", "Rows"]


class Rows:
    """Which row of a table each entry belongs to.

    Parameters
    ----------
    index : (n_entries,) int64
        The row of each entry.
    n_rows
        Rows of the table.
    """

    def __init__(self, index: Tensor, n_rows: int) -> None:
        self.index = index
        self.n_rows = n_rows

    @classmethod
    def both_ways(cls, one: Tensor, two: Tensor, n_rows: int) -> tuple[Self, Self]:
        """Rows of (one, then two) and of (two, then one)."""
        return cls(torch.cat([one, two]), n_rows), cls(torch.cat([two, one]), n_rows)

    def take(self, table: Tensor) -> Tensor:
        """Each entry's row (n_entries, width)."""
        return table.index_select(0, self.index)

    def total(self, entries: Tensor) -> Tensor:
        """Sum of the entries of each row (n_rows, width)."""
        return entries.new_zeros(self.n_rows, entries.shape[1]).index_add(0, self.index, entries)


class OrderedRows(Rows):
    """Sums the entries of a row from the first to the last, on any device; the last row stays zero.

    On a CUDA device `index_add` adds in the order in which threads happen to come, never twice the same in the last
    bits. Here each row is one thread's, in both directions of differentiation. The last row belongs to what fills a
    graph up (`superionic.potentials.chgnet.network_cuda`), for which one thread would take long and nobody asks.
    """

    def __init__(self, index: Tensor, n_rows: int, ordered: tuple[Tensor, Tensor] | None = None) -> None:
        super().__init__(index, n_rows)
        self.order, self.starts = ordered or _ordered(index, n_rows)

    @classmethod
    def both_ways(cls, one: Tensor, two: Tensor, n_rows: int) -> tuple[Self, Self]:
        """As `Rows.both_ways`, ordered once for both."""
        there = cls(torch.cat([one, two]), n_rows)
        other_half = (there.order + len(one)) % len(there.order)
        return there, cls(torch.cat([two, one]), n_rows, (other_half, there.starts))

    def take(self, table: Tensor) -> Tensor:
        """As `Rows.take`."""
        taken: Tensor = _Take.apply(table, self)  # type: ignore[no-untyped-call]
        return taken

    def total(self, entries: Tensor) -> Tensor:
        """As `Rows.total`, but for the last row."""
        summed: Tensor = _Total.apply(entries, self)  # type: ignore[no-untyped-call]
        return summed

    def summed(self, entries: Tensor) -> Tensor:
        """`total`, which autograd does not see."""
        return functional.embedding_bag(self.order, entries, self.starts, mode="sum", include_last_offset=True)


def _ordered(index: Tensor, n_rows: int) -> tuple[Tensor, Tensor]:
    """Entries by row, and where each row begins among them (n_rows + 1,); the last begins and ends at one place."""
    by_row, order = torch.sort(index, stable=True)
    rows = torch.arange(n_rows + 1, device=index.device).clamp_(max=n_rows - 1)
    return order, torch.searchsorted(by_row, rows)


class _Take(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, table: Tensor, rows: OrderedRows) -> Tensor:
        ctx.rows = rows
        return table.index_select(0, rows.index)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return ctx.rows.summed(gradient), None


class _Total(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, entries: Tensor, rows: OrderedRows) -> Tensor:
        ctx.rows = rows
        return rows.summed(entries)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return gradient.index_select(0, ctx.rows.index), None
