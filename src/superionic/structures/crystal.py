"""A host crystal and its named sites (decision 2 of the design): everything else follows from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from monty.json import MSONable
from numpy.typing import NDArray
from pymatgen.core import Element, PeriodicSite, Species, Structure

from superionic.documents.frameworks import IntegerVector, SupercellMatrix
from superionic.errors import InputError

AS_IN_CIF = "as in the CIF"  # the one filling of a host that is an ordered CIF, whatever its label


def ion_name(ion: Species | Element, charges: Mapping[str, float]) -> str:
    """Name of an ion where charges are looked up: its element, or 'Fe2+' where the element has several charges."""
    return str(ion) if ion.symbol not in charges and str(ion) in charges else ion.symbol


def bare_element(name: str) -> str:
    """Element of a name that :func:`ion_name` gave."""
    return name.rstrip("+-.0123456789")


@dataclass(frozen=True)
class NamedSite(MSONable):
    """All positions of the conventional cell that share one name.

    Attributes
    ----------
    label, wyckoff, layer, coordination
        Name, Wyckoff position, layer and coordination; the last two may be unknown.
    allowed_species
        Element symbols that may sit here.
    frac_coords
        Fractional coordinates in the conventional cell, shape (n, 3), in [0, 1).
    """

    label: str
    wyckoff: str
    layer: str | None
    coordination: str | None
    allowed_species: tuple[str, ...]
    frac_coords: NDArray[np.float64]

    def __post_init__(self) -> None:
        """Give back the array and the tuple that JSON turns into lists."""
        object.__setattr__(self, "frac_coords", np.asarray(self.frac_coords, dtype=float))
        object.__setattr__(self, "allowed_species", tuple(self.allowed_species))


@dataclass(frozen=True)
class Host(MSONable):
    """A crystal with partial occupancies and its named sites.

    Attributes
    ----------
    name
        Name of the host.
    structure
        The conventional cell as in the CIF, partial occupancies kept, with oxidation states.
    sites
        The named sites.
    mobile_species, anion_species
        The mobile ion, and the anions that are not mobile.
    other_mobile_species
        Further mobile ions. They are put on their sites by their occupancies, as the framework is; the mobile ion
        balances the charge.
    oxidation_states
        Charge of each element in elementary charges; keys are ions such as 'Fe2+' where an element has several.
    layer_normal
        Direction the layers are stacked along: 'a', 'b', 'c' or a reciprocal axis 'a*', 'b*', 'c*'.
    fillings
        Named ordered arrangements: site label -> element.
    label_rules
        Rules by which computed descriptors become labels (see superionic.structures).
    notes
        What was mended, guessed or left out when the crystal was read, a sentence each.
    """

    name: str
    structure: Structure
    sites: tuple[NamedSite, ...]
    mobile_species: str
    anion_species: tuple[str, ...]
    oxidation_states: dict[str, float]
    layer_normal: str | None
    fillings: dict[str, dict[str, str]]
    label_rules: dict[str, Any]
    notes: tuple[str, ...] = ()
    other_mobile_species: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Give back the tuples that JSON turns into lists."""
        object.__setattr__(self, "sites", tuple(self.sites))
        object.__setattr__(self, "anion_species", tuple(self.anion_species))
        object.__setattr__(self, "notes", tuple(self.notes))
        object.__setattr__(self, "other_mobile_species", tuple(self.other_mobile_species))

    def site(self, label: str) -> NamedSite:
        """The site of that label.

        Raises
        ------
        InputError
            If there is none.
        """
        for site in self.sites:
            if site.label == label:
                return site
        raise InputError(f"site label {label!r} is unknown in host {self.name}: use one of {self.labels}")

    def named_filling(self, label: str) -> dict[str, str]:
        """The ordered arrangement of that name.

        Raises
        ------
        InputError
            If the host has none of that name.
        """
        if set(self.fillings) == {AS_IN_CIF}:
            return self.fillings[AS_IN_CIF]
        if label not in self.fillings:
            raise InputError(
                f"filling {label!r} is unknown in host {self.name}: use one of {sorted(self.fillings)} "
                "or give site label -> element"
            )
        return self.fillings[label]

    @property
    def has_shared_anions(self) -> bool:
        """Whether anions that hold still share sites with each other or with vacancies."""
        anions = set(self.anion_species)
        return any(
            len(site.species) > 1 or site.species.num_atoms < 1 - 1e-3
            for site in self.structure
            if anions & {ion_name(ion, self.oxidation_states) for ion in site.species}
        )

    @property
    def all_mobile(self) -> tuple[str, ...]:
        """All mobile ions, the one that balances the charge first."""
        return (self.mobile_species, *self.other_mobile_species)

    @property
    def reference_species(self) -> tuple[str, ...]:
        """Elements that hold still, by which a run is laid over the crystal: the anions, else what is not mobile."""
        if self.anion_species:
            return self.anion_species
        still = {ion.symbol for site in self.structure for ion in site.species} - set(self.all_mobile)
        return tuple(sorted(still))

    @property
    def labels(self) -> list[str]:
        """Labels of all sites."""
        return [site.label for site in self.sites]

    @cached_property
    def layer_normal_vector(self) -> NDArray[np.float64] | None:
        """Unit Cartesian vector along which the layers are stacked, None if the host has no layers."""
        if self.layer_normal is None:
            return None
        lattice = self.structure.lattice
        matrix = lattice.reciprocal_lattice.matrix if self.layer_normal.endswith("*") else lattice.matrix
        vector = matrix["abc".index(self.layer_normal[0])]
        return np.asarray(vector / np.linalg.norm(vector))

    def ordered(self, filling: Mapping[str, str], supercell: IntegerVector | SupercellMatrix = (1, 1, 1)) -> Structure:
        """Fill whole sites with elements.

        Parameters
        ----------
        filling
            Site label -> element symbol; sites left out stay empty.
        supercell
            Repeats of the conventional cell along a, b, c, or rows of a matrix.

        Returns
        -------
        Structure
            With oxidation states and the site property ``site_label``.

        Raises
        ------
        InputError
            If a label or element is unknown, a repeat is below 1, or the charge does not balance.
        """
        if np.ndim(supercell) == 1 and np.min(supercell) < 1:
            raise InputError(f"supercell = {list(supercell)} is singular: every repeat must be at least 1")
        sites = []
        for label, element in filling.items():
            site = self.site(label)
            if element not in site.allowed_species:
                raise InputError(
                    f"filling puts {element!r} on site {label!r} of host {self.name}, "
                    f"which takes only {list(site.allowed_species)}"
                )
            species = {self._ion(element): 1}
            sites += [
                PeriodicSite(species, position, self.structure.lattice, properties={"site_label": label})
                for position in site.frac_coords
            ]
        structure = Structure.from_sites(sites).make_supercell(supercell, in_place=False)
        if abs(structure.charge) > 1e-8:
            raise InputError(
                f"filling of host {self.name} has charge {structure.charge:+g} e in {structure.formula}: "
                "change the elements or leave sites empty until it balances"
            )
        return structure.get_sorted_structure(key=lambda site: (site.specie.X, site.properties["site_label"]))

    def _ion(self, element: str) -> str:
        if element not in self.oxidation_states:
            raise InputError(
                f"element {element!r} has no entry in oxidation_states of host {self.name}: add its charge"
            )
        charge = self.oxidation_states[element]
        return f"{bare_element(element)}{abs(charge):g}{'+' if charge >= 0 else '-'}"
