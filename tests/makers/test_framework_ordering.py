"""One ordering of a disordered host, by name or by lowest energy."""

import pytest
from jobflow import JobStore, run_locally
from maggma.stores import MemoryStore

from superionic.documents import OrderingDocument
from superionic.errors import InputError
from superionic.makers.disorder import DisorderMaker
from superionic.makers.framework_ordering import FrameworkOrderingMaker
from superionic.makers.high_entropy import HighEntropyMaker
from superionic.makers.placement import PlacementMaker
from superionic.makers.relax import RelaxMaker
from superionic.structures.host import load_host
from superionic.structures.placement import PlacementSearch

QUICK = PlacementSearch(n_swaps=20_000, n_chains=2, keep=2)
DISORDER = DisorderMaker(supercell=(2, 1, 2), moves=["In:2b:4g:1"], with_ordered=True)


@pytest.fixture(scope="module")
def host():
    return load_host("Li3InCl6")


def maker(framework, sublattice="per_framework"):
    return FrameworkOrderingMaker(
        "mine", DISORDER, PlacementMaker(search=QUICK, sublattice=sublattice), framework=framework
    )


def displaced(ordering):
    atoms = zip(ordering.site_labels, ordering.structure, strict=True)
    return sum(label != "2b" for label, atom in atoms if atom.specie.symbol == "In")


def lithium(ordering):
    return {tuple(atom.frac_coords.round(6)) for atom in ordering.structure if atom.specie.symbol == "Li"}


def test_the_framework_asked_for_through_jobflow(host):
    job = maker("OHC").make(host)
    store = JobStore(MemoryStore(), additional_stores={"data": MemoryStore()})
    run_locally(job, store=store, ensure_success=True, log=False)
    ordering = OrderingDocument.from_stored(store.get_output(job.uuid))
    assert (ordering.label, displaced(ordering)) == ("mine", 1)
    assert "framework OHC" in ordering.tags
    assert ordering.structure.charge == 0
    assert displaced(maker("O").ordering(host)) == 0


def test_a_shared_sublattice_is_the_same_in_every_ordering(host):
    orderings = [maker(name, "shared").ordering(host) for name in ("O", "OHC", "ELC-2")]
    assert lithium(orderings[0]) == lithium(orderings[1]) == lithium(orderings[2])
    assert len({tuple(ordering.site_labels) for ordering in orderings}) > 1


def test_without_a_name_the_lowest_is_taken(host):
    lowest = maker(None).ordering(host)
    energies = {c.framework: c.energy_eV for c in PlacementMaker(search=QUICK).placements(
        DISORDER.frameworks(host), host).cells if c.rank == 0}  # fmt: skip
    assert f"framework {min(energies, key=energies.__getitem__)}" in lowest.tags


def test_cells_for_checks_have_the_same_ions(host):
    assert maker("OHC").ordered(host).composition == maker("OHC").ordering(host).structure.composition


def test_unknown_frameworks_are_named(host):
    with pytest.raises(InputError, match="'XYZ' is unknown; there are"):
        maker("XYZ").ordering(host)


@pytest.mark.slow
def test_the_lowest_relaxed_decoration_goes_on(host):
    flow = FrameworkOrderingMaker(
        "HE",
        HighEntropyMaker("In2Sc2", supercell=(1, 1, 2), arrangements=("layered", "dispersed")),
        PlacementMaker(search=QUICK, relax_maker=RelaxMaker(max_force_eV_per_A=0.5, max_steps=5)),
    ).make(host)
    store = JobStore(MemoryStore(), additional_stores={"data": MemoryStore()})
    responses = run_locally(flow, store=store, ensure_success=True, log=False)
    assert len(responses) == 9  # decorate, place, relax (and its 4 relaxations and their ranking), choose
    ordering = OrderingDocument.from_stored(store.get_output(flow.jobs[-1].uuid))
    assert ordering.label == "HE"
    assert ordering.energy_eV < 0
    assert ordering.structure.site_properties["site_label"] == ordering.site_labels
