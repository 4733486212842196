"""Reading a host from its YAML site table and CIF, or from a CIF alone."""

from __future__ import annotations

import warnings
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pymatgen.core import Element, Structure
from pymatgen.symmetry.analyzer import SpacegroupAnalyzer

from superionic.documents import JumpsWithin
from superionic.errors import InputError, first_error
from superionic.structures.crystal import AS_IN_CIF, Host, NamedSite
from superionic.structures.symmetry import SAME_SITE_A, space_group

__all__ = ["Host", "NamedSite", "host_from_cif", "load_host", "read_crystal"]


class SiteEntry(BaseModel):
    """One row of the site table: one representative, the rest follows from symmetry."""

    model_config = ConfigDict(extra="forbid")
    label: str
    wyckoff: str
    layer: str | None = None
    coordination: str | None = None
    allowed_species: list[str] = Field(min_length=1)
    position: tuple[float, float, float]

    @field_validator("layer")
    @classmethod
    def _no_name_of_ours(cls, layer: str | None) -> str | None:
        if layer in set(JumpsWithin):
            raise ValueError(f"layer = {layer!r} is the name of jumps that are in no layer: give it another name")
        return layer


class HostFile(BaseModel):
    """The YAML file of a host; unknown keys are refused."""

    model_config = ConfigDict(extra="forbid")
    name: str
    cif: Path
    mobile_species: str
    anion_species: list[str] = Field(default_factory=list)
    layer_normal: str | None = Field(None, pattern=r"^[abc]\*?$")
    oxidation_states: dict[str, float]
    sites: list[SiteEntry]
    fillings: dict[str, dict[str, str]] = Field(default_factory=dict)
    labels: dict[str, Any] = Field(default_factory=dict)


def load_host(name_or_path: str | Path) -> Host:
    """Load a host by the name of a packaged one, or by the path of its YAML file or of a CIF.

    A CIF alone gives a host whose sites are its own symmetry orbits, named by Wyckoff position.

    Raises
    ------
    InputError
        If there is no such host, or its file is wrong.
    """
    packaged = files("superionic") / "data" / "hosts" / str(name_or_path) / "host.yaml"
    if "/" not in str(name_or_path) and packaged.is_file():
        with as_file(packaged) as path:
            return _from_yaml(path)
    path = Path(name_or_path)
    if not path.is_file():
        known = sorted(entry.name for entry in (files("superionic") / "data" / "hosts").iterdir() if entry.is_dir())
        raise InputError(f"host = {str(name_or_path)!r} is neither a packaged host {known} nor a file")
    return _from_yaml(path) if path.suffix in {".yaml", ".yml"} else host_from_cif(path)


def _from_yaml(path: Path) -> Host:
    try:
        entry = HostFile(**yaml.safe_load(path.read_text()))
    except (ValidationError, yaml.YAMLError, TypeError) as error:
        raise InputError(f"host file {path} is wrong: {first_error(error)}") from error
    structure = read_crystal(path.parent / entry.cif)
    for element in (entry.mobile_species, *entry.anion_species):
        if element not in entry.oxidation_states:
            raise InputError(f"host file {path}: {element!r} has no entry in oxidation_states: add its charge")
    operations = space_group(structure)
    sites = tuple(
        NamedSite(
            row.label, row.wyckoff, row.layer, row.coordination, tuple(row.allowed_species),
            _orbit(row.position, operations, structure.lattice.matrix),
        )
        for row in entry.sites
    )  # fmt: skip
    for site in sites:
        multiplicity = int("".join(filter(str.isdigit, site.wyckoff)) or len(site.frac_coords))
        if multiplicity != len(site.frac_coords):
            raise InputError(
                f"host file {path}: site {site.label!r} says Wyckoff position {site.wyckoff} but its orbit has "
                f"{len(site.frac_coords)} positions: correct `position` or `wyckoff`"
            )
    if not structure.is_ordered or all(site.specie.oxi_state is None for site in structure):
        structure.add_oxidation_state_by_element(
            {el.symbol: entry.oxidation_states[el.symbol] for el in structure.composition.element_composition}
        )
    return Host(
        entry.name, structure, sites, entry.mobile_species, tuple(entry.anion_species), entry.oxidation_states,
        entry.layer_normal, entry.fillings, entry.labels,
    )  # fmt: skip


def host_from_cif(path: Path, mobile_species: str | None = None) -> Host:
    """Host whose named sites are the symmetry orbits of the CIF's own sites.

    Parameters
    ----------
    path
        CIF of the crystal; partial occupancies are allowed.
    mobile_species
        Element symbol of the mobile ion; the lightest cation if None.
    """
    structure = read_crystal(path)
    charges = _oxidation_states(structure, path)
    cations = [element for element, charge in charges.items() if charge > 0]
    symmetrised = SpacegroupAnalyzer(structure, symprec=0.05).get_symmetrized_structure()
    sites: list[NamedSite] = []
    for wyckoff, group in zip(symmetrised.wyckoff_symbols, symmetrised.equivalent_sites, strict=True):
        elements = tuple(sorted({element.symbol for site in group for element in site.species.element_composition}))
        label = wyckoff if wyckoff not in {site.label for site in sites} else f"{'/'.join(elements)} {wyckoff}"
        coords = np.array([site.frac_coords for site in group]) % 1.0
        sites.append(NamedSite(label, wyckoff, None, None, elements, coords))
    structure.add_oxidation_state_by_element(charges)
    return Host(
        name=str(path),
        structure=structure,
        sites=tuple(sites),
        mobile_species=mobile_species or min(cations, key=lambda symbol: Element(symbol).atomic_mass),
        anion_species=tuple(element for element, charge in charges.items() if charge < 0),
        oxidation_states=charges,
        layer_normal=None,
        fillings={AS_IN_CIF: {site.label: site.allowed_species[0] for site in sites}} if structure.is_ordered else {},
        label_rules={},
    )


def read_crystal(path: Path) -> Structure:
    """Read a CIF as it is written: same cell, same sites, partial occupancies kept.

    Raises
    ------
    InputError
        If the file is missing or holds no structure.
    """
    if not path.is_file():
        raise InputError(f"cif = {str(path)!r} does not exist: give the path of a CIF file")
    try:
        with warnings.catch_warnings():  # pymatgen compares the sites with a formula that such CIFs often lack
            warnings.filterwarnings("ignore", message="Cannot determine chemical composition")
            return Structure.from_file(path, primitive=False, merge_tol=0.01)
    except (ValueError, IndexError, AssertionError) as error:
        raise InputError(f"cif = {str(path)!r} holds no readable structure: {error}") from error


def _oxidation_states(structure: Structure, path: Path) -> dict[str, float]:
    stated = {sp.element.symbol: z for sp in structure.composition if (z := getattr(sp, "oxi_state", None))}
    elements = {element.symbol for element in structure.composition.element_composition}
    if set(stated) == elements:
        return stated
    guesses = structure.composition.element_composition.oxi_state_guesses()
    if not guesses:
        raise InputError(f"cif = {str(path)!r} has species without oxidation state: write them into the CIF")
    return dict(guesses[0])


def _orbit(
    position: tuple[float, float, float],
    operations: tuple[NDArray[np.float64], NDArray[np.float64]],
    matrix: NDArray[Any],
) -> NDArray[np.float64]:
    """All images of a position, averaged where an operation nearly fixes it, in [0, 1)."""
    images: list[NDArray[np.float64]] = []
    rotations, translations = operations
    for image in (rotations @ np.array(position) + translations) % 1.0:
        deltas = [image - other for other in images]
        if not any(np.linalg.norm((delta - np.rint(delta)) @ matrix) < SAME_SITE_A for delta in deltas):
            images.append(image)
    return np.asarray(np.round(np.array(images), 10) % 1.0, dtype=np.float64)
