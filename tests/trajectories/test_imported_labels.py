"""Forces and stress in foreign files are kept with their frames, in one unit and one sign; the walk is known."""

import numpy as np
import pytest
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import read, write
from ase.io.trajectory import TrajectoryWriter

import sample_files as files
from superionic.documents import ImportSettings
from superionic.errors import InputError
from superionic.makers.import_trajectory import imported_run
from superionic.trajectories import labelled_frames
from superionic.trajectories.export import export

N = 20
WALK = files.known_walk(N)
RNG = np.random.default_rng(5)
FORCES = RNG.normal(size=(N, 16, 3))
STRESS = RNG.normal(size=(N, 3, 3)) * 0.01
STRESS += STRESS.transpose(0, 2, 1)
KB = -1602.1766208  # of one eV/Å^3, in VASP's kB and sign
HARTREE_PER_BOHR = 51.422067  # in eV/Å
SETTINGS = ImportSettings(mobile="Li+", temperature_K=700.0, time_step_fs=2.0)
COUNTED = SETTINGS.model_copy(update={"stride": 10})


def varray(name, rows):
    lines = "".join("   <v> " + " ".join(f"{x:.8f}" for x in row) + " </v>\n" for row in rows)
    return f'  <varray name="{name}" >\n{lines}  </varray>\n'


def vasprun(folder):
    """Instead of the zeros of one atom."""
    zeros = '  <varray name="forces" >\n   <v> 0.0 0.0 0.0 </v>\n  </varray>\n'
    parts = files.write_vasprun(folder / "vasprun.xml", WALK).read_text().split(zeros)
    labels = [varray("forces", f) + varray("stress", s * KB) for f, s in zip(FORCES, STRESS, strict=True)]
    (folder / "vasprun.xml").write_text(
        parts[0] + "".join(label + part for label, part in zip(labels, parts[1:], strict=True))
    )
    return folder / "vasprun.xml", SETTINGS, True


def labelled_atoms():
    for index, atoms in enumerate(files.atoms_of(WALK)):
        atoms.calc = SinglePointCalculator(atoms, energy=-50.0, forces=FORCES[index], stress=STRESS[index])
        yield atoms


def extxyz(folder):
    write(folder / "x.extxyz", list(labelled_atoms()), format="extxyz")
    return folder / "x.extxyz", COUNTED, True


def extxyz_with_virial(folder):
    """As training sets have it, in eV."""
    with (folder / "x.extxyz").open("w") as stream:
        for frame, force, stress in zip(WALK, FORCES, STRESS, strict=True):
            virial = " ".join(f"{x:.12g}" for x in (-stress * np.linalg.det(files.CELL)).ravel())
            lattice = " ".join(map(str, files.CELL.ravel()))
            stream.write(f'16\nLattice="{lattice}" Properties=species:S:1:pos:R:3:force:R:3 virial="{virial}"\n')
            for name, row in zip(files.SPECIES, np.hstack([frame, force]).tolist(), strict=True):
                stream.write(f"{name} {' '.join(f'{x:.8f}' for x in row)}\n")
    return folder / "x.extxyz", COUNTED, True


def traj(folder):
    with TrajectoryWriter(str(folder / "x.traj"), "w") as writer:
        for atoms in labelled_atoms():
            writer.write(atoms)
    return folder / "x.traj", COUNTED, True


def cp2k(folder):
    path = files.write_cp2k(folder, WALK, files.CELL)
    with (folder / "walk-frc-1.xyz").open("w") as stream:
        for index in range(N):
            stream.write(f"      16\n i = {index * 10:8d}, time = {index * 20.0:12.3f}, E = -10.0\n")
            rows = (FORCES[index] / HARTREE_PER_BOHR).tolist()
            stream.writelines(
                f"{name:>3} " + " ".join(f"{x:19.10f}" for x in row) + "\n"
                for name, row in zip(files.SPECIES, rows, strict=True)
            )
    return path, SETTINGS, False


def dump(folder, units, per_eV):
    """Atoms in LAMMPS' order, with forces."""
    path = files.write_dump(folder / "dump", WALK)
    lines, index = [], -1
    for line in path.read_text().splitlines():
        words, more = line.split(), ""
        if line == "ITEM: TIMESTEP":
            index += 1
        if line.startswith("ITEM: ATOMS"):
            more = " fx fy fz"
        elif len(words) == 5 and words[1] in {"Li", "Cl"}:
            more = " " + " ".join(f"{x * per_eV:.10f}" for x in FORCES[index][int(words[0]) - 1])
        lines.append(line + more)
    head = [] if units is None else ["ITEM: UNITS", units]
    path.write_text("\n".join(head + lines) + "\n")
    return path, SETTINGS, False


def metal_dump(folder):
    return dump(folder, "metal", 1.0)


def real_dump(folder):
    return dump(folder, "real", 23.0605478)


@pytest.mark.parametrize("written", [vasprun, extxyz, extxyz_with_virial, traj, cp2k, metal_dump, real_dump])
def test_labels_are_kept(tmp_path, written):
    path, settings, stressed = written(tmp_path)
    *segments, _ = imported_run([path], settings).segments("run")
    found = list(labelled_frames(segments))
    assert [frame.index for frame in found] == list(range(N))
    for frame in found:
        assert np.abs(frame.forces_eV_per_A - FORCES[frame.index]).max() < 2e-6
        if stressed:
            assert np.abs(frame.stress_eV_per_A3 - STRESS[frame.index]).max() < 1e-7
        else:
            assert frame.stress_eV_per_A3 is None


def test_what_is_imported_is_exported_again(tmp_path):
    path, settings, _ = extxyz(tmp_path)
    *segments, _ = imported_run([path], settings).segments("run")
    export(segments, tmp_path / "again.extxyz", "extxyz")
    frames = read(tmp_path / "again.extxyz", ":")
    for atoms, force, stress in zip(frames, FORCES, STRESS, strict=True):
        assert np.abs(atoms.get_forces() - force).max() < 2e-6
        assert np.abs(atoms.get_stress(voigt=False) - stress).max() < 1e-7
        assert atoms.get_potential_energy() == -50.0


def test_forces_in_units_that_nobody_states_are_left_out_and_reported(tmp_path):
    path, settings, _ = dump(tmp_path, None, 1.0)
    *segments, summary = imported_run([path], settings).segments("run")
    assert list(labelled_frames(segments)) == []
    assert "does not say in which units" in summary.notes[0]


def test_forces_of_some_steps_only(tmp_path):
    """CP2K may write forces less often than positions, and its file may have been cut."""
    path, settings, _ = cp2k(tmp_path)
    lines = (tmp_path / "walk-frc-1.xyz").read_text().splitlines()
    kept = [line for frame in range(0, N, 4) for line in lines[frame * 18 : frame * 18 + 18]]
    (tmp_path / "walk-frc-1.xyz").write_text("\n".join(kept[:-5]))
    *segments, _ = imported_run([path], settings).segments("run")
    found = list(labelled_frames(segments))
    assert [frame.index for frame in found] == [0, 4, 8, 12]
    assert np.abs(found[-1].forces_eV_per_A - FORCES[12]).max() < 2e-6


def test_forces_of_other_atoms_are_refused(tmp_path):
    path, settings, _ = cp2k(tmp_path)
    text = (tmp_path / "walk-frc-1.xyz").read_text()
    (tmp_path / "walk-frc-1.xyz").write_text(text.replace("      16", "      15", 1))
    with pytest.raises(InputError, match=r"walk-frc-1\.xyz is not readable as the forces of 16 atoms"):
        list(imported_run([path], settings).segments("run"))


def test_a_stress_of_seven_numbers_is_refused(tmp_path):
    path, settings, _ = extxyz_with_virial(tmp_path)
    text = path.read_text()
    start = text.index('virial="')
    path.write_text(text[:start] + 'virial="1 2 3 4 5 6 7"' + text[text.index('"', start + 8) + 1 :])
    with pytest.raises(InputError, match="6 or 9 numbers, not 7"):
        list(imported_run([path], settings).segments("run"))
