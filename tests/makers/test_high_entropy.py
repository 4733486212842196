"""The study's two compositions, with what the issue promises of them."""

import pytest
from jobflow import JobStore, run_locally
from maggma.stores import MemoryStore

from superionic.documents.decoration import DecorationSetDocument
from superionic.errors import InputError
from superionic.makers.high_entropy import HighEntropyMaker
from superionic.structures.host import load_host

HE5 = "In3Lu3Sc4Yb3Zr3"
HE4 = "Lu4Sc4Yb4Zr4"


@pytest.fixture(scope="module")
def host():
    return load_host("Li3InCl6")


@pytest.mark.parametrize(
    ("composition", "n_lithium", "n_vacancies", "entropy", "kind", "n_distinct"),
    [(HE5, 45, 3, 1.602, "high", 10_552_080), (HE4, 44, 4, 1.386, "medium", 998_244)],
)
def test_compositions_of_the_study(host, composition, n_lithium, n_vacancies, entropy, kind, n_distinct):
    found = HighEntropyMaker(composition, supercell=(2, 2, 2), seed=1).decorations(host)
    assert (found.n_mobile_ions, found.n_mobile_vacancies) == (n_lithium, n_vacancies)
    assert found.entropy_R == pytest.approx(entropy, abs=5e-4)
    assert (found.entropy_class, found.n_distinct, found.group_order) == (kind, n_distinct, 64)
    assert [d.arrangement for d in found.decorations] == ["layered", "clustered", "dispersed", "random"]
    for decoration in found.decorations:
        assert decoration.structure.charge == n_lithium * -1
        assert (decoration.target is None) == (decoration.arrangement == "random")


def test_through_jobflow_and_back(host):
    maker = HighEntropyMaker(HE5, supercell=(2, 2, 2), arrangements=("random",), n_each=3, seed=5)
    job = maker.make(host)
    store = JobStore(MemoryStore(), additional_stores={"data": MemoryStore()})
    run_locally(job, store=store, ensure_success=True, log=False)
    stored = DecorationSetDocument.from_stored(store.get_output(job.uuid))
    direct = maker.decorations(host)
    assert [d.structure for d in stored.decorations] == [d.structure for d in direct.decorations]
    assert stored.decorations[0].structure.site_properties == direct.decorations[0].structure.site_properties
    assert [d.name for d in stored.decorations] == ["random-1", "random-2", "random-3"]


@pytest.mark.parametrize(
    ("composition", "supercell", "message"),
    [
        ("In3", (2, 2, 2), "3 ions but the supercell has 16"),
        ("U16", (2, 2, 2), "'U' has no oxidation state"),
        (HE5, (2, 0, 2), "singular"),
    ],
)
def test_bad_requests_are_named(host, composition, supercell, message):
    with pytest.raises(InputError, match=message):
        HighEntropyMaker(composition, supercell=supercell).decorations(host)
