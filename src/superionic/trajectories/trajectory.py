"""A trajectory in memory: what analysis reads, whatever it came from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from superionic.documents import HostDocument, MDProtocol, RecordedProtocol, RunIdentity, SourceReference
from superionic.errors import InputError
from superionic.trajectories.stored import StoredPositions


@dataclass(frozen=True)
class Trajectory:
    """Unwrapped positions of one run with what is needed to interpret them.

    Attributes
    ----------
    positions_A
        Unwrapped Cartesian positions in Å, shape (n_frames, n_atoms, 3); those of a stored run stay packed.
    cell_A
        Cell vectors as rows in Å, shape (3, 3), or (n_frames, 3, 3) if the cell changes.
    species
        Element symbol of each atom.
    frame_interval_ps
        Time between frames in ps.
    temperature_K
        Target temperature in K.
    mobile_species
        Element symbol of the mobile ion.
    mobile_charge_e
        Its charge in elementary charges.
    other_mobile_charges_e
        Further mobile ions, element symbol -> charge in elementary charges.
    framework_species
        Element symbols of the framework; None for all that is not mobile.
    equilibration_ps
        Time at the start that analysis leaves out, in ps.
    temperatures_K, potential_energies_eV, conserved_energies_eV
        One value a frame, or None if unknown.
    site_labels
        Named site of each atom at the start, or None if unknown.
    host_crystal
        The crystal with named sites that was stored with the run, or None.
    identity, protocol, run_id, sources
        What the run is, for documents made from it; None or empty for plain arrays.
    """

    positions_A: NDArray[np.float64] | StoredPositions
    cell_A: NDArray[np.float64]
    species: list[str]
    frame_interval_ps: float
    temperature_K: float
    mobile_species: str
    mobile_charge_e: float = 1.0
    other_mobile_charges_e: dict[str, float] = field(default_factory=dict)
    framework_species: tuple[str, ...] | None = None
    equilibration_ps: float = 0.0
    temperatures_K: NDArray[np.float64] | None = None
    potential_energies_eV: NDArray[np.float64] | None = None
    conserved_energies_eV: NDArray[np.float64] | None = None
    site_labels: list[str] | None = None
    host_crystal: HostDocument | None = None
    identity: RunIdentity | None = None
    protocol: MDProtocol | RecordedProtocol | None = None
    run_id: str = "unnamed run"
    sources: list[SourceReference] = field(default_factory=list)

    @property
    def n_frames(self) -> int:
        """Number of frames."""
        return len(self.positions_A)

    @property
    def n_atoms(self) -> int:
        """Number of atoms."""
        return len(self.species)

    @property
    def mobile(self) -> NDArray[np.intp]:
        """Indices of the mobile ions."""
        return np.flatnonzero(np.asarray(self.species) == self.mobile_species)

    @property
    def mobile_charges_e(self) -> dict[str, float]:
        """Charge of every mobile ion in elementary charges, the first the one whose sites and jumps are analysed."""
        return {self.mobile_species: self.mobile_charge_e, **self.other_mobile_charges_e}

    @property
    def framework(self) -> NDArray[np.intp]:
        """Indices of the framework ions: of the species named, else of all that are not mobile."""
        return np.flatnonzero([self.holds_still(name) for name in self.species])

    def holds_still(self, species: str) -> bool:
        """Whether a species is of the framework."""
        if self.framework_species is not None:
            return species in self.framework_species
        return species not in self.mobile_charges_e

    def with_framework(self, species: Sequence[str] | None) -> Trajectory:
        """The same run with these species as its framework; None for all that is not mobile.

        Raises
        ------
        InputError
            If the run holds none of one of them, or it is mobile.
        """
        require_framework(species, self.species, self.mobile_charges_e, "the run")
        return replace(self, framework_species=None if species is None else tuple(species))

    def decoded(self) -> Trajectory:
        """The same run with all positions in memory, as float64."""
        return replace(self, positions_A=np.asarray(self.positions_A, dtype=np.float64))

    @property
    def volumes_A3(self) -> NDArray[np.float64]:
        """Volume of each frame's cell in Å^3, or of the one cell, shape (1,)."""
        return np.abs(np.linalg.det(np.atleast_3d(self.cell_A).reshape(-1, 3, 3)))


def require_framework(
    framework: Iterable[str] | None, species: Iterable[str], mobile: Iterable[str], where: str
) -> None:
    """Refuse a framework of species that are not there, or that are mobile.

    Raises
    ------
    InputError
        If one is.
    """
    for name in framework or ():
        if name not in set(species):
            raise InputError(f"framework: {name!r} is none of the species {sorted(set(species))} of {where}")
        if name in set(mobile):
            raise InputError(f"framework: {name!r} is mobile: name species that hold still")


def from_arrays(
    positions_A: ArrayLike,
    cell_A: ArrayLike,
    species: Sequence[str],
    frame_interval_ps: float,
    temperature_K: float,
    mobile_species: str,
    mobile_charge_e: float = 1.0,
    equilibration_ps: float = 0.0,
    temperatures_K: ArrayLike | None = None,
) -> Trajectory:
    """Make a trajectory from plain arrays, checked.

    Parameters
    ----------
    positions_A
        Unwrapped Cartesian positions in Å, shape (n_frames, n_atoms, 3).
    cell_A
        Cell vectors as rows in Å, shape (3, 3) or (n_frames, 3, 3).
    species
        Element symbol of each atom.
    frame_interval_ps
        Time between frames in ps.
    temperature_K
        Target temperature in K.
    mobile_species
        Element symbol of the mobile ion.
    mobile_charge_e
        Its charge in elementary charges.
    equilibration_ps
        Time at the start that analysis leaves out, in ps.
    temperatures_K
        Kinetic temperature of each frame in K, shape (n_frames,).

    Raises
    ------
    InputError
        If shapes disagree, a value is not finite or not positive, or no atom is of the mobile species.
    """
    positions = np.asarray(positions_A, dtype=np.float64)
    cell = np.asarray(cell_A, dtype=np.float64)
    if positions.ndim != 3 or positions.shape[1:] != (len(species), 3):
        raise InputError(
            f"positions_A has shape {positions.shape}: give (n_frames, {len(species)}, 3) for {len(species)} species"
        )
    if len(positions) < 2:
        raise InputError(f"positions_A holds {len(positions)} frame(s): give at least two")
    if cell.shape not in {(3, 3), (len(positions), 3, 3)}:
        raise InputError(f"cell_A has shape {cell.shape}: give (3, 3) or ({len(positions)}, 3, 3)")
    bad = np.flatnonzero(~np.isfinite(positions).all(axis=(1, 2)))
    if bad.size:
        raise InputError(f"positions_A is not finite in frame {bad[0]}: cut the trajectory before it")
    if not np.isfinite(cell).all() or np.any(np.abs(np.linalg.det(cell)) < 1e-6):
        raise InputError("cell_A is singular or not finite: give the three cell vectors as rows in Å")
    _check_numbers(frame_interval_ps, temperature_K, mobile_charge_e, equilibration_ps)
    if mobile_species not in species:
        raise InputError(f"mobile_species = {mobile_species!r} is none of the species {sorted(set(species))}")
    return Trajectory(
        positions,
        cell,
        list(species),
        float(frame_interval_ps),
        float(temperature_K),
        mobile_species,
        float(mobile_charge_e),
        equilibration_ps=float(equilibration_ps),
        temperatures_K=None if temperatures_K is None else _temperatures(temperatures_K, len(positions)),
    )


def _check_numbers(
    frame_interval_ps: float, temperature_K: float, mobile_charge_e: float, equilibration_ps: float
) -> None:
    for name, value in (("frame_interval_ps", frame_interval_ps), ("temperature_K", temperature_K)):
        if value is None or not (np.isfinite(value) and value > 0):
            raise InputError(f"{name} = {value} is not positive: give the value the run was made with")
    if not (np.isfinite(equilibration_ps) and equilibration_ps >= 0):
        raise InputError(f"equilibration_ps = {equilibration_ps} is no time: give 0 or more")
    if not np.isfinite(mobile_charge_e) or mobile_charge_e == 0:
        raise InputError(f"mobile_charge_e = {mobile_charge_e} is no charge of an ion: give it in elementary charges")


def _temperatures(temperatures_K: ArrayLike, n_frames: int) -> NDArray[np.float64]:
    temperatures = np.asarray(temperatures_K, dtype=np.float64)
    if temperatures.shape != (n_frames,):
        raise InputError(f"temperatures_K has shape {temperatures.shape}: give one value a frame, ({n_frames},)")
    if not np.isfinite(temperatures).all():
        raise InputError("temperatures_K is not finite in every frame: leave it out if they were not recorded")
    return temperatures
