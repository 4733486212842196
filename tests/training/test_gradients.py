"""Gradients of the loss: finite differences, stock chgnet, and the fused kernels against plain torch in float64."""

import numpy as np
import pytest
import torch
from pymatgen.core import Structure

from superionic.errors import InputError
from superionic.training.frames import EV_PER_A3_TO_GPA, training_frame
from superionic.training.gradients import FusedGradients, TorchGradients
from superionic.training.loss import Loss

from .conftest import CUTOFFS, flat

STUDY = ("atom_embedding", "bond_embedding", "angle_embedding", "composition_model")
UPSTREAM = ("atom_conv_layers.3", "mlp", "readout_norm", "composition_model")
FREQUENCIES = ("bond_basis_expansion", "angle_basis_expansion")


def relative(found, true):
    return np.linalg.norm(found - true) / np.linalg.norm(true)


@pytest.mark.parametrize("loss", [Loss(), Loss(criterion="mse"), Loss(energy=0, force=1, stress=2, delta=0.01)])
def test_double_reverse_pass_against_finite_differences(model, frames, loss):
    network = model(dtype=torch.float64)
    engine = TorchGradients(network, loss)
    engine.of_batch(frames)
    rng, step = np.random.default_rng(0), 1e-6
    parameters = [p for p in network.parameters() if p.requires_grad]
    direction = [torch.tensor(rng.standard_normal(p.shape)) * p.detach().abs().mean() for p in parameters]
    slope = flat(network) @ np.concatenate([d.numpy().ravel() for d in direction])
    losses = []
    for sign in (1, -2):
        with torch.no_grad():
            for parameter, moved in zip(parameters, direction, strict=True):
                parameter.add_(sign * step * moved)
        losses.append(engine.of_batch(frames))
    assert slope == pytest.approx((losses[0] - losses[1]) / (2 * step), rel=1e-5)


@pytest.mark.parametrize(
    "trained",
    [(), STUDY, UPSTREAM, FREQUENCIES, ("composition_model",), ("bond_conv_layers.1",), ("angle_layers.0",)],
    ids=["all", "study", "upstream", "frequencies", "reference", "bond convolution", "angle update"],
)
def test_fused_gradients_are_exact(model, frames, trained):
    oracle, network = model(*trained, dtype=torch.float64), model(*trained)
    true_loss = TorchGradients(oracle, Loss()).of_batch(frames)
    found_loss = FusedGradients(network, Loss()).of_batch(frames)
    assert found_loss == pytest.approx(true_loss, rel=1e-5)
    assert relative(flat(network), flat(oracle)) < 1e-5
    assert all(p.grad is None for p in network.parameters() if not p.requires_grad)


def test_stock_chgnet_has_the_same_gradients(model, systems, frames):
    from chgnet.trainer.trainer import CombinedLoss

    stock, network = model(), model()
    FusedGradients(network, Loss()).of_batch(frames)
    graphs = [
        stock.graph_converter(Structure(cell, numbers, positions, coords_are_cartesian=True))
        for numbers, positions, cell in systems
    ]
    for graph in graphs:
        graph.atom_frac_coord.requires_grad = True
    predicted = stock.train()(graphs, task="efs")
    targets = {
        "e": torch.tensor([frame.energy_eV / frame.n_atoms for frame in frames]).float(),
        "f": [torch.tensor(frame.forces_eV_per_A).float() for frame in frames],
        "s": [torch.tensor(frame.stress_GPa).float() for frame in frames],
    }
    criterion = CombinedLoss(
        target_str="efs", criterion="Huber",
        energy_loss_ratio=1, force_loss_ratio=1.5, stress_loss_ratio=0.15, delta=0.1,
    )  # fmt: skip
    criterion(targets, predicted)["loss"].backward()
    assert relative(flat(stock), flat(network)) < 5e-5


def test_a_batch_is_the_mean_of_its_frames_where_they_are_alike(model, frames):
    network = model()
    engine = FusedGradients(network, Loss())
    engine.of_batch([frames[0], frames[0]])
    twice = flat(network)
    engine.of_batch([frames[0]])
    np.testing.assert_allclose(flat(network), twice, rtol=2e-5, atol=1e-9)


def test_the_same_bits_every_time(model, frames):
    network = model()
    engine = FusedGradients(network, Loss())
    found = [(engine.of_batch(frames), flat(network)) for _ in range(2)]
    assert found[0][0] == found[1][0]
    np.testing.assert_array_equal(found[0][1], found[1][1])


def test_steps_lower_the_loss(model, frames):
    network = model()
    engine = FusedGradients(network, Loss())
    optimizer = torch.optim.Adam([p for p in network.parameters() if p.requires_grad], lr=3e-4)
    losses = []
    for _ in range(4):
        losses.append(engine.of_batch(frames))
        optimizer.step()
    assert losses == sorted(losses, reverse=True)


def test_a_lattice_without_bonds_has_gradients(model):
    numbers, cell = [3, 17], np.diag([7.0, 7.0, 7.0])
    frame = training_frame(
        numbers, [[0, 0, 0], [3.4, 3.4, 3.4]], cell, energy_eV=-5, forces_eV_per_A=np.full((2, 3), 0.1),
        stress_eV_per_A3=np.eye(3) / EV_PER_A3_TO_GPA, **CUTOFFS,
    )  # fmt: skip
    oracle, network = model(dtype=torch.float64), model()
    TorchGradients(oracle, Loss()).of_batch([frame])
    FusedGradients(network, Loss()).of_batch([frame])
    assert relative(flat(network), flat(oracle)) < 1e-5


def test_frozen_models_and_unfit_labels_are_refused(model, systems):
    with pytest.raises(InputError, match="all of them are frozen"):
        FusedGradients(model("nothing"), Loss())
    numbers, positions, cell = systems[0]
    good = {"energy_eV": 1.0, "forces_eV_per_A": np.zeros((20, 3)), "stress_eV_per_A3": np.zeros((3, 3)), **CUTOFFS}
    for name, bad, words in (
        ("energy_eV", np.nan, "energy_eV is not finite"),
        ("forces_eV_per_A", np.zeros((19, 3)), "shape"),
        ("stress_eV_per_A3", np.zeros(6), "shape"),
        ("forces_eV_per_A", np.full((20, 3), np.inf), "forces_eV_per_A is not finite"),
    ):
        with pytest.raises(InputError, match=words):
            training_frame(numbers, positions, cell, **{**good, name: bad})
    with pytest.raises(InputError, match="none may be negative"):
        Loss(force=-1)
