"""How kernels are compiled, and where the result is kept.

numba compiles a kernel when it is first called (10 s for all of MD, a minute for training) and keeps the machine code
in a folder named after the content of every source file with kernels, here and in `dual`, in SUPERIONIC_CACHE or
~/.cache/superionic, else in the temporary directory.
numba's own check sees only the file that a kernel stands in, not the files it calls into.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba

from superionic.settings import cache_folder

__all__ = ["CACHE", "kernel"]


def _cache() -> Path:
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parents[1].glob("*/*.py")):
        source = path.read_bytes()
        if b"@kernel" in source or path == Path(__file__):
            digest.update(source)
    return cache_folder(f"kernels-{digest.hexdigest()[:16]}")


CACHE = _cache()
"""Where compiled kernels are kept."""


def kernel(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile for this processor on the first call: strict float32, division by zero is infinite."""
    before = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = str(CACHE)
    try:
        compiled: Callable[..., Any] = numba.njit(function, cache=True, error_model="numpy", nogil=True)
    finally:
        numba.config.CACHE_DIR = before
    return compiled
