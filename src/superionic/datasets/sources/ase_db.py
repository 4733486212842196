"""ASE's database files (sqlite): rows of atoms with what a calculator said of them."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from superionic.datasets.candidates import Candidate
from superionic.datasets.frames import BareFrame, Floats
from superionic.datasets.origins import origin_of
from superionic.datasets.sources.base import Found
from superionic.documents.dataset import LabelReference
from superionic.errors import InputError
from superionic.trajectories.sources.base import full_stress

MAGIC = b"SQLite format 3\0"


def ase_db_candidates(path: Path, reference: LabelReference) -> Found:
    """Rows of an ASE database; of each, arrays of numbers and plain words only, so that nothing of it is run.

    ASE writes to a database that it opens: it is given a copy.

    Raises
    ------
    InputError
        If it is no such database.
    """
    from ase.db import connect

    with tempfile.TemporaryDirectory(prefix="superionic-db-") as folder:
        copy = Path(folder) / "rows.db"
        shutil.copyfile(path, copy)
        try:
            rows = list(connect(copy, type="db", use_lock_file=False).select(sort="id"))
            return Found([_candidate(row, index, len(rows), path, reference) for index, row in enumerate(rows)])
        except InputError:
            raise
        except Exception as error:  # ASE and sqlite raise whatever the bytes lead to
            raise InputError(f"{path} is not readable as an ASE database: {type(error).__name__}: {error}") from error


def _candidate(row: Any, index: int, n_rows: int, path: Path, reference: LabelReference) -> Candidate:
    where = f"{path}: row {row.id}"
    cell = np.array(row.cell, dtype=np.float64)
    if not np.all(row.pbc) or abs(np.linalg.det(cell)) < 1e-6:
        raise InputError(f"{where} has no cell that is periodic along three vectors")
    numbers = np.array(row.numbers, dtype=np.int64)
    said = {key: value for key, value in row.key_value_pairs.items() if isinstance(value, str | int | float)}
    frame = BareFrame(
        numbers,
        np.array(row.positions, dtype=np.float64),
        cell,
        origin_of(said, path.name, index, n_rows, numbers),
    )
    energy, stress = row.get("free_energy", row.get("energy")), row.get("stress")
    converged = row.key_value_pairs.get("converged", True)
    return Candidate(
        frame,
        reference,
        None if energy is None else float(energy),
        _array(row.get("forces")),
        None if stress is None else full_stress(stress, where),
        _array(row.get("magmoms")),
        None if converged else "unconverged: its row says converged = False",
    )


def _array(values: Any) -> Floats | None:
    return None if values is None else np.array(values, dtype=np.float64)
