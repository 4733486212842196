"""Reading a host from its YAML site table and crystal, or from a crystal alone; by named formats only."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pymatgen.core import Structure

from superionic.documents import JumpsWithin
from superionic.errors import InputError, first_error
from superionic.structures.cif import Crystal, read_cif
from superionic.structures.crystal import Host, NamedSite, bare_element
from superionic.structures.distances import require_distances
from superionic.structures.mobile import mobile_ions
from superionic.structures.sites_of_crystal import host_of_crystal, with_charges
from superionic.structures.symmetry import SAME_SITE_A, space_group

__all__ = ["Host", "NamedSite", "load_host", "read_crystal"]


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
    mobile_species: str | list[str]
    anion_species: list[str] = Field(default_factory=list)
    layer_normal: str | None = Field(None, pattern=r"^[abc]\*?$")
    oxidation_states: dict[str, float]
    sites: list[SiteEntry]
    fillings: dict[str, dict[str, str]] = Field(default_factory=dict)
    labels: dict[str, Any] = Field(default_factory=dict)


def load_host(
    name_or_path: str | Path,
    mobile_species: str | Sequence[str] | None = None,
    oxidation_states: Mapping[str, float] | None = None,
) -> Host:
    """Load a host by the name of a packaged one, or by the path of its YAML file, of a CIF or of a POSCAR.

    A crystal alone gives a host whose sites are its own symmetry orbits, named by Wyckoff position.

    Parameters
    ----------
    name_or_path
        Name or path.
    mobile_species
        The mobile ion, if not the one that a host file names or that alone qualifies; or several, first the one that
        balances the charge.
    oxidation_states
        Charges that override those of the file.

    Raises
    ------
    InputError
        If there is no such host, or its file is wrong.
    """
    packaged = files("superionic") / "data" / "hosts" / str(name_or_path) / "host.yaml"
    if "/" not in str(name_or_path) and packaged.is_file():
        with as_file(packaged) as path:
            return _from_yaml(path, mobile_species, oxidation_states)
    path = Path(name_or_path)
    if not path.is_file():
        known = sorted(entry.name for entry in (files("superionic") / "data" / "hosts").iterdir() if entry.is_dir())
        raise InputError(f"host = {str(name_or_path)!r} is neither a packaged host {known} nor a file")
    if path.suffix in {".yaml", ".yml"}:
        return _from_yaml(path, mobile_species, oxidation_states)
    crystal = read_crystal(path)
    try:
        return host_of_crystal(str(path), crystal.structure, mobile_species, oxidation_states, crystal.notes)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def read_crystal(path: Path) -> Crystal:
    """Read a crystal from a CIF or POSCAR as it is written: same cell, same sites, partial occupancies kept.

    Raises
    ------
    InputError
        If the file is missing, of another format, or holds no crystal.
    """
    if not path.is_file():
        raise InputError(f"crystal {str(path)!r} does not exist: give the path of a CIF or POSCAR file")
    name = path.name.lower()
    if name.endswith((".cif", ".mcif")):
        return read_cif(path)
    if name.endswith((".vasp", ".poscar")) or name.startswith(("poscar", "contcar")):
        from pymatgen.io.vasp import Poscar  # a second of imports that a CIF needs not

        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                poscar = Poscar.from_str(path.read_text())
        except (ValueError, IndexError, KeyError, UnicodeDecodeError, AttributeError) as error:
            raise InputError(f"{str(path)!r} is not readable as a POSCAR: {error}") from error
        if not poscar.true_names:  # pymatgen makes them H, He, Li, ... then
            raise InputError(f"{str(path)!r} names no elements (VASP 4): write them in a line above their numbers")
        return Crystal(poscar.structure, ())
    raise InputError(f"{str(path)!r} is neither a CIF (.cif) nor a POSCAR (.vasp, POSCAR, CONTCAR): convert it")


def _from_yaml(
    path: Path, mobile_species: str | Sequence[str] | None, oxidation_states: Mapping[str, float] | None
) -> Host:
    try:
        entry = HostFile(**yaml.safe_load(path.read_text()))
    except (ValidationError, yaml.YAMLError, TypeError, UnicodeDecodeError) as error:
        raise InputError(f"host file {path} is wrong: {first_error(error)}") from error
    crystal = read_crystal(path.parent / entry.cif)
    structure, charges = crystal.structure, {**entry.oxidation_states, **(oxidation_states or {})}
    for element in entry.anion_species:
        if element not in charges:
            raise InputError(f"host file {path}: {element!r} has no entry in oxidation_states: add its charge")
    try:
        mobile = mobile_ions(charges, mobile_species or entry.mobile_species)
    except InputError as error:
        raise InputError(f"host file {path}: {error}") from error
    operations = space_group(structure)
    sites = tuple(
        NamedSite(
            row.label, row.wyckoff, row.layer, row.coordination, tuple(row.allowed_species),
            _orbit(row.position, operations, structure.lattice.matrix),
        )
        for row in entry.sites
    )  # fmt: skip
    _check_sites(sites, structure, path)
    missing = sorted(
        {ion.symbol for site in structure for ion in site.species} - {bare_element(ion) for ion in charges}
    )
    if missing:
        raise InputError(f"host file {path}: {missing[0]!r} has no entry in oxidation_states: add its charge")
    if not structure.is_ordered or all(site.specie.oxi_state is None for site in structure):
        structure = with_charges(structure, charges)
    require_distances(structure)
    return Host(
        entry.name, structure, sites, mobile[0], tuple(ion for ion in entry.anion_species if ion not in mobile),
        charges, entry.layer_normal, entry.fillings, entry.labels, crystal.notes, mobile[1:],
    )  # fmt: skip


def _check_sites(sites: tuple[NamedSite, ...], structure: Structure, path: Path) -> None:
    """Refuse labels twice, orbits that contradict their Wyckoff symbols, and atoms that no site holds."""
    labels = [site.label for site in sites]
    if len(set(labels)) < len(labels):
        twice = next(label for label in labels if labels.count(label) > 1)
        raise InputError(f"host file {path}: label {twice!r} is given to two sites: every site needs its own")
    for site in sites:
        multiplicity = int("".join(filter(str.isdigit, site.wyckoff)) or len(site.frac_coords))
        if multiplicity != len(site.frac_coords):
            raise InputError(
                f"host file {path}: site {site.label!r} says Wyckoff position {site.wyckoff} but its orbit has "
                f"{len(site.frac_coords)} positions: correct `position` or `wyckoff`"
            )
    coords = np.concatenate([site.frac_coords for site in sites])
    distances = structure.lattice.get_all_distances(structure.frac_coords, coords).min(axis=1)
    if distances.max() >= SAME_SITE_A:
        atom = structure[int(distances.argmax())]
        raise InputError(
            f"host file {path}: {atom.species_string} at {np.round(atom.frac_coords, 3).tolist()} of the crystal is on "
            f"no site (the nearest is {distances.max():.2f} Å away): add a site for it, or correct `position`"
        )


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
