"""`superionic bench training`: a step of fine-tuning, by stock chgnet and by ours, in one run on one thread."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from superionic.bench.cells import ordered_cell
from superionic.bench.in_child import measured
from superionic.bench.rows import row

if TYPE_CHECKING:
    from chgnet.model import CHGNet

    from superionic.training.frames import TrainingFrame

SETS: dict[str, tuple[str, ...]] = {
    "all parameters": ("",),
    "embeddings": ("atom_embedding", "bond_embedding", "angle_embedding", "composition_model"),
    "last layers": ("atom_conv_layers.3", "mlp", "readout_norm", "composition_model"),
}
"""Beginnings of the names of the parameters that are trained: all, the study's, and the upstream example's."""
MS_A_FRAME = {"all parameters": 65.0, "embeddings": 50.0}
TIMES_STOCK = {"all parameters": 8.5}
MEMORY_MB = 300.0
N_ATOMS, N_FRAMES, N_TURNS = 80, 8, 4


def run() -> Iterator[dict[str, Any]]:
    """Measure gradient and Adam step of a batch of 8 frames of 80 atoms, CPU ms a frame.

    Stock is chgnet's own forward pass, ``CombinedLoss`` and torch's backward pass. The engines take turns, so that all
    see the machine in the same state, and each counts with its fastest turn. Memory is that of a process that does
    nothing else, beyond what it took before its first batch.
    """
    torch.set_num_threads(1)
    warnings.filterwarnings("ignore", message="Converting a tensor with requires_grad=True to a scalar")
    for name in SETS:
        steps = {engine: make(name) for engine, make in _ENGINES.items()}
        ms = {engine: 1e3 * seconds / N_FRAMES for engine, seconds in _taking_turns(steps).items()}
        for engine, value in ms.items():
            bound = MS_A_FRAME.get(name) if engine == "fused" else None
            yield row(f"{name}, {engine}, a frame and epoch", value, "ms", at_most=bound)
        for engine in ("torch", "fused"):
            bound = TIMES_STOCK.get(name) if engine == "fused" else None
            yield row(f"{name}, {engine} against stock", ms["stock"] / ms[engine], "x", at_least=bound)
    for engine in _ENGINES:
        bound = MEMORY_MB if engine == "fused" else None
        yield row(f"all parameters, {engine}, memory", measured(_one_batch, engine).memory_MB, "MB", at_most=bound)


def _taking_turns(steps: dict[str, Callable[[], object]]) -> dict[str, float]:
    best = dict.fromkeys(steps, np.inf)
    for step in steps.values():
        step()
    for _ in range(N_TURNS):
        for name, step in steps.items():
            start = time.process_time()
            step()
            best[name] = min(best[name], time.process_time() - start)
    return best


def _one_batch(engine: str) -> Iterator[Any]:
    torch.set_num_threads(1)
    step = _ENGINES[engine]("all parameters")
    yield None
    step()
    yield None


def _systems() -> list[tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]]:
    """Atomic numbers, positions and cells of rattled, strained frames."""
    cell, rng = ordered_cell(N_ATOMS), np.random.default_rng(0)
    systems = []
    for _ in range(N_FRAMES):
        strain = np.eye(3) + 0.01 * rng.standard_normal((3, 3))
        positions = cell.cart_coords @ strain + 0.1 * rng.standard_normal(cell.cart_coords.shape)
        systems.append((np.array(cell.atomic_numbers), positions, cell.lattice.matrix @ strain))
    return systems


def _frames() -> list[TrainingFrame]:
    """The systems with the labels of another CHGNet, energies moved near those of the one that is trained."""
    from superionic.potentials.chgnet import load_chgnet
    from superionic.training.frames import training_frame

    systems = _systems()
    teacher, student = load_chgnet("r2scan"), load_chgnet("0.3.0")
    labels, before = teacher.evaluate_batch(systems), student.evaluate_batch(systems)
    return [
        training_frame(
            numbers, positions, vectors, energy_eV=old.energy_eV + 0.01 * N_ATOMS,
            forces_eV_per_A=label.forces_eV_per_A, stress_eV_per_A3=label.require_stress(),
            cutoff_A=student.cutoff_A, bond_cutoff_A=student.bond_cutoff_A,
        )
        for (numbers, positions, vectors), label, old in zip(systems, labels, before, strict=True)
    ]  # fmt: skip


def _model(name: str) -> tuple[CHGNet, torch.optim.Optimizer]:
    from superionic.potentials.chgnet.reference import load_model

    model, _ = load_model("0.3.0")
    for parameter_name, parameter in model.named_parameters():
        parameter.requires_grad = parameter_name.startswith(SETS[name]) and not parameter_name.startswith("site_wise")
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    return model, torch.optim.Adam(trained, lr=1e-9)


def _ours(engine: str, name: str) -> Callable[[], object]:
    from superionic.training.gradients import FusedGradients, GradientEngine, TorchGradients
    from superionic.training.loss import Loss

    model, optimizer = _model(name)
    gradients: GradientEngine = (FusedGradients if engine == "fused" else TorchGradients)(model, Loss())
    frames = _frames()

    def step() -> None:
        gradients.of_batch(frames)
        optimizer.step()

    return step


def _stock(name: str) -> Callable[[], object]:
    from chgnet.trainer.trainer import CombinedLoss
    from pymatgen.core import Structure

    model, optimizer = _model(name)
    frames, graphs = _frames(), []
    for numbers, positions, vectors in _systems():
        graphs.append(model.graph_converter(Structure(vectors, list(numbers), positions, coords_are_cartesian=True)))
        graphs[-1].atom_frac_coord.requires_grad = True
    targets = {
        "e": torch.tensor([frame.energy_eV / N_ATOMS for frame in frames]).float(),
        "f": [torch.tensor(frame.forces_eV_per_A).float() for frame in frames],
        "s": [torch.tensor(frame.stress_GPa).float() for frame in frames],
    }
    criterion = CombinedLoss(
        target_str="efs", criterion="Huber", energy_loss_ratio=1, force_loss_ratio=1.5, stress_loss_ratio=0.15
    )
    model.train()

    def step() -> None:
        optimizer.zero_grad()
        criterion(targets, model(graphs, task="efs"))["loss"].backward()
        optimizer.step()

    return step


_ENGINES: dict[str, Callable[[str], Callable[[], object]]] = {
    "stock": _stock,
    "torch": lambda name: _ours("torch", name),
    "fused": lambda name: _ours("fused", name),
}
