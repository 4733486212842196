"""VASP as a reference: how converged its relaxations, its molecular dynamics and its labels are."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, field_validator

from superionic.documents.base import Document
from superionic.documents.k_mesh import KMesh

__all__ = ["VaspKind", "VaspLevel", "VaspSettings"]

VaspKind = Literal["relax", "aimd", "label"]

_OURS = frozenset(
    ("ENCUT", "EDIFF", "EDIFFG", "GGA", "METAGGA", "LHFCALC", "IVDW", "ISPIN", "MAGMOM", "NELECT", "NUPDOWN", "LDAU",
     "KSPACING", "KGAMMA", "IBRION", "ISIF", "NSW", "POTIM", "TEBEG", "TEEND", "SMASS", "MDALGO", "ANDERSEN_PROB",
     "LANGEVIN_GAMMA", "NBLOCK", "ML_LMLFF", "POMASS", "PSTRESS", "ISYM")
)  # fmt: skip


class VaspLevel(Document):
    """How one kind of calculation is converged."""

    encut_eV: float = Field(gt=0, description="Cutoff of the plane waves in eV (ENCUT)")
    ediff_eV: float = Field(gt=0, le=1e-3, description="Change of the energy at which self-consistency ends, in eV")
    k_mesh: KMesh = Field(description="Divisions of the mesh of k-points, centred at Gamma")


class VaspSettings(Document):
    """VASP with PBEsol and PAW potentials; closed shells, neutral cells."""

    family: Annotated[
        Literal["vasp"], BeforeValidator(lambda name: name.lower() if isinstance(name, str) else name)
    ] = Field(description="Kind of potential")
    relax: VaspLevel = Field(
        default_factory=lambda: VaspLevel(encut_eV=520, ediff_eV=1e-4, k_mesh=(3, 3, 3)), description="Relaxations"
    )
    aimd: VaspLevel = Field(
        default_factory=lambda: VaspLevel(encut_eV=400, ediff_eV=1e-4, k_mesh=(1, 1, 1)),
        description="Molecular dynamics",
    )
    label: VaspLevel = Field(
        default_factory=lambda: VaspLevel(encut_eV=450, ediff_eV=1e-6, k_mesh=(2, 2, 2)),
        description="Static calculations: energy, forces and stress of single frames",
    )
    potcars: dict[str, str] = Field(
        default_factory=dict, description="Element -> POTCAR symbol ('Li': 'Li_sv') in place of the package's own"
    )
    potcar_functional: Literal["PBE", "PBE_52", "PBE_54", "PBE_64"] = Field(
        "PBE_54", description="Release of the PAW potentials, as pymatgen calls it"
    )
    incar: dict[str, bool | int | float | str] = Field(
        default_factory=dict, description="More tags of INCAR, such as NCORE, KPAR or LREAL"
    )

    @field_validator("incar")
    @classmethod
    def _not_ours(cls, incar: dict[str, bool | int | float | str]) -> dict[str, bool | int | float | str]:
        incar = {tag.upper(): value for tag, value in incar.items()}
        decided = sorted(_OURS & set(incar))
        if decided:
            raise ValueError(
                f"{decided[0]} is decided by the levels of the reference, the protocol or the method: leave it out"
            )
        return incar

    @field_validator("potcars")
    @classmethod
    def _of_their_element(cls, potcars: dict[str, str]) -> dict[str, str]:
        for element, symbol in potcars.items():
            if symbol.partition("_")[0] != element:
                raise ValueError(f"{symbol!r} is no POTCAR of {element}: it begins with the element's symbol")
        return potcars

    def level(self, kind: VaspKind) -> VaspLevel:
        """The level of one kind of calculation."""
        level: VaspLevel = getattr(self, kind)
        return level

    @property
    def cores(self) -> int | None:
        """Not known before VASP says so itself."""
        return None

    @property
    def in_batches(self) -> bool:
        """Every run has a process of its own."""
        return False

    def beside(self, folder: Path) -> Self:  # noqa: ARG002 - every family takes it
        """The same: no file beside a study is read."""
        return self
