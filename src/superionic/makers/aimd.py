"""Molecular dynamics with the reference of a study: what a potential is learned from and judged by.

The chain of segments, its jobs' outputs and its end are those of superionic.makers.mltp_md; only who is asked for the
forces differs. The jobs are functions of their own so that a cluster can run them where the reference runs.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from jobflow import Flow, Job, Maker, Response, job

from superionic.documents import (
    AimdSet,
    AnalysisSettings,
    Cost,
    MDProtocol,
    MDState,
    OrderingDocument,
    PotentialSettings,
    RelaxationDocument,
)
from superionic.makers.mltp_md import job_name, relax_then_run, store_and_go_on
from superionic.makers.monitor import RunMonitor
from superionic.makers.relax import RelaxMaker, relaxed


@dataclass
class ReferenceRelaxMaker(RelaxMaker):
    """Relax an ordering with the reference; labels and oxidation states are carried over."""

    name: str = "aimd relax"

    @job(output_schema=RelaxationDocument)
    def make(self, ordering: OrderingDocument) -> Job:
        """Job that relaxes the ordering and stores a RelaxationDocument."""
        return relaxed(ordering, self.potential, self.max_force_eV_per_A, self.relax_cell, self.max_steps)


@dataclass
class AimdSetMaker(Maker):
    """Relax an ordering with the reference, then run MD with it at a set of temperatures and seeds.

    Attributes
    ----------
    md
        Temperatures, seeds and everything else that defines the runs.
    potential
        The reference: who gives the forces.
    name
        Name of the flow.
    relax_maker
        Relaxes the ordering first; None starts from it as it is.
    study
        Name of the study, stored with every run.
    analysis
        How its runs are to be analysed, stored with every run; no part of what makes a run a new one.
    walltime_s
        Time that each job has in s; its segment ends in time for it and the next job goes on.
    """

    md: AimdSet
    potential: PotentialSettings
    name: str = "AIMD"
    relax_maker: ReferenceRelaxMaker | None = None
    study: str | None = None
    analysis: AnalysisSettings = field(default_factory=AnalysisSettings)
    walltime_s: float | None = None

    def make(self, ordering: OrderingDocument) -> Flow:
        """Flow of one relaxation and one chain of segments a temperature and seed.

        Parameters
        ----------
        ordering
            The ordering, or a reference to one.
        """
        return relax_then_run(self.name, self.relax_maker, ordering, self.md.protocols(), self._run)

    def _run(self, ordering: OrderingDocument, protocol: MDProtocol) -> Job:
        first = run_aimd_segment(
            ordering, protocol, self.potential, self.study, self.walltime_s, analysis=self.analysis
        )
        first.name = job_name("aimd", protocol, f"segment 1 of {protocol.n_segments}")
        return first


@job(data=["payload"])
def run_aimd_segment(
    ordering: OrderingDocument,
    protocol: MDProtocol,
    reference: PotentialSettings,
    study: str | None = None,
    walltime_s: float | None = None,
    state: MDState | None = None,
    segment: int = 0,
    monitor: RunMonitor | None = None,
    analysis: AnalysisSettings | None = None,
    spent: Cost | None = None,
) -> Response:
    """Run one segment with the reference, store it, and go on with the next one or with the summary of the run.

    Parameters
    ----------
    ordering, protocol, study, walltime_s, state, segment, monitor, analysis, spent
        As for `superionic.makers.mltp_md.run_md_segment`.
    reference
        Who gives the forces.
    """
    return store_and_go_on(
        run_aimd_segment, "aimd", ordering, protocol, reference, study, walltime_s, state, segment, monitor,
        analysis, spent,
    )  # fmt: skip
