"""Gated layers on a CUDA device: what torch does in 10 kernels ahead and 20 back, in one each.

The features of a row stay in registers from the pre-activations to the result, and the way back computes them anew:
cheaper than reading them. Written plainly, a layer is memory's time, half of it for norms of 64 numbers.
"""
# mypy: disable-error-code="no-untyped-def,name-defined"

from __future__ import annotations

from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor

from superionic.potentials.weights import WIDTH, AngleMlp, AtomMlp

__all__ = ["available", "gated"]

_ROWS, _WARPS = 32, 4
_PRECISION = tl.constexpr("tf32x3")
"""Three products of parts in TF32: the accuracy of float32 at twice the speed."""


def gated(hidden: Tensor, mlp: AtomMlp | AngleMlp) -> Tensor:
    """As `superionic.potentials.network_torch.plainly_gated`, in float32."""
    result: Tensor = _Gated.apply(hidden.contiguous(), mlp)
    return result


def available(mlp: AtomMlp) -> bool:
    """Whether kernels can be compiled on this machine: Triton wants a C compiler and Python's headers."""
    try:
        gated(mlp.norm.new_zeros(1, 2 * WIDTH), mlp)
    except Exception:  # noqa: BLE001 - whatever is missing, torch does without
        return False
    return True


class _Gated(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, hidden: Tensor, mlp: AtomMlp | AngleMlp) -> Tensor:
        ctx.mlp = mlp
        ctx.save_for_backward(hidden)
        result = hidden.new_empty(len(hidden), WIDTH)
        _launch(_ahead, hidden, mlp, result)
        return result

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        (hidden,) = ctx.saved_tensors
        result = torch.empty_like(hidden)
        _launch(_back, hidden, ctx.mlp, gradient.contiguous(), result)
        return result, None


def _launch(kernel: Any, hidden: Tensor, mlp: AtomMlp | AngleMlp, *others: Tensor) -> None:
    n = len(hidden)
    kernel[(triton.cdiv(n, _ROWS),)](
        hidden, mlp.second, mlp.second_bias, mlp.norm, *others, n,
        SECOND=mlp.second.numel() > 0, ROWS=_ROWS, WIDTH=WIDTH, num_warps=_WARPS,
    )  # fmt: skip


@triton.jit
def _half(hidden, second, bias, norm, at, inside, part: tl.constexpr, SECOND: tl.constexpr, WIDTH: tl.constexpr):
    """Core (part 0) or gate (part 1) before its last activation, and what the way back needs of it."""
    columns = tl.arange(0, WIDTH)
    before = tl.load(hidden + at * 2 * WIDTH + part * WIDTH + columns, mask=inside, other=0.0)
    x = before
    if SECOND:
        matrix = tl.load(second + part * WIDTH * WIDTH + columns[:, None] * WIDTH + columns)
        x = tl.dot(before * tl.sigmoid(before), matrix, input_precision=_PRECISION)
        x += tl.load(bias + part * WIDTH + columns)
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


@triton.jit(do_not_specialize=["n"])
def _ahead(hidden, second, bias, norm, result, n, SECOND: tl.constexpr, ROWS: tl.constexpr, WIDTH: tl.constexpr):
    at = (tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS))[:, None]
    inside = at < n
    _, _, _, _, core = _half(hidden, second, bias, norm, at, inside, 0, SECOND, WIDTH)
    _, _, _, _, gate = _half(hidden, second, bias, norm, at, inside, 1, SECOND, WIDTH)
    message = core * tl.sigmoid(core) * tl.sigmoid(gate)
    tl.store(result + at * WIDTH + tl.arange(0, WIDTH), message, mask=inside)


@triton.jit(do_not_specialize=["n"])
def _back(
    hidden, second, bias, norm, gradient, result, n, SECOND: tl.constexpr, ROWS: tl.constexpr, WIDTH: tl.constexpr
):
    at = (tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS))[:, None]
    inside = at < n
    columns = tl.arange(0, WIDTH)
    core_before, core_x, core_per_spread, core_scale, core = _half(
        hidden, second, bias, norm, at, inside, 0, SECOND, WIDTH
    )
    gate_before, gate_x, gate_per_spread, gate_scale, gate = _half(
        hidden, second, bias, norm, at, inside, 1, SECOND, WIDTH
    )
    above = tl.load(gradient + at * WIDTH + columns, mask=inside, other=0.0)
    of_core, of_gate = tl.sigmoid(core), tl.sigmoid(gate)
    to_core = above * of_gate * of_core * (1 + core * (1 - of_core))
    to_gate = above * core * of_core * of_gate * (1 - of_gate)
    to_core = _half_back(to_core, core_before, core_x, core_per_spread, core_scale, second, 0, SECOND, WIDTH)
    to_gate = _half_back(to_gate, gate_before, gate_x, gate_per_spread, gate_scale, second, 1, SECOND, WIDTH)
    tl.store(result + at * 2 * WIDTH + columns, to_core, mask=inside)
    tl.store(result + at * 2 * WIDTH + WIDTH + columns, to_gate, mask=inside)
