"""No number may depend on how the same motion is written down."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from superionic.analysis import diffusivity
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
