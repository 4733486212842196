"""Systems to evaluate, and chgnet itself in float64 as the truth."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Iterator

import chgnet.graph.converter
import chgnet.model.model
import numpy as np
import pytest
import torch
from chgnet.model import CHGNet
from pymatgen.core import Lattice, Structure

from superionic.potentials import Evaluation
from superionic.potentials.chgnet import ChgnetPotential, System, load_chgnet


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def li3incl6() -> Structure:
    """Li3InCl6, 20 atoms."""
    return Structure.from_spacegroup(
        "C2/m",
        Lattice.monoclinic(6.594, 11.366, 6.475, 111.09),
        ["Li", "Li", "In", "Cl", "Cl"],
        [[0, 0.3438, 0.5], [0, 0, 0.5], [0, 0.5, 0], [0.2385, 0.3467, 0.2694], [0.2284, 0.5, 0.7562]],
    )


def as_system(structure: Structure, amplitude_A: float, seed: int = 0) -> System:
    numbers = np.array(structure.atomic_numbers)
    noise = np.random.default_rng(seed).normal(scale=amplitude_A, size=(len(numbers), 3))
    return System(numbers, structure.cart_coords + noise, structure.lattice.matrix.copy())


@pytest.fixture(scope="session")
def systems(li3incl6: Structure) -> dict[str, System]:
    """Everything a run may meet."""
    cell = as_system(li3incl6 * (2, 1, 2), 0.1)
    cations = np.array(cell.numbers)
    cations[cations == 49] = [49, 21, 39, 40, 71, 49, 21, 39]
    far = np.random.default_rng(1).integers(-3, 4, size=(80, 3)) @ cell.cell_A
    iron = Structure(Lattice.cubic(2.87), ["Fe", "Fe"], [[0, 0, 0], [0.5, 0.5, 0.52]])
    return {
        "rattled": cell,
        "hot": as_system(li3incl6, 0.25, seed=2),
        "high entropy": cell._replace(numbers=cations),
        "unwrapped": cell._replace(positions_A=cell.positions_A + far),
        "tiny": as_system(iron, 0.0),
        "one atom, no angles": as_system(Structure(Lattice.cubic(4.0), ["Li"], [[0, 0, 0]]), 0.0),
        "large": as_system(li3incl6 * (2, 2, 2), 0.12, seed=3),
    }


@pytest.fixture(scope="session")
def fused() -> ChgnetPotential:
    return load_chgnet(kernels="fused")


@pytest.fixture(scope="session")
def plain() -> ChgnetPotential:
    return load_chgnet(kernels="torch")


@pytest.fixture(scope="session", params=["fused", "torch"])
def potential(request: pytest.FixtureRequest) -> ChgnetPotential:
    return request.getfixturevalue({"fused": "fused", "torch": "plain"}[request.param])


def pretrained(name: str = "0.3.0") -> CHGNet:
    with contextlib.redirect_stdout(io.StringIO()):
        return CHGNet.load(model_name=name, use_device="cpu", verbose=False)


@contextlib.contextmanager
def double_precision() -> Iterator[None]:
    modules = (chgnet.graph.converter, chgnet.model.model)
    for module in modules:
        module.TORCH_DTYPE = torch.float64
    try:
        yield
    finally:
        for module in modules:
            module.TORCH_DTYPE = torch.float32


@pytest.fixture(scope="session")
def stock() -> Callable[..., Evaluation]:
    """What chgnet says: stock(system, dtype, model name)."""
    models: dict[tuple[str, torch.dtype], CHGNet] = {}

    def evaluate(system: System, dtype: torch.dtype = torch.float64, name: str = "0.3.0") -> Evaluation:
        if (name, dtype) not in models:
            models[name, dtype] = pretrained(name).to(dtype)
        model = models[name, dtype]
        model.graph_converter.set_isolated_atom_response("ignore")
        reference, model.composition_model = model.composition_model, None
        structure = Structure(system.cell_A, system.numbers, system.positions_A, coords_are_cartesian=True)
        with double_precision() if dtype == torch.float64 else contextlib.nullcontext():
            graph = model.graph_converter(structure)
            output = model.predict_graph(graph, task="efs")
        model.composition_model = reference
        shift = reference.fc.weight.detach().double().numpy().reshape(-1)[np.array(system.numbers) - 1].sum()
        energy = float(output["e"]) * len(structure) + float(shift)
        return Evaluation(energy, output["f"].astype(float), output["s"].astype(float) / 160.21766208)

    return evaluate


def differences(one: Evaluation, two: Evaluation) -> np.ndarray:
    """Largest difference in energy per atom, forces and stress."""
    return np.array(
        [
            abs(one.energy_eV - two.energy_eV) / len(two.forces_eV_per_A),
            abs(one.forces_eV_per_A - two.forces_eV_per_A).max(),
            abs(one.stress_eV_per_A3 - two.stress_eV_per_A3).max(),
        ]
    )


@pytest.fixture(scope="session")
def compare() -> Callable[[Evaluation, Evaluation], np.ndarray]:
    return differences
