"""Intact, hopping or molten: told apart only where the run is long enough to tell."""

import numpy as np
import pytest
from scipy.signal import lfilter

from superionic.analysis import diffusivity
from superionic.analysis.framework.integrity import framework_integrity
from superionic.analysis.motion import read_motion
from superionic.analysis.quality import framework_check
from superionic.documents import Verdict
from superionic.trajectories import from_arrays

GRID = np.stack(np.meshgrid(*[np.arange(4)] * 3, indexing="ij"), axis=-1).reshape(-1, 3) * 3.6
CELL = np.eye(3) * 4 * 3.6
INTERVAL_PS = 0.02


def run_of(framework, n_li=6, seed=0):
    rng = np.random.default_rng(seed)
    li = np.cumsum(0.1 * rng.normal(size=(len(framework), n_li, 3)), axis=0)
    positions = np.concatenate([li, framework], axis=1)
    species = ["Li"] * n_li + ["Cl"] * framework.shape[1]
    return from_arrays(
        positions, CELL, species, INTERVAL_PS, 900.0, "Li", temperatures_K=np.full(len(positions), 900.0)
    )


def vibration(length_ps, amplitude_A, frequency_THz=1.0, lifetime_ps=0.5, seed=1):
    """Soft, damped vibrations of one frequency about the lattice; `amplitude_A` is the rms of the distance from it."""
    rng = np.random.default_rng(seed)
    n = round(length_ps / INTERVAL_PS)
    decay, angle = np.exp(-INTERVAL_PS / lifetime_ps), 2 * np.pi * frequency_THz * INTERVAL_PS
    noise = rng.normal(size=(n + 500, len(GRID), 3))
    moved = lfilter([1.0], [1.0, -2 * decay * np.cos(angle), decay**2], noise, axis=0)[500:]
    return GRID + moved * (amplitude_A / np.sqrt(3) / moved.std())


def liquid(length_ps, diffusivity_A2_per_ps, seed=2):
    steps = np.random.default_rng(seed).normal(size=(round(length_ps / INTERVAL_PS), len(GRID), 3))
    return GRID + np.cumsum(steps * np.sqrt(2 * diffusivity_A2_per_ps * INTERVAL_PS), axis=0)


def integrity(framework):
    return framework_integrity(read_motion(run_of(framework))[0])


@pytest.mark.parametrize("length_ps", [0.4, 1.0, 2.0, 3.0, 5.9])
@pytest.mark.parametrize("amplitude_A", [0.2, 0.9])
def test_a_short_run_is_neither_molten_nor_intact(length_ps, amplitude_A):
    """Two tenths of 3 ps apart, ions that vibrate by 0.9 Å look as if they had left their places."""
    found = integrity(vibration(length_ps, amplitude_A))
    assert found.state == "too short"
    check = framework_check(found)
    assert not check.passed
    assert not check.fatal
    assert "too short to tell" in check.reason
    assert "6 ps are needed" in check.reason


@pytest.mark.parametrize("length_ps", [6.1, 8.0, 20.0])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_strong_soft_vibration_is_no_melting(length_ps, seed):
    assert integrity(vibration(length_ps, 0.8, seed=seed)).state == "intact"


@pytest.mark.parametrize("diffusivity_A2_per_ps", [0.1, 0.3, 1.0])
def test_a_liquid_is_molten_after_20_ps(diffusivity_A2_per_ps):
    found = integrity(liquid(20.0, diffusivity_A2_per_ps))
    assert found.state == "melted"
    assert found.off_lattice_share > 0.5
    assert framework_check(found).fatal


def test_a_liquid_of_3_ps_is_not_judged_either():
    assert integrity(liquid(3.0, 0.3)).state == "too short"


def test_frames_far_apart_make_longer_windows():
    """20 frames 1 ps apart: five of them are the shortest mean."""
    run = run_of(vibration(0.4, 0.3))
    far = from_arrays(run.positions_A, CELL, run.species, 1.0, 900.0, "Li")
    assert framework_integrity(read_motion(far)[0]).state == "intact"
    fewer = from_arrays(run.positions_A[:14], CELL, run.species, 1.0, 900.0, "Li")
    assert framework_integrity(read_motion(fewer)[0]).state == "too short"


def test_a_run_too_short_to_judge_is_insufficient_and_has_no_rdf_change():
    document = diffusivity(run_of(vibration(3.0, 0.8)))
    assert document.framework_state == "too short"
    assert document.framework_rdf_change is None
    assert document.quality.verdict == Verdict.INSUFFICIENT
    assert any("too short to tell" in reason for reason in document.quality.reasons)


def test_the_start_and_the_end_of_a_melt_differ_in_their_radial_distribution():
    molten, solid = (diffusivity(run_of(frame)) for frame in (liquid(20.0, 0.02), vibration(20.0, 0.4)))
    assert molten.framework_rdf_change > 3 * solid.framework_rdf_change
    assert [rdf.species for rdf in solid.radial_distributions] == [("Li", "Cl"), ("Li", "Li"), ("Cl", "Cl")]
    own = solid.radial_distributions[-1]
    assert own.r_A[int(np.argmax(own.g_start))] == pytest.approx(3.6, abs=0.3)
