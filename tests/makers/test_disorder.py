"""The job gives the study's frameworks, and they survive the store."""

import pytest
from jobflow import JobStore, run_locally
from maggma.stores import MemoryStore

from superionic.documents.frameworks import FrameworkSetDocument
from superionic.errors import InputError
from superionic.makers.disorder import DisorderMaker, numbered
from superionic.structures.host import load_host


@pytest.fixture(scope="module")
def host():
    return load_host("Li3InCl6")


def test_the_six_frameworks_through_jobflow(host):
    job = DisorderMaker(supercell=(2, 1, 2), moves=["In:2b:4g:1"]).make(host)
    store = JobStore(MemoryStore(), additional_stores={"data": MemoryStore()})
    run_locally(job, store=store, ensure_success=True, log=False)
    found = FrameworkSetDocument.from_stored(store.get_output(job.uuid))
    assert (found.n_configurations, found.n_distinct, found.group_order, found.complete) == (128, 6, 32, True)
    assert {(f.label, f.multiplicity) for f in found.frameworks} == {
        ("ELC", 16), ("ELC", 32), ("EHC", 16), ("OLC", 16), ("OLC", 32), ("OHC", 16),
    }  # fmt: skip
    assert len({f.name for f in found.frameworks}) == 6
    for framework in found.frameworks:
        labels = framework.structure.site_properties["site_label"]
        assert labels.count("2b") == 7
        assert labels.count("4g") == 1
        assert framework.structure.site_properties["layer"].count("In layer") == 8
        assert framework.structure.composition.as_dict() == {"In3+": 8, "Cl-": 48}
    assert found.provenance.versions["superionic"]


def test_the_crystals_own_occupancies(host):
    with pytest.raises(InputError, match="occupancy_tolerance"):
        DisorderMaker(supercell=(2, 1, 2)).frameworks(host)
    found = DisorderMaker(supercell=(2, 1, 2), occupancy_tolerance=0.02).frameworks(host)
    assert found.n_distinct == 6
    assert found.occupancies["2b"]["In"] == (0.89, 0.875)
    assert found.moves is None


def test_a_large_request_is_refused_and_can_be_sampled(host):
    with pytest.raises(InputError, match="45054776"):
        DisorderMaker(supercell=(2, 2, 2), moves=["In:2b:4g,4h,2c:4"]).frameworks(host)
    maker = DisorderMaker(supercell=(2, 2, 2), moves=["In:2b:4g,4h,2c:4"], n_samples=5, seed=3)
    found = maker.frameworks(host)
    assert (len(found.frameworks), found.n_distinct, found.complete) == (5, 45_054_776, False)
    assert found.provenance.seed == 3
    assert [f.structure for f in maker.frameworks(host).frameworks] == [f.structure for f in found.frameworks]


def test_counts_beyond_64_bits_are_stored_exactly(host):
    found = DisorderMaker(supercell=(3, 3, 2), moves=["In:2b:4g,4h,2c:18"], n_samples=1).frameworks(host)
    assert found.n_distinct > 2**64
    stored = found.model_dump()
    assert isinstance(stored["n_distinct"], str)
    assert FrameworkSetDocument.from_stored(stored).n_distinct == found.n_distinct


def test_names_are_numbered_only_where_needed():
    assert numbered(["O", "ELC", "ELC"]) == ["O", "ELC-1", "ELC-2"]
