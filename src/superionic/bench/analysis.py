"""`superionic bench analysis`: speed and memory of the analysis, as ratios against GEMDAT and numpy.

Every piece of work has a process of its own, so that none leaves memory to the next, and is timed by the CPU seconds of
that process, so that ratios are fair on a busy machine.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from superionic.analysis import diffusivity
from superionic.analysis.distributions.density import density_of
from superionic.analysis.distributions.displacement import mean_squared_displacement
from superionic.analysis.frames import thinned
from superionic.analysis.sites.assignment import assign, distance_statistics, voxel_index
from superionic.bench.analysis_peers import (
    LAG,
    RADIUS_A,
    RESOLUTION_A,
    gemdat_density,
    gemdat_jumps,
    gemdat_msd,
    kd_tree,
    plain_msd,
)
from superionic.bench.in_child import Measured, measured
from superionic.bench.rows import row
from superionic.bench.walk import TEMPERATURE_K, Walk, host

Work = Callable[..., Iterator[float]]

CASES = {"small": (24, 100_000, (2, 1, 2)), "large": (48, 500_000, (2, 2, 2))}
"""Mobile ions, frames and supercell: 80 atoms x 100,000 and 160 x 500,000."""
_AMPLE_GB = 100.0
_REPEATS = {"small": 3, "large": 1}


def run(large: bool = False) -> Iterator[dict[str, Any]]:
    """Measure each step of the analysis of a synthetic run, and the whole document of it.

    Parameters
    ----------
    large
        The large case too; GEMDAT takes minutes and 13 GB for it.

    Yields
    ------
    Rows with ``name``, ``value``, ``unit``, ``target`` and ``met``; kernels are compiled before the clock starts.
    """
    for case in ("small", "large") if large else ("small",):
        with tempfile.TemporaryDirectory(prefix="superionic-bench-") as folder:
            walk = Walk(*CASES[case], Path(folder))
            stored_bytes = measured(walk.write).value
            yield from _whole_document(case, walk, stored_bytes)
            yield from _steps(case, walk)


def _steps(case: str, walk: Walk) -> Iterator[dict[str, Any]]:
    steps: list[tuple[str, Work, float, Work, str, Work | None]] = [
        ("MSD", msd, 7.0, gemdat_msd, "plain numpy FFT", plain_msd),
        ("sites and jumps", jumps, 30.0, gemdat_jumps, "KD-tree", kd_tree),
        ("density", density, 50.0, gemdat_density, "", None),
    ]
    for name, work, factor, peer, plain_name, plain in steps:
        ours, theirs = _fastest(case, work, walk), measured(peer, walk)
        ratio = theirs.cpu_seconds / ours.cpu_seconds
        yield row(f"{case}: {name}", ours.cpu_seconds, "CPU s")
        yield row(f"{case}: {name}, memory", ours.memory_MB, "MB")
        yield row(f"{case}: {name}, GEMDAT", theirs.cpu_seconds, "CPU s")
        yield row(f"{case}: {name}, GEMDAT's memory", theirs.memory_MB, "MB")
        yield row(f"{case}: {name}, GEMDAT / ours", ratio, "x", at_least=factor)
        if plain is not None:
            reference = measured(plain, walk)
            ratio = ours.cpu_seconds / reference.cpu_seconds
            yield row(f"{case}: {name}, ours / {plain_name}", ratio, "x", at_most=2.0)


def _whole_document(case: str, walk: Walk, stored_bytes: int) -> list[dict[str, Any]]:
    """Time of one document from a stored run with its host, and its memory: all of the process's, libraries apart."""
    ample = _fastest(case, document, walk, _AMPLE_GB)
    in_parts = _fastest(case, document, walk, 0.5 * walk.mobile_bytes / 1e9)
    mobile_MB, stored_MB = walk.mobile_bytes / 2**20, stored_bytes / 2**20
    name = f"{case}: whole document"
    return [
        row(name, ample.seconds, "s", at_most=3.0 if case == "small" else None),
        row(name, ample.cpu_seconds, "CPU s"),
        row(f"{name}, memory / mobile ions", ample.memory_MB / mobile_MB, "x", at_most=1.5 + stored_MB / mobile_MB),
        row(f"{name} in half of their memory", in_parts.cpu_seconds, "CPU s"),
        row(f"{name} in half of their memory, memory / mobile ions", in_parts.memory_MB / mobile_MB, "x", at_most=1.0),
    ]


def _fastest(case: str, work: Work, *arguments: Any) -> Measured:
    return min((measured(work, *arguments) for _ in range(_REPEATS[case])), key=lambda found: found.cpu_seconds)


def msd(walk: Walk) -> Iterator[float]:
    """The mean squared displacement in Å^2 at a lag."""
    positions = walk.mobile_A()
    mean_squared_displacement(positions[:100])
    yield 0.0
    yield float(np.trace(mean_squared_displacement(positions)[LAG]))


def jumps(walk: Walk) -> Iterator[float]:
    """The number of jumps."""
    positions, sites = walk.mobile_A(), walk.sites()
    for frames in (slice(100), slice(None)):
        index = voxel_index(sites)
        distance_statistics(positions[frames], sites, index)
        found = assign(positions[frames], sites, np.full(len(sites.names), RADIUS_A), index)
        yield float(len(found.ion))


def density(walk: Walk) -> Iterator[float]:
    """The number of ions counted."""
    positions, voxel = walk.mobile_A(), abs(np.linalg.det(walk.cell_A))
    for part in (positions[:100], positions):
        found = density_of(part, walk.cell_A, TEMPERATURE_K, RESOLUTION_A)
        yield float(found.ions_per_A3.mean() * voxel * len(part))


def document(walk: Walk, memory_GB: float) -> Iterator[float]:
    """The diffusivity in cm^2/s."""
    crystal, stored = host(), walk.stored()
    diffusivity(thinned(stored, 500), crystal)
    yield 0.0
    yield diffusivity(stored, crystal, memory_GB=memory_GB).diffusivity_cm2_per_s.value
