"""ASE's binary trajectories (.traj)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from superionic.errors import InputError
from superionic.trajectories.sources.base import NAN, Frame, Source, TruncatedFrameError, full_stress, temperature_K


def traj_source(path: Path) -> Source:
    """The frames of a .traj file.

    Raises
    ------
    InputError
        If it cannot be opened, as when a copy of it was cut short.
    """
    from ase import units
    from ase.io.trajectory import TrajectoryReader

    try:
        with TrajectoryReader(str(path)) as reader:
            species = list(reader[0].get_chemical_symbols())
            about = getattr(reader, "description", None) or {}
            about = about if about.get("type") == "molecular-dynamics" else {}
    except Exception as error:  # ASE raises whatever the bytes lead to
        raise InputError(f"{path} is not readable as an ASE trajectory, or was cut short: {error}") from error
    step = about.get("timestep")
    return Source(
        str(path),
        "ase",
        species,
        partial(_frames, path, species),
        time_step_fs=step / units.fs if step else None,
        temperature_K=about.get("temperature_K"),
    )


def _frames(path: Path, species: list[str], start: int) -> Iterator[Frame]:
    from ase.io.trajectory import TrajectoryReader

    with TrajectoryReader(str(path)) as reader:
        for index in range(start, len(reader)):
            try:
                atoms = reader[index]
            except Exception as error:  # ASE raises whatever the bytes lead to
                if index + 1 == len(reader):
                    raise TruncatedFrameError from None
                raise InputError(f"{path}: frame {index + 1} is not readable: {error}") from error
            if list(atoms.get_chemical_symbols()) != species:
                raise InputError(f"{path}: frame {index + 1} holds its atoms in another order than the first one")
            yield _frame(atoms, index + 1)


def _frame(atoms: Any, end: int) -> Frame:
    results = atoms.calc.results if atoms.calc is not None else {}
    kinetic = float(atoms.get_kinetic_energy())
    return Frame(
        np.asarray(atoms.positions, dtype=np.float64),
        np.asarray(atoms.cell[:], dtype=np.float64),
        end,
        None,
        float(results.get("energy", NAN)),
        NAN,
        temperature_K(kinetic, len(atoms)) if kinetic > 0 else NAN,
        np.asarray(results["forces"], dtype=np.float64) if "forces" in results else None,
        full_stress(results["stress"], f"frame {end}") if "stress" in results else None,
    )
