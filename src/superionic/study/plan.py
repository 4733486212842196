"""What a study comes to, worked out once: the host, every cell, every run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from jobflow import Flow
from pymatgen.core import Structure

from superionic.errors import InputError
from superionic.makers.aimd import AimdSetMaker
from superionic.makers.framework_ordering import FrameworkOrderingMaker
from superionic.makers.mltp_md import MltpMdMaker
from superionic.makers.ordering import OrderingMaker
from superionic.makers.study import EveryOrderingMaker, Stage, StudyMaker
from superionic.makers.validation_stage import ValidationStage
from superionic.structures.host import Host


@dataclass(frozen=True)
class PlannedCell:
    """One ordering of a study.

    Attributes
    ----------
    where
        What of the study file it comes from, for messages.
    maker
        Makes the ordering when the study runs.
    structure
        The same ions in the same cell; where a search will place the mobile ions, they sit at random.
    """

    where: str
    maker: OrderingMaker | FrameworkOrderingMaker
    structure: Structure


@dataclass(frozen=True)
class Plan:
    """A study worked out: nothing has run, and nothing is left to look up.

    Attributes
    ----------
    study
        Name of the study.
    host
        The host crystal.
    cells
        One an ordering.
    stages
        What is done with them, in the order in which it is done.
    """

    study: str
    host: Host
    cells: list[PlannedCell]
    stages: list[Stage]

    @property
    def md_makers(self) -> list[MltpMdMaker | AimdSetMaker]:
        """The stages that run molecular dynamics of every cell."""
        makers: list[MltpMdMaker | AimdSetMaker] = []
        for stage in self.stages:
            if isinstance(stage, EveryOrderingMaker):
                makers.append(stage.maker)
            elif isinstance(stage, ValidationStage):
                makers += stage.md_makers
        return makers

    @property
    def n_runs(self) -> int:
        """Number of MD runs."""
        return sum(len(self.cells) * len(maker.md.protocols()) for maker in self.md_makers)

    @property
    def n_segments(self) -> int:
        """Segments of all MD runs together, each a job of its own."""
        return sum(len(self.cells) * len(maker.md.protocols()) * maker.md.n_segments for maker in self.md_makers)

    @property
    def n_steps(self) -> int:
        """Steps of all MD runs together."""
        return sum(len(self.cells) * len(maker.md.protocols()) * maker.md.n_steps for maker in self.md_makers)

    def flow(self) -> Flow:
        """The whole study as a flow."""
        makers = [cell.maker for cell in self.cells]
        return StudyMaker(self.stages, makers, name=self.study).make(self.host)


@contextmanager
def within(where: str) -> Iterator[None]:
    """Say of an InputError what of the study file it comes from."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{where}: {error}") from error
