"""A whole study as one flow: orderings, then its stages one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from jobflow import Flow, Job, Maker

from superionic.documents import OrderingDocument, RelaxationDocument
from superionic.makers.aimd import AimdSetMaker
from superionic.makers.framework_ordering import FrameworkOrderingMaker
from superionic.makers.mltp_md import MltpMdMaker
from superionic.makers.ordering import OrderingMaker
from superionic.structures.host import Host


@dataclass
class SoFar:
    """What the stages before give to the next one: references to outputs of their jobs.

    Attributes
    ----------
    host
        The host crystal.
    orderings
        The OrderingDocument of each ordering, by its label.
    outputs
        What each stage gave, by its section of the study file: of `aimd` and `md`, by label, the MDRunDocuments of the
        runs of that ordering.
    relaxations
        The RelaxationDocument of each ordering that a stage of molecular dynamics started from, by section and label;
        none where it started from the ordering as it is.
    """

    host: Host
    orderings: dict[str, OrderingDocument] = field(default_factory=dict)
    outputs: dict[str, Any] = field(default_factory=dict)
    relaxations: dict[str, dict[str, RelaxationDocument]] = field(default_factory=dict)


class Stage(Protocol):
    """One section of a study file, worked out: a Maker of a part of the study's flow."""

    section: str
    """Its section of the study file; where its output is found in `SoFar.outputs`."""

    def make(self, so_far: SoFar) -> Flow | Job:
        """The stage's part of the flow; its output is a reference, or references in lists and dicts."""


@dataclass
class EveryOrderingMaker(Maker):
    """The stage that runs molecular dynamics of every ordering.

    Attributes
    ----------
    maker
        Relaxation and MD of one ordering.
    section
        `md` or `aimd`.
    name
        Name of its flow.
    """

    maker: MltpMdMaker | AimdSetMaker
    section: str = "md"
    name: str = "MD of every ordering"

    def make(self, so_far: SoFar) -> Flow:
        """Flow of the runs of all orderings."""
        flows = {}
        for label, ordering in so_far.orderings.items():
            flows[label] = self._of_one(label, ordering, so_far)
            flows[label].append_name(f" {label}")
        return Flow(list(flows.values()), output={label: flow.output for label, flow in flows.items()}, name=self.name)

    def _of_one(self, label: str, ordering: OrderingDocument, so_far: SoFar) -> Flow:
        """Relaxation and MD of one ordering, the relaxation where later stages find it."""
        if self.maker.relax_maker is None:
            return self.maker.make(ordering)
        relax = self.maker.relax_maker.make(ordering)
        so_far.relaxations.setdefault(self.section, {})[label] = relax.output
        runs = replace(self.maker, relax_maker=None).make(relax.output.ordering)
        return Flow([relax, runs], output=runs.output, name=runs.name)


@dataclass
class StudyMaker(Maker):
    """Order a host in one or several ways, then make one stage after the other.

    Attributes
    ----------
    stages
        In the order in which they need each other.
    ordering_makers
        One a wanted ordering.
    name
        Name of the study's flow.
    """

    stages: Sequence[Stage]
    ordering_makers: list[OrderingMaker | FrameworkOrderingMaker] = field(default_factory=lambda: [OrderingMaker()])
    name: str = "study"

    def make(self, host: Host) -> Flow:
        """Flow of the study of one host crystal; its output is what each stage gave, by section."""
        so_far = SoFar(host)
        parts: list[Flow | Job] = []
        for maker in self.ordering_makers:
            ordering = maker.make(host)
            ordering.name = f"{maker.name} {maker.label}"
            so_far.orderings[maker.label] = ordering.output
            parts.append(ordering)
        for stage in self.stages:
            part = stage.make(so_far)
            so_far.outputs[stage.section] = part.output
            parts.append(part)
        return Flow(parts, output=so_far.outputs, name=self.name)
