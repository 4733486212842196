"""Placement from end to end: frameworks in, start structures for MD out."""

import pytest
from jobflow import Flow, JobStore, run_locally
from maggma.stores import MemoryStore

from superionic.documents import OrderingDocument, RelaxationDocument
from superionic.documents.placement import PlacementDocument, PlacementRankingDocument
from superionic.documents.provenance import Provenance
from superionic.errors import InputError
from superionic.makers.disorder import DisorderMaker
from superionic.makers.high_entropy import HighEntropyMaker
from superionic.makers.placement import PlacementMaker, rank_placements
from superionic.makers.relax import RelaxMaker
from superionic.structures.host import load_host
from superionic.structures.placement import PlacementSearch

QUICK = PlacementSearch(n_swaps=100_000, n_chains=4, keep=3)


@pytest.fixture(scope="module")
def host():
    return load_host("Li3InCl6")


@pytest.fixture(scope="module")
def frameworks(host):
    return DisorderMaker(supercell=(2, 1, 2), moves=["In:2b:4g:1"]).frameworks(host)


def output_of(flow, job):
    store = JobStore(MemoryStore(), additional_stores={"data": MemoryStore()})
    run_locally(flow, store=store, ensure_success=True, log=False)
    return store.get_output(job.uuid)


def test_disorder_to_orderings_through_jobflow(host):
    disorder = DisorderMaker(supercell=(2, 1, 2), moves=["In:2b:4g:1"]).make(host)
    placement = PlacementMaker(search=QUICK).make(disorder.output, host)
    found = PlacementDocument.from_stored(output_of(Flow([disorder, placement]), placement.jobs[0]))
    assert [o.label for o in found.orderings] == ["OLC-1", "ELC-1", "OHC", "EHC", "OLC-2", "ELC-2"]
    assert len(found.cells) == 18
    for cell in found.cells:
        ordering = cell.ordering
        assert isinstance(ordering, OrderingDocument)
        assert ordering.structure.charge == 0
        assert ordering.structure.composition.element_composition.as_dict() == {"Li": 24, "In": 8, "Cl": 48}
        assert ordering.site_labels == ordering.structure.site_properties["site_label"]
        assert ordering.supercell == (2, 1, 2)
    energies = [cell.energy_eV for cell in found.cells if cell.framework == "OHC"]
    assert energies == sorted(energies)
    assert found.provenance.seed == 0


def test_high_entropy_cells_are_neutral(host):
    decorations = HighEntropyMaker("Lu4Sc4Yb4Zr4", supercell=(2, 2, 2), arrangements=("dispersed",)).decorations(host)
    found = PlacementMaker(search=QUICK).placements(decorations, host)
    composition = found.orderings[0].structure.composition
    assert composition.element_composition["Li"] == 44
    assert found.orderings[0].structure.charge == 0


def test_shared_and_own_sublattices(host, frameworks):
    shared = PlacementMaker(search=QUICK, sublattice="shared").placements(frameworks, host)
    own = PlacementMaker(search=QUICK).placements(frameworks, host)
    lithium = [
        frozenset(tuple(site.frac_coords.round(6)) for site in o.structure if site.specie.symbol == "Li")
        for o in shared.orderings
    ]
    assert len(set(lithium)) == 1
    costs = [
        with_others.energy_eV - alone.energy_eV
        for with_others, alone in zip(shared.cells, own.cells, strict=True)
        if alone.rank == 0
    ]
    assert all(3 < cost < 15 for cost in costs)
    assert any(cell.image for cell in shared.cells)
    assert not any(cell.image for cell in own.cells)


def test_the_seed_decides(host, frameworks):
    search = PlacementSearch(method="random", energy="shifted-force", n_candidates=500, keep=2, seed=1)
    one, same = (PlacementMaker(search=search).placements(frameworks, host).cells for _ in range(2))
    assert [c.ordering.structure for c in one] == [c.ordering.structure for c in same]
    other = PlacementMaker(search=PlacementSearch(**{**search.__dict__, "seed": 2})).placements(frameworks, host).cells
    assert [c.energy_eV for c in one] != [c.energy_eV for c in other]


def test_ranking_by_relaxed_energy_keeps_the_labels(host, frameworks):
    placement = PlacementMaker(search=QUICK).placements({"OHC": frameworks.frameworks[2].structure}, host)

    def relaxed(cell, energy_eV):
        n_atoms = len(cell.ordering.structure)
        return RelaxationDocument(
            ordering=cell.ordering, energy_eV_per_atom=energy_eV / n_atoms, max_force_eV_per_A=0.01, pressure_GPa=0,
            volume_change=0, n_steps=1, converged=True, provenance=Provenance(),
        )  # fmt: skip

    relaxations = [relaxed(cell, energy) for cell, energy in zip(placement.cells, (-3.0, -5.0, -4.0), strict=True)]
    found = rank_placements.original(placement, relaxations)
    assert isinstance(found, PlacementRankingDocument)
    assert [cell.electrostatic_rank for cell in found.cells] == [1, 2, 0]
    assert found.rank_correlation == {"OHC": pytest.approx(-0.5)}
    assert found.orderings == [placement.cells[1].ordering]


@pytest.mark.slow
def test_placements_are_relaxed_and_ranked_by_a_potential(host):
    disorder = DisorderMaker(supercell=(1, 1, 1), moves=["In:2b:4g:1"], n_samples=1).make(host)
    maker = PlacementMaker(
        search=PlacementSearch(n_swaps=10_000, n_chains=2, keep=3),
        relax_maker=RelaxMaker(max_force_eV_per_A=0.3, max_steps=15),
    )
    placement = maker.make(disorder.output, host)
    found = output_of(Flow([disorder, placement]), placement.jobs[1])
    assert isinstance(found, PlacementRankingDocument)
    energies = [cell.relaxed_energy_eV for cell in found.cells]
    assert energies == sorted(energies)
    assert len(energies) == 3
    for cell in found.cells:
        assert cell.ordering.structure.site_properties["site_label"] == cell.ordering.site_labels
        assert cell.ordering.structure.charge == 0
    assert found.provenance.potential.family == "CHGNet"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sublattice": "own"}, "sublattice 'own'"),
        ({"search": PlacementSearch(site_labels=("9z",))}, "9z"),
    ],
)
def test_bad_requests_are_named(host, frameworks, change, message):
    with pytest.raises(InputError, match=message):
        PlacementMaker(**change).placements(frameworks, host)
    with pytest.raises(InputError, match="at least one"):
        PlacementMaker().placements({}, host)
