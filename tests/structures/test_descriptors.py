"""Layers, clusters and stacking, on cases that can be counted by hand."""

import numpy as np
import pytest

from superionic.structures.descriptors import Cluster, FrameworkGeometry, parity, plane_numbers
from superionic.structures.enumeration import enumerate_distinct
from superionic.structures.frameworks import Move, n_displaced, pools_from_moves
from superionic.structures.labels import framework_label, summary
from superionic.structures.pools import Pool
from superionic.structures.supercell import HostSupercell, supercell_matrix


def test_planes_do_not_straddle_the_origin():
    heights = np.array([0.05, 9.95, 3.3, 3.4, 6.6, 10.02])
    first = plane_numbers(heights, 10.0)
    assert first[0] == first[1] == first[5]
    assert first[2] == first[3] != first[4]
    assert len(set(first)) == 3


def test_parity():
    assert [parity(counts) for counts in ([4, 4], [3, 5], [3, 4], [0, 8])] == ["even", "odd", "mixed", "even"]


def test_cations_of_rock_salt_share_edges_with_twelve_others(rock_salt):
    cell = HostSupercell(rock_salt, supercell_matrix((3, 3, 3)))
    octahedra = cell.sites_of(["A"])
    edges = FrameworkGeometry(cell).edges
    among = edges[np.isin(edges, octahedra).all(axis=1)]
    assert len(among) == len(octahedra) * 12 / 2


def test_octahedron_and_tetrahedron_share_a_face(rock_salt):
    cell = HostSupercell(rock_salt, supercell_matrix((2, 2, 2)))
    edges = FrameworkGeometry(cell).edges
    octahedra, tetrahedra = cell.sites_of(["A"]), cell.sites_of(["T"])
    mixed = np.isin(edges, octahedra).any(axis=1) & np.isin(edges, tetrahedra).any(axis=1)
    assert mixed.sum() == len(octahedra) * 8


def test_a_full_crystal_is_one_cluster_and_a_lone_ion_none(rock_salt):
    cell = HostSupercell(rock_salt, supercell_matrix((2, 2, 2)))
    geometry = FrameworkGeometry(cell)
    full = geometry.describe(["Na" if label == "A" else "" for label in cell.labels])
    assert full.clusters == (Cluster(32, 32),)
    assert full.ions_per_layer == (8, 8, 8, 8)
    lone = [""] * len(cell.labels)
    lone[int(cell.sites_of(["A"])[0])] = "Na"
    assert geometry.describe(lone).clusters == ()


def test_the_ordered_crystal_has_no_edge_sharing_indium(cell_212):
    described = FrameworkGeometry(cell_212).describe(["In" if label == "2b" else "" for label in cell_212.labels])
    assert described.ions_per_layer == (4, 4)
    assert described.clusters == ()


def test_the_six_frameworks_are_the_four_classes_of_the_study(host, cell_212):
    geometry = FrameworkGeometry(cell_212)
    pools = pools_from_moves(cell_212, [Move.parse("In:2b:4g:1")])
    found = {}
    for decoration in enumerate_distinct(cell_212.permutations, pools):
        described = geometry.describe(decoration.species)
        label = framework_label(host.label_rules, summary(described, n_displaced(cell_212, decoration.species)))
        found.setdefault(label, []).append((decoration.multiplicity, described.ions_per_layer, described.clusters))
    assert {label: sorted(m for m, *_ in rows) for label, rows in found.items()} == {
        "ELC": [16, 32],
        "EHC": [16],
        "OLC": [16, 32],
        "OHC": [16],
    }
    layers = {label: {row[1] for row in rows} for label, rows in found.items()}
    assert layers == {"ELC": {(4, 4)}, "EHC": {(4, 4)}, "OLC": {(3, 5)}, "OHC": {(3, 5)}}
    sizes = {label: {row[2][0].size for row in rows} for label, rows in found.items()}
    assert sizes == {"ELC": {3}, "EHC": {4}, "OLC": {4}, "OHC": {4}}


@pytest.mark.parametrize("operation", [3, 17, 30])
def test_descriptors_do_not_change_under_symmetry(cell_212, operation):
    geometry = FrameworkGeometry(cell_212)
    pools = [Pool(tuple(cell_212.sites_of(["2b"])), {"In": 6}), Pool(tuple(cell_212.sites_of(["4g"])), {"In": 2})]
    permutation = cell_212.permutations[operation]
    for decoration in enumerate_distinct(cell_212.permutations, pools)[::7]:
        moved = np.empty(len(permutation), dtype=object)
        moved[permutation] = decoration.species
        assert geometry.describe(moved) == geometry.describe(decoration.species)
