"""A segment goes from a state to a state; cutting a run into segments changes nothing, bit for bit."""

import json

import numpy as np
import pytest
from ase import units
from ase.data import atomic_masses
from pymatgen.core import Lattice, Structure

from superionic.documents import BuiltinState, MDProtocol
from superionic.dynamics.builtin.integrator import Integrator
from superionic.dynamics.builtin.nose_hoover import kinetic_energy_eV
from superionic.dynamics.builtin.start import initial_state
from superionic.dynamics.segment import follow
from superionic.potentials import Evaluation, PotentialError
from superionic.potentials.chgnet import load_chgnet
from superionic.structures.host import load_host
from superionic.trajectories.codec import FrameReader, FrameWriter, pack

PROTOCOL = MDProtocol(temperature_K=700, length_ps=0.12, equilibration_ps=0, segment_length_ps=0.04, stride=5, seed=3)


@pytest.fixture(scope="module")
def crystal():
    host = load_host("Li3InCl6")
    return host.ordered(host.named_filling("O"))


@pytest.fixture
def springs():
    """A harmonic crystal: exact forces at no cost."""
    structure = Structure(Lattice.cubic(8), ["Li"] * 4 + ["Cl"] * 4, np.random.default_rng(0).random((8, 3)))
    anchors = structure.cart_coords

    def evaluate(positions, cell):
        stretch = positions - anchors
        stretch = stretch - stretch.mean(axis=0)
        return Evaluation(float(np.sum(stretch**2)), -2 * stretch, np.zeros((3, 3)))

    return structure, evaluate


def segments(structure, evaluate_anew, protocol, n_steps_each, folder):
    """Run a chain; every segment starts from JSON, with a fresh evaluator, as a fresh process would."""
    numbers = np.array(structure.atomic_numbers)
    state = initial_state(structure, protocol)
    positions, results = [], []
    for number, n_steps in enumerate(n_steps_each):
        writer = FrameWriter(folder / f"{len(n_steps_each)}-{number}", len(numbers))
        state = BuiltinState(**json.loads(state.model_dump_json()))
        result = follow(Integrator(state, numbers, protocol, evaluate_anew(numbers)), protocol, n_steps, writer)
        positions.append(FrameReader(pack(folder / f"{len(n_steps_each)}-{number}")).positions_A())
        results.append(result)
        state = result.state
    return np.concatenate(positions), results


@pytest.mark.parametrize("kernels", ["auto", "torch"])
def test_three_segments_equal_one_frame_by_frame(crystal, tmp_path, kernels):
    potential = load_chgnet(kernels=kernels)

    def fresh(numbers):
        return potential.session(numbers).evaluate

    whole, one = segments(crystal, fresh, PROTOCOL, [60], tmp_path)
    parts, three = segments(crystal, fresh, PROTOCOL, [20, 20, 20], tmp_path)
    assert np.array_equal(whole, parts)
    assert three[-1].state == one[-1].state
    assert [frame for result in three for frame in result.frames] == one[0].frames


def test_velocities_are_stored_on_request_at_the_same_steps_however_the_run_is_cut(springs, tmp_path):
    structure, evaluate = springs
    numbers, masses = np.array(structure.atomic_numbers), atomic_masses[list(structure.atomic_numbers)]
    protocol = PROTOCOL.model_copy(update={"velocity_stride": 3})
    read = {}
    for cuts in ([60], [25, 35]):
        _, results = segments(structure, lambda numbers: evaluate, protocol, cuts, tmp_path)
        parts = [
            FrameReader(pack(tmp_path / f"{len(cuts)}-{part}")).some("velocities_A_per_ps") for part in range(len(cuts))
        ]
        read[len(cuts)] = [np.concatenate(values) for values in zip(*parts, strict=True)]
    steps, velocities = read[1]
    assert steps.tolist() == [0, 15, 30, 45, 60]
    assert all(np.array_equal(one, two) for one, two in zip(read[1], read[2], strict=True))
    kinetic = kinetic_energy_eV(velocities[-1] / (1e3 * units.fs) * masses[:, None], masses)
    temperature = 2 * kinetic / ((3 * len(numbers) - 3) * units.kB)
    assert temperature == pytest.approx(results[-1].frames[-1].temperature_K, rel=1e-5)


def test_nve_conserves_energy_and_momentum(springs, tmp_path):
    structure, evaluate = springs
    protocol = PROTOCOL.model_copy(update={"ensemble": "nve", "time_step_fs": 0.5})
    _, (result,) = segments(structure, lambda numbers: evaluate, protocol, [2000], tmp_path)
    conserved = np.array([frame.conserved_energy_eV for frame in result.frames])
    assert np.ptp(conserved) < 2e-3 * conserved.mean()
    assert np.abs(np.sum(result.state.momenta, axis=0)).max() < 1e-10


def test_an_oscillator_keeps_its_analytic_frequency(tmp_path):
    """Two atoms on one spring of 2 eV/Å^2 vibrate with sqrt(k / reduced mass)."""
    structure = Structure(Lattice.cubic(20), ["Cl", "Cl"], [[0.4, 0.5, 0.5], [0.6, 0.5, 0.5]])
    mass = 35.45

    def evaluate(positions, cell):
        along = positions[1] - positions[0]
        distance = np.linalg.norm(along)
        pull = 2.0 * (distance - 4.0) * along / distance
        return Evaluation((distance - 4.0) ** 2, np.array([pull, -pull]), np.zeros((3, 3)))

    state = initial_state(structure, PROTOCOL).model_copy(
        update={"momenta": [[-2.0, 0, 0], [2.0, 0, 0]], "thermostat_positions": [], "thermostat_momenta": []}
    )
    protocol = PROTOCOL.model_copy(update={"ensemble": "nve", "time_step_fs": 1.0, "stride": 1})
    writer = FrameWriter(tmp_path / "s", 2, precision_A=1e-6)
    numbers = np.array(structure.atomic_numbers)
    follow(Integrator(state, numbers, protocol, evaluate), protocol, 3000, writer)
    x = FrameReader(pack(tmp_path / "s")).positions_A()
    stretch = x[:, 1, 0] - x[:, 0, 0] - 4.0
    crossings = np.flatnonzero((stretch[:-1] < 0) & (stretch[1:] >= 0))
    period_fs = np.diff(crossings).mean()
    omega = np.sqrt(2.0 / (mass / 2))  # in ASE time units
    assert period_fs == pytest.approx(2 * np.pi / omega / units.fs, rel=0.01)


def test_seed_decides_the_start(springs):
    structure, _ = springs
    first, again = initial_state(structure, PROTOCOL), initial_state(structure, PROTOCOL)
    other = initial_state(structure, PROTOCOL.model_copy(update={"seed": 4}))
    assert first == again
    assert first.momenta != other.momenta
    masses = np.array([site.specie.atomic_mass for site in structure])
    kinetic = kinetic_energy_eV(np.array(first.momenta), masses)
    assert 2 * kinetic / (21 * units.kB) == pytest.approx(700, rel=1e-3)


def test_an_explosion_ends_the_segment_with_its_step_and_reason(springs, tmp_path):
    structure, evaluate = springs
    calls = []

    def failing(positions, cell):
        calls.append(1)
        if len(calls) > 13:
            raise PotentialError("atoms 0 and 1 are on top of each other")
        return evaluate(positions, cell)

    _, (result,) = segments(structure, lambda numbers: failing, PROTOCOL, [60], tmp_path)
    assert result.stop_reason == "exploded at step 12: atoms 0 and 1 are on top of each other"
    assert [frame.step for frame in result.frames] == [0, 5, 10]


def test_a_hot_run_is_stopped(springs, tmp_path):
    structure, evaluate = springs
    state = initial_state(structure, PROTOCOL)
    hot = state.model_copy(update={"momenta": (20 * np.array(state.momenta)).tolist()})
    writer = FrameWriter(tmp_path / "s", 8)
    numbers = np.array(structure.atomic_numbers)
    result = follow(Integrator(hot, numbers, PROTOCOL, evaluate), PROTOCOL, 60, writer)
    assert "kinetic temperature" in result.stop_reason


@pytest.fixture(scope="module")
def at_700_K(crystal, tmp_path_factory):
    """Last halves of real runs at 700 K, by the length of their thermostat chain."""
    potential = load_chgnet()
    runs = {}
    for length in (1, 3):
        protocol = MDProtocol(
            temperature_K=700, length_ps=8, equilibration_ps=0, segment_length_ps=8, stride=2, seed=5,
            thermostat_chain_length=length,
        )  # fmt: skip
        folder = tmp_path_factory.mktemp(f"chain-{length}")
        _, (result,) = segments(crystal, lambda numbers: potential.session(numbers).evaluate, protocol, [4000], folder)
        frames = result.frames[len(result.frames) // 2 :]
        time_ps, conserved = np.transpose([(frame.step * 2e-3, frame.conserved_energy_eV) for frame in result.frames])
        drift = np.polyfit(time_ps, conserved - conserved[0], 1)[0] * 1e3 / len(crystal)
        runs[length] = np.array([frame.temperature_K for frame in frames]), drift
    return runs


@pytest.mark.slow
def test_chgnet_holds_700_K(at_700_K):
    """One thermostat alone bounds the mean by tau / (t sqrt(N_f)), 0.3 % here; a wrong N_f would miss by 5 %."""
    temperature, _ = at_700_K[1]
    assert temperature.mean() == pytest.approx(700, rel=0.02)


@pytest.mark.slow
def test_a_chain_holds_700_K_within_its_statistical_error(at_700_K):
    """In 4 ps of 20 atoms the mean of an NVT run scatters by 3.5 %."""
    temperature, _ = at_700_K[3]
    blocks = np.array([block.mean() for block in np.array_split(temperature, 8)])
    assert abs(temperature.mean() - 700) < 3 * blocks.std(ddof=1) / np.sqrt(8)


@pytest.mark.slow
@pytest.mark.parametrize("length", [1, 3])
def test_chgnet_runs_fluctuate_as_nvt_demands_and_do_not_drift(at_700_K, crystal, length):
    temperature, drift_meV_per_atom_per_ps = at_700_K[length]
    expected = np.sqrt(2 / (3 * len(crystal) - 3))
    assert temperature.std() / temperature.mean() == pytest.approx(expected, rel=0.25)
    assert abs(drift_meV_per_atom_per_ps) < 0.5
