"""The class of an ordering follows from where its framework cations sit, in every supercell and from bare positions."""

from collections import Counter

import numpy as np
import pytest

from superionic.analysis.sites.sites import ordering_class_of_run
from superionic.makers.disorder import DisorderMaker
from superionic.makers.high_entropy import HighEntropyMaker
from superionic.makers.placement import PlacementMaker
from superionic.structures.host import load_host
from superionic.structures.ordering_class import ordering_class
from superionic.structures.placement import PlacementSearch
from superionic.trajectories import from_arrays

HOST = load_host("Li3InCl6")
ORDERED = [("2b", "In")] * 2 + [("2c", "Li")] * 2 + [("4h", "Li")] * 4 + [("Cl4i", "Cl")] * 4 + [("Cl8j", "Cl")] * 8


def replaced(changes, n_cells):
    """Ions of so many ordered cells, some of them changed: {(from label, element): [(label, element), ...]}."""
    ions = ORDERED * n_cells
    for old, new in changes.items():
        for ion in new:
            ions.remove(old)
            ions.append(ion)
    return ions


@pytest.mark.parametrize(
    ("changes", "n_cells", "wanted"),
    [
        ({}, 1, "ordered"),
        ({}, 8, "ordered"),
        ({("4h", "Li"): [("4g", "Li")] * 3}, 2, "ordered"),  # mobile ions do not count
        ({("2b", "In"): [("4g", "In")]}, 4, "disordered"),
        ({("2b", "In"): [("2b", "Lu")] * 2}, 4, "disordered"),  # one in four: 0.56 R
        ({("2b", "In"): [("2b", "Lu")] * 8}, 4, "ordered"),  # all of them: another crystal, ordered
        ({("2b", "In"): [("2b", e) for e in ("Lu", "Sc", "Yb", "Zr") for _ in range(4)]}, 8, "medium entropy"),  # ln 4
        ({("2b", "In"): [("2b", e) for e in ("Lu", "Yb", "Zr") for _ in range(3)] + [("2b", "Sc")] * 4}, 8,
         "high entropy"),
    ],
)  # fmt: skip
def test_the_class_by_hand(changes, n_cells, wanted):
    assert ordering_class(HOST, replaced(changes, n_cells), n_cells) == wanted


def test_a_framework_site_left_empty_is_disorder():
    ions = ORDERED * 4
    ions.remove(("2b", "In"))
    assert ordering_class(HOST, ions, 4) == "disordered"


def orderings(frameworks):
    search = PlacementSearch(method="random", n_candidates=1)
    cells = PlacementMaker(search=search).placements(frameworks, HOST).cells
    return [cell.ordering for cell in cells]


def test_makers_and_bare_positions_agree():
    disorder = DisorderMaker(supercell=(2, 1, 2), moves=["In:2b:4g:1"], with_ordered=True).frameworks(HOST)
    entropy = HighEntropyMaker("In3Lu3Sc4Yb3Zr3", supercell=(2, 2, 2), arrangements=["random"]).decorations(HOST)
    made = orderings(disorder) + orderings(entropy)
    assert Counter(o.ordering_class for o in made) == {"ordered": 1, "disordered": 6, "high entropy": 1}
    rng = np.random.default_rng(0)
    for ordering in made:
        cell = ordering.structure
        shuffled = rng.permutation(len(cell))
        turn, _ = np.linalg.qr(rng.normal(size=(3, 3)))
        turn *= np.sign(np.linalg.det(turn))
        frames = (cell.cart_coords[shuffled] + rng.normal(scale=0.05, size=(4, len(cell), 3)) + 1.7) @ turn
        species = [cell[int(n)].specie.symbol for n in shuffled]
        run = from_arrays(frames, cell.lattice.matrix @ turn, species, 0.1, 600.0, "Li")
        assert ordering_class_of_run(HOST, run) == ordering.ordering_class, ordering.label
        assert ordering.host_crystal.name == ordering.host
