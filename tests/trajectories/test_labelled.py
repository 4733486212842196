"""Forces and stress of a stored run come back by the number of their frame, and leave in extended xyz."""

import numpy as np
import pytest
from ase.io import iread

from sample_runs import CELL, IDENTITY
from superionic.documents import AnalysisSettings, RecordedProtocol
from superionic.errors import InputError
from superionic.trajectories import labelled_frames
from superionic.trajectories.codec import FrameWriter, pack
from superionic.trajectories.export import export
from superionic.trajectories.segments import RunRecord, write_segment

N_ATOMS, STRIDE = 4, 5
PROTOCOL = RecordedProtocol(temperature_K=700, time_step_fs=2, stride=STRIDE)
RUN = RunRecord("run", IDENTITY, PROTOCOL, AnalysisSettings(), ["Li"] * N_ATOMS)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Two segments of 11 and 10 frames, forces of every third, stress of every sixth; and what went in."""
    folder, rng = tmp_path_factory.mktemp("run"), np.random.default_rng(0)
    positions, forces = 10 * rng.random((21, N_ATOMS, 3)), rng.normal(size=(21, N_ATOMS, 3))
    stress = rng.normal(size=(21, 3, 3)) * 0.01
    stress += stress.transpose(0, 2, 1)
    segments = []
    for number, frames in enumerate((range(11), range(11, 21))):
        writer = FrameWriter(folder / str(number), N_ATOMS)
        for frame in frames:
            writer.append(
                STRIDE * frame, positions[frame], CELL,
                forces_eV_per_A=forces[frame] if frame % 3 == 0 else None,
                stress_eV_per_A3=stress[frame] if frame % 6 == 0 else None,
                potential_energy_eV=-float(frame), conserved_energy_eV=np.nan, temperature_K=np.nan,
            )  # fmt: skip
        writer.close()
        segments.append(write_segment(RUN, number, 2, pack(folder / str(number))))
    return segments, positions, forces, stress


def test_all_labelled_frames(run):
    segments, positions, forces, stress = run
    found = list(labelled_frames(segments))
    assert [frame.index for frame in found] == list(range(0, 21, 3))
    for frame in found:
        assert frame.step == STRIDE * frame.index
        assert frame.energy_eV == -frame.index
        assert np.abs(frame.positions_A - positions[frame.index]).max() <= 0.5001e-4
        assert np.array_equal(frame.forces_eV_per_A, forces[frame.index].astype(np.float32))
        if frame.index % 6:
            assert frame.stress_eV_per_A3 is None
        else:
            assert np.array_equal(frame.stress_eV_per_A3, stress[frame.index])


def test_chosen_frames_across_segments(run):
    segments, _, forces, _ = run
    found = {frame.index: frame for frame in labelled_frames(segments, [18, 9])}
    assert sorted(found) == [9, 18]
    assert np.array_equal(found[18].forces_eV_per_A, forces[18].astype(np.float32))


@pytest.mark.parametrize("index", [4, 21])
def test_a_frame_without_forces_is_refused_by_its_number(run, index):
    with pytest.raises(InputError, match=f"frame {index} of the run holds no forces"):
        list(labelled_frames(run[0], [3, index]))


def test_ase_reads_what_was_exported(run, tmp_path):
    segments, _, forces, stress = run
    export(segments, tmp_path / "x.extxyz", "extxyz")
    frames = list(iread(str(tmp_path / "x.extxyz")))
    assert [frame.calc is not None and "forces" in frame.calc.results for frame in frames] == [
        number % 3 == 0 for number in range(21)
    ]
    for number in range(0, 21, 6):
        assert np.abs(frames[number].get_forces() - forces[number]).max() < 1e-6
        assert np.abs(frames[number].get_stress(voigt=False) - stress[number]).max() < 1e-9
        assert frames[number].get_potential_energy() == -number


def test_what_a_segment_says_of_its_frames_is_read_from_them(run):
    first, second = run[0]
    assert (first.first_step, first.last_step, second.first_step, second.last_step) == (0, 50, 50, 100)
    assert (first.n_frames, second.n_frames, first.n_atoms) == (11, 10, N_ATOMS)
    assert first.mean_potential_energy_eV_per_atom == -5 / N_ATOMS
    assert first.mean_temperature_K is None
    assert first.conserved_drift_meV_per_atom_per_ps is None
