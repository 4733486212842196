"""Skin lists against a rebuild at every step and against brute force."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from superionic.potentials.chgnet.neighbours import AtomPairs, SkinList, bond_angles
from superionic.potentials.interface import PotentialError


def brute_force(positions, cell, cutoff):
    """Every (i, j, vector) with i < j, or i = j and one of two opposite images, by looking at all images."""
    found = []
    for image in itertools.product(range(-5, 6), repeat=3):
        vectors = positions[None] - positions[:, None] + image @ cell
        for i, j in np.argwhere(np.linalg.norm(vectors, axis=2) < cutoff):
            if i < j or (i == j and image > (0, 0, 0)):
                found.append((i, j, *np.round(vectors[i, j], 8) + 0.0))
    return sorted(found)


def as_list(pairs: AtomPairs):
    return sorted(
        (i, j, *np.round(v, 8) + 0.0) for i, j, v in zip(pairs.first, pairs.second, pairs.vectors_A, strict=True)
    )


@pytest.mark.parametrize("name", ["hot", "tiny", "one atom, no angles"])
def test_pairs_are_all_pairs(systems, name):
    _, positions, cell = systems[name]
    assert as_list(SkinList(6.0).pairs(positions, cell)) == brute_force(positions, cell, 6.0)


def test_skin_list_is_a_rebuild_at_every_step(systems):
    _, positions, cell = systems["rattled"]
    random = np.random.default_rng(7)
    skin = SkinList(6.0, 0.6)
    for step in range(60):
        positions = positions + random.normal(scale=0.03, size=positions.shape)
        if step > 30:
            strain = np.eye(3) + random.normal(scale=0.003, size=(3, 3))
            positions, cell = positions @ strain, cell @ strain
        kept, rebuilt = skin.pairs(positions, cell), SkinList(6.0, 0.6).pairs(positions, cell)
        for one, two in (
            (getattr(kept, f), getattr(rebuilt, f)) for f in ("first", "second", "vectors_A", "distances_A")
        ):
            np.testing.assert_array_equal(one, two)
    assert 1 < skin.n_builds < 40


def test_pairs_are_in_order_and_below_the_cutoff(systems):
    _, positions, cell = systems["rattled"]
    pairs = SkinList(6.0).pairs(positions, cell)
    assert (pairs.first <= pairs.second).all()
    assert (np.diff(pairs.first * 1000 + pairs.second) >= 0).all()
    assert pairs.distances_A.max() < 6.0


def test_list_follows_a_swelling_cell(systems):
    """Atoms that ride with the cell do not count as moved; the stretch does."""
    _, positions, cell = systems["rattled"]
    skin = SkinList(6.0, 0.6)
    for factor in (1.0, 1.02, 0.98, 0.95, 0.9):
        assert as_list(skin.pairs(positions * factor, cell * factor)) == as_list(
            SkinList(6.0).pairs(positions * factor, cell * factor)
        )
    assert skin.n_builds >= 2


def test_angles_of_a_square():
    """Four atoms at the corners of a square: four bonds, four right angles at four centres."""
    positions = np.array([[0.0, 0, 0], [2, 0, 0], [2, 2, 0], [0, 2, 0]]) + 5
    pairs = SkinList(6.0).pairs(positions, 20 * np.eye(3))
    angles = bond_angles(pairs, 2.5)
    directions = pairs.vectors_A[angles.bonds] / pairs.distances_A[angles.bonds][:, None]
    cosines = (directions[angles.arm_one] * directions[angles.arm_two]).sum(axis=1) * angles.sign
    assert len(angles.bonds) == 4
    assert sorted(angles.centre) == [0, 1, 2, 3]
    np.testing.assert_allclose(cosines, 0.0, atol=1e-12)


def test_angles_at_a_bond_to_the_own_image():
    """One atom in a cube has three bonds to its images: 15 pairs of six ends, three of them straight."""
    pairs = SkinList(3.0).pairs(np.zeros((1, 3)), 2.5 * np.eye(3))
    angles = bond_angles(pairs, 3.0)
    directions = pairs.vectors_A[angles.bonds] / 2.5
    cosines = (directions[angles.arm_one] * directions[angles.arm_two]).sum(axis=1) * angles.sign
    assert len(angles.bonds) == 3
    assert sorted(np.round(cosines).astype(int)) == [-1] * 3 + [0] * 12


def test_no_bonds_no_angles():
    angles = bond_angles(SkinList(6.0).pairs(np.zeros((1, 3)), 4.0 * np.eye(3)), 3.0)
    assert len(angles.bonds) == len(angles.arm_one) == 0


def test_atoms_on_top_of_each_other():
    with pytest.raises(PotentialError, match="atoms 0 and 1"):
        SkinList(6.0).pairs(np.array([[0.0, 0, 0], [0, 0, 0.05]]), 10 * np.eye(3))
