"""How cores are shared among processes; imports nothing heavy, since it must run before numpy is loaded."""

from __future__ import annotations

import os


def share_cores(workers: int) -> None:
    """Give each of `workers` processes its share of the cores, where the user has not said otherwise."""
    share = str(max(1, len(os.sched_getaffinity(0)) // workers))
    for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
        os.environ.setdefault(variable, share)
