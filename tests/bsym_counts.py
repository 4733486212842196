"""Counts of distinct decorations by bsym's symmetry and brute force, beside those of the package.

As a script: ``python tests/bsym_counts.py FOLDER`` compares every CIF of a folder that has few enough
decorations in a small cell.
"""

import sys
from collections import Counter
from itertools import combinations, product
from pathlib import Path

import numpy as np
from bsym.interface.pymatgen import unique_symmetry_operations_as_vectors_from_structure
from pymatgen.core import Structure

from superionic.errors import InputError
from superionic.structures.counting import count_decorations, count_distinct
from superionic.structures.enumeration import enumerate_distinct
from superionic.structures.frameworks import pools_from_occupancies
from superionic.structures.host import load_host
from superionic.structures.supercell import HostSupercell, supercell_matrix

DUMMIES = ("He", "Ne", "Ar", "Kr", "Xe", "Rn", "Tc", "Pm", "Po", "At", "Fr", "Ra", "Ac", "Pa", "Np", "Pu", "Am", "Cm")
MOST = 2_000


def by_brute_force(cell, pools):
    """Distinct decorations of the pools: every one written down, its images under bsym's operations sought."""
    labels = {label: DUMMIES[number] for number, label in enumerate(dict.fromkeys(cell.labels.tolist()))}
    parent = Structure(cell.lattice, [labels[label] for label in cell.labels.tolist()], cell.frac_coords)
    operations = np.array(unique_symmetry_operations_as_vectors_from_structure(parent, atol=1e-2)) - 1
    excluded = {frozenset(pair) for pair in cell.alternatives.tolist()}
    n_kept, orbits = 0, set()
    for shares in product(*(list(ways(pool)) for pool in pools)):
        codes = np.zeros(len(cell.labels), dtype=np.uint8)
        for pool, share in zip(pools, shares, strict=True):
            codes[list(pool.sites)] = share
        if excluded and any(all(codes[list(pair)]) for pair in excluded):
            continue
        n_kept += 1
        orbits.add(min(row.tobytes() for row in codes[operations]))
    return n_kept, len(orbits)


def ways(pool):
    """Every way to share a pool's ions out, as species numbers on its sites."""

    def fill(codes, left):
        if not left:
            yield codes
            return
        (code, count), *rest = left
        for chosen in combinations(np.flatnonzero(codes == 0), count):
            filled = codes.copy()
            filled[list(chosen)] = code
            yield from fill(filled, rest)

    yield from fill(np.zeros(len(pool.sites), dtype=np.uint8), list(enumerate(pool.counts.values(), start=1)))


def compared(path, mobile=None, charges=None, tolerance=0.25, repeats=((1, 1, 1), (2, 1, 1), (1, 2, 1), (1, 1, 2))):
    """Counts of one crystal in its first cell that has more than one decoration; None if it has too many."""
    host = load_host(path, mobile, charges)
    for supercell in repeats:
        cell = HostSupercell(host, supercell_matrix(supercell))
        if len(set(cell.labels.tolist())) > len(DUMMIES):
            return None
        pools, _ = pools_from_occupancies(cell, tolerance)
        if count_decorations(pools) > MOST or count_decorations(pools, cell.alternatives) < 2:
            continue
        ours = count_distinct(cell.permutations, pools, cell.alternatives)
        listed = enumerate_distinct(cell.permutations, pools, 10**6, cell.alternatives)
        total = sum(decoration.multiplicity for decoration in listed)
        assert Counter(len(d.species) for d in listed)[len(cell.labels)] == ours
        return (
            supercell,
            (count_decorations(pools, cell.alternatives), ours),
            (total, len(listed)),
            by_brute_force(cell, pools),
        )
    return None


def main(folder):
    """Print the counts of every CIF of a folder and how many agree."""
    agree = differ = 0
    for path in sorted(Path(folder).glob("*.cif")):
        try:
            found = compared(path, "Li" if "Li" in path.read_text() else None)
        except InputError:
            continue
        if found is None:
            continue
        supercell, counted, listed, brute = found
        same = counted == listed == brute
        agree, differ = agree + same, differ + (not same)
        print(
            f"{path.name:14s} {supercell} counted {counted} listed {listed} bsym {brute} {'' if same else 'DIFFERENT'}"
        )
    print(f"{agree} agree, {differ} differ")


if __name__ == "__main__":
    main(sys.argv[1])
