"""Segments by VASP: what is stored is what it computed, in the order of the run's atoms, from segment to segment."""

from __future__ import annotations

import numpy as np
import pytest

import fake_vasp
from salt_crystal import MIXED, SALT
from superionic.documents import MDProtocol, VaspSettings
from superionic.dynamics.builtin.nose_hoover import Chain
from superionic.dynamics.segment import run_segment
from superionic.dynamics.vasp.engine import nose_mass
from superionic.errors import InputError
from superionic.potentials import PotentialError
from superionic.trajectories.codec import FrameReader

VASP = VaspSettings(family="vasp", aimd={"encut_eV": 400, "ediff_eV": 1e-4, "k_mesh": [2, 2, 2]})


def protocol(**changes):
    plain = {
        "engine": "vasp", "temperature_K": 700, "seed": 3, "length_ps": 0.04, "segment_length_ps": 0.02,
        "equilibration_ps": 0, "stride": 2, "label_stride": 1, "thermostat_chain_length": 1,
    }  # fmt: skip
    return MDProtocol(**plain | changes)


@pytest.fixture
def vasp(tmp_path, monkeypatch):
    fake_vasp.install(tmp_path, monkeypatch, Li_sv=3.0, Cl=7.0)
    faults = tmp_path / "faults"
    faults.mkdir()
    monkeypatch.setenv("FAKE_VASP_FAULTS", str(faults))
    return faults


def chain(folder, protocol):
    """All segments of a run, and what the code computed in each of them."""
    folder.mkdir()
    state, segments, computed = None, [], []
    while state is None or segments[-1].frames[-1].step < protocol.n_steps:
        start = 0 if state is None else state.step
        segments.append(run_segment(MIXED, protocol, VASP, state, "salt", folder))
        computed.append(np.load(folder / f"vasp-from-step-{start}" / "computed.npz"))
        state = segments[-1].state
    return segments, computed


def of_run(computed, order):
    """An array of POSCAR's atoms in the order of the run's."""
    result = np.empty_like(computed)
    result[:, order] = computed
    return result


def test_frames_are_those_that_were_computed_in_the_order_of_the_run(vasp, tmp_path):
    run = protocol()
    segments, computed = chain(tmp_path / "run", run)
    order = [0, 3, 5, 6, 1, 2, 4, 7]  # Li first, as in the structure
    assert [len(segment.frames) for segment in segments] == [6, 5]
    assert [frame.step for segment in segments for frame in segment.frames] == list(range(0, 21, 2))
    for segment, found, first in zip(segments, computed, (0, 1), strict=True):
        kept = slice(first, None, 2)
        frames = FrameReader(segment.packed)
        positions = of_run(found["positions"], order)[kept]
        away = (frames.positions_A() - positions) @ SALT.lattice.inv_matrix
        assert np.abs(away - np.rint(away)).max() < 2e-5
        assert frames.scalar("potential_energy_eV") == pytest.approx(found["energies"][kept], abs=1e-7)
        assert frames.scalar("conserved_energy_eV") == pytest.approx(found["totals"][kept], abs=1e-7)
        _, forces = frames.some("forces_eV_per_A")
        assert forces == pytest.approx(of_run(found["forces"], order)[kept], abs=1e-6)
        _, stress = frames.some("stress_eV_per_A3")
        assert stress == pytest.approx(-found["stresses_kB"][kept] / fake_vasp.KB_PER_EV_PER_A3, abs=1e-8)
    assert segments[0].potential.package_version == "6.4.3"
    assert segments[0].potential.origin == "first principles"
    assert not segments[0].corrections


def test_a_chain_repeats_no_frame_and_keeps_positions_and_velocities(vasp, tmp_path):
    """Without a thermostat, whose own variables VASP does not keep, segments are one run to the last digits."""
    parts, _ = chain(tmp_path / "parts", protocol(ensemble="nve", stride=1))
    (whole,), _ = chain(tmp_path / "whole", protocol(ensemble="nve", stride=1, segment_length_ps=0.04))
    joined = np.concatenate([FrameReader(part.packed).positions_A() for part in parts])
    assert joined.shape == (21, 8, 3)
    assert joined == pytest.approx(FrameReader(whole.packed).positions_A(), abs=2e-4)
    assert np.abs(np.diff(joined, axis=0)).max() < 0.1
    assert [frame.conserved_energy_eV for frame in whole.frames] == pytest.approx(
        [frame.conserved_energy_eV for part in parts for frame in part.frames], abs=1e-5
    )


def test_velocities_go_on_and_the_thermostat_starts_at_rest(vasp, tmp_path):
    segments, computed = chain(tmp_path / "run", protocol(stride=1))
    before, after = (segment.frames for segment in segments)
    assert after[0].temperature_K == pytest.approx(before[-1].temperature_K, rel=0.2)
    at_rest = computed[1]["totals"][0] - computed[1]["energies"][0]
    kinetic = after[0].temperature_K * 3 * 7 * fake_vasp.BOLTZMANN_EV_PER_K / 2
    assert at_rest == pytest.approx(kinetic, abs=1e-6)


def test_the_seed_decides_the_first_velocities(vasp, tmp_path):
    (one, *_), _ = chain(tmp_path / "one", protocol())
    (same, *_), _ = chain(tmp_path / "same", protocol())
    (other, *_), _ = chain(tmp_path / "other", protocol(seed=4))
    assert one.packed == same.packed
    assert one.frames[1].potential_energy_eV != other.frames[1].potential_energy_eV


def test_a_correction_is_recorded_and_the_frames_are_whole(vasp, tmp_path):
    undisturbed, _ = chain(tmp_path / "undisturbed", protocol())
    (vasp / "eddrmm").touch()
    segments, _ = chain(tmp_path / "run", protocol())
    assert len(segments[0].corrections) == 1
    assert "eddrmm" in segments[0].corrections[0]
    assert not segments[1].corrections
    assert [segment.packed for segment in segments] == [segment.packed for segment in undisturbed]


def test_a_correction_of_the_time_step_is_refused(vasp, tmp_path):
    with pytest.raises(
        PotentialError, match=r"custodian changed POTIM from 3\.0 to 1\.5, which is another calculation \(zpotrf"
    ):
        run_segment(MIXED, protocol(time_step_fs=3.0), VASP, None, "salt", tmp_path)


@pytest.mark.parametrize(
    ("fault", "words", "n_frames"),
    [("runaway", "the energy ran away by step 3", 2), ("unconverged", "step 2 did not reach self-consistency", 1)],
)
def test_a_run_that_means_nothing_stops_with_a_verdict(vasp, tmp_path, fault, words, n_frames):
    (vasp / fault).touch()
    segment = run_segment(MIXED, protocol(), VASP, None, "salt", tmp_path)
    assert words in segment.stop_reason
    assert len(segment.frames) == n_frames


def test_a_stop_in_the_middle_goes_on_without_a_gap(vasp, tmp_path):
    run = protocol(ensemble="nve", stride=1, segment_length_ps=0.04)
    undisturbed, _ = chain(tmp_path / "undisturbed", run)
    (vasp / "slow").touch()
    (tmp_path / "run").mkdir()
    first = run_segment(MIXED, run, VASP, None, "salt", tmp_path / "run", walltime_s=30.5)  # 30 s are kept for storing
    n_frames = len(first.frames)
    assert 1 <= n_frames < 21
    assert first.state.step == n_frames
    second = run_segment(MIXED, run, VASP, first.state, "salt", tmp_path / "run")
    joined = np.concatenate([FrameReader(part.packed).positions_A() for part in (first, second)])
    assert joined == pytest.approx(FrameReader(undisturbed[0].packed).positions_A(), abs=2e-4)


def test_the_mass_of_the_thermostat_is_that_of_the_built_in_engine():
    run, cell = protocol(temperature_K=900, thermostat_time_constant_fs=80), SALT.lattice.matrix
    smass = nose_mass(run, 8, cell)
    assert smass * 5.1**2 == pytest.approx(Chain.at_rest(900, 21, 80, 1).masses[0], rel=1e-4)
    # SMASS = 0 is a period of 40 steps, of which the angular frequency is sqrt(2) / tau.
    time_constant = 40 * run.time_step_fs / (2 * np.pi) * np.sqrt(2)
    same = smass * (time_constant / 80) ** 2
    crystal = fake_vasp.Crystal(cell, ["Li"], [8], np.zeros((8, 3)), None)
    incar = {"SMASS": "0", "POTIM": "2", "MDALGO": "2"}
    default = fake_vasp.nose_mass(incar, crystal, fake_vasp.BOLTZMANN_EV_PER_K * 900, 21)
    assert same * 5.1**2 * fake_vasp.EV_PER_U_A2_PER_FS2 == pytest.approx(default, rel=1e-4)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"ensemble": "npt"}, "ensemble = 'npt' is not there with VASP"),
        ({"thermostat_chain_length": 3}, "thermostat_chain_length = 3: VASP's Nose-Hoover thermostat has no chain"),
        ({"velocity_stride": 1}, "velocity_stride: VASP writes no velocities"),
    ],
)
def test_what_vasp_does_not_do_is_refused_before_it_starts(changes, words, tmp_path):
    with pytest.raises(InputError, match=words):
        run_segment(SALT, protocol(**changes), VASP, None, "salt", tmp_path)
