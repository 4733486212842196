"""A stored run written in any format comes back the same, and inspect says what it is."""

import base64
import hashlib

import numpy as np
import pytest
import zarr
from ase import units
from ase.io import iread
from pymatgen.io.vasp import Xdatcar

import sample_files as files
from sample_runs import segments as sample_segments
from superionic.documents import ImportSettings
from superionic.errors import InputError, StoreError
from superionic.makers.import_trajectory import imported_run
from superionic.trajectories import stitch, stitch_velocities
from superionic.trajectories.codec import FrameWriter, pack
from superionic.trajectories.export import export, restricted
from superionic.trajectories.inspection import inspect_run

N = 700  # more than one chunk
WALK = files.known_walk(N)
NPT = files.breathing_cells(N)
SETTINGS = ImportSettings(mobile="Li+", temperature_K=700.0, time_step_fs=2.0)


def segments_of(path, **given):
    return list(imported_run([path], SETTINGS.model_copy(update=given)).segments("r"))


@pytest.fixture(scope="module", params=["nvt", "npt"])
def run(request, tmp_path_factory):
    cells = files.CELL if request.param == "nvt" else NPT
    walk = WALK if request.param == "nvt" else WALK @ np.linalg.inv(files.CELL) @ NPT
    path = files.write_dump(tmp_path_factory.mktemp("run") / "d", walk, cells, "id element xu yu zu")
    *segments, summary = segments_of(path)
    return segments, summary


@pytest.mark.parametrize(("file_format", "suffix"), [("extxyz", ".xyz"), ("xdatcar", ""), ("lammps", ".dump")])
@pytest.mark.parametrize("wrap", [False, True])
def test_what_is_exported_can_be_imported(run, tmp_path, file_format, suffix, wrap):
    segments, _ = run
    path = tmp_path / f"XDATCAR{suffix}"
    assert export(segments, path, file_format, wrap) == N
    wrapped_dump = file_format == "lammps" and wrap  # a dump of xu yu zu promises continuous positions
    if wrapped_dump:
        path.write_text(path.read_text().replace("xu yu zu", "x y z"))
    *again, _ = segments_of(path, stride=10 if file_format == "xdatcar" else None)
    before, after = stitch(segments).decoded(), stitch(again).decoded()
    same = np.linalg.norm(np.diff(after.positions_A[:, 0], axis=0), axis=1)
    assert same == pytest.approx(np.linalg.norm(np.diff(before.positions_A[:, 0], axis=0), axis=1), abs=1e-3)
    if file_format != "lammps":  # which is rotated
        moved = [fractions - fractions[0] for fractions in (_fractions(before), _fractions(after))]
        assert np.abs((moved[0] - moved[1]) @ files.CELL).max() < 5e-4
    assert after.frame_interval_ps == pytest.approx(0.02)


def _fractions(trajectory):
    return trajectory.positions_A @ np.linalg.inv(trajectory.cell_A)


def test_other_tools_read_it(run, tmp_path):
    segments, _ = run
    trajectory = stitch(segments).decoded()
    export(segments, tmp_path / "x.extxyz", "extxyz")
    frames = list(iread(str(tmp_path / "x.extxyz"), "::100"))
    assert np.abs(frames[3].positions - trajectory.positions_A[300]).max() < 1e-5
    assert frames[3].info["step"] == 3000
    export(segments, tmp_path / "XDATCAR", "xdatcar")
    structures = Xdatcar(str(tmp_path / "XDATCAR")).structures
    assert len(structures) == N
    assert np.abs(structures[600].cart_coords - trajectory.positions_A[600]).max() < 2e-4
    export(segments, tmp_path / "x.zarr", "zarr")
    group = zarr.open_group(tmp_path / "x.zarr", mode="r")
    assert np.array_equal(group["positions"][:], trajectory.positions_A)
    assert group.attrs["units"]["positions"] == "angstrom"


@pytest.mark.parametrize("seed", range(10))
def test_lammps_cells_are_restricted_and_the_same(seed):
    cell = np.random.default_rng(seed).normal(size=(3, 3)) * 5
    cell *= np.sign(np.linalg.det(cell))
    box = restricted(cell)
    assert np.allclose(box @ box.T, cell @ cell.T)
    assert np.allclose(np.triu(box, 1), 0)
    assert np.all(np.diag(box) > 0)


def test_nothing_is_overwritten(run, tmp_path):
    (tmp_path / "x").write_text("mine")
    with pytest.raises(InputError, match="exists already"):
        export(run[0], tmp_path / "x", "extxyz")


def test_inspect_says_what_the_run_is_and_finds_corruption(run):
    segments, summary = run
    found = inspect_run(segments, summary)
    assert (found["frames"], found["atoms"], found["mobile"], found["ended"]) == (
        N,
        "Li8 Cl8",
        "Li (+1 e)",
        "length reached",
    )
    assert found["length_ps"] == pytest.approx((N - 1) * 0.02)
    assert 0.5 < found["segments"][0]["largest_step_A"] < 3
    with pytest.raises(StoreError, match="checksum"):
        inspect_run([segments[0].model_copy(update={"sha256": "0" * 64})], summary)
    with pytest.raises(StoreError, match="not the 5 it should"):
        inspect_run([segments[0].model_copy(update={"n_frames": 5})], summary)
    with pytest.raises(StoreError, match="no stored segment"):
        inspect_run([], None)


def test_velocities_are_exported_where_they_are(tmp_path):
    """Every third frame has them; ASE reads them as the atoms' own."""
    rng = np.random.default_rng(0)
    (template,) = sample_segments(n_segments=1, frames_each=20)
    positions, velocities = rng.random((21, template.n_atoms, 3)), rng.normal(size=(21, template.n_atoms, 3))
    writer = FrameWriter(tmp_path / "frames", template.n_atoms)
    for frame in range(21):
        writer.append(
            10 * frame, positions[frame], files.CELL, velocities[frame] if frame % 3 == 0 else None,
            potential_energy_eV=0.0, conserved_energy_eV=0.0, temperature_K=700.0,
        )  # fmt: skip
    writer.close()
    packed = pack(tmp_path / "frames")
    segment = template.model_copy(
        update={"payload": base64.b64encode(packed).decode(), "sha256": hashlib.sha256(packed).hexdigest()}
    )
    export([segment], tmp_path / "x.extxyz", "extxyz")
    frames = list(iread(str(tmp_path / "x.extxyz")))
    assert ["momenta" in frame.arrays for frame in frames] == [number % 3 == 0 for number in range(21)]
    assert np.abs(frames[3].get_velocities() * 1e3 * units.fs - velocities[3]).max() < 1e-4
    export([segment], tmp_path / "x.zarr", "zarr")
    group = zarr.open_group(tmp_path / "x.zarr", mode="r")
    steps, stored = stitch_velocities([segment])
    assert steps.tolist() == list(range(0, 201, 30))
    assert np.array_equal(group["velocity_step"][:], steps)
    assert np.array_equal(group["velocities"][:], stored)
    assert np.abs(stored - velocities[::3]).max() < 1e-6
