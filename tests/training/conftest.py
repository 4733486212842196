"""Models and labelled frames for the tests of training."""

import contextlib
import io

import numpy as np
import pytest
import torch

from superionic.makers.ordering import OrderingMaker
from superionic.potentials.chgnet import load_chgnet
from superionic.structures.host import load_host
from superionic.training.frames import training_frame

CUTOFFS = {"cutoff_A": 6.0, "bond_cutoff_A": 3.0}


@pytest.fixture
def model():
    """Makes CHGNet 0.3.0 with the parameters of the given beginnings trained, all that matter if there are none."""

    def make(*trained, dtype=torch.float32):
        from chgnet.model import CHGNet

        with contextlib.redirect_stdout(io.StringIO()):
            network = CHGNet.load(model_name="0.3.0", use_device="cpu", verbose=False).to(dtype)
        for name, parameter in network.named_parameters():
            parameter.requires_grad = name.startswith(trained) if trained else not name.startswith("site_wise")
        return network

    return make


@pytest.fixture(scope="session")
def systems():
    """Two strained, rattled cells of a halide (20 atoms) and one of rocksalt: numbers, positions, cell."""
    structure = OrderingMaker(label="O").ordered(load_host("Li3InCl6"))
    rng = np.random.default_rng(5)
    made = []
    for _ in range(2):
        strain = np.eye(3) + 0.02 * rng.standard_normal((3, 3))
        positions = structure.cart_coords @ strain + 0.08 * rng.standard_normal(structure.cart_coords.shape)
        made.append((np.array(structure.atomic_numbers), positions, structure.lattice.matrix @ strain))
    places = 2.55 * np.array([[x, y, z] for x in range(2) for y in range(2) for z in range(2)], dtype=float)
    numbers = np.where(places.sum(axis=1) % 5.1 < 0.1, 3, 17)
    made.append((numbers, places + 0.1 * rng.standard_normal(places.shape), 5.1 * np.eye(3)))
    return made


@pytest.fixture(scope="session")
def frames(systems):
    """The systems with the labels of another CHGNet, their energies moved near those of the model to be trained."""
    teacher, own = load_chgnet("r2scan"), load_chgnet("0.3.0")
    made = []
    for system, label, before in zip(
        systems, teacher.evaluate_batch(systems), own.evaluate_batch(systems), strict=True
    ):
        numbers, positions, cell = system
        made.append(
            training_frame(
                numbers,
                positions,
                cell,
                energy_eV=before.energy_eV + 0.02 * len(numbers),
                forces_eV_per_A=label.forces_eV_per_A,
                stress_eV_per_A3=label.stress_eV_per_A3,
                **CUTOFFS,
            )
        )
    return made


def flat(network):
    """Gradients of all trained parameters as one vector in float64; zero where the network does not use one."""
    trained = [p for p in network.parameters() if p.requires_grad]
    return np.concatenate([_numbers(torch.zeros_like(p) if p.grad is None else p.grad) for p in trained])


def _numbers(tensor):
    return tensor.detach().double().numpy().ravel()
