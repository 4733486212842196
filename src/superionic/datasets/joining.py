"""Datasets from candidates, and new versions from older ones: joined, extended, split. Each names its parents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from superionic.datasets.candidates import Candidate
from superionic.datasets.checks import admitted
from superionic.datasets.document import dataset_document, dataset_frames
from superionic.datasets.frames import LabelledFrames, ReferenceFrame
from superionic.datasets.splits import split_frames
from superionic.datasets.units import require_units
from superionic.documents.dataset import DatasetDocument, ExcludedFrame, SplitSettings
from superionic.documents.dataset_checks import DatasetChecks
from superionic.documents.provenance import Provenance
from superionic.potentials.interface import Potential

_SPLIT_GONE = "the parents were split; frames came in, so this version is not: split it again"


def checked_dataset(
    name: str,
    candidates: Sequence[Candidate],
    *,
    excluded: Sequence[ExcludedFrame] = (),
    checks: DatasetChecks | None = None,
    model: Potential | None = None,
    extends: DatasetDocument | None = None,
    provenance: Provenance | None = None,
) -> DatasetDocument:
    """A dataset of the frames that pass all checks.

    Parameters
    ----------
    name
        Its name.
    candidates
        Frames that ask to be let in.
    excluded
        Those that could not even be read.
    checks
        Thresholds; None for the defaults.
    model
        A general-purpose potential that units and signs show against; None leaves them unchecked, and says so.
    extends
        The version that the frames are added to.
    provenance
        Where they came from.

    Raises
    ------
    InputError
        No frame that can be used, labels of several references, or in another unit or of another sign.
    """
    checks = checks or DatasetChecks()
    known = dataset_frames(extends) if extends is not None else None
    result = admitted(candidates, checks, known)
    notes = list(result.notes)
    before = [] if known is None else list(known)
    if extends is not None:
        notes += [note for note in extends.notes if note not in notes]
        notes += [_SPLIT_GONE] if extends.split is not None else []
    if len(result.frames):
        if model is None:
            notes.append("units and signs of labels were not checked against a model")
        else:
            notes += require_units(result.frames, model, checks)
    frames = LabelledFrames(tuple(_undealt(frame) for frame in [*before, *result.frames]))
    return dataset_document(
        name,
        frames,
        parents=[] if extends is None else [extends.version],
        excluded=[*(extends.excluded if extends is not None else []), *excluded, *result.excluded],
        notes=notes,
        provenance=provenance,
    )


def joined_dataset(
    name: str, documents: Sequence[DatasetDocument], checks: DatasetChecks | None = None
) -> DatasetDocument:
    """Several datasets as one; frames that two of them share are kept once.

    Raises
    ------
    InputError
        If their labels have different references and that was not asked for.
    """
    candidates = [_candidate(frame) for document in documents for frame in dataset_frames(document)]
    result = admitted(candidates, checks or DatasetChecks())
    notes = [*result.notes, *dict.fromkeys(note for document in documents for note in document.notes)]
    if any(document.split is not None for document in documents):
        notes.append(_SPLIT_GONE)
    return dataset_document(
        name,
        LabelledFrames(tuple(_undealt(frame) for frame in result.frames)),
        parents=[document.version for document in documents],
        excluded=[*(entry for document in documents for entry in document.excluded), *result.excluded],
        notes=notes,
    )


def split_dataset(document: DatasetDocument, settings: SplitSettings) -> DatasetDocument:
    """The same frames dealt out: a new version.

    Raises
    ------
    InputError
        As `superionic.datasets.splits.split_frames`.
    """
    frames = split_frames(dataset_frames(document), settings)
    notes = [note for note in document.notes if note != _SPLIT_GONE]
    if settings.by == "frame":
        notes.append(
            "split by frame: neighbours in time are on both sides, errors of validation and test are flattered"
        )
    return dataset_document(
        document.name,
        frames,
        parents=[document.version],
        excluded=document.excluded,
        split=settings,
        notes=list(dict.fromkeys(notes)),
        provenance=Provenance(sources=document.provenance.sources, seed=settings.seed),
    )


def _candidate(frame: ReferenceFrame) -> Candidate:
    return Candidate(
        frame,
        frame.reference,
        frame.energy_eV,
        frame.forces_eV_per_A,
        frame.stress_eV_per_A3,
        frame.magnetic_moments_muB,
    )


def _undealt(frame: ReferenceFrame) -> ReferenceFrame:
    return replace(frame, split=None)
