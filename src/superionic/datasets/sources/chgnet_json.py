"""CHGNet's JSON, in and out: energies per atom, stresses in VASP's kB and sign, structures as pymatgen writes them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from ase import units
from pymatgen.core import Lattice, Structure

from superionic.datasets.candidates import Candidate
from superionic.datasets.frames import BareFrame, Floats, LabelledFrames, ReferenceFrame
from superionic.datasets.origins import origin_of
from superionic.datasets.sources.base import Found
from superionic.documents.base import stored_structure
from superionic.documents.dataset import LabelReference
from superionic.errors import InputError

KB_TO_ASE = -0.1 * units.GPa
"""VASP's kB to eV/Å^3 of ASE's sign: CHGNet multiplies by -0.1 for GPa when it reads."""
_ENERGY = "energy_per_atom"


def chgnet_candidates(path: Path, reference: LabelReference) -> Found:
    """Frames of ``{material: {graph: {structure, energy_per_atom, force, stress, magmom}}}``, as in MPtrj.

    Also of what CHGNet's `parse_vasp_dir` writes: ``{structure: [...], energy_per_atom: [...], ...}``.

    Raises
    ------
    InputError
        If the file holds neither.
    """
    try:
        content = json.loads(path.read_text())
        entries = _entries(content)
    except (ValueError, TypeError, AttributeError, IndexError, KeyError) as error:
        raise InputError(f"{path} is not readable as CHGNet's JSON: {type(error).__name__}: {error}") from error
    if not entries:
        raise InputError(f"{path} holds no frame of CHGNet's JSON")
    found = []
    for index, (name, entry) in enumerate(entries):
        try:
            found.append(_candidate(name, entry, index, len(entries), path, reference))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise InputError(f"{path}: frame {name} is not readable: {type(error).__name__}: {error}") from error
    return Found(found)


def write_chgnet_json(frames: LabelledFrames, path: Path) -> int:
    """Write frames as CHGNet's `StructureJsonData` reads them: a graph a frame, under the name of its run.

    Raises
    ------
    InputError
        If a frame has no stress, which CHGNet would not read without being told.
    """
    content: dict[str, dict[str, Any]] = {}
    for number, frame in enumerate(frames):
        if frame.stress_eV_per_A3 is None:
            raise InputError(
                f"{frame.origin.title} has no stress: CHGNet's JSON is written of frames that all have one"
            )
        content.setdefault(frame.origin.run, {})[f"{number}-{frame.origin.title}"] = _entry(frame)
    part = path.with_name(path.name + ".part")
    part.write_text(json.dumps(content))
    part.replace(path)
    return len(frames)


def _entries(content: Any) -> list[tuple[str, dict[str, Any]]]:
    if isinstance(content.get("structure"), list):
        keys = [key for key, values in content.items() if isinstance(values, list)]
        n_frames = len(content["structure"])
        return [
            (str(n), {key: content[key][n] for key in keys if len(content[key]) == n_frames}) for n in range(n_frames)
        ]
    return [(graph, entry) for graphs in content.values() for graph, entry in graphs.items()]


def _candidate(
    name: str, entry: dict[str, Any], index: int, n_frames: int, path: Path, reference: LabelReference
) -> Candidate:
    structure = stored_structure(entry["structure"])
    numbers = np.array(structure.atomic_numbers, dtype=np.int64)
    origin = origin_of({"name": name}, path.name, index, n_frames, numbers)
    frame = BareFrame(numbers, np.array(structure.cart_coords), np.array(structure.lattice.matrix), origin)
    energy, stress = entry.get(_ENERGY), _array(entry.get("stress"))
    return Candidate(
        frame,
        reference,
        None if energy is None else float(energy) * len(numbers),
        _array(entry.get("force")),
        None if stress is None else stress * KB_TO_ASE,
        _array(entry.get("magmom")),
    )


def _entry(frame: ReferenceFrame) -> dict[str, Any]:
    structure = Structure(Lattice(frame.cell_A), frame.numbers.tolist(), frame.positions_A, coords_are_cartesian=True)
    assert frame.stress_eV_per_A3 is not None  # noqa: S101 - for the type checker
    moments = frame.magnetic_moments_muB
    return {
        "structure": structure.as_dict(),
        _ENERGY: frame.energy_eV_per_atom,
        "force": frame.forces_eV_per_A.tolist(),
        "stress": (frame.stress_eV_per_A3 / KB_TO_ASE).tolist(),
        "magmom": None if moments is None else moments.tolist(),
    }


def _array(values: Any) -> Floats | None:
    return None if values is None else np.array(values, dtype=np.float64)
