"""Gradients of a batch's loss to a CHGNet's own parameters: by the fused kernels, or by torch in any precision."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np
import torch

from superionic.errors import InputError
from superionic.potentials.chgnet.denormals import denormals_flushed
from superionic.potentials.chgnet.dual.gradients import WeightGradients
from superionic.potentials.chgnet.dual.network import Evaluated, evaluate
from superionic.potentials.chgnet.dual.second import add_gradients
from superionic.potentials.chgnet.fused.geometry import forces_and_virials
from superionic.potentials.chgnet.fused.matrices import Matrices
from superionic.potentials.chgnet.neighbours import FloatArray
from superionic.potentials.chgnet.network_torch import GraphTensors, TorchNetwork
from superionic.potentials.chgnet.weights import ChgnetWeights, reference_energies, unsupported
from superionic.training.frames import EV_PER_A3_TO_GPA, TrainingFrame, size_of
from superionic.training.loss import BatchSize, FrameLoss, Loss

if TYPE_CHECKING:
    from chgnet.model import CHGNet

__all__ = ["FusedGradients", "GradientEngine", "TorchGradients"]


class GradientEngine(Protocol):
    """Fills the gradients of a model's parameters."""

    def of_batch(self, frames: Sequence[TrainingFrame], size: BatchSize | None = None) -> float:
        """Loss of a batch; replaces the ``grad`` of the model's parameters.

        Parameters
        ----------
        frames
            The batch, or a part of it.
        size
            Of the whole batch, if these are a part of it: losses and gradients of the parts add up.
        """
        ...


class FusedGradients:
    """Exact gradients in float32 by a pass in dual numbers (see `potentials.chgnet.dual`), one frame at a time.

    Memory does not grow with the batch. Against stock chgnet in float64 they are right to 1e-6 (relative 2-norm).

    Parameters
    ----------
    model
        Whose parameters with ``requires_grad`` are trained.
    loss
        What is minimised.

    Raises
    ------
    InputError
        If the model's architecture is not that of CHGNet 0.3.0, or all of its parameters are frozen.
    """

    def __init__(self, model: CHGNet, loss: Loss) -> None:
        _check(model)
        self.model, self.loss = model, loss

    def of_batch(self, frames: Sequence[TrainingFrame], size: BatchSize | None = None) -> float:
        """As `GradientEngine.of_batch`."""
        live = ChgnetWeights.trainable(self.model)
        plain = live.detached()
        matrices = Matrices(plain)
        reference = reference_energies(self.model)
        size = size or size_of(frames)
        # gradients to forces are of the order of 1 / n_forces: float32 holds them better near 1, and a power of two
        # rounds nothing
        scale = 2.0 ** round(math.log2(size.n_forces))
        gradients, of_reference, total = WeightGradients.zero(live, matrices), np.zeros(len(reference)), 0.0
        with denormals_flushed():
            for frame in frames:
                evaluated = evaluate(frame.graph, plain, matrices)
                share, d_gradients = self._share(frame, evaluated, reference, size)
                d_energies = np.full(frame.n_atoms, share.d_energy_per_atom / frame.n_atoms)
                add_gradients(evaluated, matrices, scale * d_energies, scale * d_gradients, gradients)
                np.add.at(of_reference, frame.graph.numbers - 1, d_energies)
                total += share.value
        gradients.scale(1.0 / scale)
        self._to_parameters(live, gradients, of_reference)
        return total

    def _share(
        self, frame: TrainingFrame, evaluated: Evaluated, reference: FloatArray, size: BatchSize
    ) -> tuple[FrameLoss, FloatArray]:
        """The frame's share of the loss, and its gradient to the gradients to pair vectors (n_pairs, 3)."""
        pairs = frame.graph.pairs
        forces, virials = forces_and_virials(
            pairs.first, pairs.second, pairs.vectors_A, evaluated.gradients, frame.n_atoms, frame.graph.pair_offsets
        )
        energy = evaluated.energies.sum() + reference[frame.graph.numbers - 1].sum()
        to_GPa = EV_PER_A3_TO_GPA / frame.volume_A3
        share = self.loss.of_frame(
            (energy - frame.energy_eV) / frame.n_atoms,
            forces - frame.forces_eV_per_A,
            None if frame.stress_GPa is None else virials[0] * to_GPa - frame.stress_GPa,
            size,
        )
        # a pair's gradient adds to the force on its first atom, is taken from that on its second, and its product with
        # the vector adds to the virial
        of_forces = share.d_forces[pairs.first] - share.d_forces[pairs.second]
        if share.d_stress is None:
            return share, of_forces
        return share, of_forces + pairs.vectors_A @ (share.d_stress * to_GPa)

    def _to_parameters(self, live: ChgnetWeights, gradients: WeightGradients, of_reference: FloatArray) -> None:
        for parameter in self.model.parameters():
            parameter.grad = None
        trained = list(gradients.pairs(live))
        if trained:
            tensors, values = zip(*trained, strict=True)
            torch.autograd.backward(tensors, values)
        weight = self.model.composition_model.fc.weight
        if weight.requires_grad:
            weight.grad = torch.from_numpy(of_reference).to(weight.dtype).reshape(weight.shape)


class TorchGradients:
    """The same by torch's double reverse pass, in the model's own precision: the oracle, and the way on a GPU.

    Parameters
    ----------
    model, loss
        As `FusedGradients`.
    """

    def __init__(self, model: CHGNet, loss: Loss) -> None:
        _check(model)
        self.model, self.loss = model, loss
        self.dtype = model.atom_embedding.embedding.weight.dtype

    def of_batch(self, frames: Sequence[TrainingFrame], size: BatchSize | None = None) -> float:
        """As `GradientEngine.of_batch`."""
        for parameter in self.model.parameters():
            parameter.grad = None
        size = size or size_of(frames)
        return sum(self._add(frame, size) for frame in frames)

    def _add(self, frame: TrainingFrame, size: BatchSize) -> float:
        network = TorchNetwork(ChgnetWeights.trainable(self.model, self.dtype))
        graph = GraphTensors.of(frame.graph, network.device)
        energies, gradients = network.differentiable(graph)
        reference = self.model.composition_model.fc.weight.reshape(-1).double()[graph.species]
        per_atom = (energies.double().sum() + reference.sum()) / frame.n_atoms
        forces = torch.zeros(frame.n_atoms, 3, dtype=torch.float64, device=network.device)
        forces = forces.index_add(0, graph.first, gradients).index_add(0, graph.second, -gradients)
        stress = graph.vectors_A.T @ gradients * (EV_PER_A3_TO_GPA / frame.volume_A3)
        share = self.loss.of_frame(
            float(per_atom.detach()) - frame.energy_eV / frame.n_atoms,
            forces.detach().cpu().numpy() - frame.forces_eV_per_A,
            None if frame.stress_GPa is None else stress.detach().cpu().numpy() - frame.stress_GPa,
            size,
        )
        seeded = [(per_atom, share.d_energy_per_atom), (forces, share.d_forces)]
        if share.d_stress is not None:
            seeded.append((stress, share.d_stress))
        seeds = [torch.as_tensor(seed, dtype=torch.float64, device=network.device) for _, seed in seeded]
        torch.autograd.backward([predicted for predicted, _ in seeded], seeds)
        return share.value


def _check(model: CHGNet) -> None:
    reason = unsupported(model)
    if reason is not None:
        raise InputError(f"this CHGNet cannot be trained here: {reason}")
    if not any(parameter.requires_grad for parameter in model.parameters()):
        raise InputError("no parameter of the model is trained: all of them are frozen")
