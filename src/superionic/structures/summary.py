"""A crystal and its cells in words: what was read, what was made of it, and how close its atoms are."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations_with_replacement

import numpy as np
from pymatgen.core import Structure

from superionic.structures.charges import formula, in_words
from superionic.structures.host import Host
from superionic.structures.sites_of_crystal import GUESSED


def crystal_in_words(host: Host) -> Iterator[str]:
    """Formula, charges, mobile ion, sites, and what was mended or guessed, a line each."""
    amounts: dict[str, float] = {}
    for site in host.structure:
        for ion, occupancy in site.species.items():
            amounts[ion.symbol] = amounts.get(ion.symbol, 0.0) + occupancy
    charge = sum(
        occupancy * getattr(ion, "oxi_state", 0) for site in host.structure for ion, occupancy in site.species.items()
    )
    yield f"crystal {host.name}: {formula(amounts)} in the conventional cell, charge {round(charge, 4) + 0.0:+g}"
    used = {ion: charge for ion, charge in host.oxidation_states.items() if ion.rstrip("+-.0123456789") in amounts}
    guessed = next((note for note in host.notes if note.startswith(GUESSED)), None)
    yield f"charges: {in_words(used)}{f' ({guessed})' if guessed else ''}; mobile ion: {', '.join(host.all_mobile)}"
    yield from (note for note in host.notes if note != guessed)


def shortest_distance(structure: Structure) -> tuple[float, str]:
    """Distance in Å and elements of the two closest atoms of a cell, images of an atom included."""
    best, pair = np.inf, ""
    symbols = np.array([site.specie.symbol for site in structure])
    distances = structure.distance_matrix
    own = min(structure.lattice.get_lll_reduced_lattice().abc)
    np.fill_diagonal(distances, own)
    for first, second in combinations_with_replacement(sorted(set(symbols)), 2):
        nearest = distances[np.ix_(symbols == first, symbols == second)].min()
        if nearest < best:
            best, pair = float(nearest), f"{first}-{second}"
    return best, pair
