"""The stage of a study that judges potentials by what its reference has run."""

from __future__ import annotations

from dataclasses import dataclass

from jobflow import Flow, Maker

from superionic.documents import MDSet
from superionic.makers.aimd import AimdSetMaker
from superionic.makers.mltp_md import MltpMdMaker
from superionic.makers.study import SoFar
from superionic.makers.validation import Against, ValidationMaker


@dataclass
class ValidationStage(Maker):
    """Judges potentials by the `aimd` of a study, and by the test part of its `dataset` if it has one.

    Attributes
    ----------
    maker
        Runs, relaxes and labels with the potentials.
    md
        Their runs.
    by_relaxation
        Whether the reference's relaxations are something to be judged by: they are if their cells were relaxed.
    section
        Its section of the study file.
    name
        Name of the stage.
    """

    maker: ValidationMaker
    md: MDSet
    by_relaxation: bool = True
    section: str = "validate"
    name: str = "validation"

    @property
    def md_makers(self) -> list[MltpMdMaker | AimdSetMaker]:
        """What runs molecular dynamics of every ordering."""
        return self.maker.md_makers(self.md)

    def make(self, so_far: SoFar) -> Flow:
        """Flow of all runs, from the cells that the reference's runs are in."""
        relaxed = so_far.relaxations.get("aimd", {})
        orderings = {
            label: Against(
                ordering=relaxed[label].ordering if label in relaxed else ordering,
                md=self.md,
                runs=so_far.outputs["aimd"][label],
                relaxation=relaxed.get(label) if self.by_relaxation else None,
            )
            for label, ordering in so_far.orderings.items()
        }
        return self.maker.make(orderings, so_far.outputs.get("dataset"))
