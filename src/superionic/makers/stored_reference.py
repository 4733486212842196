"""Stored runs of a reference, whoever made them, as something that potentials can be judged by."""

from __future__ import annotations

from collections.abc import Sequence

from jobflow import JobStore
from pydantic import ValidationError
from pymatgen.core import Element, Species, Structure

from superionic.documents import (
    UNKNOWN,
    MDProtocol,
    MDRunDocument,
    MDSet,
    OrderingDocument,
    PotentialReference,
    Provenance,
    RelaxationDocument,
)
from superionic.errors import InputError, StoreError, first_error
from superionic.makers.validation import Against
from superionic.stores.runs import find_runs, iter_segments, load_summary
from superionic.trajectories.stitch import open_frames
from superionic.validation.scope import same_potential


def against_stored(
    jobs: JobStore, names: Sequence[str], length_ps: float | None = None, seeds: Sequence[int] = (1000,)
) -> dict[str, Against]:
    """What stored runs are to be judged by, by label of the ordering.

    Runs of the potentials start from the first frame that is stored of the reference's run at the lowest temperature,
    in its cell, and are as long as the longest of its runs. Relaxations are those of the same potential and ordering
    that the store holds.

    Parameters
    ----------
    jobs
        The JobStore, connected.
    names
        Ids, first letters of ids, studies or labels of runs.
    length_ps
        Another length.
    seeds
        Seeds of the runs of the potentials.

    Raises
    ------
    InputError
        If a name is unknown, a run has not ended, or runs of one label are not of one cell or one formula.
    """
    run_ids = dict.fromkeys(run_id for name in names for run_id in find_runs(jobs, name))
    runs = [_ended(jobs, run_id) for run_id in run_ids]
    labels = dict.fromkeys(run.identity.label for run in runs)
    return {
        label: _against(jobs, label, [run for run in runs if run.identity.label == label], length_ps, seeds)
        for label in labels
    }


def _ended(jobs: JobStore, run_id: str) -> MDRunDocument:
    run = load_summary(jobs, run_id)
    if run is None:
        raise InputError(f"run {run_id} has not ended yet: judge by it when it has")
    return run


def _at_pressure(run: MDRunDocument) -> bool:
    return run.protocol.ensemble == "npt"


def _against(
    jobs: JobStore, label: str, runs: Sequence[MDRunDocument], length_ps: float | None, seeds: Sequence[int]
) -> Against:
    at_volume = sorted(
        (run for run in runs if not _at_pressure(run)), key=lambda run: (run.protocol.temperature_K, run.run_id)
    )
    if not at_volume:
        raise InputError(f"{label}: all runs are at constant pressure: give runs at constant volume too")
    if len({run.identity.formula for run in runs}) > 1:
        raise InputError(f"{label}: runs are of {', '.join(sorted({run.identity.formula for run in runs}))}: give one")
    orderings = [_start(jobs, run) for run in at_volume]
    for run, ordering in zip(at_volume, orderings, strict=True):
        volumes = [start.structure.volume for start in (orderings[0], ordering)]
        if abs(volumes[1] / volumes[0] - 1) > _SAME_VOLUME:
            raise InputError(
                f"{label}: runs {at_volume[0].run_id} and {run.run_id} are in cells of {volumes[0]:.1f} and "
                f"{volumes[1]:.1f} Å^3: judge by runs in one cell"
            )
    ordering = orderings[0]
    relaxation = _relaxation(jobs, ordering, at_volume[0].identity.potential)
    md = _md(label, at_volume, length_ps, seeds)
    return Against(ordering, md, at_volume, [run for run in runs if _at_pressure(run)], relaxation)


_SAME_VOLUME = 1e-3


def _start(jobs: JobStore, run: MDRunDocument) -> OrderingDocument:
    """The first stored frame of a run as an ordering: what an MD job starts from."""
    segment = next(iter_segments(jobs, run.run_id), None)
    if segment is None:
        raise StoreError(f"run {run.run_id} has no stored segment")
    reader, identity = open_frames(segment), run.identity
    charges = dict(segment.host_crystal.oxidation_states) if segment.host_crystal is not None else {}
    charges |= identity.mobile_charges_e
    species = [Species(name, charges[name]) if name in charges else Element(name) for name in segment.species]
    labels = segment.site_labels or [UNKNOWN] * segment.n_atoms
    structure = Structure(
        reader.scalar("cell_A")[0],
        species,
        reader.positions_A(0, 1)[0],
        coords_are_cartesian=True,
        site_properties={"site_label": labels},
    )
    return OrderingDocument(
        label=identity.label,
        formula=identity.formula,
        structure=structure,
        host=identity.host,
        host_crystal=segment.host_crystal,
        ordering_class=identity.ordering_class,
        supercell=(1, 1, 1),  # not known of a frame; no job of a run reads it
        site_labels=labels,
        mobile_species=identity.mobile_species,
        other_mobile_species=list(identity.other_mobile_charges_e),
        tags=identity.tags,
        provenance=Provenance(versions={}, created_at=run.provenance.created_at),  # the same whenever it is asked
    )


def _md(label: str, runs: Sequence[MDRunDocument], length_ps: float | None, seeds: Sequence[int]) -> MDSet:
    """The temperatures of the runs with the shortest of their time steps, frames as far apart as theirs."""
    finest = min(runs, key=lambda run: run.protocol.time_step_fs).protocol
    try:
        return MDSet(
            temperatures_K=sorted({run.protocol.temperature_K for run in runs}),
            seeds=list(seeds),
            time_step_fs=finest.time_step_fs,
            stride=finest.stride,
            length_ps=length_ps or max(run.length_ps for run in runs),
            equilibration_ps=max(run.protocol.equilibration_ps for run in runs),
            ensemble="nvt",
            masses_u=finest.masses_u if isinstance(finest, MDProtocol) else {},
        )
    except ValidationError as error:
        raise InputError(f"{label}: such runs cannot be made with a potential: {first_error(error)}") from error


def _relaxation(jobs: JobStore, ordering: OrderingDocument, potential: PotentialReference) -> RelaxationDocument | None:
    """The last relaxation of the cell of an ordering with a potential; None if the store holds none."""
    found = jobs.docs_store.query(
        {"output.kind": "relaxation", "output.ordering.label": ordering.label}, properties=["output", "completed_at"]
    )
    for stored in sorted(found, key=lambda job: str(job.get("completed_at")), reverse=True):
        relaxation = RelaxationDocument.from_stored(stored["output"])
        made_with = relaxation.provenance.potential
        if (
            made_with is not None
            and same_potential(made_with, potential)
            and relaxation.ordering.formula == ordering.formula
            and len(relaxation.ordering.structure) == len(ordering.structure)
            and relaxation.volume_change != 0  # its cell was relaxed too
        ):
            return relaxation
    return None
