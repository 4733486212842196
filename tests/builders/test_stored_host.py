"""The host crystal is stored with its runs: a database alone gives sites and jumps of a crystal of one's own."""

import json

import pytest
from monty.json import MontyEncoder

from own_crystal import run_and_lose_the_files, write_crystal
from superionic.documents import HostDocument
from superionic.settings import SuperionicSettings
from superionic.stores.connecting import open_stores
from superionic.stores.runs import load_segments
from superionic.structures.host import load_host
from superionic.structures.host_document import host_document, host_from_document


@pytest.fixture
def stores(tmp_path):
    settings = SuperionicSettings(store_dir=tmp_path / "database", jobflow_config=None)
    with open_stores(settings).connected() as connected:
        yield connected


def test_sites_and_jumps_of_a_crystal_whose_files_are_gone(stores, tmp_path):
    document = run_and_lose_the_files(stores, tmp_path)
    assert document.identity.host == "mine"
    assert document.identity.ordering_class == "ordered"
    assert {site.label for site in document.sites.sites} == {"corner", "edge", "top", "side", "gate"}
    assert [category.name for category in document.jumps.categories]
    first, second = load_segments(stores.jobs, document.run_id)
    assert second.host_crystal is None  # once a run
    assert len(first.host_crystal.model_dump_json()) < 5000
    raw = stores.jobs.docs_store.query_one({"uuid": document.run_id, "index": 1})
    assert HostDocument.from_stored(raw["output"]["host_crystal"]) == first.host_crystal


def test_a_host_comes_back_from_its_document(tmp_path):
    for host in (load_host("Li3InCl6"), load_host(write_crystal(tmp_path / "a"))):
        stored = json.loads(json.dumps(host_document(host), cls=MontyEncoder))
        back = host_from_document(HostDocument.from_stored(stored))
        assert back.structure.composition == host.structure.composition
        assert sorted(map(str, back.structure)) == sorted(map(str, host.structure))
        for site, original in zip(back.sites, host.sites, strict=True):
            assert site.frac_coords.tolist() == original.frac_coords.tolist()
            assert (site.label, site.layer, site.allowed_species) == (
                original.label, original.layer, original.allowed_species,
            )  # fmt: skip
        assert (back.fillings, back.label_rules) == (host.fillings, host.label_rules)
        assert (back.name, back.anion_species, back.layer_normal) == (host.name, host.anion_species, host.layer_normal)
