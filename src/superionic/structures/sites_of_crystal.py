"""A crystal without a site table as a host: its symmetry orbits are its sites, each with a label of its own."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from pymatgen.core import Element, Species, Structure
from pymatgen.symmetry.analyzer import SpacegroupAnalyzer, SymmetryUndeterminedError

from superionic.errors import InputError
from superionic.structures.charges import guess_charges
from superionic.structures.crystal import AS_IN_CIF, Host, NamedSite, bare_element, ion_name
from superionic.structures.distances import require_distances
from superionic.structures.mobile import mobile_ions

GUESSED = "guessed for"
_TOLERANCE_A = 0.05


def host_of_crystal(
    name: str,
    structure: Structure,
    mobile_species: str | Sequence[str] | None = None,
    oxidation_states: Mapping[str, float] | None = None,
    notes: Sequence[str] = (),
) -> Host:
    """Host whose named sites are the symmetry orbits of the crystal's own sites.

    Parameters
    ----------
    name
        Name of the host.
    structure
        The crystal; partial occupancies are allowed.
    mobile_species
        The mobile ion, or several; asked for where it is None and not exactly one ion qualifies.
    oxidation_states
        Charges that are known; they override those of the file.
    notes
        What was said about the file so far.

    Raises
    ------
    InputError
        If two atoms are closer than any bond, the charges do not balance, the mobile ion is not clear, or the symmetry
        cannot be determined.
    """
    charges, remarks = ion_charges(structure, oxidation_states or {})
    charged = with_charges(structure, charges)
    require_distances(charged)
    mobile = mobile_ions({ion: charges[ion] for ion in sorted(_held(charged, charges))}, mobile_species)
    sites = _orbits(charged, charges)
    return Host(
        name=name,
        structure=charged,
        sites=sites,
        mobile_species=mobile[0],
        other_mobile_species=mobile[1:],
        anion_species=tuple(
            ion
            for ion, charge in charges.items()
            if charge < 0 and ion not in mobile and ion in _held(charged, charges)
        ),
        oxidation_states=charges,
        layer_normal=None,
        fillings={AS_IN_CIF: {site.label: site.allowed_species[0] for site in sites}} if charged.is_ordered else {},
        label_rules={},
        notes=(*notes, *remarks),
    )


def ion_charges(structure: Structure, stated: Mapping[str, float]) -> tuple[dict[str, float], list[str]]:
    """Charge of every ion: as stated by the user, else by the crystal itself, else guessed; and where it is from.

    Elements with several charges in the crystal are told apart as 'Fe2+' and 'Fe3+'.
    """
    valences: dict[str, set[float | None]] = {}
    for site in structure:
        for ion in site.species:
            valences.setdefault(ion.symbol, set()).add(getattr(ion, "oxi_state", None))
    own: dict[str, float] = {}
    for element, charges in valences.items():
        if element in stated:
            own[element] = float(stated[element])
        elif None not in charges and charges != {0}:
            several = len(charges) > 1
            own |= {
                str(Species(element, charge)) if several else element: float(charge)
                for charge in charges
                if charge is not None
            }
    amounts: dict[str, float] = {}
    for site in structure:
        for ion, occupancy in site.species.items():
            name = ion_name(ion, own)
            amounts[name] = amounts.get(name, 0.0) + occupancy
    if not any(charge < 0 for charge in own.values()) and not _may_hold_anions(amounts):
        raise InputError("it holds no anions: the whole crystal is needed, not its mobile or metal sublattice alone")
    guessed = [ion for ion in amounts if ion not in own]
    found = guess_charges(amounts, own)
    dopants = {ion: float(charge) for ion, charge in stated.items() if ion not in amounts}
    ordered = {**{ion: found[ion] for ion in amounts}, **dopants}
    if not guessed:
        return ordered, []
    return ordered, [f"{GUESSED} {', '.join(guessed)}"]


def _held(structure: Structure, charges: Mapping[str, float]) -> set[str]:
    return {ion_name(ion, charges) for site in structure for ion in site.species}


def _may_hold_anions(amounts: Mapping[str, float]) -> bool:
    return len(amounts) > 1 and any(min(Element(bare_element(ion)).oxidation_states or (0,)) < 0 for ion in amounts)


def with_charges(structure: Structure, charges: Mapping[str, float]) -> Structure:
    """The crystal with the charge of every ion on its site."""
    if all(
        isinstance(ion, Species) and charges.get(ion.symbol) == ion.oxi_state
        for site in structure
        for ion in site.species
    ):
        return structure
    species = [
        {Species(ion.symbol, charges[ion_name(ion, charges)]): occupancy for ion, occupancy in site.species.items()}
        for site in structure
    ]
    return Structure(structure.lattice, species, structure.frac_coords)


def _orbits(structure: Structure, charges: Mapping[str, float]) -> tuple[NamedSite, ...]:
    """Symmetry orbits by Wyckoff position; where several share one, '48h-1', '48h-2', ..."""
    try:
        with warnings.catch_warnings():  # pymatgen reads spglib's results in a way that spglib wants gone
            warnings.simplefilter("ignore", DeprecationWarning)
            symmetrised = SpacegroupAnalyzer(structure, symprec=_TOLERANCE_A).get_symmetrized_structure()
    except SymmetryUndeterminedError as error:
        raise InputError(f"the symmetry of its sites cannot be determined: {error}") from error
    totals, seen = Counter(symmetrised.wyckoff_symbols), Counter[str]()
    sites = []
    for wyckoff, group in zip(symmetrised.wyckoff_symbols, symmetrised.equivalent_sites, strict=True):
        seen[wyckoff] += 1
        label = wyckoff if totals[wyckoff] == 1 else f"{wyckoff}-{seen[wyckoff]}"
        ions = tuple(sorted({ion_name(ion, charges) for site in group for ion in site.species}))
        sites.append(NamedSite(label, wyckoff, None, None, ions, np.array([site.frac_coords for site in group]) % 1.0))
    return tuple(sites)
