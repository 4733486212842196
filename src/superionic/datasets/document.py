"""Frames become a document, and a document frames."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from ase import units

from superionic.datasets.codec import content_digest, from_payload, pack_frames, to_payload, unpack_frames
from superionic.datasets.frames import LabelledFrames
from superionic.documents.dataset import SPLIT_NAMES, DatasetDocument, ExcludedFrame, SplitSettings
from superionic.documents.provenance import Provenance
from superionic.errors import InputError, StoreError


def dataset_document(
    name: str,
    frames: LabelledFrames,
    *,
    parents: Sequence[str] = (),
    excluded: Sequence[ExcludedFrame] = (),
    split: SplitSettings | None = None,
    notes: Sequence[str] = (),
    provenance: Provenance | None = None,
) -> DatasetDocument:
    """A version of a dataset; all that it says of its frames is read from them.

    Parameters
    ----------
    name
        Name of the dataset.
    frames
        Checked frames (see superionic.datasets.checks), at least one.
    parents
        Versions that it was made from.
    excluded
        Frames that were left out.
    split
        How the frames were dealt out; None if they were not.
    notes
        What someone who uses it should know.
    provenance
        Where it came from.

    Raises
    ------
    InputError
        If there is no frame.
    """
    if not len(frames):
        reasons = "; ".join(f"{entry.origin.title}: {entry.reason}" for entry in excluded[:3])
        raise InputError(f"dataset {name!r} has no frame that can be used" + (f" ({reasons})" if reasons else ""))
    packed = pack_frames(frames)
    energies, pressures = frames.energies_eV_per_atom, _pressures_GPa(frames)
    origins = [frame.origin for frame in frames]
    temperatures = ["unknown" if o.temperature_K is None else f"{o.temperature_K:g}" for o in origins]
    splits = Counter(frame.split for frame in frames if frame.split is not None)
    return DatasetDocument(
        name=name,
        version=content_digest(packed),
        parents=list(parents),
        n_frames=len(frames),
        n_atoms=sum(frame.n_atoms for frame in frames),
        frames_by_formula=dict(Counter(frame.formula for frame in frames)),
        frames_by_structure=dict(Counter(origin.structure for origin in origins)),
        frames_by_temperature_K=dict(Counter(temperatures)),
        frames_by_split={part: splits[part] for part in SPLIT_NAMES if part in splits},
        n_with_stress=len(pressures),
        n_with_magnetic_moments=sum(frame.magnetic_moments_muB is not None for frame in frames),
        energy_range_eV_per_atom=(float(energies.min()), float(energies.max())),
        max_force_eV_per_A=float(frames.max_forces_eV_per_A.max()),
        pressure_range_GPa=(min(pressures), max(pressures)) if pressures else None,
        references=frames.references,
        split=split,
        excluded=list(excluded),
        notes=list(notes),
        n_bytes=len(packed),
        payload=to_payload(packed),
        provenance=provenance or Provenance(),
    )


def dataset_frames(document: DatasetDocument) -> LabelledFrames:
    """The frames of a stored dataset.

    Raises
    ------
    StoreError
        If the payload is not the one that was stored.
    """
    name = f"dataset {document.name!r} {document.version[:8]}"
    packed = from_payload(document.payload, name)
    if content_digest(packed, name) != document.version:
        raise StoreError(f"{name}: the payload fails its checksum: restore it from a backup or make the dataset again")
    return unpack_frames(packed, name)


def _pressures_GPa(frames: LabelledFrames) -> list[float]:
    stresses = [frame.stress_eV_per_A3 for frame in frames if frame.stress_eV_per_A3 is not None]
    return [float(-np.trace(stress) / 3 / units.GPa) for stress in stresses]
