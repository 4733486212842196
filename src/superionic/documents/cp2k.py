"""CP2K as a potential: which electronic structure, how converged."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from superionic.documents.base import Document
from superionic.documents.k_mesh import KMesh

__all__ = ["Cp2kKind", "Cp2kSettings"]


class Cp2kKind(Document):
    """What stands for an element, by the names and files of CP2K's data folder."""

    basis: str = Field(description="Name of a basis set, at least double zeta with polarisation")
    pseudopotential: str = Field(
        pattern=r"-q\d+$", description="Name of a pseudopotential, its valence electrons included ('GTH-PBE-q3')"
    )
    basis_file: str = Field("BASIS_MOLOPT", description="File of the basis set")
    pseudopotential_file: str = Field("GTH_POTENTIALS", description="File of the pseudopotential")

    @field_validator("basis")
    @classmethod
    def _polarised(cls, basis: str) -> str:
        if basis.upper().startswith(("SZV", "SZ-", "DZV-")):
            raise ValueError(
                f"{basis!r} has no polarisation functions and gives wrong forces: take a DZVP set or better"
            )
        return basis

    @property
    def valence_electrons(self) -> int:
        """Electrons of the neutral atom outside the pseudopotential."""
        return int(self.pseudopotential.rpartition("-q")[2])


class Cp2kSettings(Document):
    """CP2K's Quickstep: semi-empirical GFN1-xTB, or PBEsol with GTH pseudopotentials; closed shells, neutral cells."""

    family: Annotated[
        Literal["cp2k"], BeforeValidator(lambda name: name.lower() if isinstance(name, str) else name)
    ] = Field(description="Kind of potential")
    level: Literal["pbesol", "gfn1-xtb"] = Field(
        "pbesol", description="Density functional theory from first principles, or a semi-empirical method"
    )
    k_mesh: KMesh | None = Field(
        None, description="Monkhorst-Pack mesh; None is 2 x 2 x 2 for pbesol and the Gamma point for gfn1-xtb"
    )
    cutoff_Ry: float = Field(500.0, ge=200, description="Cutoff of the finest grid of pbesol in Ry")
    relative_cutoff_Ry: float = Field(
        40.0, ge=20, description="Cutoff in Ry of the grid that takes a Gaussian of exponent 1 (REL_CUTOFF)"
    )
    density_threshold: float = Field(
        1e-8, gt=0, le=1e-6, description="Size below which parts of density and integrals are left out (EPS_DEFAULT)"
    )
    scf_threshold: float = Field(1e-5, gt=0, le=1e-4, description="Change at which self-consistency ends (EPS_SCF)")
    max_scf_steps: int = Field(80, ge=1, description="Steps after which it has failed: an error, never a number")
    kinds: dict[str, Cp2kKind] = Field(
        default_factory=dict, description="Basis and pseudopotential of elements in place of the package's own"
    )
    n_ranks: int = Field(1, ge=1, le=64, description="MPI processes")

    @model_validator(mode="after")
    def _gamma_of_xtb(self) -> Self:
        if self.level == "gfn1-xtb" and self.kinds:
            raise ValueError("kinds are basis sets and pseudopotentials, which level = 'gfn1-xtb' has none of")
        return self

    @property
    def mesh(self) -> tuple[int, int, int]:
        """The mesh itself."""
        return self.k_mesh or ((2, 2, 2) if self.level == "pbesol" else (1, 1, 1))

    @property
    def in_batches(self) -> bool:
        """Every run has a process of its own."""
        return False

    @property
    def cores(self) -> int | None:
        """Cores that one evaluation takes: one a process."""
        return self.n_ranks

    def beside(self, folder: Path) -> Self:  # noqa: ARG002 - every family takes it
        """The same: no file beside a study is read."""
        return self
