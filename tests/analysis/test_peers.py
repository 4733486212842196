"""The usual tools on the same trajectory: agreement where they are right, and a pin on each place where they are not.

A pin that fails means that the tool was mended: then the package may lean on it there.
"""

import numpy as np
import pytest
from pymatgen.core import Element, Lattice, Structure
from scipy.spatial.transform import Rotation

from superionic.analysis import diffusivity
from superionic.analysis.distributions.density import density_of
from superionic.analysis.distributions.displacement import mean_squared_displacement
from superionic.analysis.distributions.vibration import attempt_frequency_THz
from superionic.analysis.sites.assignment import assign, distance_statistics, voxel_index
from superionic.analysis.sites.sites import Sites
from superionic.analysis.spectral.diffusion import estimate_diffusion
from superionic.analysis.synthetic import simulate
from superionic.errors import InputError
from superionic.trajectories import from_arrays

SUPERCELL = (2, 1, 2)
INTERVAL_PS = 0.1
RADIUS_A = 0.9


@pytest.fixture
def walk(layered_model):
    model = layered_model(0.1)
    return model, simulate(model, 24, 4000, INTERVAL_PS, np.random.default_rng(4), supercell=SUPERCELL)


def supercell_of(model):
    return np.diag(SUPERCELL) @ model.cell_A


def gemdat_trajectory(positions, cell):
    from gemdat.trajectory import Trajectory

    return Trajectory(
        species=[Element("Li")] * positions.shape[1],
        coords=(positions @ np.linalg.inv(cell)) % 1.0,
        lattice=cell,
        time_step=INTERVAL_PS * 1e-12,
        constant_lattice=True,
        metadata={"temperature": 700.0},
    )


def named_sites(model):
    cell = supercell_of(model)
    shifts = np.stack(np.meshgrid(*[np.arange(n) for n in SUPERCELL], indexing="ij"), axis=-1).reshape(-1, 3)
    frac = (model.frac_coords[:, None] + shifts).reshape(-1, 3) / np.array(SUPERCELL)
    labels = [label for label in model.labels for _ in shifts]
    return Sites(cell, frac % 1.0, labels, [None] * len(labels), np.zeros(len(labels), dtype=bool))


def gemdat_transitions(positions, cell, sites):
    from gemdat.transitions import Transitions

    crystal = Structure(Lattice(cell), ["Li"] * len(sites.labels), sites.frac_coords, labels=sites.labels)
    return Transitions.from_trajectory(
        trajectory=gemdat_trajectory(positions, cell), sites=crystal, floating_specie="Li", site_radius=RADIUS_A
    )


def test_gemdat_msd_agrees(walk):
    model, run = walk
    theirs = gemdat_trajectory(run.positions_A, supercell_of(model)).mean_squared_displacement().mean(axis=0)
    ours = np.trace(mean_squared_displacement(run.positions_A), axis1=1, axis2=2)
    np.testing.assert_allclose(ours[1:2000], theirs[1:2000], rtol=1e-4)


def test_gemdat_density_agrees_voxel_by_voxel_in_its_orientation(walk):
    model, run = walk
    cell = supercell_of(model)
    theirs = gemdat_trajectory(run.positions_A, cell).to_volume(resolution=0.5).data  # floor(length / 0.5) voxels
    ours = density_of(run.positions_A, cell, 700.0, 0.52).ions_per_A3  # ceil(length / 0.52), the same grid
    assert ours.shape == theirs.shape == (25, 22, 25)
    np.testing.assert_allclose(ours / ours.sum() * theirs.sum(), theirs, atol=1e-6)


def test_gemdat_captures_the_same_share_in_its_orientation(walk):
    model, run = walk
    sites = named_sites(model)
    states = gemdat_transitions(run.positions_A, sites.cell_A, sites).states
    ours = distance_statistics(run.positions_A, sites, voxel_index(sites)).captured(RADIUS_A)
    assert (states >= 0).mean() == pytest.approx(ours, abs=2e-3)


def test_gemdat_assigns_wrongly_in_a_rotated_cell(walk):
    """Its KD-tree rebuilds the cell with a along x; ours does not care."""
    model, run = walk
    sites = named_sites(model)
    turn = Rotation.from_euler("y", -90, degrees=True).as_matrix()
    turned = Sites(sites.cell_A @ turn, sites.frac_coords, sites.labels, sites.layers, sites.passage)
    states = gemdat_transitions(run.positions_A @ turn, turned.cell_A, turned).states
    ours = distance_statistics(run.positions_A @ turn, turned, voxel_index(turned)).captured(RADIUS_A)
    assert ours > 0.97
    assert (states >= 0).mean() < 0.9


def test_gemdat_counts_the_same_jumps_in_its_orientation(walk):
    model, run = walk
    sites = named_sites(model)
    theirs = gemdat_transitions(run.positions_A, sites.cell_A, sites).jumps().n_jumps
    ours = len(assign(run.positions_A, sites, np.full(4, RADIUS_A), voxel_index(sites)).ion)
    assert ours == pytest.approx(run.n_hops, rel=0.03)
    assert theirs == pytest.approx(ours, rel=0.05)


def test_gemdat_diffusivity_rests_on_the_last_frame(walk):
    from gemdat.metrics import TrajectoryMetrics

    model, run = walk
    metrics = TrajectoryMetrics(gemdat_trajectory(run.positions_A, supercell_of(model)))
    first_to_last = np.mean(np.sum((run.positions_A[-1] - run.positions_A[0]) ** 2, axis=1))
    expected = first_to_last / (6 * 4000 * INTERVAL_PS) * 1e-8
    assert float(metrics.tracer_diffusivity(dimensions=3)) == pytest.approx(expected, rel=2e-3)


def test_gemdat_haven_ratio_lacks_the_number_of_ions():
    """24 independent walkers: 1 is true, and it says about 24."""
    from gemdat.metrics import TrajectoryMetrics

    ratios = []
    for seed in range(20):
        walkers = np.cumsum(0.2 * np.random.default_rng(seed).normal(size=(300, 24, 3)), axis=0)
        ratios.append(TrajectoryMetrics(gemdat_trajectory(walkers, np.eye(3) * 20)).haven_ratio(dimensions=3))
    assert np.median(ratios) > 8


def test_gemdat_one_axis_is_all_axes_with_another_divisor(walk):
    """`dimensions=1` picks no axis: three axes over 2 t. Along one axis u, D is u.D.u."""
    from gemdat.metrics import TrajectoryMetrics

    model, run = walk
    metrics = TrajectoryMetrics(gemdat_trajectory(run.positions_A, supercell_of(model)))
    one, three = (float(metrics.tracer_diffusivity(dimensions=d)) for d in (1, 3))
    assert one == pytest.approx(3 * three)
    ours, tensor = estimate_diffusion(run.positions_A, INTERVAL_PS), model.diffusion_tensor()
    for axis in np.eye(3):
        estimate = ours.along(axis)
        assert abs(estimate.value - axis @ tensor @ axis) < 3.5 * estimate.standard_error


def test_gemdat_transition_matrix_counts_no_site_as_the_last_site(walk):
    model, run = walk
    sites = named_sites(model)
    transitions = gemdat_transitions(run.positions_A, sites.cell_A, sites)
    start, end = (transitions.events[f"{name} site"].to_numpy() for name in ("start", "destination"))
    last = len(sites.labels) - 1
    assert ((start == last) & (end >= 0)).sum() < 10
    assert transitions.matrix()[last].sum() > 500  # row -1 is the last one


def test_gemdat_error_of_ten_parts_is_a_standard_deviation(walk):
    from gemdat.metrics import TrajectoryMetrics, TrajectoryMetricsStd

    model, run = walk
    parts = gemdat_trajectory(run.positions_A, supercell_of(model)).split(10)
    values = [float(TrajectoryMetrics(part).tracer_diffusivity(dimensions=3)) for part in parts]
    stated = TrajectoryMetricsStd(parts).tracer_diffusivity(dimensions=3).std_dev
    assert stated == pytest.approx(np.std(values))
    assert stated / (np.std(values, ddof=1) / np.sqrt(10)) == pytest.approx(3.0, abs=0.01)


def test_gemdat_occupancy_fails_on_a_site_with_more_than_one_ion(walk, rng):
    model, _ = walk
    sites = named_sites(model)
    positions = np.tile(sites.cartesian_A[0], (60, 4, 1)) + 0.05 * rng.normal(size=(60, 4, 3))
    positions[20:, 3] += sites.cartesian_A[9] - sites.cartesian_A[0]
    transitions = gemdat_transitions(positions, sites.cell_A, sites)
    with pytest.raises(ValueError, match="occupanc"):
        transitions.occupancy()
    ours = assign(positions, sites, np.full(4, RADIUS_A), voxel_index(sites))
    assert ours.frames_on_site[0] == 3 * 60 + 20


def test_gemdat_vibration_depends_on_the_stride_and_ours_does_not(walk):
    from gemdat.metrics import TrajectoryMetrics

    model, run = walk
    sites = named_sites(model)
    theirs, ours = [], []
    for stride in (1, 5):
        frames = run.positions_A[::stride]
        theirs.append(TrajectoryMetrics(gemdat_trajectory(frames, sites.cell_A)).vibration_amplitude())
        ours.append(distance_statistics(frames, sites, voxel_index(sites)).vibration_amplitudes_A(sites)["S"])
    assert theirs[1] > 1.2 * theirs[0]
    assert ours[1] == pytest.approx(ours[0], rel=0.01)


def test_gemdat_jump_diffusivity_of_a_part_has_its_own_time(walk):
    """Right in GEMDAT: the mean over parts is that of the whole. With the time of the whole it were a tenth."""
    model, run = walk
    sites = named_sites(model)
    jumps = gemdat_transitions(run.positions_A, sites.cell_A, sites).jumps()
    parts = [float(part.jump_diffusivity(3)) for part in jumps.split(10)]
    assert np.mean(parts) == pytest.approx(float(jumps.jump_diffusivity(3)), rel=0.05)


def pymatgen_analysis(positions, cell):
    from pymatgen.analysis.diffusion.analyzer import DiffusionAnalyzer

    lattice = Lattice(cell)
    anions = np.random.default_rng(0).uniform(size=(4, 3)) @ cell
    species = ["Li"] * positions.shape[1] + ["Cl"] * 4
    structure = Structure(lattice, species, np.concatenate([positions[0], anions]), coords_are_cartesian=True)
    moved = (positions - positions[0]).transpose(1, 0, 2)
    displacements = np.concatenate([moved, np.zeros((4, *moved.shape[1:]))])
    return DiffusionAnalyzer(structure, displacements, "Li", 700.0, 100.0, 1, smoothed="max", min_obs=30)


def test_pymatgen_diffusivity_agrees_but_its_error_is_far_too_small(walk):
    model, run = walk
    ours = estimate_diffusion(run.positions_A, INTERVAL_PS).isotropic(1e-4)
    theirs = pymatgen_analysis(run.positions_A, supercell_of(model))
    assert theirs.diffusivity == pytest.approx(ours.value, abs=4 * ours.standard_error)
    assert theirs.diffusivity_std_dev < ours.standard_error / 20


def test_kinisi_agrees_and_its_error_is_two_to_four_times_too_large(walk):
    import scipp
    from ase import Atoms
    from kinisi.analyze import DiffusionAnalyzer

    model, run = walk
    every = 20
    frames = [Atoms("Li24", positions=frame, cell=supercell_of(model), pbc=True) for frame in run.positions_A[::every]]
    analyzer = DiffusionAnalyzer.from_ase(
        frames,
        specie="Li",
        time_step=scipp.scalar(INTERVAL_PS * every, unit="ps"),
        step_skip=scipp.scalar(1, unit="dimensionless"),
        dt=scipp.arange("time interval", 4.0, 80.0, 4.0, unit="ps"),
        progress=False,
    )
    analyzer.diffusion(scipp.scalar(8.0, unit="ps"), progress=False, random_state=np.random.RandomState(1))
    ours = estimate_diffusion(run.positions_A, INTERVAL_PS).isotropic()
    samples = scipp.to_unit(analyzer.D, "angstrom**2/ps").values
    assert samples.mean() == pytest.approx(ours.value, abs=3 * np.hypot(ours.standard_error, samples.std()))
    assert 1.2 < samples.std() / ours.standard_error < 6.0


def test_gemdat_attempt_frequency_depends_on_the_stride_and_ours_does_not(rng):
    """Ours corrects for the time between frames, and refuses where it cannot."""
    from gemdat.metrics import TrajectoryMetrics

    frequency, phase = rng.normal(3.0, 0.4, size=(10, 3, 20)), rng.uniform(0, 2 * np.pi, size=(10, 3, 20))
    theirs, ours = [], []
    for interval in (0.01, 0.05):
        time = np.arange(4000)[:, None, None, None] * interval
        positions = 5.0 + 0.05 * np.cos(2 * np.pi * frequency * time + phase).sum(axis=-1)
        peer = gemdat_trajectory(positions, np.eye(3) * 10)
        peer.time_step = interval * 1e-12
        theirs.append(float(TrajectoryMetrics(peer).attempt_frequency()[0]) * 1e-12)
        ours.append(attempt_frequency_THz(positions, interval))
    assert abs(theirs[1] / theirs[0] - 1) > 0.05
    assert min(theirs) > 1.3 * 3.05  # it is that of the speed, which rises and falls twice a period
    assert ours == pytest.approx([3.05, 3.05], rel=0.05)
    with pytest.raises(InputError, match="too coarse"):
        attempt_frequency_THz(positions[::3], 0.15)


def test_gemdat_corrects_for_drift_only_if_asked(walk, rng):
    """A box that drifts by 0.05 Å a frame adds as much to its diffusivity; ours is of motion in the framework."""
    from gemdat.metrics import TrajectoryMetrics

    model, run = walk
    cell = supercell_of(model)
    drift = np.arange(len(run.positions_A))[:, None, None] * np.array([0.05, 0.0, 0.0])
    still, moving = (
        float(TrajectoryMetrics(gemdat_trajectory(positions, cell)).tracer_diffusivity(dimensions=3))
        for positions in (run.positions_A, run.positions_A + drift)
    )
    assert moving > 3 * still
    anions = np.broadcast_to(rng.uniform(size=(1, 20, 3)) @ cell, (len(drift), 20, 3))
    species = ["Li"] * 24 + ["Cl"] * 20
    ours = [
        diffusivity(
            from_arrays(np.concatenate([run.positions_A, anions], axis=1) + shift, cell, species, 0.1, 700, "Li")
        )
        for shift in (0.0, drift)
    ]
    assert ours[1].diffusivity_cm2_per_s.value == pytest.approx(ours[0].diffusivity_cm2_per_s.value, rel=1e-6)
