"""Every format gives back the walk that was written in it, to its own precision, and says what it knows of the run."""

import numpy as np
import pytest

import sample_files as files
from superionic.analysis import diffusivity
from superionic.documents import ImportSettings
from superionic.errors import InputError
from superionic.makers.import_trajectory import imported_run
from superionic.trajectories import from_arrays, stitch
from superionic.trajectories.sources import open_source
from superionic.trajectories.sources.vasp import vasp_functional

WALK = files.known_walk()
NPT = files.breathing_cells(len(WALK))
NPT_WALK = (WALK @ np.linalg.inv(files.CELL)) @ NPT


def settings(**given):
    return ImportSettings(**{"mobile": "Li+", "temperature_K": 700.0, "time_step_fs": 2.0, **given})


def stored(paths, **given):
    """The run as it would be stored, and its summary."""
    *segments, summary = imported_run(
        [*([paths] if not isinstance(paths, list) else paths)], settings(**given)
    ).segments("r")
    return stitch(segments).decoded(), summary


def directory(folder, writer, *arguments, **keywords):
    writer(folder / "vasprun.xml.gz", *arguments, **keywords)
    return folder


def xdatcar(folder, walk, cells):
    return files.write_xdatcar(folder / "XDATCAR", walk, cells, repeat_header=cells.ndim == 3), {"stride": 10}


def lammps(columns, **given):
    return lambda folder, walk, cells: (files.write_dump(folder / "d", walk, cells, columns), given)


def with_data(writer, name, style="charge", **keywords):
    def write(folder, walk, cells):
        data = files.write_data_file(folder / "walk.data", style)
        return writer(folder / name, walk, **keywords), {"topology": str(data)}

    return write


def with_topology(name, topology, **given):
    def write(folder, walk, cells):
        atoms = files.write_topology(folder / topology)
        return files.write_mdanalysis(folder / name, walk, cells), {"topology": str(atoms), **given}

    return write


EVERY_STEP = {"time_step_fs": 20.0}  # vasprun.xml holds every step, so these are the 0.02 ps of the walk
FORMATS = {  # name: (writer, precision of its coordinates in Å, holds a changing cell)
    "vasprun": (lambda f, w, c: (files.write_vasprun(f / "vasprun.xml", w, c, potim=20), EVERY_STEP), 2e-7, True),
    "vasprun.gz": (lambda f, w, c: (files.write_vasprun(f / "vasprun.xml.gz", w, c, potim=20), EVERY_STEP), 2e-7, True),
    "directory": (lambda f, w, c: (directory(f, files.write_vasprun, w, c, potim=20), EVERY_STEP), 2e-7, True),
    "XDATCAR": (xdatcar, 2e-7, True),
    "dump xu": (lammps("id element xu yu zu"), 1e-8, True),
    "dump xsu": (lammps("id type xsu ysu zsu", elements=["Li", "Cl"]), 2e-7, True),
    "dump x ix": (lammps("id element x y z ix iy iz"), 1e-8, True),
    "dump xs ix": (lammps("element xs ys zs ix iy iz id"), 2e-7, True),
    "dump x": (lammps("id element x y z"), 1e-8, True),
    "dump and data": (with_data(files.write_dump, "d", columns="id type xu yu zu"), 1e-8, False),
    "LAMMPS xyz": (with_data(files.write_lammps_xyz, "d.xyz"), 1e-5, False),
    "LAMMPS xyz, symbols": (with_data(files.write_lammps_xyz, "d.xyz", "atomic", symbols=True), 1e-5, False),
    "ASE traj": (lambda f, w, c: (files.write_traj(f / "md.traj", w, c), {"stride": 10}), 1e-12, True),
    "extxyz": (lambda f, w, c: (files.write_extxyz(f / "md.extxyz", w, c), {"stride": 10}), 1e-8, True),
    "CP2K": (lambda f, w, c: (files.write_cp2k(f, w, c), {}), 1e-10, True),
    "xtc": (with_topology("md.xtc", "POSCAR"), 6e-3, True),
    "trr": (with_topology("md.trr", "md.cif"), 5e-6, True),
    "dcd": (with_topology("md.dcd", "md.pdb", stride=10), 5e-6, True),
}  # fmt: skip
CODEC = 1e-4  # the stored fixed point


def moved(positions):
    """Without the whole cell vectors by which a walk may start elsewhere."""
    return positions - positions[0]


@pytest.mark.parametrize("name", FORMATS)
def test_the_walk_comes_back(name, tmp_path):
    writer, precision, _ = FORMATS[name]
    path, extra = writer(tmp_path, WALK, files.CELL)
    read, summary = stored(path, **extra)
    assert read.n_frames == len(WALK)
    assert read.species == files.SPECIES
    assert np.abs(moved(read.positions_A) - moved(WALK)).max() < 2 * precision + CODEC + 1e-9
    assert np.allclose(read.cell_A, files.CELL, atol=max(1e-4, precision))
    assert summary.n_steps == 299 * summary.protocol.stride


@pytest.mark.parametrize("name", [name for name, (_, _, changes) in FORMATS.items() if changes])
def test_a_walk_in_a_breathing_cell_comes_back(name, tmp_path):
    writer, precision, _ = FORMATS[name]
    path, extra = writer(tmp_path, NPT_WALK, NPT)
    read, _ = stored(path, **extra)
    assert np.allclose(read.cell_A, NPT, atol=max(2e-4, precision))
    fractions = [moved(p @ np.linalg.inv(c)) @ files.CELL for p, c in ((read.positions_A, NPT), (NPT_WALK, NPT))]
    assert np.abs(fractions[0] - fractions[1]).max() < 3 * precision + 5 * CODEC + (0.02 if name == "xtc" else 1e-3)


@pytest.mark.parametrize("name", FORMATS)
def test_its_diffusivity_is_that_of_the_walk(name, tmp_path):
    writer, precision, _ = FORMATS[name]
    path, extra = writer(tmp_path, WALK, files.CELL)
    read, _ = stored(path, **extra)
    truth = diffusivity(from_arrays(WALK, files.CELL, files.SPECIES, 0.02, 700, "Li"))
    found = diffusivity(read)
    ratio = found.diffusivity_cm2_per_s.value / truth.diffusivity_cm2_per_s.value
    assert ratio == pytest.approx(1, rel=5e-4 if precision < 1e-3 else 5e-3)


def test_vasp_says_what_the_run_was(tmp_path):
    source = open_source(files.write_vasprun(tmp_path / "vasprun.xml", WALK[:5]))
    assert (source.time_step_fs, source.temperature_K, source.ensemble, source.model) == (2.0, 700.0, "nvt", "PS")
    read, _ = stored(tmp_path / "vasprun.xml", temperature_K=None, time_step_fs=None)
    assert read.temperature_K == 700
    assert read.protocol.stride == 1  # NBLOCK thins XDATCAR, not vasprun.xml
    assert read.potential_energies_eV[3] == pytest.approx(-50.003)
    assert read.temperatures_K[0] == pytest.approx(2 * 1.35 / (45 * 8.617333e-5), rel=1e-4)


def test_a_machine_learned_run_of_vasp_is_thinned_from_version_6_4_3_on(tmp_path):
    files.write_vasprun(tmp_path / "vasprun.xml", WALK[:3])
    corrupt(tmp_path / "vasprun.xml", '<i type="int" name="NBLOCK">     5', '<i type="int" name="ML_OUTBLOCK">     7')
    assert open_source(tmp_path).stride == 1
    corrupt(tmp_path / "vasprun.xml", ">6.4.2  <", ">6.4.3  <")
    assert open_source(tmp_path).stride == 7


def test_an_incar_beside_xdatcar_is_read(tmp_path):
    files.write_xdatcar(tmp_path / "XDATCAR", WALK[:5])
    (tmp_path / "INCAR").write_text("IBRION = 0\nPOTIM = 1.5\nNBLOCK = 4\nTEBEG = 650\nTEEND = 650\nSMASS = 0\n")
    read, summary = stored(tmp_path, temperature_K=None, time_step_fs=None)
    assert (read.temperature_K, summary.protocol.stride, read.frame_interval_ps) == (650, 4, pytest.approx(0.006))


def test_temperatures_come_from_momenta_and_from_cp2ks_table(tmp_path):
    for writer, name in ((files.write_traj, "a.traj"), (files.write_extxyz, "a.extxyz")):
        read, _ = stored(writer(tmp_path / name, WALK[:5]), stride=10)
        assert read.temperatures_K == pytest.approx(np.full(5, 700.0), rel=1e-6)
        assert read.potential_energies_eV == pytest.approx(np.full(5, -7.5))
    read, summary = stored(files.write_cp2k(tmp_path, WALK[:5], files.CELL), time_step_fs=None)
    assert read.temperatures_K == pytest.approx(np.full(5, 700.0))
    assert read.potential_energies_eV[0] == pytest.approx(-10 * 27.211386, rel=1e-6)
    assert (summary.protocol.time_step_fs, summary.protocol.stride) == (2.0, 10)


def test_lammps_and_xtc_say_their_stride(tmp_path):
    _, summary = stored(files.write_dump(tmp_path / "d", WALK[:5]))
    assert summary.protocol.stride == 10
    topology = str(files.write_topology(tmp_path / "POSCAR"))
    _, summary = stored(files.write_mdanalysis(tmp_path / "d.xtc", WALK[:5]), topology=topology, time_step_fs=None)
    assert (summary.protocol.stride, summary.protocol.time_step_fs) == (10, pytest.approx(2.0))


def test_nothing_is_written_beside_the_files(tmp_path):
    topology = str(files.write_topology(tmp_path / "POSCAR"))
    stored(files.write_mdanalysis(tmp_path / "d.xtc", WALK[:5]), topology=topology)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["POSCAR", "d.xtc"]


def cut(path, n_bytes=40):
    path.write_bytes(path.read_bytes()[:-n_bytes])
    return path


CUT = ["ASE traj", "XDATCAR", "dump xu", "LAMMPS xyz", "extxyz", "CP2K", "xtc", "dcd", "vasprun", "vasprun.gz"]


@pytest.mark.parametrize("name", CUT)
def test_a_last_frame_cut_short_is_left_out_and_named(name, tmp_path):
    writer, _, _ = FORMATS[name]
    path, extra = writer(tmp_path, WALK[:20], files.CELL)
    cut(path, 300 if name == "vasprun" else 60)
    read, summary = stored(path, **extra)
    assert 1 < read.n_frames <= 19
    assert np.abs(moved(read.positions_A) - moved(WALK[: read.n_frames])).max() < 0.02
    assert any("cut short" in note and str(path) in note for note in summary.notes)


def test_a_number_cut_in_its_decimals_is_a_frame_cut_short(tmp_path):
    path = files.write_xdatcar(tmp_path / "XDATCAR", WALK[:5])
    path.write_bytes(path.read_bytes()[:-4])  # '0.12345678\n' -> '0.12345'
    read, summary = stored(path, stride=10)
    assert read.n_frames == 4
    assert summary.notes


def test_a_missing_line_feed_alone_cuts_nothing(tmp_path):
    path = files.write_xdatcar(tmp_path / "XDATCAR", WALK[:5])
    path.write_bytes(path.read_bytes()[:-1])
    read, summary = stored(path, stride=10)
    assert (read.n_frames, summary.notes) == (5, [])


def corrupt(path, old, new, count=1):
    path.write_text(path.read_text().replace(old, new, count))
    return path


def test_what_cannot_be_read_is_refused_by_name(tmp_path):
    def refused(path, message, **given):
        with pytest.raises(InputError, match=message):
            stored(path, **given)

    refused(tmp_path / "nowhere", "does not exist")
    refused(tmp_path, "holds neither vasprun.xml nor XDATCAR")
    (tmp_path / "poem").write_text("roses are red\n" * 20)
    refused(tmp_path / "poem", "no known format")
    path = files.write_xdatcar(tmp_path / "XDATCAR", WALK[:5])
    refused(
        corrupt(path, "configuration=     3\n", "configuration=     3\n x y z\n"), "configuration 3 is not readable"
    )
    refused(
        files.write_vasprun(tmp_path / "v.xml", WALK[:3], teend=900),
        "TEBEG = 700.0 to TEEND = 900.0",
        temperature_K=None,
    )
    refused(
        files.write_vasprun(tmp_path / "v.xml", WALK[:3], ibrion=2).rename(tmp_path / "w.xml"), "not molecular dynamics"
    )
    cut(files.write_traj(tmp_path / "a.traj", WALK[:1]), 200)
    refused(tmp_path / "a.traj", "cut short")
    refused(files.write_dump(tmp_path / "a", WALK[:3], columns="id type x y z"), "no column 'element'")
    refused(files.write_dump(tmp_path / "b", WALK[:3], columns="element x y z"), "no column 'id'")
    refused(files.write_dump(tmp_path / "c", WALK[:3], columns="id element"), "no coordinates")
    refused(corrupt(files.write_dump(tmp_path / "d", WALK[:3]), "pp pp pp", "pp pp ff", 9), "not periodic")
    refused(files.write_lammps_xyz(tmp_path / "e.xyz", WALK[:3]), "data file as --topology")
    refused(files.write_cp2k(tmp_path, WALK[:3]), "holds no cell: give --cell")
    refused(files.write_mdanalysis(tmp_path / "f.dcd", WALK[:3]), "holds no elements")
    (tmp_path / "POSCAR").write_text("x\n1\n9 0 0\n0 9 0\n0 0 9\nLi\n1\ndirect\n0 0 0\n")
    refused(tmp_path / "f.dcd", "atoms", topology=str(tmp_path / "POSCAR"))


def test_elements_may_be_given_for_a_data_file_of_reduced_masses(tmp_path):
    data = files.write_data_file(tmp_path / "lj.data")
    data.write_text(data.read_text().replace("1 6.94", "1 1").replace("2 35.45  # Cl", "2 1"))
    with pytest.raises(InputError, match="'Li' is none of the elements"):
        stored(files.write_lammps_xyz(tmp_path / "d.xyz", WALK[:5]), topology=str(data))
    for path in (tmp_path / "d.xyz", files.write_mdanalysis(tmp_path / "d.dcd", WALK[:5])):
        every = {"stride": 10} if path.suffix == ".dcd" else {}
        assert stored(path, topology=str(data), elements=["Li", "Cl"], **every)[0].species == files.SPECIES
    with pytest.raises(InputError, match="types up to 2 but 1 elements"):
        stored(tmp_path / "d.xyz", topology=str(data), elements=["Li"])


def test_a_dump_may_be_called_traj(tmp_path):
    assert open_source(files.write_dump(tmp_path / "md.traj", WALK[:5])).engine == "lammps"


def test_a_cell_may_be_given_for_cp2k(tmp_path):
    read, _ = stored(files.write_cp2k(tmp_path, WALK[:5]), cell_A=files.CELL.tolist())
    assert np.abs(moved(read.positions_A) - moved(WALK[:5])).max() < 1e-4 + 1e-9


def test_atoms_that_change_are_refused_by_frame(tmp_path):
    path = files.write_dump(tmp_path / "d", WALK[:5], shuffle=False)
    with pytest.raises(InputError, match="atom ids at step 20"):
        stored(corrupt(path, "TIMESTEP\n20\n", "TIMESTEP\n20\n") and _renumbered(path, 2))
    lines = files.write_extxyz(tmp_path / "a.extxyz", WALK[:5]).read_text().splitlines()
    start = 3 * 18 + 2
    lines[start], lines[start + 10] = lines[start + 10], lines[start]
    (tmp_path / "a.extxyz").write_text("\n".join(lines) + "\n")
    with pytest.raises(InputError, match="frame 4 holds its atoms in another order"):
        stored(tmp_path / "a.extxyz")


def test_extxyz_with_ids_is_sorted_by_them(tmp_path):
    rng = np.random.default_rng(0)
    with (tmp_path / "a.xyz").open("w") as stream:
        for frame in WALK[:20]:
            lattice = " ".join(map(str, files.CELL.ravel()))
            stream.write(f'16\nLattice="{lattice}" Properties=id:I:1:species:S:1:pos:R:3\n')
            for atom in rng.permutation(16):
                stream.write(f"{atom + 1} {files.SPECIES[atom]} " + " ".join(f"{x:.8f}" for x in frame[atom]) + "\n")
    read, _ = stored(tmp_path / "a.xyz", stride=10)
    assert np.abs(moved(read.positions_A) - moved(WALK[:20])).max() < 2e-4
    assert read.species == files.SPECIES


def test_a_breathing_cell_is_no_diffusion(tmp_path):
    still = np.repeat(WALK[:1], len(NPT), axis=0) @ np.linalg.inv(files.CELL) @ NPT
    still[:, :8] += np.random.default_rng(0).normal(scale=0.01, size=(len(NPT), 8, 3))
    read, _ = stored(files.write_vasprun(tmp_path / "vasprun.xml", still, NPT, potim=20), **EVERY_STEP)
    moving, _ = stored(files.write_vasprun(tmp_path / "v2.xml", NPT_WALK, NPT, potim=20), **EVERY_STEP)
    slow, fast = diffusivity(read).diffusivity_cm2_per_s, diffusivity(moving).diffusivity_cm2_per_s
    assert slow.value < 1e-3 * fast.value


def test_xtc_keeps_its_time_step_far_from_time_0(tmp_path):
    import MDAnalysis

    topology = str(files.write_topology(tmp_path / "POSCAR"))
    universe = MDAnalysis.Universe.empty(16, trajectory=True)
    universe.dimensions = [20, 20, 20, 90, 90, 90]
    with MDAnalysis.Writer(str(tmp_path / "late.xtc"), 16) as writer:
        for index, frame in enumerate(WALK[:3]):
            universe.atoms.positions = frame
            universe.trajectory.ts.data["step"] = 500_000 + index * 10
            universe.trajectory.ts.time = 1000 + index * 0.02
            writer.write(universe.atoms)
    assert open_source(tmp_path / "late.xtc", tmp_path / "POSCAR").time_step_fs == 2.0
    assert stored(tmp_path / "late.xtc", topology=topology)[1].protocol.time_step_fs == 2.0


def _renumbered(path, frame):
    parts = path.read_text().split("ITEM: TIMESTEP\n")
    head, _, body = parts[frame + 1].partition("zu\n")
    parts[frame + 1] = head + "zu\n" + "99" + body[1:]
    path.write_text("ITEM: TIMESTEP\n".join(parts))
    return path


def test_the_functional_of_vasp_is_named_as_vasp_names_it():
    for values, name in (
        ({"GGA": "Ps"}, "PS"),
        ({"GGA": "PE", "METAGGA": "--"}, "PE"),
        ({"GGA": "Pe", "METAGGA": "R2scan"}, "R2SCAN"),
        ({"GGA": "--", "METAGGA": "None"}, None),
        ({}, None),
    ):
        assert vasp_functional(values) == name
