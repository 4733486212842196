"""What a study file says of validation."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from pydantic import Field

from superionic.documents import AimdSet, AnalysisSettings, Document, MDSet, PotentialSettings
from superionic.documents.validation_settings import ConstantPressure, like
from superionic.documents.validation_thresholds import ValidationThresholds
from superionic.makers.relax import RelaxMaker
from superionic.makers.validation import ValidationMaker
from superionic.makers.validation_stage import ValidationStage


class ValidateEntry(Document):
    """How the potential of a study is judged by its reference."""

    thresholds: ValidationThresholds = Field(
        default_factory=ValidationThresholds, description="How near to the reference it has to be"
    )
    length_ps: float | None = Field(
        None, gt=0, description="Length of a run of each potential in ps; as long as the reference's if null"
    )
    seeds: list[int] = Field(
        [1000], min_length=1, description="Seeds of the runs: others than the reference's, so that errors are apart"
    )
    relax: bool = Field(True, description="Whether each potential relaxes what the reference relaxed")
    npt: ConstantPressure | None = Field(None, description="Runs at constant pressure; null for none")
    beside: dict[str, PotentialSettings] = Field(
        default_factory=dict,
        description="Potentials to judge beside the study's, each under a name",
    )

    def beside_files(self, folder: Path) -> Self:
        """The same entry with the files of its potentials found from a folder."""
        found = {name: settings.beside(folder) for name, settings in self.beside.items()}
        return self.model_copy(update={"beside": found})

    def stage(
        self,
        study: str,
        potential: PotentialSettings,
        reference: PotentialSettings,
        aimd: AimdSet,
        relax: RelaxMaker | None,
        analysis: AnalysisSettings,
    ) -> ValidationStage:
        """The stage of a study.

        Parameters
        ----------
        study
            Its name.
        potential, reference
            What is judged, and by what.
        aimd
            The runs of the reference.
        relax
            How orderings are relaxed; None if they are not.
        analysis
            How runs are analysed.
        """
        by_relaxation = self.relax and relax is not None and relax.relax_cell
        maker = ValidationMaker(
            {"potential": potential, **self.beside},
            thresholds=self.thresholds,
            relax_maker=relax if by_relaxation else None,
            npt=self.npt,
            reference=reference,
            study=study,
            analysis=analysis,
        )
        return ValidationStage(maker, self.md(aimd), by_relaxation)

    def md(self, aimd: AimdSet) -> MDSet:
        """Runs of a potential beside those of its reference: the same but for length, seeds and what is stored."""
        usual = {"label_stride"}
        if aimd.engine == "vasp":  # integrates with its own forces only
            usual |= {"engine", "thermostat_chain_length"}
        length_ps = aimd.length_ps if self.length_ps is None else self.length_ps
        return like(aimd, "validate", usual, seeds=self.seeds, length_ps=length_ps)
