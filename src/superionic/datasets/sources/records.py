"""Labels one a line, as they are appended while frames are being labelled."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

from superionic.datasets.candidates import Candidate
from superionic.datasets.frames import BareFrame, Floats
from superionic.datasets.origins import numbered_within_runs, origin_of
from superionic.datasets.sources.base import Found, Given
from superionic.documents import PotentialReference
from superionic.documents.dataset import LabelReference
from superionic.errors import InputError, first_error


def record_candidates(path: Path, given: Given) -> Found:
    """Labels of a file of records, one JSON object a line.

    Raises
    ------
    InputError
        If a line is no record, or its reference is not the one that was given.
    """
    found = []
    lines = path.read_text().splitlines()
    for index, line in enumerate(lines):
        where = f"{path}: line {index + 1}"
        try:
            found.append(record_candidate(json.loads(line), path.name, index, len(lines), given, where))
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(f"{where} is not the record of a label: {first_error(error)}") from error
    origins = numbered_within_runs([candidate.frame.origin for candidate in found])
    return Found([candidate.of(origin) for candidate, origin in zip(found, origins, strict=True)])


def record_candidate(
    entry: dict[str, Any], file: str, index: int, n_frames: int, given: Given, where: str
) -> Candidate:
    """The frame of one record with its labels, or with the reason why it has none.

    Parameters
    ----------
    entry
        The record.
    file, index, n_frames
        Where it is, for records that know of no run.
    given
        The reference with its settings, for records that name none.
    where
        What errors call it.

    Raises
    ------
    InputError, ValueError, KeyError, TypeError
        If it is no whole record.
    """
    numbers = np.array(entry["numbers"], dtype=np.int64)
    said = entry["origin"]
    said = {"origin": said} if "run" in said else {**said, "name": entry.get("name")}
    frame = BareFrame(
        numbers,
        np.array(entry["positions_A"], dtype=np.float64),
        np.array(entry["cell_A"], dtype=np.float64),
        origin_of(said, file, index, n_frames, numbers),
    )
    reference = _reference(entry["reference"], given.reference, where)
    if not entry["converged"]:
        return Candidate(frame, reference, problem=str(entry["reason"]))
    energy = entry.get("energy_eV")
    return Candidate(
        frame,
        reference,
        None if energy is None else float(energy),
        _array(entry.get("forces_eV_per_A")),
        _array(entry.get("stress_eV_per_A3")),
        _array(entry.get("magnetic_moments_muB")),
    )


def _reference(said: dict[str, Any], given: LabelReference | None, where: str) -> LabelReference:
    """The record's reference, with the settings that were given for it if it has none."""
    try:
        if "potential" in said:
            return LabelReference.model_validate(said)
        potential = PotentialReference.model_validate(said)
    except ValidationError as error:
        raise InputError(f"{where}: its reference is not readable: {first_error(error)}") from error
    if given is None:
        return LabelReference(potential=potential)
    if potential != given.potential:
        raise InputError(
            f"{where}: its reference is {potential.family} {potential.model} ({potential.package_version}), the one "
            f"given is {given.title} ({given.potential.package_version}): give the settings that it was made with"
        )
    return given


def _array(values: Any) -> Floats | None:
    return None if values is None else np.array(values, dtype=np.float64)
