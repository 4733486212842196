"""What a user says about a trajectory that another code made."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from superionic.documents.analysis_settings import AnalysisSettings
from superionic.documents.base import Document, Matrix3
from superionic.documents.names import Name, Word


class ImportSettings(Document):
    """What the files of a run do not say, or say wrongly; None leaves it to them."""

    host: str | None = Field(None, description="Packaged host, or path of a host.yaml or CIF; None names no sites")
    mobile: str | None = Field(
        None,
        description="Mobile ion with its charge, for example 'Li+', or several, 'Li+,Na+'; None: those of the host",
    )
    temperature_K: float | None = Field(None, gt=0, description="Target temperature in K")
    time_step_fs: float | None = Field(None, gt=0, description="Integration time step in fs")
    stride: int | None = Field(None, ge=1, description="MD steps from one stored frame to the next")
    equilibration_ps: float = Field(0.0, ge=0, description="First part of the run, stored but not analysed, in ps")
    ensemble: Literal["nvt", "nve", "npt"] | None = Field(None, description="Thermodynamic ensemble")
    label: Word | None = Field(None, description="Label of the run; the reduced formula if None")
    engine: str | None = Field(None, description="Code that made the run, if the format does not tell")
    potential: str | None = Field(None, description="Functional or model behind the forces, for example 'PBEsol'")
    study: Name | None = Field(None, description="Name of the study the run belongs to")
    tags: list[Word] = Field(default_factory=list, description="Free words to find the run by")
    topology: str | None = Field(None, description="LAMMPS data file, CP2K cell file or structure file of the atoms")
    cell_A: Matrix3 | None = Field(None, description="Cell vectors as rows in Å, for a format that holds none")
    elements: list[str] | None = Field(None, description="Elements of LAMMPS's atom types 1, 2, ...")
    unwrapped: bool = Field(False, description="Whether positions are continuous although their format does not say so")
    analysis: AnalysisSettings = Field(default_factory=AnalysisSettings, description="How the run is to be analysed")

    @model_validator(mode="after")
    def _mobile_ion(self) -> Self:
        if self.host is None and self.mobile is None:
            raise ValueError("host and mobile are both missing: give the host, or the mobile ion as in 'Li+'")
        return self
