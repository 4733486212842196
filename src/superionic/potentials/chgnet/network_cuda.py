"""The torch network where the device waits for the host: launching hundreds of kernels takes longer than they do.

Pairs and angles come and go from step to step, while a CUDA device replays only what was recorded with the same
sizes. So a graph is filled up to sizes that come back, with atoms, pairs and angles of one atom alone: a system of its
own, which touches no other. Those sizes depend on the graph's alone, and with them the results do.
"""

from __future__ import annotations

from collections import OrderedDict
from importlib.util import find_spec

import numpy as np
import torch
from torch import Tensor

from superionic.potentials.chgnet.graph import CrystalGraph
from superionic.potentials.chgnet.neighbours import FloatArray
from superionic.potentials.chgnet.network_torch import GraphTensors, Messages, TorchNetwork, arrays, plain_messages
from superionic.potentials.chgnet.rows import OrderedRows
from superionic.potentials.chgnet.weights import ChgnetWeights

__all__ = ["CudaNetwork"]

_RECORDED_PAIRS = 2**18
"""Beyond, the device is busy for longer than the launches take, and a recording would hold GBs of its memory."""
_USES_BEFORE_RECORDING = 2
"""Recording costs as much as ten replays save; sizes that come once or twice are not worth it."""
_KEPT = 16

Sizes = tuple[int, int, int, int]
"""Of atoms, pairs, bonds and angles, filled up."""


class CudaNetwork:
    """`TorchNetwork` with filled-up graphs, small ones replayed, and sums in a fixed order.

    Parameters
    ----------
    weights
        Their dtype and device are the network's; on the CPU nothing is recorded.
    """

    def __init__(self, weights: ChgnetWeights) -> None:
        self.network = TorchNetwork(weights, *_means(weights))
        self._filled: OrderedDict[Sizes, _Filled] = OrderedDict()
        # a pool of our own: one that goes with its last recording cannot take another
        self._pool = torch.cuda.MemPool() if self.network.device.type == "cuda" else None

    def evaluate(self, graph: CrystalGraph) -> tuple[FloatArray, FloatArray]:
        """As `TorchNetwork.evaluate`."""
        sizes = _sizes(graph)
        filled = self._filled.pop(sizes, None) or _Filled(self.network, sizes, self._pool)
        self._filled[sizes] = filled
        if len(self._filled) > _KEPT:
            self._filled.popitem(last=False)
        try:
            energies, gradients = filled.evaluate(graph)
        except torch.OutOfMemoryError:
            self._filled.clear()  # recordings hold memory, and their pool does when they have gone
            self._pool = self._pool and torch.cuda.MemPool()
            raise
        return energies[: len(graph.numbers)].cpu().numpy(), gradients[: len(graph.pairs.first)].cpu().numpy()


class _Filled:
    """Graphs of certain sizes on the device."""

    def __init__(self, network: TorchNetwork, sizes: Sizes, pool: torch.cuda.MemPool | None) -> None:
        self.network = network
        self.pool = pool
        n_atoms, n_pairs, n_bonds, n_angles = sizes
        lengths = [n_atoms, n_pairs, n_pairs, n_bonds, n_angles, n_angles, n_angles]
        # what fills up: hydrogen, bonded to itself by the last pair at a distance that is in both bases
        fills = [0, n_atoms - 1, n_atoms - 1, n_pairs - 1, n_bonds - 1, n_bonds - 1, n_atoms - 1]
        self.fills = [*fills, np.array([network.weights.bond_cutoff_A, 0.0, 0.0]), 1.0]
        on_cuda = network.device.type == "cuda"
        self.staged = [
            torch.empty(sum(lengths), dtype=torch.int64, pin_memory=on_cuda),
            torch.empty(3 * n_pairs + n_angles, dtype=torch.float64, pin_memory=on_cuda),
        ]
        self.inputs = [torch.empty_like(values, device=network.device) for values in self.staged]

        def fields(values: list[Tensor]) -> list[Tensor]:
            vectors, sign = values[1].split([3 * n_pairs, n_angles])
            return [*values[0].split(lengths), vectors.view(-1, 3), sign]

        self.host = [values.numpy() for values in fields(self.staged)]
        self.graph = GraphTensors(*fields(self.inputs))
        self.n_uses = 0
        self.recorded: tuple[torch.cuda.CUDAGraph, tuple[Tensor, Tensor]] | None = None

    def evaluate(self, graph: CrystalGraph) -> tuple[Tensor, Tensor]:
        for host, values, fill in zip(self.host, arrays(graph), self.fills, strict=True):
            host[: len(values)], host[len(values) :] = values, fill
        for there, staged in zip(self.inputs, self.staged, strict=True):
            there.copy_(staged, non_blocking=True)
        self.n_uses += 1
        if self.pool is None or self.n_uses <= _USES_BEFORE_RECORDING or len(self.graph.first) > _RECORDED_PAIRS:
            return self.network.differentiated(self.graph)
        recording, outputs = self.recorded = self.recorded or self._record(self.pool)
        recording.replay()
        return outputs

    def _record(self, pool: torch.cuda.MemPool) -> tuple[torch.cuda.CUDAGraph, tuple[Tensor, Tensor]]:
        recording = torch.cuda.CUDAGraph()
        with torch.cuda.graph(recording, pool=pool.id):  # type: ignore[arg-type]
            outputs = self.network.differentiated(self.graph)
        return recording, outputs


def _means(weights: ChgnetWeights) -> tuple[type[OrderedRows], Messages]:
    """What gathers, sums and makes messages: compiled, where that can be."""
    if weights.embedding.is_cuda and weights.embedding.dtype == torch.float32 and find_spec("triton"):
        from superionic.potentials.chgnet.messages_triton import available, messages
        from superionic.potentials.chgnet.rows_triton import CompiledRows

        if available(weights.atom_mlps[0]):
            return CompiledRows, messages
    return OrderedRows, plain_messages


def _sizes(graph: CrystalGraph) -> Sizes:
    numbers = graph.numbers, graph.pairs.first, graph.angles.bonds, graph.angles.arm_one
    atoms, pairs, bonds, angles = (_filled_up(len(values)) for values in numbers)
    return atoms, pairs, bonds, angles


def _filled_up(number: int) -> int:
    """The next of the steps of an eighth to a fourth of a number, at least one more than it."""
    step = 2 ** (number // 8).bit_length()
    return step * (number // step + 1)
