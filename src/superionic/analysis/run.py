"""From a trajectory to its document."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from superionic.analysis.document import run_document
from superionic.analysis.measurement import measure
from superionic.analysis.quality import judge
from superionic.analysis.spectral.diffusion import HOP_LENGTH_A
from superionic.documents import DiffusivityDocument, Provenance, VerdictThresholds
from superionic.errors import InputError
from superionic.structures.host import Host
from superionic.trajectories.trajectory import Trajectory


def diffusivity(
    trajectory: Trajectory,
    host: Host | None = None,
    *,
    provenance: Provenance | None = None,
    hop_length_A: float = HOP_LENGTH_A,
    radii_A: dict[str, float] | None = None,
    directions: Sequence[tuple[int, int, int]] = (),
    thresholds: VerdictThresholds | None = None,
    memory_GB: float | None = None,
) -> DiffusivityDocument:
    """Analyse one run.

    Parameters
    ----------
    trajectory
        The run, stored or from plain arrays.
    host
        Crystal with named sites; None leaves out what needs them.
    provenance
        Sources and software; by default the sources that the trajectory names.
    hop_length_A
        Typical length of a hop in Å: sets the effective number of hops, and the upper limit on D if none is seen.
    radii_A
        Radius of each site label in Å; by default twice its vibration amplitude, cut so that no two sites overlap.
    directions
        Crystal directions [u v w] of the run's cell along which to give D, besides a, b and c.
    thresholds
        What is asked of the run before its numbers are called sufficient; the defaults if not given.
    memory_GB
        What the positions of the mobile ions and work on them may take, in GB of 10^9 bytes; those of a run that needs
        more go to a temporary file (in TMPDIR) and are read from it a group of ions at a time, with the same results.
        A quarter of the free memory by default.

    Raises
    ------
    InputError
        If the run cannot be analysed at all (too few frames, wrapped or missing positions), or an option makes no
        sense.
    StoreError
        If a stored chunk of the run fails its checksum.
    """
    for direction in directions:
        if not any(direction):
            raise InputError(f"directions holds {direction}: give crystal directions [u v w] that are not zero")
    if not (np.isfinite(hop_length_A) and hop_length_A > 0):
        raise InputError(f"hop_length_A = {hop_length_A} is not positive: give the length of a hop in Å")
    measured = measure(trajectory, host, hop_length_A=hop_length_A, radii_A=radii_A, memory_GB=memory_GB)
    return run_document(measured, judge(measured, thresholds or VerdictThresholds()), directions, provenance)
