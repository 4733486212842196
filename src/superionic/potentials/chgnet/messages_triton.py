"""Messages on a CUDA device: what torch does in 15 kernels ahead and 30 back, in one each and the sums.

The features of a message stay in registers from the gathering to the result, and the way back computes them anew:
cheaper than reading them. Written plainly, a message is memory's time, much of it for norms of 64 numbers.
"""
# mypy: disable-error-code="no-untyped-def,name-defined"

from __future__ import annotations

from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor

from superionic.potentials.chgnet.rows import OrderedRows
from superionic.potentials.chgnet.weights import WIDTH, AngleMlp, AtomMlp

__all__ = ["available", "messages"]

_ROWS, _WARPS = 32, 4
_PRECISION = tl.constexpr("tf32x3")
"""Three products of parts in TF32: the accuracy of float32 at twice the speed."""


def messages(
    mlp: AtomMlp | AngleMlp, table: Tensor, own: Tensor, weights: Tensor | None, one: OrderedRows, two: OrderedRows
) -> Tensor:
    """As `superionic.potentials.chgnet.network_torch.plain_messages`, in float32."""
    result: Tensor = _Messages.apply(table, own, weights, one, two, mlp)  # type: ignore[no-untyped-call]
    return result


def available(mlp: AtomMlp) -> bool:
    """Whether kernels can be compiled on this machine: Triton wants a C compiler and Python's headers."""
    row = OrderedRows(torch.zeros(2, dtype=torch.int64, device=mlp.norm.device), 2)
    try:
        messages(mlp, mlp.norm.new_zeros(2, 4 * WIDTH), mlp.norm.new_zeros(2, 1, 2 * WIDTH), None, row, row)
    except Exception:  # noqa: BLE001 - whatever is missing, torch does without
        return False
    return True


class _Messages(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, table: Tensor, own: Tensor, weights: Tensor | None,
        one: OrderedRows, two: OrderedRows, mlp: AtomMlp | AngleMlp,
    ) -> Tensor:  # fmt: skip
        ctx.one, ctx.two, ctx.mlp = one, two, mlp
        ctx.save_for_backward(table, own, weights)
        result = table.new_empty(len(one.index), WIDTH)
        _launch(_ahead, ctx, table, own, weights, result)
        return result

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        table, own, weights = ctx.saved_tensors
        to_hidden = table.new_empty(len(gradient), 2 * WIDTH)
        to_weights = None if weights is None else table.new_empty(gradient.shape)
        _launch(_back, ctx, table, own, weights, gradient.contiguous(), to_hidden, to_weights)
        to_table = torch.cat([ctx.one.summed(to_hidden), ctx.two.summed(to_hidden)], 1)
        to_both = None if to_weights is None else _like(weights, to_weights)
        return to_table, _like(own, to_hidden), to_both, None, None, None


def _like(values: Tensor, gradient: Tensor) -> Tensor:
    """A gradient of (2, n / 2) messages, summed if they read the same values."""
    gradient = gradient.view(2, *values.shape[1:])
    return gradient if len(values) == 2 else (gradient[0] + gradient[1])[None]


def _launch(kernel: Any, ctx: Any, table: Tensor, own: Tensor, weights: Tensor | None, *others: Tensor | None) -> None:
    n, mlp = len(ctx.one.index), ctx.mlp
    n_weights, stride = (0, 0) if weights is None else (len(weights) * weights.shape[1], weights.stride(1))
    kernel[(triton.cdiv(n, _ROWS),)](
        table, own, weights, ctx.one.index, ctx.two.index, mlp.second, mlp.second_bias, mlp.norm, *others,
        n, len(own) * own.shape[1], n_weights, stride,
        SECOND=mlp.second.numel() > 0, WEIGHTED=weights is not None, ROWS=_ROWS, WIDTH=WIDTH, num_warps=_WARPS,
    )  # fmt: skip


@triton.jit
def _half(
    table, own, second, bias, norm, row_one, row_two, row_own, inside,
    part: tl.constexpr, SECOND: tl.constexpr, WIDTH: tl.constexpr,
):  # fmt: skip
    """Core (part 0) or gate (part 1) before its last activation, and what the way back needs of it."""
    columns = tl.arange(0, WIDTH)
    here = part * WIDTH + columns
    before = tl.load(table + row_one * 4 * WIDTH + here, mask=inside, other=0.0)
    before += tl.load(table + row_two * 4 * WIDTH + 2 * WIDTH + here, mask=inside, other=0.0)
    before += tl.load(own + row_own * 2 * WIDTH + here, mask=inside, other=0.0)
    x = before
    if SECOND:
        matrix = tl.load(second + part * WIDTH * WIDTH + columns[:, None] * WIDTH + columns)
        x = tl.dot(before * tl.sigmoid(before), matrix, input_precision=_PRECISION)
        x += tl.load(bias + here)
    x -= tl.sum(x, 1)[:, None] / WIDTH
    per_spread = tl.rsqrt(tl.sum(x * x, 1)[:, None] / WIDTH + 1e-5)
    x *= per_spread
    scale = tl.load(norm + 2 * part * WIDTH + columns)
    shift = tl.load(norm + (2 * part + 1) * WIDTH + columns)
    return before, x, per_spread, scale, x * scale + shift


@triton.jit
def _half_back(
    gradient, before, x, per_spread, scale, second, part: tl.constexpr, SECOND: tl.constexpr, WIDTH: tl.constexpr
):
    """Gradient to the pre-activations from that to what `_half` gave."""
    columns = tl.arange(0, WIDTH)
    gradient *= scale
    mean = tl.sum(gradient, 1)[:, None] / WIDTH
    along = tl.sum(gradient * x, 1)[:, None] / WIDTH
    gradient = (gradient - mean - x * along) * per_spread
    if SECOND:
        transposed = tl.load(second + part * WIDTH * WIDTH + columns[:, None] + columns * WIDTH)
        sigmoid = tl.sigmoid(before)
        gradient = tl.dot(gradient, transposed, input_precision=_PRECISION)
        gradient *= sigmoid * (1 + before * (1 - sigmoid))
    return gradient


@triton.jit
def _rows(one, two, n, n_own, ROWS: tl.constexpr):
    """The messages of a program, which of them there are, and the rows they read; `own` may hold one for both ways."""
    at = (tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS))[:, None]
    inside = at < n
    row_one, row_two = tl.load(one + at, mask=inside, other=0), tl.load(two + at, mask=inside, other=0)
    return at, inside, row_one, row_two, tl.where(at < n_own, at, at - n_own)


@triton.jit(do_not_specialize=["n", "n_own", "n_weights", "stride"])
def _ahead(
    table, own, weights, one, two, second, bias, norm, result, n, n_own, n_weights, stride,
    SECOND: tl.constexpr, WEIGHTED: tl.constexpr, ROWS: tl.constexpr, WIDTH: tl.constexpr,
):  # fmt: skip
    columns = tl.arange(0, WIDTH)
    at, inside, row_one, row_two, row_own = _rows(one, two, n, n_own, ROWS)
    _, _, _, _, core = _half(table, own, second, bias, norm, row_one, row_two, row_own, inside, 0, SECOND, WIDTH)
    _, _, _, _, gate = _half(table, own, second, bias, norm, row_one, row_two, row_own, inside, 1, SECOND, WIDTH)
    message = core * tl.sigmoid(core) * tl.sigmoid(gate)
    if WEIGHTED:
        row = tl.where(at < n_weights, at, at - n_weights)
        message *= tl.load(weights + row * stride + columns, mask=inside, other=0.0)
    tl.store(result + at * WIDTH + columns, message, mask=inside)


@triton.jit(do_not_specialize=["n", "n_own", "n_weights", "stride"])
def _back(
    table, own, weights, one, two, second, bias, norm, gradient, to_hidden, to_weights, n, n_own, n_weights, stride,
    SECOND: tl.constexpr, WEIGHTED: tl.constexpr, ROWS: tl.constexpr, WIDTH: tl.constexpr,
):  # fmt: skip
    columns = tl.arange(0, WIDTH)
    at, inside, row_one, row_two, row_own = _rows(one, two, n, n_own, ROWS)
    core_before, core_x, core_per_spread, core_scale, core = _half(
        table, own, second, bias, norm, row_one, row_two, row_own, inside, 0, SECOND, WIDTH
    )
    gate_before, gate_x, gate_per_spread, gate_scale, gate = _half(
        table, own, second, bias, norm, row_one, row_two, row_own, inside, 1, SECOND, WIDTH
    )
    above = tl.load(gradient + at * WIDTH + columns, mask=inside, other=0.0)
    of_core, of_gate = tl.sigmoid(core), tl.sigmoid(gate)
    if WEIGHTED:
        row = tl.where(at < n_weights, at, at - n_weights)
        tl.store(to_weights + at * WIDTH + columns, above * core * of_core * of_gate, mask=inside)
        above *= tl.load(weights + row * stride + columns, mask=inside, other=0.0)
    to_core = above * of_gate * of_core * (1 + core * (1 - of_core))
    to_gate = above * core * of_core * of_gate * (1 - of_gate)
    to_core = _half_back(to_core, core_before, core_x, core_per_spread, core_scale, second, 0, SECOND, WIDTH)
    tl.store(to_hidden + at * 2 * WIDTH + columns, to_core, mask=inside)
    to_gate = _half_back(to_gate, gate_before, gate_x, gate_per_spread, gate_scale, second, 1, SECOND, WIDTH)
    tl.store(to_hidden + at * 2 * WIDTH + WIDTH + columns, to_gate, mask=inside)
