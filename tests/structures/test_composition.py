"""Compositions, charges and entropies of the study."""

import numpy as np
import pytest

from superionic.errors import InputError
from superionic.structures.composition import configurational_entropy, entropy_class, n_mobile_ions, parse_composition


def decorated(cell, counts):
    species = [""] * len(cell.labels)
    elements = [element for element, count in counts.items() for _ in range(count)]
    for site, element in zip(cell.sites_of(["2b"]), elements, strict=True):
        species[site] = element
    return species


@pytest.mark.parametrize(
    ("formula", "n_lithium", "entropy", "kind"),
    [("In3Lu3Sc4Yb3Zr3", 45, 1.602, "high"), ("Lu4Sc4Yb4Zr4", 44, 1.386, "medium"), ("In16", 48, 0.0, "low")],
)
def test_compositions_of_the_study(cell_222, formula, n_lithium, entropy, kind):
    counts = parse_composition(formula, 16)
    assert n_mobile_ions(cell_222, decorated(cell_222, counts)) == n_lithium
    assert configurational_entropy(counts) == pytest.approx(entropy, abs=5e-4)
    assert entropy_class(configurational_entropy(counts)) == kind


def test_entropy_of_equal_parts_is_the_logarithm_of_their_number():
    assert configurational_entropy({"A": 5, "B": 5, "C": 5, "D": 0}) == pytest.approx(np.log(3))


@pytest.mark.parametrize("formula", ["In3Lu3", "In1.5Lu14.5", "not a formula", ""])
def test_unusable_compositions_are_refused(formula):
    with pytest.raises(InputError, match="composition"):
        parse_composition(formula, 16)


def test_charge_that_cannot_balance_is_refused(cell_222):
    too_positive = ["Zr" if label in {"2b", "2c"} else "" for label in cell_222.labels]
    with pytest.raises(InputError, match=r"charge cannot balance.*\+32 e"):
        n_mobile_ions(cell_222, too_positive)
