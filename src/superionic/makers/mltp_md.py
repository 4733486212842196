"""MD with a machine-learned potential: chains of segments, each a job that ends with the one after it.

A run is one job UUID. Its indices 1, 2, ... are its segments, each stored whole before the next one starts; its last
index is the small MDRunDocument, so that a reference to a run never downloads a trajectory.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from jobflow import CURRENT_JOB, Flow, Job, Maker, Response, job
from pymatgen.core import Structure

from superionic.documents import (
    LENGTH_REACHED,
    AnalysisSettings,
    ChgnetSettings,
    Cost,
    MDProtocol,
    MDRunDocument,
    MDSet,
    MDState,
    OrderingDocument,
    PotentialReference,
    PotentialSettings,
    RunIdentity,
)
from superionic.makers.monitor import RunMonitor
from superionic.makers.relax import RelaxMaker
from superionic.trajectories.codec import FrameReader
from superionic.trajectories.segments import RunRecord, write_segment, write_summary

RunKind = Literal["mltp-md", "aimd"]


@dataclass
class MltpMdMaker(Maker):
    """Relax an ordering, then run MD at a set of temperatures and seeds.

    Attributes
    ----------
    name
        Name of the flow.
    md
        Temperatures, seeds and everything else that defines the runs.
    potential
        The potential to run with.
    relax_maker
        Relaxes the ordering first; None starts from it as it is.
    study
        Name of the study, stored with every run.
    analysis
        How its runs are to be analysed, stored with every run; no part of what makes a run a new one.
    walltime_s
        Time that each job has in s; its segment ends in time for it and the next job goes on.
    """

    md: MDSet
    name: str = "MLTP-MD"
    potential: PotentialSettings = field(default_factory=ChgnetSettings)
    relax_maker: RelaxMaker | None = field(default_factory=RelaxMaker)
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
        first = run_md_segment(ordering, protocol, self.potential, self.study, self.walltime_s, analysis=self.analysis)
        first.name = job_name("mltp-md", protocol, f"segment 1 of {protocol.n_segments}")
        return first


def relax_then_run(
    name: str,
    relax_maker: RelaxMaker | None,
    ordering: OrderingDocument,
    protocols: Sequence[MDProtocol],
    run: Callable[[OrderingDocument, MDProtocol], Job],
) -> Flow:
    """Flow of one relaxation, and a chain of segments for each protocol that starts from what it gave.

    Parameters
    ----------
    name
        Name of the flow.
    relax_maker
        Relaxes the ordering first; None starts from it as it is.
    ordering
        The ordering, or a reference to one.
    protocols
        One a run.
    run
        Makes the first job of a run.
    """
    jobs = []
    if relax_maker is not None:
        relax = relax_maker.make(ordering)
        jobs.append(relax)
        ordering = relax.output.ordering
    runs = [run(ordering, protocol) for protocol in protocols]
    return Flow([*jobs, *runs], output=[first.output for first in runs], name=name)


@job(data=["payload"])
def run_md_segment(
    ordering: OrderingDocument,
    protocol: MDProtocol,
    potential: PotentialSettings,
    study: str | None = None,
    walltime_s: float | None = None,
    state: MDState | None = None,
    segment: int = 0,
    monitor: RunMonitor | None = None,
    analysis: AnalysisSettings | None = None,
    spent: Cost | None = None,
) -> Response:
    """Run one segment, store it, and go on with the next one or with the summary of the run.

    Parameters
    ----------
    ordering
        The ordering; the first segment starts from its structure.
    protocol
        The protocol of the run.
    potential
        The potential to run with.
    study
        Name of the study, stored with the run.
    walltime_s
        Time that the job has in s, None for as long as it takes.
    state
        End state of the segment before; None for the first.
    segment
        Number of this segment, from 0.
    monitor
        Coarse frames of the segments before; None for the first.
    analysis
        How the run is to be analysed, stored with it.
    spent
        What the segments before cost; None for the first, and if unknown.
    """
    return store_and_go_on(
        run_md_segment, "mltp-md", ordering, protocol, potential, study, walltime_s, state, segment, monitor,
        analysis, spent,
    )  # fmt: skip


def store_and_go_on(
    job_of_segment: Callable[..., Job],
    kind: RunKind,
    ordering: OrderingDocument,
    protocol: MDProtocol,
    potential: PotentialSettings,
    study: str | None,
    walltime_s: float | None,
    state: MDState | None,
    segment: int,
    monitor: RunMonitor | None,
    analysis: AnalysisSettings | None,
    spent: Cost | None,
) -> Response:
    """What the job of a segment does: run it, give it to be stored, and say which job follows.

    Parameters
    ----------
    job_of_segment
        Makes the job of the next segment.
    kind
        First word of the names of the run's jobs: molecular dynamics with the potential, or with the reference.
    ordering, protocol, potential, study, walltime_s, state, segment, monitor, analysis, spent
        As for `run_md_segment`.
    """
    from superionic.dynamics.segment import run_segment as run_with_engine

    title = f"{ordering.label} {protocol.temperature_K:g} K seed {protocol.seed}"
    run = run_with_engine(ordering.structure, protocol, potential, state, title, Path.cwd(), walltime_s)
    species = [site.specie.symbol for site in ordering.structure]
    identity = run_identity(ordering, protocol, run.potential, study, is_reference=kind == "aimd")
    analysis = analysis or AnalysisSettings()
    record = RunRecord(
        CURRENT_JOB.job.uuid, identity, protocol, analysis, species, ordering.site_labels, ordering.host_crystal
    )
    monitor, stored, stop_reason = monitor or RunMonitor(), None, run.stop_reason
    known = segment == 0 or spent is not None  # not so in a chain begun by a version that recorded none
    spent = Cost.total([run.cost] if spent is None else [spent, run.cost]) if known else None
    if run.frames:  # none if it exploded, or was told to end, before the first frame of this segment
        stored = write_segment(
            record, segment, protocol.n_segments, run.packed, run.ns_per_day, run.state, run.cost, run.corrections
        )
        frames = FrameReader(run.packed)
        monitor = monitor.extended(frames)
        stop_reason = stop_reason or monitor.stop_reason(
            protocol, frames.scalar("cell_A")[-1], species, identity.mobile_charges_e, analysis.framework
        )
    n_stored = segment + (stored is not None)
    if stop_reason is None and (stored.last_step if stored else run.state.step) < protocol.n_steps:
        following = job_of_segment(
            ordering, protocol, potential, study, walltime_s, run.state, n_stored, monitor,
            analysis=analysis, spent=spent,
        )  # fmt: skip
        following.name = job_name(kind, protocol, f"segment {n_stored + 1} of {protocol.n_segments}")
    else:
        last_step = stored.last_step if stored else run.first_step
        following = finish_run(identity, protocol, last_step, n_stored, stop_reason, analysis=analysis, spent=spent)
        following.name = job_name(kind, protocol, "summary")
    return Response(output=stored, replace=following)


@job(output_schema=MDRunDocument)
def finish_run(
    identity: RunIdentity,
    protocol: MDProtocol,
    last_step: int,
    n_segments: int,
    stop_reason: str | None,
    analysis: AnalysisSettings,
    spent: Cost | None = None,
) -> MDRunDocument:
    """Store the summary of a run whose segments are stored.

    Parameters
    ----------
    identity, protocol
        Of the run.
    last_step
        Step of the last stored frame.
    n_segments
        Segments stored.
    stop_reason
        Why the run ended early; None if it reached its length.
    analysis
        How the run is to be analysed.
    spent
        What its segments cost; None if unknown.
    """
    run = RunRecord(CURRENT_JOB.job.uuid, identity, protocol, analysis, species=[])
    return write_summary(run, n_segments, last_step, stop_reason or LENGTH_REACHED, cost=spent)


def job_name(kind: RunKind, protocol: MDProtocol, part: str) -> str:
    """Name of a job of a run."""
    return f"{kind} {protocol.temperature_K:g} K seed {protocol.seed} {part}"


def run_identity(
    ordering: OrderingDocument,
    protocol: MDProtocol,
    potential: PotentialReference,
    study: str | None,
    *,
    is_reference: bool = False,
) -> RunIdentity:
    """What a run of `ordering` with `potential` is a run of."""
    return RunIdentity(
        label=ordering.label,
        formula=ordering.formula,
        host=ordering.host,
        ordering_class=ordering.ordering_class,
        mobile_species=ordering.mobile_species,
        mobile_charge_e=_charge(ordering.structure, ordering.mobile_species),
        other_mobile_charges_e={ion: _charge(ordering.structure, ion) for ion in ordering.other_mobile_species},
        engine=protocol.engine,
        potential=potential,
        is_reference=is_reference,
        study=study,
        tags=ordering.tags,
    )


def _charge(structure: Structure, element: str) -> float:
    states = (site.specie.oxi_state for site in structure if site.specie.symbol == element)
    return float(next(states))  # type: ignore[arg-type]  # an ordering's ions have charges
