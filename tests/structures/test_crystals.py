"""Crystals from CIF to ordered cell: the composition is kept, for cations and anions, or the run does not start."""

import json
from collections import Counter

import pytest

from bsym_counts import compared
from cif_files import CUBIC, FLUORITE, argyrodite, cif
from superionic.errors import InputError
from superionic.makers.disorder import DisorderMaker
from superionic.makers.high_entropy import HighEntropyMaker
from superionic.makers.placement import PlacementMaker
from superionic.structures.carry import framework_on_host, on_named_sites, read_framework
from superionic.structures.cif import read_cif
from superionic.structures.host import load_host
from superionic.structures.host_document import host_document, host_from_document
from superionic.structures.placement import PlacementSearch
from superionic.structures.supercell_search import SupercellRequest
from superionic.study.load import load_study

QUICK = PlacementMaker(search=PlacementSearch(n_swaps=2000, n_chains=1, keep=1))


def host_of(tmp_path, text, mobile=None):
    (tmp_path / "crystal.cif").write_text(text)
    return load_host(tmp_path / "crystal.cif", mobile)


def placed(host, **settings):
    frameworks = DisorderMaker(**settings).frameworks(host)
    return frameworks, [cell.ordering for cell in QUICK.placements(frameworks, host).cells]


@pytest.mark.parametrize(("exchange", "counts"), [(0, (1, 1)), (0.25, (16, 1)), (0.5, (36, 2))])
def test_argyrodite_keeps_its_composition_at_every_exchange(tmp_path, exchange, counts):
    host = host_of(tmp_path, argyrodite(exchange))
    frameworks, orderings = placed(host)
    assert (frameworks.n_configurations, frameworks.n_distinct) == counts  # 4 x 4, and (4 over 2) squared, by hand
    for ordering in orderings:
        assert ordering.formula == "Li6PS5Cl"
        assert ordering.structure.charge == 0
        assert ordering.ordering_class == ("ordered" if exchange == 0 else "disordered")
        chlorine = [s.properties["site_label"] for s in ordering.structure if s.specie.symbol == "Cl"]
        assert len(set(chlorine)) == (1 if exchange == 0 else 2)
        assert min(chlorine.count(label) for label in set(chlorine)) == 4 * (exchange or 1)
    if exchange == 0.25:
        assert set(orderings[0].label.split("+")) == {"Cl3S1@4a", "Cl1S3@4d"}


def test_vacancies_of_the_anion_as_framework_and_as_mobile_ion(tmp_path):
    host = host_of(tmp_path, FLUORITE, "O")
    assert host.anion_species == ()
    frameworks, orderings = placed(host, supercell=(2, 1, 1))
    assert frameworks.ions == {"Zr": (6, 6), "Y": (2, 2), "O": (15, 15)}
    assert {ordering.formula for ordering in orderings} == {"Y2Zr6O15"}
    framework = DisorderMaker(supercell=(2, 1, 1), max_distinct=10).frameworks(host_of(tmp_path, FLUORITE, "Y"))
    assert framework.n_configurations == 28 * 16  # 2 Y of 8 sites, 1 vacancy of 16
    assert all("O15" in f.name for f in framework.frameworks)


def test_orbits_of_one_wyckoff_letter_keep_apart(tmp_path):
    atoms = [
        ("Li1", "Li", 0.5, 0.5, 0.3, 1), ("Y1", "Y", 0, 0, 0.1, 0.25), ("In1", "In", 0, 0, 0.1, 0.75),
        ("Y2", "Y", 0, 0, 0.4, 0.75), ("In2", "In", 0, 0, 0.4, 0.25), ("Cl1", "Cl", 0.5, 0, 0.1, 1),
        ("Cl2", "Cl", 0.5, 0, 0.35, 1), ("O1", "O", 0.5, 0.5, 0.1, 1), ("O2", "O", 0, 0, 0.25, 1),
        ("Cl3", "Cl", 0.5, 0, 0.6, 1),
    ]  # fmt: skip
    host = host_of(tmp_path, cif((4, 4, 24, 90, 90, 90), atoms))
    assert len(set(host.labels)) == len(host.labels) == 8
    frameworks, orderings = placed(host, supercell=(2, 2, 1))
    assert frameworks.ions["Y"] == (4, 4)
    assert orderings[0].structure.composition.element_composition.as_dict() == {
        "Li": 4, "Y": 4, "In": 4, "Cl": 12, "O": 8
    }  # fmt: skip


def test_split_positions_are_one_choice(tmp_path):
    atoms = [
        ("Li1", "Li", 0.5, 0.5, 0.5, 1), ("Sb1", "Sb", 0, 0, 0.0, 0.25), ("Sb2", "Sb", 0, 0, 0.1, 0.75),
        ("S1", "S", 0.5, 0.5, 0, 1), ("S2", "S", 0.5, 0, 0.3, 1), ("Cl1", "Cl", 0, 0.5, 0.3, 1),
        ("Li2", "Li", 0, 0, 0.6, 1),
    ]  # fmt: skip
    host = host_of(tmp_path, cif((6, 6, 8, 90, 90, 90), atoms))
    frameworks, orderings = placed(host, supercell=(2, 2, 1))
    assert frameworks.n_configurations == 4  # of four pairs one takes the rarer position
    assert all(ordering.formula == "Li2SbS2Cl" for ordering in orderings)
    assert all(min(o.structure.distance_matrix[o.structure.distance_matrix > 0]) > 1.2 for o in orderings)
    crowded = cif((6, 6, 8, 90, 90, 90), [(*a[:5], 0.6 if a[1] == "Sb" else a[5]) for a in atoms])
    with pytest.raises(InputError):  # 1.2 Sb where one fits
        placed(host_of(tmp_path, crowded), supercell=(5, 1, 1), n_samples=1)


def test_a_disordered_mobile_sublattice_is_one_framework(tmp_path):
    atoms = [("Li1", "Li", 0.25, 0.25, 0.25, 0.5), ("Cl1", "Cl", 0, 0, 0, 1)]
    host = host_of(tmp_path, cif((5, 5, 5, 90, 90, 90), atoms, "_symmetry_space_group_name_H-M 'F m -3 m'"))
    frameworks, orderings = placed(host, with_ordered=True)
    assert [f.multiplicity for f in frameworks.frameworks] == [1]
    assert [o.formula for o in orderings] == ["LiCl"]


def test_no_ion_vanishes_by_rounding(tmp_path):
    atoms = [("Li1", "Li", 0, 0, 0, 1), ("Cl1", "Cl", 0.5, 0.5, 0.5, 0.98), ("Br1", "Br", 0.5, 0.5, 0.5, 0.02)]
    host = host_of(tmp_path, cif(CUBIC, atoms, "_symmetry_space_group_name_H-M 'F m -3 m'"))
    with pytest.raises(InputError, match=r"too small to hold any of the 0\.08 Br"):
        DisorderMaker(occupancy_tolerance=0.5).frameworks(host)
    request = SupercellRequest(min_length_A=4, max_atoms=120)
    frameworks = DisorderMaker(supercell=request, occupancy_tolerance=0.01, n_samples=1).frameworks(host)
    assert frameworks.ions["Br"][1] >= 1


def test_mobile_ions_that_are_not_the_crystals_need_a_word(tmp_path):
    atoms = [
        ("Li1", "Li1+", 0, 0, 0, 0.9), ("Y1", "Y3+", 0.5, 0, 0, 1), ("Cl1", "Cl1-", 0.5, 0.5, 0, 1),
        ("Cl2", "Cl1-", 0, 0.5, 0, 1),        ("Cl3", "Cl1-", 0, 0, 0.5, 1), ("Cl4", "Cl1-", 0.5, 0.5, 0.5, 1),
    ]  # fmt: skip
    host = load_host_unbalanced(tmp_path, cif((6, 6, 6, 90, 90, 90), atoms))
    with pytest.raises(InputError, match=r"0.90 Li in this cell, but 1 make it neutral.*composition_tolerance 0.112"):
        DisorderMaker().frameworks(host)
    assert DisorderMaker(composition_tolerance=0.12).frameworks(host).ions["Li"] == (pytest.approx(0.9), 1)


def load_host_unbalanced(tmp_path, text):
    """A host file says the charges, so that a crystal that lacks a little lithium is read."""
    (tmp_path / "crystal.cif").write_text(text)
    sites = [
        ("Li", "Li", [0, 0, 0]), ("Y", "Y", [0.5, 0, 0]), ("Cl1", "Cl", [0.5, 0.5, 0]), ("Cl2", "Cl", [0, 0.5, 0]),
        ("Cl3", "Cl", [0, 0, 0.5]), ("Cl4", "Cl", [0.5, 0.5, 0.5]),
    ]  # fmt: skip
    rows = "\n".join(f"  - {{label: {a}, wyckoff: '', allowed_species: [{b}], position: {c}}}" for a, b, c in sites)
    (tmp_path / "host.yaml").write_text(
        "name: mine\ncif: crystal.cif\nmobile_species: Li\nanion_species: [Cl]\n"
        f"oxidation_states: {{Li: 1, Y: 3, Cl: -1}}\nsites:\n{rows}\n"
    )
    return load_host(tmp_path / "host.yaml")


def test_an_atom_that_no_site_holds_is_named(tmp_path):
    load_host_unbalanced(
        tmp_path, cif((6, 6, 6, 90, 90, 90), [("Li1", "Li1+", 0, 0, 0, 1), ("Cl1", "Cl1-", 0.5, 0.5, 0, 1)])
    )
    text = (tmp_path / "host.yaml").read_text().replace("[0.5, 0.5, 0]}", "[0.3, 0.3, 0]}")
    (tmp_path / "host.yaml").write_text(text)
    with pytest.raises(InputError, match=r"Cl- at \[0.5, 0.5, 0.0\] of the crystal is on no site"):
        load_host(tmp_path / "host.yaml")


def test_decoration_changes_the_named_sites_alone(tmp_path):
    atoms = [
        ("Li1", "Li", 0.5, 0.5, 0.5, 1), ("La1", "La", 0, 0, 0, 1), ("Nb1", "Nb", 0.5, 0, 0, 1),
        ("O1", "O", 0, 0.5, 0, 1),
        ("O2", "O", 0, 0, 0.5, 1), ("O3", "O", 0.5, 0.5, 0, 1), ("O4", "O", 0.5, 0, 0.5, 1),
        ("F1", "F", 0, 0.5, 0.5, 1),
    ]  # fmt: skip
    (tmp_path / "crystal.cif").write_text(cif((5, 5, 5, 90, 90, 90), atoms))
    host = load_host(tmp_path / "crystal.cif", None, {"Ta": 5})
    niobium = next(site.label for site in host.sites if site.allowed_species == ("Nb",))
    with pytest.raises(InputError, match=r"several sublattices.*\(Nb\).*\(La\)"):
        HighEntropyMaker("Nb4Ta4", supercell=(2, 2, 2)).decorations(host)
    document = HighEntropyMaker(
        "Nb4Ta4", supercell=(2, 2, 2), arrangements=["random"], site_labels=[niobium]
    ).decorations(host)
    assert document.formula == "Li2La2TaNb(O4F)2"
    cell = QUICK.placements(document, host).cells[0].ordering.structure
    assert cell.composition.element_composition.as_dict() == {"Li": 8, "La": 8, "Nb": 4, "Ta": 4, "O": 32, "F": 8}


def test_a_cell_of_any_shape_comes_back_from_its_file(tmp_path):
    host = host_of(tmp_path, argyrodite(0.5))
    frameworks = DisorderMaker(supercell=[[1, 1, 0], [-1, 1, 0], [0, 0, 1]], n_samples=1).frameworks(host)
    cell = frameworks.frameworks[0].structure
    again, species = framework_on_host(host, cell)
    assert again.structure(species).composition == cell.composition
    cell.to(str(tmp_path / "cell.cif"))
    located, species = framework_on_host(host, read_framework(tmp_path / "cell.cif"))
    assert located.structure(species).composition == cell.composition
    ordering = QUICK.placements(frameworks, host).cells[0].ordering
    assert ordering.supercell == ((1, 1, 0), (-1, 1, 0), (0, 0, 1))


def test_an_ordered_cell_of_a_file_is_taken_as_it_is(tmp_path):
    host = host_of(tmp_path, argyrodite(0.5))
    frameworks = DisorderMaker(n_samples=1).frameworks(host)
    cell = QUICK.placements(frameworks, host).cells[0].ordering.structure
    rattled = cell.copy().perturb(0.05, seed=1)
    rattled.remove_oxidation_states().to(str(tmp_path / "cell.cif"))
    study = {
        "name": "mine", "host": "crystal.cif", "orderings": [{"label": "A", "structure": "cell.cif"}],
        "md": {"temperatures_K": [600], "length_ps": 10},
    }  # fmt: skip
    (tmp_path / "study.yaml").write_text(json.dumps(study))
    (entry,) = load_study(tmp_path / "study.yaml").orderings
    structure = entry.cell(host).structure
    assert structure.composition == cell.composition
    moved = sorted(structure.lattice.get_all_distances(structure.frac_coords, cell.frac_coords).min(axis=1))
    assert 0.04 < moved[-1] < 0.06
    assert Counter(structure.site_properties["site_label"]) == Counter(cell.site_properties["site_label"])
    rattled.remove_sites([0])
    with pytest.raises(InputError, match=r"charge|has"):
        on_named_sites(host, rattled)


def test_a_host_of_another_composition_is_refused(tmp_path):
    host = host_of(tmp_path, argyrodite(0.25))
    other = host_of(tmp_path, argyrodite(0.25).replace("Cl", "Br"))
    cell = DisorderMaker().frameworks(other).frameworks[0].structure
    with pytest.raises(InputError, match="'Br'"):
        framework_on_host(host, cell)


def test_the_stored_host_is_the_same_host(tmp_path):
    host = host_of(tmp_path, argyrodite(0.5))
    again = host_from_document(host_document(host))
    assert DisorderMaker().frameworks(again).n_distinct == 2
    assert again.sites[0].label == host.sites[0].label


CELLS = {
    "C 2/m": (6, 7.2, 8.4, 90, 100, 90),
    "P b a m": (6, 7.2, 8.4, 90, 90, 90),
    "P 4/m m m": (6, 6, 9, 90, 90, 90),
    "P -3 m 1": (7, 7, 9, 90, 90, 120),
    "P 3 m 1": (7, 7, 9, 90, 90, 120),
    "P m -3 m": (7.5, 7.5, 7.5, 90, 90, 90),
    "F -4 3 m": (8, 8, 8, 90, 90, 90),
    "P 21 21 21": (6.5, 7.1, 7.8, 90, 90, 90),
    "P -1": (6.5, 7.1, 7.8, 80, 95, 105),
    "P 4 b m": (7, 7, 8.4, 90, 90, 90),
}


@pytest.mark.parametrize("mixed", ["cations", "anions", "both"])
@pytest.mark.parametrize("group", CELLS)
def test_counts_are_bsyms(tmp_path, group, mixed):
    """Thirty crystals of ten groups, mixed on cations, on anions, on both."""
    anion = (0.5, 0, 0.4) if "b" in group else (0.5, 0.5, 0.5)
    atoms = [
        ("Li1", "Li", 0, 0, 0.25, 1), ("Y1", "Y", 0, 0, 0, 1 - 0.5 * (mixed != "anions")),
        ("Cl1", "Cl", *anion, 1 - 0.25 * (mixed != "cations")),
    ]  # fmt: skip
    if mixed != "anions":
        atoms.append(("In1", "In", 0, 0, 0, 0.5))
    if mixed != "cations":
        atoms.append(("Br1", "Br", *anion, 0.25))
    path = tmp_path / "crystal.cif"
    path.write_text(cif(CELLS[group], atoms, f"_symmetry_space_group_name_H-M '{group}'"))
    amounts = Counter()
    for site in read_cif(path).structure:
        for ion, occupancy in site.species.items():
            amounts[ion.symbol] += occupancy
    balancing = -(amounts["Li"] + 3 * (amounts["Y"] + amounts["In"])) / (amounts["Cl"] + amounts["Br"])
    charges = {"Li": 1, "Y": 3, "In": 3, "Cl": balancing, "Br": balancing}
    _, counted, listed, brute = compared(path, "Li", charges, tolerance=0.5)
    assert counted == listed == brute
    assert counted[0] > 1
