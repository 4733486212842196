"""From a trajectory to its document."""

from __future__ import annotations

from dataclasses import replace

from superionic.analysis.document import run_document
from superionic.analysis.measurement import measure
from superionic.analysis.quality import judge
from superionic.documents import AnalysisSettings, DiffusivityDocument, Provenance
from superionic.structures.host import Host
from superionic.trajectories.trajectory import Trajectory


def diffusivity(
    trajectory: Trajectory,
    host: Host | None = None,
    settings: AnalysisSettings | None = None,
    *,
    provenance: Provenance | None = None,
    memory_GB: float | None = None,
) -> DiffusivityDocument:
    """Analyse one run.

    Parameters
    ----------
    trajectory
        The run, stored or from plain arrays.
    host
        Crystal with named sites; None leaves out what needs them.
    settings
        What is asked of the analysis; the defaults if None.
    provenance
        Sources and software; by default the sources that the trajectory names.
    memory_GB
        What the positions of the mobile ions and work on them may take, in GB of 10^9 bytes; those of a run that needs
        more go to a temporary file (in TMPDIR) and are read from it a group of ions at a time, with the same results.
        A quarter of the free memory by default.

    Raises
    ------
    InputError
        If the run cannot be analysed at all (too few frames, wrapped or missing positions), or what the settings say
        of it makes no sense.
    StoreError
        If a stored chunk of the run fails its checksum.
    """
    settings = settings or AnalysisSettings()
    measured = measure(
        as_asked(trajectory, settings),
        host,
        hop_length_A=settings.hop_length_A,
        radii_A=settings.radii_A,
        memory_GB=memory_GB,
    )
    return run_document(measured, judge(measured, settings.thresholds), settings, provenance)


def as_asked(trajectory: Trajectory, settings: AnalysisSettings) -> Trajectory:
    """The run with the equilibration and the framework that settings of its analysis ask for.

    Raises
    ------
    InputError
        If the run holds none of a species of the framework, or it is mobile.
    """
    if settings.equilibration_ps is not None:
        trajectory = replace(trajectory, equilibration_ps=settings.equilibration_ps)
    return trajectory.with_framework(settings.framework)
