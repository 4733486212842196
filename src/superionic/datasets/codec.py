"""How labelled frames become bytes: arrays in a zip, read without running anything that they hold.

Numbers are kept to the last bit, as labels belong to exact positions. The version of a dataset is the digest of what
is in the arrays, not of the bytes, which depend on the library that compresses.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import zipfile
from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray

from superionic.datasets.frames import BareFrame, LabelledFrames, ReferenceFrame
from superionic.documents.dataset import SPLIT_NAMES, FrameOrigin, LabelReference
from superionic.errors import StoreError

FORMAT = 1
_NOT_SPLIT = -1
_MAX_BYTES = 8 << 30  # of one array: a payload that says more is refused before memory is

Arrays = dict[str, NDArray[Any]]


def pack_frames(frames: LabelledFrames) -> bytes:
    """Labelled frames as the bytes of one archive."""
    references = frames.references
    arrays = {
        **_bare_arrays(frames.frames),
        "energy_eV": np.array([frame.energy_eV for frame in frames]),
        "forces_eV_per_A": np.concatenate([frame.forces_eV_per_A for frame in frames]),
        **_optional(
            "stress_eV_per_A3", [None if f.stress_eV_per_A3 is None else f.stress_eV_per_A3[None] for f in frames]
        ),
        **_optional("magnetic_moments_muB", [frame.magnetic_moments_muB for frame in frames]),
        "reference": np.array([references.index(frame.reference) for frame in frames], dtype=np.int64),
        "references": _text([reference.model_dump(mode="json") for reference in references]),
        "split": np.array(
            [_NOT_SPLIT if frame.split is None else SPLIT_NAMES.index(frame.split) for frame in frames], dtype=np.int64
        ),
    }
    return _zipped(arrays)


def pack_bare_frames(frames: Sequence[BareFrame]) -> bytes:
    """Frames without labels as the bytes of one archive."""
    return _zipped(_bare_arrays(frames))


def unpack_frames(packed: bytes, name: str = "dataset") -> LabelledFrames:
    """Labelled frames from their bytes.

    Raises
    ------
    StoreError
        If the bytes are no such archive.
    """
    arrays = _unzipped(packed, name)
    try:
        bare = _bare_frames(arrays)
        sizes = [frame.n_atoms for frame in bare]
        references = [LabelReference.from_stored(entry) for entry in _entries(arrays["references"])]
        stresses = _given(arrays, "stress_eV_per_A3", [1] * len(bare))
        moments = _given(arrays, "magnetic_moments_muB", sizes)
        forces = np.split(arrays["forces_eV_per_A"], np.cumsum(sizes)[:-1])
        frames = tuple(
            ReferenceFrame(
                frame.numbers,
                frame.positions_A,
                frame.cell_A,
                frame.origin,
                float(energy),
                force,
                None if stress is None else stress[0],
                moment,
                references[reference],
                None if split == _NOT_SPLIT else SPLIT_NAMES[split],
            )
            for frame, energy, force, stress, moment, reference, split in zip(
                bare, arrays["energy_eV"], forces, stresses, moments, arrays["reference"], arrays["split"], strict=True
            )
        )
    except (KeyError, ValueError, IndexError, TypeError) as error:
        raise StoreError(f"{name} is not a readable archive of labelled frames: {error}") from error
    return LabelledFrames(frames)


def unpack_bare_frames(packed: bytes, name: str = "frames") -> list[BareFrame]:
    """Frames without labels from their bytes.

    Raises
    ------
    StoreError
        If the bytes are no such archive.
    """
    try:
        return _bare_frames(_unzipped(packed, name))
    except (KeyError, ValueError, IndexError, TypeError) as error:
        raise StoreError(f"{name} is not a readable archive of frames: {error}") from error


def content_digest(packed: bytes, name: str = "dataset") -> str:
    """SHA-256 of what the arrays hold: the same frames have the same, whatever compressed them."""
    arrays = _unzipped(packed, name)
    digest = hashlib.sha256(str(FORMAT).encode())
    for title in sorted(arrays):
        array = arrays[title]
        digest.update(f"{title} {array.dtype.str} {array.shape}".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def to_payload(packed: bytes) -> str:
    """Bytes as a document holds them."""
    return base64.b64encode(packed).decode()


def from_payload(payload: str, name: str) -> bytes:
    """Bytes that a document holds.

    Raises
    ------
    StoreError
        If they are not base64.
    """
    try:
        return base64.b64decode(payload, validate=True)
    except binascii.Error as error:
        raise StoreError(f"{name}: the payload is not base64: {error}") from error


def _bare_arrays(frames: Sequence[BareFrame]) -> Arrays:
    return {
        "n_atoms": np.array([frame.n_atoms for frame in frames], dtype=np.int64),
        "numbers": np.concatenate([frame.numbers for frame in frames]).astype(np.int64),
        "positions_A": np.concatenate([frame.positions_A for frame in frames]),
        "cell_A": np.array([frame.cell_A for frame in frames]),
        "origins": _text([frame.origin.model_dump(mode="json", exclude_defaults=True) for frame in frames]),
    }


def _bare_frames(arrays: Mapping[str, NDArray[Any]]) -> list[BareFrame]:
    cuts = np.cumsum(arrays["n_atoms"])[:-1]
    origins = [FrameOrigin.from_stored(entry) for entry in _entries(arrays["origins"])]
    numbers, positions = np.split(arrays["numbers"], cuts), np.split(arrays["positions_A"], cuts)
    return [BareFrame(*parts) for parts in zip(numbers, positions, arrays["cell_A"], origins, strict=True)]


def _optional(name: str, values: Sequence[NDArray[np.float64] | None]) -> Arrays:
    """Values that some frames have: which, and what."""
    found = [value for value in values if value is not None]
    if not found:
        return {}
    return {f"has_{name}": np.array([value is not None for value in values]), name: np.concatenate(found)}


def _given(arrays: Mapping[str, NDArray[Any]], name: str, sizes: Sequence[int]) -> list[NDArray[np.float64] | None]:
    """The values of each frame that has them, None of the others."""
    if name not in arrays:
        return [None] * len(sizes)
    there = arrays[f"has_{name}"]
    lengths = [size for size, has in zip(sizes, there, strict=True) if has]
    parts = iter(np.split(arrays[name], np.cumsum(lengths)[:-1]))
    return [next(parts) if has else None for has in there]


def _text(entries: Sequence[Any]) -> NDArray[np.uint8]:
    return np.frombuffer(json.dumps(entries, sort_keys=True).encode(), dtype=np.uint8)


def _entries(array: NDArray[np.uint8]) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = json.loads(array.tobytes())
    return entries


def _zipped(arrays: Arrays) -> bytes:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(arrays):
            content = BytesIO()
            np.lib.format.write_array(content, np.ascontiguousarray(arrays[name]), allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy", (1980, 1, 1, 0, 0, 0)), content.getvalue(),
                             zipfile.ZIP_DEFLATED)  # fmt: skip
    return buffer.getvalue()


def _unzipped(packed: bytes, name: str) -> Arrays:
    try:
        with zipfile.ZipFile(BytesIO(packed)) as archive:
            arrays = {}
            for member in archive.infolist():
                if member.file_size > _MAX_BYTES:
                    raise ValueError(f"array {member.filename} has {member.file_size} bytes")
                content = BytesIO(archive.read(member))  # verifies the member's CRC
                arrays[member.filename.removesuffix(".npy")] = np.lib.format.read_array(content, allow_pickle=False)
    except (zipfile.BadZipFile, OSError, ValueError, EOFError, NotImplementedError) as error:
        raise StoreError(f"{name} is not a readable archive: {error}") from error
    return arrays
