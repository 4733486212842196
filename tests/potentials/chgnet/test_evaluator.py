"""The evaluator says what published CHGNet says, whatever came before and however systems are written down."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from superionic.errors import InputError
from superionic.potentials import IsolatedAtomError, PotentialError
from superionic.potentials.chgnet import ChgnetPotential, System, load_chgnet

ENERGY_RESOLUTION = 2e-6
"""eV/atom: two units in the last place of an atom's 8 eV in float32."""
FLOAT32_NOISE = np.array([2e-6, 1e-5, 3e-7])
"""eV/atom, eV/A, eV/A^3: twice the largest error against float64 that the torch kernels showed over tiny cells."""


def evaluate(potential: ChgnetPotential, system: System):
    return potential.session(system.numbers).evaluate(system.positions_A, system.cell_A)


@pytest.mark.parametrize("name", ["rattled", "hot", "high entropy", "unwrapped", "large"])
def test_nearer_to_float64_than_stock(potential, systems, stock, compare, name):
    truth = stock(systems[name])
    error = compare(evaluate(potential, systems[name]), truth)
    stock_error = compare(stock(systems[name], torch.float32), truth)
    assert (error[1:] <= stock_error[1:]).all(), (error, stock_error)
    assert error[0] < ENERGY_RESOLUTION


@pytest.mark.parametrize("name", ["tiny", "one atom, no angles"])
def test_nearer_to_float64_than_stock_in_tiny_cells(potential, systems, stock, compare, name):
    """The worst of eight distorted cells: of one or two atoms, a single cell may be exact by luck."""
    errors, stock_errors = [], []
    for seed in range(8):
        random = np.random.default_rng(seed)
        numbers, positions, cell = systems[name]
        strain = np.eye(3) + random.normal(scale=0.03, size=(3, 3))
        system = System(numbers, (positions + random.normal(scale=0.1, size=positions.shape)) @ strain, cell @ strain)
        truth = stock(system)
        errors.append(compare(evaluate(potential, system), truth))
        stock_errors.append(compare(stock(system, torch.float32), truth))
    error, stock_error = np.max(errors, axis=0), np.max(stock_errors, axis=0)
    assert (error[1:] <= stock_error[1:]).all(), (errors, stock_errors)
    assert error[0] < ENERGY_RESOLUTION


@pytest.mark.parametrize(("model", "kernels"), [("r2scan", "fused"), ("r2scan", "torch")])
def test_r2scan_too(systems, stock, compare, model, kernels):
    truth = stock(systems["hot"], name=model)
    error = compare(evaluate(load_chgnet(model, kernels=kernels), systems["hot"]), truth)
    assert (error <= compare(stock(systems["hot"], torch.float32, model), truth)).all()


@pytest.mark.parametrize(("model", "kernels"), [("0.2.0", "auto"), ("0.3.0", "stock")])
def test_stock_kernels_are_chgnet(systems, stock, compare, model, kernels):
    """The same float32 layers with their sums in another order: errors of the same size as chgnet's own."""
    potential = load_chgnet(model, kernels=kernels)
    assert potential.reference.kernels == "stock"
    truth = stock(systems["hot"], name=model)
    error = compare(evaluate(potential, systems["hot"]), truth)
    assert (error <= 3 * compare(stock(systems["hot"], torch.float32, model), truth)).all()


def test_models_differ(systems):
    energies = {model: evaluate(load_chgnet(model), systems["hot"]).energy_eV for model in ("0.3.0", "r2scan", "0.2.0")}
    assert abs(energies["0.3.0"] - energies["r2scan"]) > 1.0
    assert abs(energies["0.3.0"] - energies["0.2.0"]) > 0.01


def test_reference_names_weights_and_kernels(fused):
    reference = fused.reference
    assert (reference.family, reference.model, reference.kernels) == ("CHGNet", "0.3.0", "fused")
    assert reference.sha256 == "d14ab7c0f093efe64b60a7bcd540bca10e74fb7f46c86108a079af60524659d1"
    assert load_chgnet("r2scan").reference.sha256 != reference.sha256
    assert load_chgnet().reference.kernels == "fused"
    assert fused.cutoff_A == 6.0
    assert {3, 17, 49} <= fused.supported_numbers


def test_checkpoint_is_loaded(tmp_path, systems, fused):
    model = load_chgnet(kernels="stock")._model
    with torch.no_grad():
        model.mlp.layers[-1].bias += 0.5
    path = tmp_path / "fine_tuned.pth.tar"
    torch.save({"model": model.as_dict()}, path)
    tuned = load_chgnet(path)
    system = systems["hot"]
    shift = evaluate(tuned, system).energy_eV - evaluate(fused, system).energy_eV
    assert shift == pytest.approx(0.5 * len(system.numbers), abs=1e-3)
    assert tuned.reference.model == str(path)
    assert tuned.reference.sha256 != fused.reference.sha256


def test_results_do_not_depend_on_history(potential, systems):
    """A session that has walked, also under a changing cell, equals a fresh one bit for bit."""
    numbers, positions, cell = systems["rattled"]
    random = np.random.default_rng(4)
    session = potential.session(numbers)
    for step in range(12):
        positions = positions + random.normal(scale=0.04, size=positions.shape)
        if step >= 6:
            strain = np.eye(3) + random.normal(scale=0.002, size=(3, 3))
            positions, cell = positions @ strain, cell @ strain
        walked = session.evaluate(positions, cell)
        fresh = potential.session(numbers).evaluate(positions, cell)
        assert walked.energy_eV == fresh.energy_eV
        np.testing.assert_array_equal(walked.forces_eV_per_A, fresh.forces_eV_per_A)
        np.testing.assert_array_equal(walked.stress_eV_per_A3, fresh.stress_eV_per_A3)
    assert 1 < session.skin_list.n_builds < 12


def test_results_do_not_depend_on_the_skin(fused, systems):
    numbers, positions, cell = systems["rattled"]
    results = [fused.session(numbers, skin_A).evaluate(positions, cell) for skin_A in (0.0, 0.3, 2.0)]
    for result in results[1:]:
        np.testing.assert_array_equal(result.forces_eV_per_A, results[0].forces_eV_per_A)


def test_batch_equals_single(potential, systems, compare):
    chosen = [systems[name] for name in ("rattled", "tiny", "hot", "one atom, no angles", "high entropy")]
    batch = potential.evaluate_batch(chosen)
    for system, result in zip(chosen, batch, strict=True):
        single = evaluate(potential, system)
        if potential.reference.kernels == "fused":
            np.testing.assert_array_equal(result.forces_eV_per_A, single.forces_eV_per_A)
            assert result.energy_eV == single.energy_eV
        assert (compare(result, single) < FLOAT32_NOISE).all()


def test_batch_keeps_sessions(potential, systems):
    chosen = [systems["hot"], systems["tiny"]]
    sessions = [potential.session(system.numbers) for system in chosen]
    for _ in range(3):
        potential.evaluate_batch(chosen, sessions)
    assert [session.skin_list.n_builds for session in sessions] == [1, 1]


def test_batch_of_stock_models_does_not_mix(systems, compare):
    """chgnet 0.2.0's bias reaches a system without angles from its neighbours in a batch."""
    potential = load_chgnet("0.2.0")
    chosen = [systems["hot"], systems["one atom, no angles"]]
    for system, result in zip(chosen, potential.evaluate_batch(chosen), strict=True):
        assert (compare(result, evaluate(potential, system)) < 1e-9).all()


def test_rotation(potential, systems):
    numbers, positions, cell = systems["hot"]
    rotation = Rotation.random(rng=np.random.default_rng(5)).as_matrix()
    one, two = (
        evaluate(potential, systems["hot"]),
        evaluate(potential, System(numbers, positions @ rotation, cell @ rotation)),
    )
    assert two.energy_eV == pytest.approx(one.energy_eV, abs=1e-4)
    np.testing.assert_allclose(two.forces_eV_per_A, one.forces_eV_per_A @ rotation, atol=5e-5)
    np.testing.assert_allclose(two.stress_eV_per_A3, rotation.T @ one.stress_eV_per_A3 @ rotation, atol=5e-7)


def test_permutation_translation_and_wrapping(potential, systems):
    numbers, positions, cell = systems["hot"]
    random = np.random.default_rng(6)
    order = random.permutation(len(numbers))
    moved = positions + np.array([1.3, -2.1, 0.4])
    wrapped = (np.linalg.solve(cell.T, moved.T).T % 1.0) @ cell
    one, two = evaluate(potential, systems["hot"]), evaluate(potential, System(numbers[order], wrapped[order], cell))
    assert two.energy_eV == pytest.approx(one.energy_eV, abs=1e-4)
    np.testing.assert_allclose(two.forces_eV_per_A, one.forces_eV_per_A[order], atol=5e-5)
    np.testing.assert_allclose(two.stress_eV_per_A3, one.stress_eV_per_A3, atol=5e-7)


def test_supercell_is_extensive(fused, systems):
    numbers, positions, cell = systems["hot"]
    doubled = System(np.tile(numbers, 2), np.concatenate([positions, positions + cell[0]]), cell * [[2], [1], [1]])
    one, two = evaluate(fused, systems["hot"]), evaluate(fused, doubled)
    assert two.energy_eV == pytest.approx(2 * one.energy_eV, abs=2e-4)
    np.testing.assert_allclose(two.forces_eV_per_A, np.tile(one.forces_eV_per_A, (2, 1)), atol=5e-5)


def test_magnetic_moments(potential, systems):
    from chgnet.model import CHGNet
    from pymatgen.core import Structure

    numbers, positions, cell = systems["tiny"]
    structure = Structure(cell, numbers, positions, coords_are_cartesian=True)
    expected = CHGNet.load(use_device="cpu", verbose=False).predict_structure(structure, task="em")["m"]
    assert expected.max() > 1.0
    np.testing.assert_allclose(potential.magnetic_moments(*systems["tiny"]), expected, atol=1e-5)


def test_isolated_atom_is_named(potential):
    with pytest.raises(InputError, match=r"2 \(Xe\)"):
        potential.session([3, 17, 54]).evaluate([[0, 0, 0], [2.3, 0, 0], [10, 10, 10]], 20 * np.eye(3))


def test_isolated_atom_ends_a_run_too():
    assert issubclass(IsolatedAtomError, PotentialError)


@pytest.mark.parametrize(("numbers", "name"), [([3, 84], "Po"), ([95, 17], "Am"), ([0], "X|0")])
def test_element_outside_chgnet_is_named(fused, numbers, name):
    with pytest.raises(InputError, match=name):
        fused.session(numbers)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_exploded_atom_is_named(fused, systems, value):
    numbers, positions, cell = systems["hot"]
    exploded = positions.copy()
    exploded[7, 1] = value
    with pytest.raises(PotentialError, match="atom 7"):
        fused.session(numbers).evaluate(exploded, cell)


def test_collapsed_atoms_are_named(fused, systems):
    numbers, positions, cell = systems["hot"]
    collapsed = positions.copy()
    collapsed[3] = collapsed[11] + [0, 0, 0.01]
    with pytest.raises(PotentialError, match="atoms 3 and 11"):
        fused.session(numbers).evaluate(collapsed, cell)


def test_unusable_input_is_refused(fused, systems, tmp_path):
    numbers, positions, cell = systems["hot"]
    with pytest.raises(InputError, match="positions_A"):
        fused.session(numbers).evaluate(positions[1:], cell)
    with pytest.raises(InputError, match="cell_A"):
        fused.session(numbers).evaluate(positions, np.zeros((3, 3)))
    with pytest.raises(InputError, match="no_such"):
        load_chgnet("no_such")
    (tmp_path / "text").write_text("not weights")
    with pytest.raises(InputError, match="text"):
        load_chgnet(tmp_path / "text")
    with pytest.raises(InputError, match="kernels"):
        load_chgnet(kernels="fast")
    with pytest.raises(InputError, match=r"0\.2\.0"):
        load_chgnet("0.2.0", kernels="fused")
    if not torch.cuda.is_available():
        with pytest.raises(InputError, match="cuda"):
            load_chgnet(device="cuda")


def test_denormals_are_restored(fused, systems):
    smallest = 5e-324
    evaluate(fused, systems["tiny"])
    assert smallest * 1.0 > 0.0
    torch.set_flush_denormal(True)
    try:
        evaluate(fused, systems["tiny"])
        assert smallest * 1.0 == 0.0
    finally:
        torch.set_flush_denormal(False)
