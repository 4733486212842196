"""MD with a machine-learned potential: chains of segments, each a job that ends with the one after it.

A run is one job UUID. Its indices 1, 2, ... are its segments, each stored whole before the next one starts; its last
index is the small MDRunDocument, so that a reference to a run never downloads a trajectory.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING

import numpy as np
from jobflow import CURRENT_JOB, Flow, Job, Maker, Response, job
from pymatgen.core import Structure

from superionic.documents import (
    LENGTH_REACHED,
    AnalysisSettings,
    ChgnetSettings,
    MDProtocol,
    MDRunDocument,
    MDSet,
    MDState,
    OrderingDocument,
    PotentialReference,
    PotentialSettings,
    Provenance,
    RunIdentity,
    SourceReference,
    TrajectorySegment,
)
from superionic.makers.monitor import RunMonitor
from superionic.makers.relax import RelaxMaker
from superionic.trajectories.codec import FrameReader

if TYPE_CHECKING:
    from superionic.dynamics.builtin.engine import PackedSegment

ENGINE = "chgnet"


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
        jobs = []
        if self.relax_maker is not None:
            relax = self.relax_maker.make(ordering)
            jobs.append(relax)
            ordering = relax.output.ordering
        runs = [self._run(ordering, protocol) for protocol in self.md.protocols()]
        return Flow([*jobs, *runs], output=[run.output for run in runs], name=self.name)

    def _run(self, ordering: OrderingDocument, protocol: MDProtocol) -> Job:
        first = run_md_segment(ordering, protocol, self.potential, self.study, self.walltime_s, analysis=self.analysis)
        first.name = _name(protocol, f"segment 1 of {protocol.n_segments}")
        return first


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
    """
    from superionic.dynamics.builtin.engine import run_chgnet_segment

    title = f"{ordering.label} {protocol.temperature_K:g} K seed {protocol.seed}"
    run = run_chgnet_segment(ordering.structure, protocol, potential, state, title, Path.cwd(), walltime_s)
    analysis = analysis or AnalysisSettings()
    stored = _stored_segment(run, ordering, protocol, study, analysis, segment)
    monitor = (monitor or RunMonitor()).extended(FrameReader(run.packed))
    stop_reason = run.result.stop_reason or _verdict(monitor, ordering, protocol, run.result.state)
    if stop_reason is None and run.result.state.step < protocol.n_steps:
        following = run_md_segment(
            ordering, protocol, potential, study, walltime_s, run.result.state, segment + 1, monitor, analysis=analysis
        )
        following.name = _name(protocol, f"segment {segment + 2} of {protocol.n_segments}")
    else:
        n_stored = segment + (stored is not None)
        last_step = stored.last_step if stored else run.first_step
        identity = run_identity(ordering, run.potential, study)
        following = finish_run(identity, protocol, last_step, n_stored, stop_reason, analysis=analysis)
        following.name = _name(protocol, "summary")
    return Response(output=stored, replace=following)


def _verdict(monitor: RunMonitor, ordering: OrderingDocument, protocol: MDProtocol, state: MDState) -> str | None:
    species = [site.specie.symbol for site in ordering.structure]
    return monitor.stop_reason(protocol, np.array(state.cell_A), species, ordering.mobile_species)


def _stored_segment(
    run: PackedSegment,
    ordering: OrderingDocument,
    protocol: MDProtocol,
    study: str | None,
    analysis: AnalysisSettings,
    segment: int,
) -> TrajectorySegment | None:
    frames = run.result.frames
    if not frames:  # exploded before the first frame of this segment: nothing to store
        return None
    n_atoms = len(ordering.structure)
    return TrajectorySegment(
        run_id=CURRENT_JOB.job.uuid,
        segment=segment,
        n_segments=protocol.n_segments,
        first_step=run.first_step,
        last_step=frames[-1].step,
        n_frames=len(frames),
        n_atoms=n_atoms,
        species=[site.specie.symbol for site in ordering.structure],
        site_labels=ordering.site_labels,
        host_crystal=ordering.host_crystal if segment == 0 else None,
        identity=run_identity(ordering, run.potential, study),
        protocol=protocol,
        analysis=analysis,
        mean_temperature_K=fmean(frame.temperature_K for frame in frames),
        mean_potential_energy_eV_per_atom=fmean(frame.potential_energy_eV for frame in frames) / n_atoms,
        conserved_drift_meV_per_atom_per_ps=run.result.drift_meV_per_ps(protocol) / n_atoms,
        ns_per_day=run.ns_per_day,
        end_state=run.result.state,
        sha256=hashlib.sha256(run.packed).hexdigest(),
        n_bytes=len(run.packed),
        payload=base64.b64encode(run.packed).decode(),
        provenance=Provenance(potential=run.potential, seed=protocol.seed),
    )


@job(output_schema=MDRunDocument)
def finish_run(
    identity: RunIdentity,
    protocol: MDProtocol,
    last_step: int,
    n_segments: int,
    stop_reason: str | None,
    analysis: AnalysisSettings,
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
    """
    run_id = CURRENT_JOB.job.uuid
    return MDRunDocument(
        run_id=run_id,
        identity=identity,
        protocol=protocol,
        analysis=analysis,
        n_segments=n_segments,
        n_steps=last_step,
        length_ps=last_step * protocol.time_step_fs * 1e-3,
        stop_reason=stop_reason or LENGTH_REACHED,
        provenance=Provenance(
            sources=[SourceReference(uuid=run_id, index=index + 1) for index in range(n_segments)],
            potential=identity.potential,
            seed=protocol.seed,
        ),
    )


def _name(protocol: MDProtocol, part: str) -> str:
    return f"mltp-md {protocol.temperature_K:g} K seed {protocol.seed} {part}"


def run_identity(ordering: OrderingDocument, potential: PotentialReference, study: str | None) -> RunIdentity:
    """What a run of `ordering` with `potential` is a run of."""
    return RunIdentity(
        label=ordering.label,
        formula=ordering.formula,
        host=ordering.host,
        ordering_class=ordering.ordering_class,
        mobile_species=ordering.mobile_species,
        mobile_charge_e=_charge(ordering.structure, ordering.mobile_species),
        engine=ENGINE,
        potential=potential,
        study=study,
        tags=ordering.tags,
    )


def _charge(structure: Structure, element: str) -> float:
    return float(next(site.specie.oxi_state for site in structure if site.specie.symbol == element))
