"""What a study comes to, worked out once: the host, every cell, every run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from jobflow import Flow
from pymatgen.core import Structure

from superionic.errors import InputError
from superionic.makers.framework_ordering import FrameworkOrderingMaker
from superionic.makers.mltp_md import MltpMdMaker
from superionic.makers.ordering import OrderingMaker
from superionic.makers.study import DiffusionStudyMaker
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
    md_maker
        Relaxation and MD of one ordering.
    """

    study: str
    host: Host
    cells: list[PlannedCell]
    md_maker: MltpMdMaker

    @property
    def n_runs(self) -> int:
        """Number of MD runs."""
        return len(self.cells) * len(self.md_maker.md.protocols())

    @property
    def n_segments(self) -> int:
        """Segments of all MD runs together, each a job of its own."""
        return self.n_runs * self.md_maker.md.n_segments

    @property
    def n_steps(self) -> int:
        """Steps of all MD runs together."""
        return self.n_runs * self.md_maker.md.n_steps

    def flow(self) -> Flow:
        """The whole study as a flow."""
        makers = [cell.maker for cell in self.cells]
        return DiffusionStudyMaker(name=self.study, md_maker=self.md_maker, ordering_makers=makers).make(self.host)


@contextmanager
def within(where: str) -> Iterator[None]:
    """Say of an InputError what of the study file it comes from."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{where}: {error}") from error
