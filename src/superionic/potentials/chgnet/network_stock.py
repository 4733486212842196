"""The chgnet package's own layers on our graph: for architectures that the re-arranged networks do not know."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from superionic.potentials.chgnet.graph import CrystalGraph
from superionic.potentials.chgnet.neighbours import FloatArray

if TYPE_CHECKING:
    from chgnet.model import CHGNet
    from chgnet.model.model import BatchedGraph

__all__ = ["StockNetwork"]


class StockNetwork:
    """Energies and forces of any `chgnet.model.CHGNet`, in the precision and on the device of its weights."""

    def __init__(self, model: CHGNet) -> None:
        self.model = model
        parameter = next(model.parameters())
        self.dtype, self.device = parameter.dtype, parameter.device

    def evaluate(self, graph: CrystalGraph) -> tuple[FloatArray, FloatArray]:
        """Energy of every atom without its reference, and the gradient of their sum to the pair vectors.

        A model that pools before its readout knows no atomic energies: its total is shared evenly.
        """
        vectors = torch.from_numpy(graph.pairs.vectors_A).to(self.device, self.dtype).requires_grad_(True)
        output = self.model._compute(self._batched(graph, vectors), return_site_energies=self.model.mlp_first)
        n_atoms = len(graph.numbers)
        energy = output["e"].sum() * (n_atoms if self.model.is_intensive else 1)
        (gradients,) = torch.autograd.grad(energy, vectors)
        energies = output["site_energies"][0] if self.model.mlp_first else (energy / n_atoms).expand(n_atoms)
        return (
            energies.detach().to("cpu", torch.float64).numpy(),
            gradients.to("cpu", torch.float64).numpy(),
        )

    def magnetic_moments(self, graph: CrystalGraph) -> FloatArray:
        """Absolute magnetic moments (n_atoms,) in Bohr magnetons."""
        with torch.inference_mode():
            vectors = torch.from_numpy(graph.pairs.vectors_A).to(self.device, self.dtype)
            moments: Tensor = self.model._compute(self._batched(graph, vectors), compute_magmom=True)["m"][0]
            array: FloatArray = moments.to("cpu", torch.float64).numpy()
            return array

    def _batched(self, graph: CrystalGraph, vectors: Tensor) -> BatchedGraph:
        from chgnet.model.model import BatchedGraph

        def tensor(*columns: np.ndarray) -> Tensor:
            return torch.from_numpy(np.stack(columns, axis=-1).astype(np.int32)).to(self.device)

        pairs, angles = graph.pairs, graph.angles
        bonds_of = self.model.bond_basis_expansion
        distances = vectors.norm(dim=1)
        directions = vectors / distances[:, None]
        arm_one, arm_two = angles.bonds[angles.arm_one], angles.bonds[angles.arm_two]
        sign = torch.from_numpy(angles.sign).to(self.device, self.dtype)[:, None]
        angle_bases = self.model.angle_basis_expansion(directions[arm_one] * sign, directions[arm_two])
        first, second = np.r_[pairs.first, pairs.second], np.r_[pairs.second, pairs.first]
        n_pairs = np.arange(len(pairs.first))
        return BatchedGraph(
            atomic_numbers=torch.from_numpy(graph.numbers).to(self.device, torch.int32),
            bond_bases_ag=bonds_of.rbf_expansion_ag(distances),
            bond_bases_bg=bonds_of.rbf_expansion_bg(distances),
            angle_bases=torch.cat([angle_bases, angle_bases]),
            batched_atom_graph=tensor(first, second),
            batched_bond_graph=tensor(
                np.r_[angles.centre, angles.centre], np.r_[arm_one, arm_two], np.r_[arm_two, arm_one]
            ),
            atom_owners=torch.zeros(len(graph.numbers), dtype=torch.int32, device=self.device),
            directed2undirected=tensor(np.r_[n_pairs, n_pairs])[:, 0],
            atom_positions=[],
            strains=[],
            volumes=[],
        )
