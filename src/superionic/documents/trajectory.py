"""The stored trajectory: one document and one blob a segment, and the summary of a whole run."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from superionic.documents.analysis_settings import AnalysisSettings
from superionic.documents.base import Document, Matrix3, StoredDocument
from superionic.documents.cost import Cost
from superionic.documents.host import HostDocument
from superionic.documents.ordering import OrderingClass
from superionic.documents.protocol import MDProtocol
from superionic.documents.provenance import PotentialReference, Provenance
from superionic.documents.recorded_protocol import RecordedProtocol


class BarostatState(Document):
    """Barostat variables of an NPT run."""

    momentum: Matrix3 = Field(description="Momentum of the cell's strain rate in eV x ASE time, symmetric")
    chain_positions: list[float] = Field(description="Positions of the barostat's own chain (dimensionless)")
    chain_momenta: list[float] = Field(description="Momenta of the barostat's own chain in eV x ASE time")


class BuiltinState(Document):
    """Everything that the next step of the built-in engine depends on, in full double precision."""

    step: int = Field(ge=0, description="Steps done since the start of the run")
    positions_A: list[list[float]] = Field(description="Unwrapped Cartesian positions in Å, shape (n_atoms, 3)")
    momenta: list[list[float]] = Field(description="Momenta in ASE units, sqrt(eV u), shape (n_atoms, 3)")
    cell_A: Matrix3 = Field(description="Cell vectors as rows in Å")
    thermostat_positions: list[float] = Field(description="Chain positions eta (dimensionless); empty at rest or NVE")
    thermostat_momenta: list[float] = Field(description="Chain momenta in eV x ASE time; empty at rest or NVE")
    barostat: BarostatState | None = Field(None, description="Barostat of an NPT run; None at rest or without one")
    random_state: str = Field(description="State of the numpy bit generator as JSON (its integers exceed 64 bits)")


class LammpsState(Document):
    """Where LAMMPS goes on: its own restart file, and what the potential said of it."""

    step: int = Field(ge=0, description="Steps done since the start of the run")
    restart: str = Field(description="LAMMPS' binary restart file: base64")
    sha256: str = Field(description="SHA-256 of the restart file")
    lammps_version: int = Field(description="Version of LAMMPS that wrote it, as year, month and day")
    evaluation: str | None = Field(
        description="Energy (eV), stress (eV/Å^3, 9 numbers) and forces (eV/Å) that a potential outside LAMMPS gave at "
        "this step, so that it goes on with the same bits: base64 of little-endian float64; None of a pair style"
    )


class VaspState(Document):
    """Where VASP goes on: what its CONTCAR holds. The thermostat's own variables are lost: it starts at rest."""

    step: int = Field(ge=0, description="Step of the run that these positions belong to; its forces are not known yet")
    positions_A: list[list[float]] = Field(description="Unwrapped Cartesian positions in Å, shape (n_atoms, 3)")
    velocities_A_per_fs: list[list[float]] = Field(description="Velocities in Å/fs, shape (n_atoms, 3)")
    cell_A: Matrix3 = Field(description="Cell vectors as rows in Å")


MDState = BuiltinState | LammpsState | VaspState
"""Where a run goes on, as its engine needs it."""


class RunIdentity(Document):
    """What a run is a run of: enough to find, group and compare trajectories."""

    label: str = Field(description="Label of the ordering, for example 'O'")
    formula: str = Field(description="Reduced formula")
    host: str = Field(description="Name or path of the host crystal that names the sites")
    ordering_class: OrderingClass | None = Field(
        None, description="Ordered, disordered, medium or high entropy; None if no host tells"
    )
    mobile_species: str = Field(description="Element symbol of the mobile ion")
    mobile_charge_e: float = Field(description="Charge of the mobile ion in elementary charges")
    other_mobile_charges_e: dict[str, float] = Field(
        default_factory=dict, description="Further mobile ions, each with its charge in elementary charges"
    )
    engine: str = Field(description="Who integrated the motion: 'built-in', 'lammps', 'vasp', or an imported code")
    potential: PotentialReference = Field(description="The potential that gave the forces")
    is_reference: bool = Field(
        False, description="Whether that potential is the study's reference: what others are learned from and judged by"
    )
    study: str | None = Field(None, description="Name of the study the run belongs to")
    tags: list[str] = Field(default_factory=list, description="Free words to find the run by")

    @property
    def mobile_charges_e(self) -> dict[str, float]:
        """Charge of every mobile ion in elementary charges, that of `mobile_species` first."""
        return {self.mobile_species: self.mobile_charge_e, **self.other_mobile_charges_e}


class TrajectorySegment(StoredDocument):
    """One stored segment of a run; `payload` is kept apart, in the additional store `data`."""

    kind: Literal["trajectory_segment"] = Field("trajectory_segment", description="What this document is")
    schema_version: Literal[1] = Field(1, description="Version of the shape of this kind of document")
    run_id: str = Field(description="UUID of the run: the same for all segments of a chain")
    segment: int = Field(ge=0, description="Number of the segment within the run, from 0")
    n_segments: int = Field(ge=1, description="Number of segments planned for the run")
    first_step: int = Field(ge=0, description="Step of the run after which this segment starts")
    last_step: int = Field(ge=0, description="Step of the run with which this segment ends")
    n_frames: int = Field(gt=0, description="Stored frames")
    n_atoms: int = Field(gt=0, description="Atoms")
    species: list[str] = Field(description="Element symbol of each atom")
    site_labels: list[str] | None = Field(
        description="Named site of each atom at the start of the run; None if it is not known"
    )
    host_crystal: HostDocument | None = Field(
        None, description="The host crystal, in the first segment of a run; None in the others, or if it is not known"
    )
    identity: RunIdentity = Field(description="What this is a run of")
    protocol: MDProtocol | RecordedProtocol = Field(description="The protocol of the run")
    analysis: AnalysisSettings = Field(
        default_factory=AnalysisSettings, description="How the run is to be analysed, unless its study says otherwise"
    )
    mean_temperature_K: float | None = Field(
        description="Mean kinetic temperature over the segment in K; None if it was not recorded"
    )
    mean_potential_energy_eV_per_atom: float | None = Field(
        description="Mean potential energy over the segment in eV/atom; None if it was not recorded"
    )
    conserved_drift_meV_per_atom_per_ps: float | None = Field(
        description="Slope of the conserved quantity over the segment in meV/atom/ps; None if it was not recorded"
    )
    ns_per_day: float | None = Field(description="Speed at which the segment was run, in ns/day; None if imported")
    corrections: list[str] = Field(
        default_factory=list, description="What custodian changed to get past errors of the code, in words"
    )
    cost: Cost | None = Field(
        None, description="What making it cost; None if imported, or from before costs were recorded"
    )
    end_state: MDState | None = Field(description="Where the next segment starts; None if the run was imported")
    sha256: str = Field(description="SHA-256 of the payload's bytes before base64")
    n_bytes: int = Field(gt=0, description="Size of the payload in bytes before base64")
    payload: str = Field(description="The frames: base64 of a zarr zip store (see superionic.trajectories.codec)")
    provenance: Provenance = Field(description="Where the segment came from")


LENGTH_REACHED = "length reached"
ERROR_TARGET_REACHED = "target_relative_error reached"


class MDRunDocument(StoredDocument):
    """The small end result of a chain of segments."""

    kind: Literal["md_run"] = Field("md_run", description="What this document is")
    schema_version: Literal[1] = Field(1, description="Version of the shape of this kind of document")
    run_id: str = Field(description="UUID of the run; its segments have the same UUID and smaller indices")
    identity: RunIdentity = Field(description="What this is a run of")
    protocol: MDProtocol | RecordedProtocol = Field(description="The protocol of the run")
    analysis: AnalysisSettings = Field(
        default_factory=AnalysisSettings, description="How the run is to be analysed, unless its study says otherwise"
    )
    n_segments: int = Field(ge=1, description="Segments stored")
    n_steps: int = Field(ge=0, description="Steps done")
    length_ps: float = Field(ge=0, description="Length reached in ps")
    cost: Cost | None = Field(None, description="What its segments cost; None if that of any is unknown")
    stop_reason: str = Field(description="Why the chain ended: LENGTH_REACHED, ERROR_TARGET_REACHED or what went wrong")
    provenance: Provenance = Field(description="Where the run came from")
    notes: list[str] = Field(default_factory=list, description="What was left out of the files on import, and why")
