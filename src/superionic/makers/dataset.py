"""The stage of a study that makes a dataset: frames of its runs, labelled by its reference, checked and dealt out."""

from __future__ import annotations

from dataclasses import dataclass

from jobflow import Flow, Maker

from superionic.makers.frame_selection import FrameSelectionMaker
from superionic.makers.labels import LabelMaker
from superionic.makers.study import SoFar


@dataclass
class DatasetMaker(Maker):
    """Choose frames of the study's runs, or of stored ones, and label them.

    Attributes
    ----------
    select
        Chooses the frames.
    label
        Labels them.
    runs
        Section of the study whose runs the frames are of, 'aimd' or 'md'; or ids of stored runs.
    section
        `dataset`.
    name
        Name of its flow.
    """

    select: FrameSelectionMaker
    label: LabelMaker
    runs: str | list[str] = "aimd"
    section: str = "dataset"
    name: str = "dataset"

    def make(self, so_far: SoFar) -> Flow:
        """Flow whose output is the DatasetDocument."""
        runs = so_far.outputs[self.runs] if isinstance(self.runs, str) else self.runs
        chosen = self.select.make(runs)
        labelled = self.label.make(chosen.output)
        return Flow([chosen, labelled], output=labelled.output, name=self.name)
