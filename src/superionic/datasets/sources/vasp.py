"""VASP: static calculations, relaxations and molecular dynamics, each a directory or a vasprun.xml."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from ase.data import atomic_numbers
from monty.io import zopen

from superionic.datasets.candidates import Candidate
from superionic.datasets.frames import BareFrame, Floats, Integers, formula_of
from superionic.datasets.origins import block_of
from superionic.datasets.references import vasp_reference
from superionic.datasets.sources.base import Found, Given
from superionic.documents.dataset import ExcludedFrame, FrameOrigin, LabelReference
from superionic.errors import InputError
from superionic.trajectories.sources.base import TruncatedFrameError
from superionic.trajectories.sources.vasp import (
    ionic_blocks,
    ionic_step,
    vasprun_head,
    vasprun_parameters,
    vasprun_species,
)

_DEFAULT_NELM = 60
_TAIL_BYTES = 1 << 14
_ENDED = b"General timing and accounting"


def vasp_candidates(path: Path, given: Given) -> Found:
    """Ionic steps below a directory, or of one vasprun.xml, with what VASP itself says against each.

    The energy is the free energy, whose gradient the forces are. A step whose self-consistency took all NELM steps has
    not reached it.

    Raises
    ------
    InputError
        If there is no VASP run, or a vasprun.xml is none.
    """
    if path.is_file():
        return _run(path, given)
    found, folders = Found(), sorted({file.parent for name in ("vasprun.xml*", "OUTCAR*") for file in path.rglob(name)})
    if not folders:
        raise InputError(f"directory {str(path)!r} holds no vasprun.xml, at no depth")
    for folder in folders:
        file = _beside(folder, "vasprun.xml")
        if file is None:
            origin = FrameOrigin(run=str(folder), index=0, structure="unknown")
            reason = "there is an OUTCAR but no vasprun.xml, which holds positions and settings to the last digit"
            found.excluded.append(ExcludedFrame(origin=origin, check="no vasprun.xml", reason=reason))
            continue
        found.extend(_run(file, given))
    return found


def _run(path: Path, given: Given) -> Found:
    root = vasprun_head(path)
    values = vasprun_parameters(root)
    species = vasprun_species(root, path)
    numbers = np.array([atomic_numbers[name] for name in species], dtype=np.int64)
    reference = vasp_reference(root, values)
    sampling = _sampling(values)
    origin = FrameOrigin(
        run=str(path.parent.resolve().name if path.name.startswith("vasprun") else path.name),
        index=0,
        structure=formula_of(numbers),
        temperature_K=values.get("TEBEG") if sampling == "molecular dynamics" else None,
        sampling=sampling,
        sampled_with=None if sampling == "unknown" else f"VASP {reference.potential.model}",
    )
    found, n_steps, cut = Found(), 0, False
    try:
        for block, _ in ionic_blocks(path):
            if given.takes(n_steps):
                step = n_steps if sampling == "molecular dynamics" else None
                at = origin.model_copy(update={"index": n_steps, "step": step})
                candidate = _candidate(path, block, numbers, at, reference)
                found.candidates.append(replace(candidate, problem=_unconverged(block, values)))
            n_steps += 1
    except TruncatedFrameError:
        cut = True
    if cut or not n_steps:
        reason = f"{path} ends after {n_steps} whole ionic steps, before VASP had ended"
        excluded = ExcludedFrame(origin=origin.model_copy(update={"index": n_steps}), check="truncated", reason=reason)
        found.excluded.append(excluded)
    if found.candidates and found.candidates[-1].frame.origin.index == n_steps - 1:
        last = found.candidates[-1]
        moments = _moments(path, values, len(species)) if n_steps == 1 else None
        problem = last.problem or _unfinished(path)
        found.candidates[-1] = replace(last, problem=problem, magnetic_moments_muB=moments)
    return found if sampling != "molecular dynamics" else _in_blocks(found, n_steps)


def _in_blocks(found: Found, n_steps: int) -> Found:
    """Steps of one run of molecular dynamics dealt out to blocks."""
    origins = [candidate.frame.origin for candidate in found.candidates]
    blocks = [origin.model_copy(update={"block": block_of(origin.index, n_steps)}) for origin in origins]
    return replace(found, candidates=[c.of(o) for c, o in zip(found.candidates, blocks, strict=True)])


def _candidate(
    path: Path, block: bytes, numbers: Integers, origin: FrameOrigin, reference: LabelReference
) -> Candidate:
    frame = ionic_step(block, len(numbers), True, 0, f"{path}: ionic step {origin.index + 1}")
    energy = frame.potential_energy_eV
    return Candidate(
        BareFrame(numbers, frame.positions_A, frame.cell_A, origin),
        reference,
        None if np.isnan(energy) else energy,
        frame.forces_eV_per_A,
        frame.stress_eV_per_A3,
    )


def _unconverged(block: bytes, values: dict[str, Any]) -> str | None:
    steps, allowed = block.count(b"<scstep>"), int(values.get("NELM", _DEFAULT_NELM))
    if steps < allowed:
        return None
    return f"unconverged: self-consistency took all NELM = {allowed} steps"


def _unfinished(path: Path) -> str | None:
    """What is to be said of the last step if the OUTCAR beside it was cut."""
    outcar = _beside(path.parent, "OUTCAR")
    if outcar is None:
        return None
    tail = b""
    try:
        with zopen(outcar, "rb") as stream:
            while chunk := stream.read(1 << 20):
                tail = (tail + chunk)[-_TAIL_BYTES:]
    except EOFError:
        return f"truncated: {outcar} ends within its compressed data"
    return None if _ENDED in tail else f"truncated: {outcar} ends before VASP had ended"


def _moments(path: Path, values: dict[str, Any], n_atoms: int) -> Floats | None:
    """Magnetic moments of a static spin-polarised calculation: only OUTCAR has them of each atom."""
    outcar = _beside(path.parent, "OUTCAR")
    if values.get("ISPIN", 1) != 2 or outcar is None or _unfinished(path):
        return None
    from pymatgen.io.vasp import Outcar

    try:
        moments = [site["tot"] for site in Outcar(str(outcar)).magnetization]
    except Exception as error:  # pymatgen raises whatever the text leads to
        raise InputError(f"{outcar} is not readable: {type(error).__name__}: {error}") from error
    if not moments:  # LORBIT was not set
        return None
    if len(moments) != n_atoms:
        raise InputError(f"{outcar} holds magnetic moments of {len(moments)} atoms, vasprun.xml beside it {n_atoms}")
    return np.array(moments, dtype=np.float64)


def _sampling(values: dict[str, Any]) -> Literal["molecular dynamics", "relaxation", "unknown"]:
    if values.get("NSW", 0) <= 1 or values.get("IBRION", -1) == -1:
        return "unknown"
    return "molecular dynamics" if values.get("IBRION") == 0 else "relaxation"


def _beside(folder: Path, name: str) -> Path | None:
    return next((file for file in (folder / name, folder / f"{name}.gz") if file.is_file()), None)
