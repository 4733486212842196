"""No number may depend on how the same motion is written down."""

import base64
import hashlib
from itertools import pairwise

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from superionic.analysis import diffusivity
from superionic.documents import PotentialReference, Provenance, RecordedProtocol, RunIdentity, TrajectorySegment
from superionic.trajectories import stitch
from superionic.trajectories.codec import FrameWriter, pack
from superionic.trajectories.trajectory import from_arrays


def numbers(document):
    """All scalars that describe the motion, not the frame of reference."""
    jumps, sites = document.jumps, document.sites
    return np.array(
        [
            document.diffusivity_cm2_per_s.value,
            document.diffusivity_cm2_per_s.standard_error,
            *document.diffusivity_cm2_per_s.interval_95,
            *document.principal_diffusivities_cm2_per_s,
            document.conductivity_mS_per_cm.value,
            document.collective.charge_diffusivity_cm2_per_s.value,
            document.collective.haven_ratio.value,
            document.framework_msd_A2,
            jumps.n_jumps,
            jumps.diffusivity_cm2_per_s.value,
            jumps.correlation_factor.value,
            jumps.back_and_forth,
            *[c.diffusivity_cm2_per_s.value for c in jumps.categories],
            *[p.count for p in jumps.pairs],
            *[s.occupation for s in sites.sites],
            *[s.vibration_amplitude_A for s in sites.sites],
            sites.captured,
            *document.non_gaussian,
            *document.msd.msd_A2,
            *document.blocks.standard_error_A2,
        ]
    )


@pytest.fixture
def run(make_run):
    return make_run(n_frames=1500)[0]


def rewritten(run, positions=None, cell=None, species=None):
    return from_arrays(
        run.positions_A if positions is None else positions,
        run.cell_A if cell is None else cell,
        run.species if species is None else species,
        run.frame_interval_ps,
        run.temperature_K,
        "Li",
        temperatures_K=run.temperatures_K,
    )


def rotated(run, rng):
    turn = Rotation.random(rng=rng).as_matrix()
    return rewritten(run, run.positions_A @ turn, run.cell_A @ turn)


def reordered(run, rng):
    order = rng.permutation(run.n_atoms)
    return rewritten(run, run.positions_A[:, order], species=[run.species[k] for k in order])


def shifted(run, rng):
    return rewritten(run, run.positions_A + rng.uniform(-20, 20, size=3))


def wrapped_once_and_unwrapped(run, rng):
    frac = run.positions_A @ np.linalg.inv(run.cell_A)
    wrapped = frac % 1.0
    steps = np.diff(wrapped, axis=0)
    steps -= np.rint(steps)
    unwrapped = np.concatenate([wrapped[:1], wrapped[:1] + np.cumsum(steps, axis=0)])
    return rewritten(run, unwrapped @ run.cell_A)


def other_cell(run, rng):
    return rewritten(run, cell=np.array([[1, 0, 1], [0, 1, 0], [0, 0, 1]]) @ run.cell_A)


@pytest.mark.parametrize("change", [rotated, reordered, shifted, wrapped_once_and_unwrapped, other_cell])
def test_every_number_is_the_same(run, layered_host, rng, change):
    before = numbers(diffusivity(run, layered_host))
    after = numbers(diffusivity(change(run, rng), layered_host))
    np.testing.assert_allclose(after, before, rtol=1e-6, atol=1e-12)


def test_the_tensor_turns_with_the_cell(run, rng):
    turn = Rotation.random(rng=rng).as_matrix()
    before = np.array(diffusivity(run).diffusivity_tensor_cm2_per_s)
    turned = rewritten(run, run.positions_A @ turn, run.cell_A @ turn)
    after = np.array(diffusivity(turned).diffusivity_tensor_cm2_per_s)
    np.testing.assert_allclose(after, turn.T @ before @ turn, rtol=1e-6, atol=1e-6 * before.max())


@pytest.mark.parametrize(("change", "tolerance_eV"), [(rotated, 1e-6), (reordered, 1e-6), (shifted, 0.06)])
def test_percolation_barriers_are_the_same(make_run, rng, change, tolerance_eV):
    """Another origin moves the ions relative to the voxels, which is worth a few counts of thermal energy."""
    run = make_run(scale=0.6, n_frames=6000)[0]
    before = diffusivity(run).percolation_barrier_eV
    after = diffusivity(change(run, rng)).percolation_barrier_eV
    assert None not in before.values()
    assert after == pytest.approx(before, abs=tolerance_eV)


def segment(run, folder, number, start, stop):
    """Frames of a run as they are stored."""
    writer = FrameWriter(folder / str(number), run.n_atoms)
    for step in range(start, stop):
        writer.append(
            step,
            run.positions_A[step],
            run.cell_A,
            potential_energy_eV=np.nan,
            conserved_energy_eV=np.nan,
            temperature_K=run.temperatures_K[step],
        )
    writer.close()
    packed = pack(folder / str(number))
    potential = PotentialReference(family="unknown", model="unknown")
    return TrajectorySegment(
        run_id="run",
        segment=number,
        n_segments=number + 1,
        first_step=max(start - 1, 0),
        last_step=stop - 1,
        n_frames=stop - start,
        n_atoms=run.n_atoms,
        species=run.species,
        site_labels=None,
        identity=RunIdentity(
            label="x", formula="x", host="x", mobile_species="Li", mobile_charge_e=1.0, engine="x", potential=potential
        ),
        protocol=RecordedProtocol(temperature_K=run.temperature_K, time_step_fs=run.frame_interval_ps * 1e3),
        mean_temperature_K=None,
        mean_potential_energy_eV_per_atom=None,
        conserved_drift_meV_per_atom_per_ps=None,
        ns_per_day=None,
        end_state=None,
        sha256=hashlib.sha256(packed).hexdigest(),
        n_bytes=len(packed),
        payload=base64.b64encode(packed).decode(),
        provenance=Provenance(sources=[]),
    )


def test_splitting_into_stored_segments_changes_nothing(run, layered_host, tmp_path):
    """Exactly the same however it is split, and within the codec's 1e-4 Å of the run before it was stored."""
    whole = stitch([segment(run, tmp_path, 0, 0, 1500)])
    borders = (0, 400, 1100, 1500)
    (tmp_path / "split").mkdir()
    parts = [segment(run, tmp_path / "split", n, a, b) for n, (a, b) in enumerate(pairwise(borders))]
    split = numbers(diffusivity(stitch(parts[::-1]), layered_host))
    np.testing.assert_array_equal(split, numbers(diffusivity(whole, layered_host)))
    before, after = diffusivity(run).diffusivity_cm2_per_s, diffusivity(whole).diffusivity_cm2_per_s
    assert after.value == pytest.approx(before.value, rel=1e-4)
    assert after.standard_error == pytest.approx(before.standard_error, rel=1e-4)
