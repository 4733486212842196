"""A whole study as one flow: orderings, then MD of each."""

from __future__ import annotations

from dataclasses import dataclass, field

from jobflow import Flow, Maker

from superionic.makers.framework_ordering import FrameworkOrderingMaker
from superionic.makers.mltp_md import MltpMdMaker
from superionic.makers.ordering import OrderingMaker
from superionic.structures.host import Host


@dataclass
class DiffusionStudyMaker(Maker):
    """Order a host in one or several ways and run MD of every ordering.

    Attributes
    ----------
    md_maker
        Relaxation and MD of one ordering.
    ordering_makers
        One a wanted ordering.
    name
        Name of the study's flow.
    """

    md_maker: MltpMdMaker
    ordering_makers: list[OrderingMaker | FrameworkOrderingMaker] = field(default_factory=lambda: [OrderingMaker()])
    name: str = "diffusion study"

    def make(self, host: Host) -> Flow:
        """Flow of the study of one host crystal."""
        flows = []
        for maker in self.ordering_makers:
            ordering = maker.make(host)
            ordering.name = f"{maker.name} {maker.label}"
            md = self.md_maker.make(ordering.output)
            md.append_name(f" {maker.label}")
            flows.append(Flow([ordering, md], output=md.output, name=f"{self.name} {maker.label}"))
        return Flow(flows, output=[flow.output for flow in flows], name=self.name)
