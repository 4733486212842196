"""The section `dataset` of a study file."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from superionic.documents import ChgnetSettings, PotentialSettings, SplitSettings
from superionic.documents.base import Document
from superionic.documents.dataset_checks import DatasetChecks
from superionic.documents.names import Name
from superionic.documents.selection import SelectionSettings
from superionic.makers.dataset import DatasetMaker
from superionic.makers.frame_selection import FrameSelectionMaker
from superionic.makers.labels import LabelMaker


class LabelEntry(Document):
    """How chosen frames are labelled."""

    frames_per_job: int = Field(20, ge=1, description="Frames that one job labels, in one process of the code")
    checks: DatasetChecks = Field(default_factory=DatasetChecks, description="What is asked of a labelled frame")
    against: str | None = Field(
        "0.3.0", description="CHGNet model that units and signs of the labels are checked against; null checks none"
    )


class DatasetEntry(SelectionSettings):
    """Frames of runs, labelled by the reference, checked and dealt out."""

    name: Name | None = Field(None, description="Name of the dataset; that of the study if not given")
    runs: Literal["aimd", "md"] | list[str] = Field(
        "aimd", description="Whose frames: of the study's runs with the reference or with the potential, or ids of runs"
    )
    ensemble: list[PotentialSettings] = Field(
        default_factory=list, description="Potentials whose disagreement decides which frames come first"
    )
    label: LabelEntry = Field(default_factory=LabelEntry, description="How they are labelled")
    split: SplitSettings | None = Field(
        default_factory=SplitSettings, description="How they are dealt out; null leaves them together"
    )

    def stage(self, study: str, reference: PotentialSettings, sampler: PotentialSettings | None) -> DatasetMaker:
        """The stage that makes the dataset.

        Parameters
        ----------
        study
            Name of the study.
        reference
            Who labels.
        sampler
            Relaxes chosen frames where that is asked for; CHGNet 0.3.0 if None.
        """
        selection = SelectionSettings(**{name: getattr(self, name) for name in SelectionSettings.model_fields})
        relaxes = (sampler or ChgnetSettings()) if self.n_relaxed else None
        return DatasetMaker(
            FrameSelectionMaker(selection, relaxes, self.ensemble),
            LabelMaker(
                reference,
                self.name or study,
                frames_per_job=self.label.frames_per_job,
                checks=self.label.checks,
                split=self.split,
                against=self.label.against,
            ),
            runs=self.runs,
        )
