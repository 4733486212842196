"""Extended xyz: what is written comes back to the last bit, and other codes read what they look for."""

from dataclasses import replace

import numpy as np
import pytest
from ase.io import read

from labels import FILE, PBESOL, frames
from superionic.datasets.extxyz import DIALECTS, read_extxyz, split_of, write_extxyz
from superionic.errors import InputError


@pytest.mark.parametrize("suffix", ["extxyz", "extxyz.gz"])
@pytest.mark.parametrize("dialect", DIALECTS)
def test_written_frames_come_back(tmp_path, dialect, suffix):
    file = tmp_path / f"labels.{suffix}"
    some = frames().take(range(6)).dealt_out(["train"] * 4 + ["validation", "test"])
    assert write_extxyz(some, file, dialect) == 6
    again = tmp_path / f"again.{suffix}"
    write_extxyz(some, again, dialect)
    assert file.read_bytes() == again.read_bytes()
    for frame, back in zip(some, read_extxyz(file, PBESOL), strict=True):
        for name in ("numbers", "positions_A", "cell_A"):
            assert np.array_equal(getattr(frame, name), getattr(back.frame, name))
        assert frame.origin == back.frame.origin
        assert frame.energy_eV == back.energy_eV
        assert np.array_equal(frame.forces_eV_per_A, back.forces_eV_per_A)
        if dialect == "matgl":  # GPa and back
            assert np.allclose(frame.stress_eV_per_A3, back.stress_eV_per_A3, rtol=1e-14, atol=0)
        else:
            assert np.array_equal(frame.stress_eV_per_A3, back.stress_eV_per_A3)
    assert split_of(file) == [frame.split for frame in some]


def test_ase_sees_the_labels(tmp_path):
    write_extxyz(frames().take([0]), tmp_path / "a.xyz")
    atoms = read(tmp_path / "a.xyz", format="extxyz")
    assert atoms.get_potential_energy() == frames()[0].energy_eV
    assert np.array_equal(atoms.get_forces(), frames()[0].forces_eV_per_A)
    assert np.array_equal(atoms.get_stress(voigt=False), frames()[0].stress_eV_per_A3)


def test_mace_keys_and_matgl_units(tmp_path):
    frame = frames()[0]
    write_extxyz([frame], tmp_path / "a.xyz", "mace")
    atoms = read(tmp_path / "a.xyz", format="extxyz")
    assert atoms.info["REF_energy"] == frame.energy_eV
    assert np.array_equal(atoms.arrays["REF_forces"], frame.forces_eV_per_A)
    assert np.allclose(atoms.info["REF_stress"].reshape(3, 3), frame.stress_eV_per_A3)
    write_extxyz([frame], tmp_path / "b.xyz", "matgl")
    atoms = read(tmp_path / "b.xyz", format="extxyz")
    assert np.allclose(atoms.info["stresses"].reshape(3, 3) / 160.21766, frame.stress_eV_per_A3)


def test_moments_and_missing_stress(tmp_path):
    frame = replace(frames()[0], magnetic_moments_muB=np.arange(20) / 7, stress_eV_per_A3=None)
    write_extxyz([frame], tmp_path / "a.xyz")
    (back,) = read_extxyz(tmp_path / "a.xyz", PBESOL)
    assert np.array_equal(back.magnetic_moments_muB, frame.magnetic_moments_muB)
    assert back.stress_eV_per_A3 is None


def test_a_virial_is_a_stress(tmp_path):
    frame = frames()[0]
    write_extxyz([frame], tmp_path / "a.xyz")
    virial = -frame.stress_eV_per_A3 * frame.volume_A3
    text = (tmp_path / "a.xyz").read_text().split('stress="')
    tail = text[1].partition('"')[2]
    (tmp_path / "b.xyz").write_text(f'{text[0]}virial="{" ".join(map(repr, virial.ravel().tolist()))}"{tail}')
    (back,) = read_extxyz(tmp_path / "b.xyz", PBESOL)
    assert np.allclose(back.stress_eV_per_A3, frame.stress_eV_per_A3, rtol=1e-12)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no frame|not readable"),
        ("2\nenergy=1\nLi 0 0 0\nCl 0 0 2\n", "no cell"),
        ("2\nLattice='4 0 0 0 4 0 0 0 4' energy=1 REF_energy=2\nLi 0 0 0\nCl 0 0 2\n", "say which to read"),
        ("2\nLattice='4 0 0 0 4 0 0 0 4' energy=low\nLi 0 0 0\nCl 0 0 2\n", "energy is no number|not readable"),
        ("3\nLattice='4 0 0 0 4 0 0 0 4'\nLi 0 0 0\n", "not readable"),
        ("2\nLattice='4 0 0 0 4 0 0 0 4' origin='_JSON {\\\"run\\\":1}'\nLi 0 0 0\nCl 0 0 2\n", "its origin"),
    ],
)
def test_what_cannot_be_read_is_refused(tmp_path, text, message):
    (tmp_path / "a.xyz").write_text(text)
    with pytest.raises(InputError, match=message):
        read_extxyz(tmp_path / "a.xyz", PBESOL)


def test_wrong_names():
    with pytest.raises(InputError, match="dialect 'vasp'"):
        write_extxyz(frames(), FILE, "vasp")
    with pytest.raises(InputError, match="does not exist"):
        read_extxyz(FILE.with_name("none"), PBESOL)
