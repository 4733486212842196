"""CHGNet as a function: (atomic numbers, positions, cell) -> energy, forces, stress."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import ArrayLike

from superionic.documents import PotentialReference
from superionic.errors import InputError
from superionic.potentials.checks import checked_geometry, checked_numbers, refuse_isolated
from superionic.potentials.chgnet.denormals import denormals_flushed
from superionic.potentials.chgnet.fused.geometry import forces_and_virials
from superionic.potentials.chgnet.graph import CrystalGraph, crystal_graph, join
from superionic.potentials.chgnet.neighbours import FloatArray, IntArray, SkinList
from superionic.potentials.chgnet.network_cuda import CudaNetwork
from superionic.potentials.chgnet.network_stock import StockNetwork
from superionic.potentials.chgnet.network_torch import TorchNetwork
from superionic.potentials.chgnet.reference import KNOWS, PRETRAINED, SUPPORTED_NUMBERS, load_model
from superionic.potentials.chgnet.weights import ChgnetWeights, reference_energies, unsupported
from superionic.potentials.interface import Evaluation

if TYPE_CHECKING:
    from chgnet.model import CHGNet

__all__ = ["ChgnetPotential", "ChgnetSession", "Kernels", "System", "load_chgnet"]

Kernels = Literal["auto", "fused", "torch", "stock"]


class System(NamedTuple):
    """Atoms in a periodic cell."""

    numbers: ArrayLike
    """(n_atoms,) atomic numbers."""
    positions_A: ArrayLike
    """(n_atoms, 3) Cartesian, wrapped or not."""
    cell_A: ArrayLike
    """(3, 3) lattice vectors in rows."""


class _Network(Protocol):
    def evaluate(self, graph: CrystalGraph) -> tuple[FloatArray, FloatArray]: ...


def load_chgnet(model: str | Path = "0.3.0", device: str = "cpu", kernels: Kernels = "auto") -> ChgnetPotential:
    """Load CHGNet for fast evaluation.

    Parameters
    ----------
    model
        "0.3.0", "r2scan", "0.2.0" or the path of a checkpoint.
    device
        A torch device, "cpu" or "cuda".
    kernels
        "fused" (hand-written passes, CPU only), "torch" (any device), "stock" (the chgnet package's own layers,
        any architecture) or "auto": the fastest of them that the device and the architecture allow. What was
        chosen is in `ChgnetPotential.reference.kernels`.

    Raises
    ------
    InputError
        Unknown model or kernels, a device that is not there, or kernels that cannot evaluate this model.
    """
    if kernels not in ("auto", "fused", "torch", "stock"):
        raise InputError(f"kernels={kernels!r} is unknown: choose 'auto', 'fused', 'torch' or 'stock'")
    on = _device(device)
    network, sha256 = load_model(model)
    reason = unsupported(network)
    if kernels == "auto":
        kernels = "stock" if reason else "fused" if on.type == "cpu" else "torch"
    elif kernels != "stock" and reason:
        raise InputError(f"kernels={kernels!r} cannot evaluate model={str(model)!r}, which has {reason}: use 'auto'")
    if kernels == "fused" and on.type != "cpu":
        raise InputError(f"kernels='fused' run on the CPU only, device={device!r} was asked for: use 'auto'")
    return ChgnetPotential(
        network.to(on),
        PotentialReference(
            family="CHGNet",
            model=str(model),
            origin="pretrained" if str(model) in PRETRAINED else "fine-tuned",
            sha256=sha256,
            package_version=version("chgnet"),
            kernels=kernels,
        ),
        on,
    )


class ChgnetPotential:
    """CHGNet on one device; made by `load_chgnet`."""

    def __init__(self, model: CHGNet, reference: PotentialReference, device: torch.device) -> None:
        self.reference = reference
        self.supported_numbers = SUPPORTED_NUMBERS
        self.gives_stress = True
        self.cutoff_A = float(model.graph_converter.atom_graph_cutoff)
        self.bond_cutoff_A = float(model.graph_converter.bond_graph_cutoff)
        self._reference_energies = reference_energies(model)
        self._network: _Network = _network(model, reference.kernels, device)
        self._model = model
        self._most_at_once = 10**6  # systems; halved whenever the device runs out of memory

    def session(self, numbers: ArrayLike, skin_A: float = 0.6) -> ChgnetSession:
        """Hold the neighbour list of one system from step to step.

        Parameters
        ----------
        numbers : (n_atoms,) int
            Atomic numbers.
        skin_A
            Neighbours beyond the cutoff that are kept in the list; it changes the speed, never a result.

        Raises
        ------
        InputError
            No atoms, or an element that CHGNet was not trained on.
        """
        return ChgnetSession(self, checked_numbers(numbers, SUPPORTED_NUMBERS, KNOWS), skin_A)

    def close(self) -> None:
        """Nothing to let go of."""

    def evaluate_batch(
        self,
        systems: Sequence[System | tuple[ArrayLike, ArrayLike, ArrayLike]],
        sessions: Sequence[ChgnetSession] = (),
    ) -> list[Evaluation]:
        """Evaluate several systems, of any sizes, at once.

        Parameters
        ----------
        systems
            (numbers, positions_A, cell_A) of each.
        sessions
            One per system, made by `session`, to keep their neighbour lists between calls.

        Raises
        ------
        InputError, PotentialError
            As `ChgnetSession.evaluate`.
        """
        sessions = sessions or [self.session(numbers) for numbers, _, _ in systems]
        graphs = [
            session.graph(positions, cell) for session, (_, positions, cell) in zip(sessions, systems, strict=True)
        ]
        return [result.require_finite("CHGNet") for result in self.evaluate_graphs(graphs)]

    def evaluate_graphs(self, graphs: Sequence[CrystalGraph]) -> list[Evaluation]:
        """Evaluate graphs of one system each, all at once where the device's memory allows.

        Whether a result is finite is not checked; what is not leaves the others as they are.
        """
        if self.reference.kernels == "stock":  # chgnet itself lets one graph of a batch touch another
            return [self._evaluate([graph])[0] for graph in graphs]
        results: list[Evaluation] = []
        while len(results) < len(graphs):
            part = graphs[len(results) : len(results) + self._most_at_once]
            try:
                results += self._evaluate(part)
            except torch.OutOfMemoryError:
                if len(part) == 1:
                    raise
                self._most_at_once = len(part) // 2
                torch.cuda.empty_cache()
        return results

    def magnetic_moments(self, numbers: ArrayLike, positions_A: ArrayLike, cell_A: ArrayLike) -> FloatArray:
        """Absolute magnetic moments (n_atoms,) in Bohr magnetons."""
        session = self.session(numbers)
        graph = session.graph(positions_A, cell_A)
        with denormals_flushed():
            return StockNetwork(self._model).magnetic_moments(graph)

    def _evaluate(self, graphs: Sequence[CrystalGraph]) -> list[Evaluation]:
        graph = join(graphs)
        with denormals_flushed():
            energies, gradients = self._network.evaluate(graph)
        pairs, offsets = graph.pairs, graph.pair_offsets
        forces, virials = forces_and_virials(
            pairs.first, pairs.second, pairs.vectors_A, gradients, len(graph.numbers), offsets
        )
        energies = energies + self._reference_energies[graph.numbers - 1]
        stresses = 0.5 * (virials + virials.swapaxes(1, 2)) / abs(np.linalg.det(graph.cells_A))[:, None, None]
        results = []
        for start, end, stress in zip(graph.atom_offsets[:-1], graph.atom_offsets[1:], stresses, strict=True):
            results.append(Evaluation(float(energies[start:end].sum()), forces[start:end], stress))
        return results


class GraphEvaluator(Protocol):
    """What a session needs of a potential."""

    cutoff_A: float
    bond_cutoff_A: float

    def evaluate_graphs(self, graphs: Sequence[CrystalGraph]) -> list[Evaluation]: ...


class ChgnetSession:
    """One system on its way through configuration space; made by `ChgnetPotential.session`.

    Results depend on the positions and the cell alone, never on what was evaluated before.
    """

    def __init__(self, potential: GraphEvaluator, numbers: IntArray, skin_A: float) -> None:
        self.potential = potential
        self.numbers = numbers
        self.skin_list = SkinList(potential.cutoff_A, skin_A)

    def evaluate(self, positions_A: ArrayLike, cell_A: ArrayLike) -> Evaluation:
        """Energy, forces and stress.

        Parameters
        ----------
        positions_A : (n_atoms, 3)
            Cartesian, wrapped or not.
        cell_A : (3, 3)
            Lattice vectors in rows; periodic along all three.

        Raises
        ------
        InputError
            Wrong shapes or a flat cell.
        IsolatedAtomError
            An atom without neighbours within the cutoff (an InputError and a PotentialError).
        PotentialError
            Positions or results that are not finite, or atoms on top of each other.
        """
        return self.potential.evaluate_graphs([self.graph(positions_A, cell_A)])[0].require_finite("CHGNet")

    def graph(self, positions_A: ArrayLike, cell_A: ArrayLike) -> CrystalGraph:
        """Exact pairs within the cutoff, at least one for every atom, and their angles; raises as `evaluate`."""
        positions, cell = checked_geometry(self.numbers, positions_A, cell_A)
        pairs = self.skin_list.pairs(positions, cell)
        refuse_isolated(self.numbers, np.concatenate([pairs.first, pairs.second]), self.potential.cutoff_A)
        return crystal_graph(self.numbers, pairs, cell, self.potential.bond_cutoff_A)


def _network(model: CHGNet, kernels: str | None, device: torch.device) -> _Network:
    if kernels == "stock":
        return StockNetwork(model)
    weights = ChgnetWeights.from_model(model, device=device)
    if kernels == "torch":
        return CudaNetwork(weights) if device.type == "cuda" else TorchNetwork(weights)
    from superionic.potentials.chgnet.fused.network import FusedNetwork

    return FusedNetwork(weights)


def _device(name: str) -> torch.device:
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise InputError(f"device={name!r} is not a torch device: use 'cpu' or 'cuda'") from error
    if device.type == "cuda" and not torch.cuda.is_available():
        raise InputError(f"device={name!r} was asked for, but torch sees no CUDA device: use 'cpu'")
    return device
