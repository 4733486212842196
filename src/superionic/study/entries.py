"""What a user writes into a study file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Self

from pydantic import Field, model_validator

from superionic.documents import (
    AimdSet,
    AnalysisSettings,
    ChgnetSettings,
    Document,
    MDSet,
    PotentialSettings,
    VaspSettings,
)
from superionic.documents.names import Name, Word
from superionic.documents.run_config import RunConfig
from superionic.makers.aimd import AimdSetMaker, ReferenceRelaxMaker
from superionic.makers.dataset import DatasetMaker
from superionic.makers.mltp_md import MltpMdMaker
from superionic.makers.ordering import OrderingMaker
from superionic.makers.relax import RelaxMaker
from superionic.makers.study import EveryOrderingMaker, Stage
from superionic.makers.validation_stage import ValidationStage
from superionic.structures.carry import read_framework
from superionic.structures.host import Host, load_host
from superionic.structures.supercell_search import SupercellRequest
from superionic.study.dataset import DatasetEntry
from superionic.study.frameworks import SUPERCELL, DisorderEntry, HighEntropyEntry
from superionic.study.plan import Plan, PlannedCell, within
from superionic.study.runnable import check_code, check_runnable, is_code
from superionic.study.validation import ValidateEntry
from superionic.trajectories.trajectory import require_framework


class OrderingEntry(Document):
    """One ordered cell of the study."""

    label: Name = Field(description="Label, for example 'O'")
    filling: dict[str, str] | None = Field(
        None, description="Site label -> element; the host's own filling of that label if not given"
    )
    supercell: tuple[int, int, int] | SupercellRequest = Field((1, 1, 1), description=SUPERCELL)
    tags: list[Word] = Field(default_factory=list, description="Free words to find the results by")
    structure: str | None = Field(
        None,
        description="CIF or POSCAR (relative to the study file) of an ordered cell, instead of filling and supercell",
    )

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        if self.structure is not None and (self.filling is not None or "supercell" in self.model_fields_set):
            raise ValueError("structure: the file says what is where; leave out filling and supercell")
        return self

    def cell(self, host: Host) -> PlannedCell:
        """The cell, and the Maker of its ordering."""
        where = f"orderings: {self.label}"
        with within(where):
            maker = OrderingMaker(
                label=self.label,
                filling=self.filling,
                supercell=self.supercell,
                tags=tuple(self.tags),
                structure=None if self.structure is None else read_framework(Path(self.structure)),
            )
            return PlannedCell(where, maker, maker.ordered(host))


class RelaxEntry(Document):
    """How orderings are relaxed before MD."""

    max_force_eV_per_A: float = Field(0.05, gt=0, description="Convergence criterion in eV/Å")
    relax_cell: bool = Field(True, description="Whether the cell is relaxed too")
    max_steps: int = Field(500, ge=1, description="Steps after which an unconverged relaxation stops")


class Study(Document):
    """A study: a host, its orderings, a potential, the runs and the analysis."""

    name: Name = Field(description="Name of the study, stored with every result")
    host: str = Field(
        description="Name of a packaged host, or path of a host.yaml, CIF or POSCAR (relative to the study file)"
    )
    mobile_species: str | list[str] | None = Field(
        None,
        description="Mobile ion, if not the one the host names or that alone qualifies; or several, first the one "
        "that balances the charge",
    )
    oxidation_states: dict[str, float] = Field(
        default_factory=dict, description="Charges in elementary charges that override those of the host"
    )
    orderings: list[OrderingEntry] = Field(default_factory=list, description="Ordered cells by filling whole sites")
    disorder: DisorderEntry | None = Field(None, description="Ordered cells from framework enumeration")
    high_entropy: list[HighEntropyEntry] = Field(default_factory=list, description="High-entropy ordered cells")
    potential: PotentialSettings = Field(default_factory=ChgnetSettings, description="The potential")
    relax: RelaxEntry | None = Field(default_factory=RelaxEntry, description="Relaxation before MD; null for none")
    md: MDSet | None = Field(None, description="The runs with the potential")
    reference: PotentialSettings | None = Field(
        None, description="Who is believed: what potentials are learned from and judged by"
    )
    aimd: AimdSet | None = Field(None, description="The runs with the reference")
    dataset: DatasetEntry | None = Field(None, description="Frames of the runs, labelled by the reference")
    validation: ValidateEntry | None = Field(
        None, alias="validate", description="How the potential is judged by the reference's runs"
    )
    framework: list[str] | None = Field(None, description="Elements that hold still: `framework` of the analysis")
    analysis: AnalysisSettings = Field(default_factory=AnalysisSettings, description="The analysis")
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

    @model_validator(mode="after")
    def _stages(self) -> Self:
        if self.md is None and self.aimd is None:
            raise ValueError("md: there is none, and no aimd; give at least one of them")
        if self.aimd is not None and self.reference is None:
            raise ValueError("reference: there is none to run aimd with; write for example {family: cp2k}")
        if self.dataset is not None and self.reference is None:
            raise ValueError("reference: there is none to label the dataset with; write for example {family: cp2k}")
        if self.dataset is not None and isinstance(self.dataset.runs, str) and getattr(self, self.dataset.runs) is None:
            raise ValueError(
                f"dataset.runs = '{self.dataset.runs}': the study has no such runs; give {{runs: md}} or ids"
            )
        if self.validation is not None and self.aimd is None:
            raise ValueError(
                "validate: there is no aimd to judge by; stored runs are judged by with `superionic validate`"
            )
        return self

    @model_validator(mode="after")
    def _as_vasp_runs(self) -> Self:
        """VASP integrates its own runs, with a thermostat without a chain: both where nothing else was asked for."""
        if self.aimd is not None and isinstance(self.reference, VaspSettings):
            own = {"engine": "vasp", "thermostat_chain_length": 1}
            left_out = {key: value for key, value in own.items() if key not in self.aimd.model_fields_set}
            object.__setattr__(self, "aimd", self.aimd.model_copy(update=left_out))
        return self

    @model_validator(mode="after")
    def _one_framework(self) -> Self:
        if self.framework is not None:
            if self.analysis.framework not in (None, self.framework):
                raise ValueError(
                    f"framework: {self.framework} here, {self.analysis.framework} in analysis: name it once"
                )
            self.analysis = self.analysis.model_copy(update={"framework": self.framework})
        return self

    def load_host(self) -> Host:
        """The host crystal."""
        return load_host(self.host, self.mobile_species, self.oxidation_states)

    def plan(self, runs_here: bool = True) -> Plan:
        """Work out the host, the cells and the runs: once, for everything that is asked of the study afterwards.

        Parameters
        ----------
        runs_here
            Whether electronic structure codes have to be installed here; where they run elsewhere, their jobs say what
            is missing there before they start.

        Raises
        ------
        InputError
            One sentence that names the first thing that is wrong: a missing CIF, an element the potential does not
            know, a cell too small for its cutoff, a charge that does not balance.
        """
        host = self.load_host()
        cells = [entry.cell(host) for entry in self.orderings]
        if self.disorder is not None:
            cells += self.disorder.cells(host)
        cells += [entry.cell(host, self._relax_maker()) for entry in self.high_entropy]
        for cell in cells:
            require_framework(self.analysis.framework, cell.structure.symbol_set, host.all_mobile, cell.where)
        return Plan(self.name, host, cells, list(self._planned_stages(cells, host, runs_here)))

    def _relax_maker(self) -> RelaxMaker | None:
        """Relaxes with the potential; with the reference in a study that does nothing with a potential."""
        if self.relax is None:
            return None
        potential = self.reference if self.md is None and self.reference is not None else self.potential
        return RelaxMaker(potential=potential, **self.relax.model_dump())

    def _planned_stages(self, cells: list[PlannedCell], host: Host, runs_here: bool) -> Iterator[Stage]:
        """Every stage of the study, checked, in the order in which they need each other."""
        if self.aimd is not None and self.reference is not None:
            self._check_runnable(cells, host, self.aimd, self.reference, "aimd", runs_here)
            relax = None
            if self.relax is not None:
                relax = ReferenceRelaxMaker(potential=self.reference, **self.relax.model_dump())
            maker = AimdSetMaker(self.aimd, self.reference, relax_maker=relax, study=self.name, analysis=self.analysis)
            yield EveryOrderingMaker(maker, "aimd")
        if self.dataset is not None and self.dataset.runs != "md":
            yield self._dataset_stage(cells, self.dataset, runs_here)
        stage = self._validation_stage(cells, host, runs_here)
        judged_last = self.dataset is not None and self.dataset.runs == "md"
        if stage is not None and not judged_last:
            yield stage
        if self.md is not None:
            self._check_runnable(cells, host, self.md, self.potential, "md", runs_here)
            md = MltpMdMaker(
                self.md,
                potential=self.potential,
                relax_maker=self._relax_maker(),
                study=self.name,
                analysis=self.analysis,
            )
            yield EveryOrderingMaker(md, "md")
        if self.dataset is not None and self.dataset.runs == "md":
            yield self._dataset_stage(cells, self.dataset, runs_here)
        if judged_last and stage is not None:
            yield stage

    def _dataset_stage(self, cells: list[PlannedCell], entry: DatasetEntry, runs_here: bool) -> DatasetMaker:
        """Labels frames of runs; a reference that cannot be had, or not for these elements, is refused before any."""
        from superionic.potentials.checks import require_elements
        from superionic.potentials.load import load

        assert self.reference is not None  # noqa: S101 - `_stages` refuses that
        if runs_here or not is_code(self.reference):
            with closing(load(self.reference)) as potential:
                for cell in cells:
                    require_elements(potential, cell.structure.atomic_numbers, f"dataset: {cell.where}")
        return entry.stage(self.name, self.reference, None)

    def _validation_stage(self, cells: list[PlannedCell], host: Host, runs_here: bool) -> ValidationStage | None:
        """Judges the potential by the runs of the reference; None where there is nothing to judge by."""
        if self.validation is None or self.aimd is None or self.reference is None:
            return None
        relax = None if self.relax is None else RelaxMaker(potential=self.potential, **self.relax.model_dump())
        stage = self.validation.stage(self.name, self.potential, self.reference, self.aimd, relax, self.analysis)
        for maker in stage.md_makers:  # of every potential, and of the reference at constant pressure
            self._check_runnable(cells, host, maker.md, maker.potential, "validate", runs_here)
        return stage

    def _check_runnable(
        self,
        cells: list[PlannedCell],
        host: Host,
        md: MDSet,
        settings: PotentialSettings,
        section: str,
        runs_here: bool,
    ) -> None:
        from superionic.dynamics.segment import engine_named
        from superionic.potentials.checks import require_stress
        from superionic.potentials.load import load

        engine, protocol = engine_named(md.engine), md.protocols()[0]
        for cell in cells:
            with within(cell.where):
                engine.check(cell.structure, protocol, settings)
                check_code(cell.structure, settings, relaxes=self.relax is not None, runs_here=runs_here)
        if not runs_here and is_code(settings):
            return
        with closing(load(settings)) as potential:
            if md.ensemble == "npt":
                require_stress(potential, f"{section}.ensemble: npt")
            if self.relax is not None and self.relax.relax_cell:
                require_stress(potential, "relax.relax_cell")
            for cell in cells:
                check_runnable(cell.structure, host.all_mobile, potential, cell.where)
