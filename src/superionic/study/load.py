"""The study file: what a user writes, checked before anything runs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Self

import numpy as np
import yaml
from pydantic import Field, ValidationError, model_validator
from pymatgen.core import Structure

from superionic.documents import Document, MDSet, PotentialSettings
from superionic.documents.run_config import RunConfig
from superionic.errors import InputError, first_error
from superionic.makers.mltp_md import MltpMdMaker
from superionic.makers.ordering import OrderingMaker
from superionic.makers.relax import RelaxMaker
from superionic.makers.study import DiffusionStudyMaker
from superionic.structures.host import Host, load_host
from superionic.study.frameworks import DisorderEntry, HighEntropyEntry


class OrderingEntry(Document):
    """One ordered cell of the study."""

    label: str = Field(description="Label, for example 'O'")
    filling: dict[str, str] | None = Field(
        None, description="Site label -> element; the host's own filling of that label if not given"
    )
    supercell: tuple[int, int, int] = Field((1, 1, 1), description="Repeats of the conventional cell along a, b, c")
    tags: list[str] = Field(default_factory=list, description="Free words to find the results by")


class RelaxEntry(Document):
    """How orderings are relaxed before MD."""

    max_force_eV_per_A: float = Field(0.05, gt=0, description="Convergence criterion in eV/Å")
    relax_cell: bool = Field(True, description="Whether the cell is relaxed too")
    max_steps: int = Field(500, ge=1, description="Steps after which an unconverged relaxation stops")


class AnalysisEntry(Document):
    """What the builders are asked for."""

    extrapolation_temperature_K: float = Field(300.0, gt=0, description="Temperature of the extrapolation in K")


class Study(Document):
    """A study: a host, its orderings, a potential, the runs and the analysis."""

    name: str = Field(min_length=1, description="Name of the study, stored with every result")
    host: str = Field(description="Name of a packaged host, or path of a host.yaml or CIF (relative to the study file)")
    mobile_species: str | None = Field(None, description="Mobile ion, if not the one the host names")
    orderings: list[OrderingEntry] = Field(default_factory=list, description="Ordered cells by filling whole sites")
    disorder: DisorderEntry | None = Field(None, description="Ordered cells from framework enumeration")
    high_entropy: list[HighEntropyEntry] = Field(default_factory=list, description="High-entropy ordered cells")
    potential: PotentialSettings = Field(default_factory=PotentialSettings, description="The potential")
    relax: RelaxEntry | None = Field(default_factory=RelaxEntry, description="Relaxation before MD; null for none")
    md: MDSet = Field(description="The runs")
    analysis: AnalysisEntry = Field(default_factory=AnalysisEntry, description="The analysis")
    run_config: RunConfig = Field(
        default_factory=RunConfig, description="On a cluster: worker, resources and environment by kind of job"
    )

    @model_validator(mode="after")
    def _distinct_labels(self) -> Self:
        labels = [entry.label for entry in self.orderings] + [entry.label for entry in self.high_entropy]
        if not labels and self.disorder is None:
            raise ValueError("orderings: there are none; give at least one of orderings, disorder and high_entropy")
        if len(set(labels)) != len(labels):
            raise ValueError(f"orderings: labels {labels} are not distinct")
        return self

    def load_host(self) -> Host:
        """The host crystal."""
        host = load_host(self.host)
        if self.mobile_species is None:
            return host
        if self.mobile_species not in host.oxidation_states:
            raise InputError(f"mobile_species = {self.mobile_species!r} is none of {sorted(host.oxidation_states)}")
        return replace(host, mobile_species=self.mobile_species)

    def maker(self) -> DiffusionStudyMaker:
        """The Maker of the whole study."""
        relax = None
        if self.relax is not None:
            relax = RelaxMaker(potential=self.potential, **self.relax.model_dump())
        return DiffusionStudyMaker(
            name=self.name,
            md_maker=MltpMdMaker(md=self.md, potential=self.potential, relax_maker=relax, study=self.name),
            ordering_makers=[
                *(
                    OrderingMaker(
                        label=entry.label, filling=entry.filling, supercell=entry.supercell, tags=tuple(entry.tags)
                    )
                    for entry in self.orderings
                ),
                *(self.disorder.makers(self.load_host()) if self.disorder else []),
                *(entry.maker(relax) for entry in self.high_entropy),
            ],
        )

    @property
    def n_runs(self) -> int:
        """Number of MD runs."""
        return len(self.maker().ordering_makers) * len(self.md.protocols())


def load_study(path: Path) -> Study:
    """Read and check a study file.

    Raises
    ------
    InputError
        One sentence that names the first thing that is wrong: an unknown key, a value out of range, a missing CIF, an
        element the potential does not know, a cell too small for its cutoff, a charge that does not balance.
    """
    if not path.is_file():
        raise InputError(f"study file {str(path)!r} does not exist")
    try:
        content = yaml.safe_load(path.read_text())
    except yaml.YAMLError as error:
        raise InputError(f"study file {path} is not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(content, dict):
        raise InputError(f"study file {path} holds no keys: start from workflows/quickstart/study.yaml")
    try:
        study = Study(**content)
    except ValidationError as error:
        raise InputError(f"study file {path}: {first_error(error)}") from error
    beside = path.parent / study.host
    if beside.is_file():
        study = study.model_copy(update={"host": str(beside.resolve())})
    model = path.parent / study.potential.model
    if model.is_file():
        potential = study.potential.model_copy(update={"model": str(model.resolve())})
        study = study.model_copy(update={"potential": potential})
    _check_cells(study)
    return study


def _check_cells(study: Study) -> None:
    host = study.load_host()
    for maker in study.maker().ordering_makers:
        where = f"orderings: {maker.label}"
        try:
            structure = maker.ordered(host)
        except InputError as error:
            raise InputError(f"{where}: {error}") from error
        check_runnable(structure, host.mobile_species, study.potential, where)


def check_runnable(structure: Structure, mobile_species: str, potential: PotentialSettings, where: str) -> None:
    """Refuse a cell that the potential cannot run.

    Raises
    ------
    InputError
        If it lacks the mobile ion, has an element the potential does not know, or is thinner than its cutoff.
    """
    from superionic.potentials import load_chgnet

    chgnet = load_chgnet(potential.model, potential.device, potential.kernels)
    elements = {element.symbol: element.Z for element in structure.composition.element_composition}
    if mobile_species not in elements:
        raise InputError(f"{where}: no {mobile_species}, the mobile ion, in {structure.formula}: fill a site with it")
    unknown = sorted(symbol for symbol, number in elements.items() if number not in chgnet.supported_numbers)
    if unknown:
        raise InputError(f"{where}: element {unknown[0]} is unknown to CHGNet {potential.model}: use another potential")
    thinnest = 2 * np.pi / max(structure.lattice.reciprocal_lattice.abc)
    if thinnest < chgnet.cutoff_A:
        raise InputError(
            f"{where}: supercell is {thinnest:.2f} Å thin, less than CHGNet's cutoff of {chgnet.cutoff_A:g} Å, so that "
            "ions would see their own images: use a larger supercell"
        )
