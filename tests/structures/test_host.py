"""The packaged host has the sites of the study; wrong tables are refused by name."""

import shutil
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
import yaml

from superionic.errors import InputError
from superionic.structures.host import load_host

PACKAGED = Path(str(files("superionic"))) / "data" / "hosts" / "Li3InCl6"


@pytest.fixture(scope="module")
def host():
    return load_host("Li3InCl6")


def test_sites_have_the_multiplicity_of_their_wyckoff_position(host):
    counts = {site.label: len(site.frac_coords) for site in host.sites}
    assert counts == {"2b": 2, "4g": 4, "2c": 2, "4h": 4, "8j": 8, "Cl4i": 4, "Cl8j": 8}


def test_octahedra_have_six_anions_and_the_transit_site_four(host):
    lattice = host.structure.lattice
    anions = np.concatenate([site.frac_coords for site in host.sites if site.coordination == "anion"])
    for site in host.sites:
        expected = {"octahedral": 6, "tetrahedral": 4}.get(site.coordination)
        if expected:
            shells = np.sort(lattice.get_all_distances(site.frac_coords, anions), axis=1)
            assert np.all(shells[:, expected - 1] < 2.9)
            assert np.all(shells[:, expected] > shells[:, expected - 1] + 0.15)


def test_layers_alternate_along_the_layer_normal(host):
    heights = {
        site.layer: {round(float(z), 6) for z in site.frac_coords[:, 2]}
        for site in host.sites
        if site.layer in {"In layer", "Li layer"}
    }
    assert heights == {"In layer": {0.0}, "Li layer": {0.5}}
    in_plane = host.structure.lattice.matrix[:2]
    assert np.allclose(in_plane @ host.layer_normal_vector, 0, atol=1e-12)


def test_ordered_filling_is_neutral_and_labelled(host):
    cell = host.ordered(host.fillings["O"], (2, 1, 2))
    assert cell.composition.element_composition.as_dict() == {"Li": 24, "In": 8, "Cl": 48}
    labels = cell.site_properties["site_label"]
    assert {label for label, site in zip(labels, cell, strict=True) if site.specie.symbol == "In"} == {"2b"}
    assert labels.count("4h") == 16


def test_a_cif_alone_is_a_host_of_its_own_orbits():
    host = load_host(PACKAGED / "disordered.cif")
    assert host.mobile_species == "Li"
    assert {site.label for site in host.sites} >= {"2b", "4g", "2c", "4h"}


@pytest.mark.parametrize(
    ("filling", "message"),
    [
        ({"2b": "In"}, "charge"),
        ({"9z": "In"}, "9z"),
        ({"8j": "In"}, "takes only"),
    ],
)
def test_wrong_fillings_are_named(host, filling, message):
    with pytest.raises(InputError, match=message):
        host.ordered(filling)


def test_singular_supercell_is_refused(host):
    with pytest.raises(InputError, match="supercell"):
        host.ordered(host.fillings["O"], (2, 0, 2))


def test_missing_host_lists_the_known_ones():
    with pytest.raises(InputError, match="Li3InCl6"):
        load_host("nowhere")


def edited_host(tmp_path, edit):
    shutil.copytree(PACKAGED, tmp_path / "host")
    file = tmp_path / "host" / "host.yaml"
    table = yaml.safe_load(file.read_text())
    edit(table)
    file.write_text(yaml.safe_dump(table))
    return file


def test_a_position_that_contradicts_its_wyckoff_symbol_is_refused(tmp_path):
    file = edited_host(tmp_path, lambda table: table["sites"][0].update(position=[0.1, 0.2, 0.3]))
    with pytest.raises(InputError, match="2b"):
        load_host(file)


def test_unknown_keys_are_refused(tmp_path):
    file = edited_host(tmp_path, lambda table: table.update(colour="red"))
    with pytest.raises(InputError, match="colour"):
        load_host(file)


@pytest.mark.parametrize("layer", ["cross-layer", "all"])
def test_a_layer_cannot_bear_the_name_of_jumps_that_are_in_none(tmp_path, layer):
    """Its jumps would be counted with those between layers."""
    file = edited_host(tmp_path, lambda table: table["sites"][0].update(layer=layer))
    with pytest.raises(InputError, match=layer):
        load_host(file)
