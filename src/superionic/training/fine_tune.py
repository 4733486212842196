"""From a stored dataset and a base model to a trained potential."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ase.data import chemical_symbols

from superionic.datasets.document import dataset_frames
from superionic.documents.cost import Stopwatch
from superionic.documents.dataset import SPLIT_NAMES, DatasetDocument
from superionic.documents.fine_tuning import TrainingSettings
from superionic.documents.provenance import Provenance
from superionic.documents.trained_potential import TrainedPotentialDocument
from superionic.errors import StoreError
from superionic.potentials.chgnet import load_chgnet
from superionic.potentials.chgnet.checkpoint import checkpoint_bytes, sha256_of_bytes, write_checkpoint
from superionic.potentials.chgnet.evaluator import ChgnetPotential
from superionic.potentials.chgnet.reference import load_model
from superionic.settings import cache_folder
from superionic.training.atom_reference import move_atom_reference
from superionic.training.data import TrainingData
from superionic.training.errors import part_errors
from superionic.training.forgetting import foreign_force_error, replay_frames
from superionic.training.frames import training_frames
from superionic.training.predictions import residuals
from superionic.training.state import TrainingState, pack_state, unpack_state
from superionic.training.trainer import Trainer

if TYPE_CHECKING:
    from chgnet.model import CHGNet

__all__ = ["fine_tune", "weights_file"]

_N_REPLAYED = 50
"""Foreign crystals that replay draws from: two cells of each."""


def fine_tune(
    dataset: DatasetDocument,
    base: str,
    settings: TrainingSettings,
    name: str,
    preset: str | None = None,
    interrupted: Callable[[], str | None] = lambda: None,
    report: Callable[[TrainingState], None] = lambda _: None,
) -> TrainedPotentialDocument | None:
    """Train on a dataset's part for training, keep what is best on that for validation, and say what came of it.

    Every epoch is written to the cache of this machine; the same call goes on there with the same bits.

    Parameters
    ----------
    dataset
        Split, with parts for training and validation.
    base
        A CHGNet model, or the path of a checkpoint.
    settings
        How it is trained.
    name, preset
        Of the potential, and of the preset that the settings began with.
    interrupted, report
        As for `Trainer.run`.

    Returns
    -------
    document
        None if it was interrupted.

    Raises
    ------
    InputError
        A dataset that is not split or lacks what is to be learned, settings or a base model that do not fit.
    SimulationError
        If the training diverged.
    StoreError
        If a state that was left here is damaged.
    """
    watch = Stopwatch()
    frames = dataset_frames(dataset)
    before = load_chgnet(base)
    cutoffs = before.cutoff_A, before.bond_cutoff_A
    parts = {part: training_frames(frames.part(part), *cutoffs) for part in ("train", "validation")}
    if any(frame.split == "test" for frame in frames):
        parts["test"] = training_frames(frames.part("test"), *cutoffs)
    replay = replay_frames(before, _N_REPLAYED) if settings.replay else []
    data = TrainingData(parts["train"], parts["validation"], replay)
    model, _ = load_model(base)
    file = cache_folder("training") / f"{data.digest(model, settings)}.npz"
    trainer = Trainer(model, data, settings, _read(file) if file.is_file() else None)

    def every_epoch(state: TrainingState) -> None:
        if state.step % trainer.n_batches == 0:
            _write(file, trainer.stored_state())
        report(state)

    state = trainer.run(interrupted, every_epoch)
    if state.stop_reason is None:
        _write(file, state)
        return None
    tuned, shifted = trainer.finish(), _shifted(base, state)
    learned = frames.part("train")
    about = {"name": name, "base": before.reference.model_dump(mode="json"), "dataset_versions": [dataset.version]}
    content = checkpoint_bytes(tuned, about)
    origins = [frame.origin for frame in learned]
    names = [part for part in SPLIT_NAMES if part in parts]
    return TrainedPotentialDocument(
        name=name,
        base=before.reference,
        sha256=sha256_of_bytes(content),
        dataset=dataset.name,
        dataset_versions=[dataset.version],
        references=learned.references,
        elements=sorted({chemical_symbols[number] for number in learned.elements}),
        structures=sorted({origin.structure for origin in origins}),
        temperatures_K=sorted({o.temperature_K for o in origins if o.temperature_K is not None}),
        preset=preset,
        settings=settings,
        n_trained_parameters=sum(parameter.numel() for parameter in trainer.trained.values()),
        curves=state.curves,
        best_epoch=state.best_epoch.epoch,
        stop_reason=state.stop_reason,
        atom_shift_eV=state.atom_shift_eV,
        errors={part: part_errors(parts[part], residuals(tuned, parts[part])) for part in names},
        errors_before={part: part_errors(parts[part], residuals(shifted, parts[part])) for part in names},
        foreign_force_error_meV_per_A=foreign_force_error(_potential_of(tuned, before)),
        foreign_force_error_before_meV_per_A=foreign_force_error(before),
        cost=watch.cost(),
        notes=_notes(data, settings, state),
        n_bytes=len(content),
        payload=base64.b64encode(content).decode(),
        provenance=Provenance(potential=before.reference, seed=settings.seed),
    )


def weights_file(document: TrainedPotentialDocument) -> Path:
    """The checkpoint of a stored potential as a file of this machine's cache, named by its SHA-256.

    Raises
    ------
    InputError
        If the payload is not what was stored.
    """
    file = cache_folder("potentials") / f"{document.sha256}.pth.tar"
    if not file.is_file() or sha256_of_bytes(file.read_bytes()) != document.sha256:
        write_checkpoint(file, base64.b64decode(document.payload), document.sha256)
    return file


def _read(file: Path) -> TrainingState:
    try:
        return unpack_state(file.read_bytes())
    except StoreError as error:
        raise StoreError(f"{file}: {error}; without the file training begins again") from error


def _write(file: Path, state: TrainingState) -> None:
    partial = file.with_suffix(".part")
    partial.write_bytes(pack_state(state))
    partial.replace(file)


def _potential_of(model: CHGNet, like: ChgnetPotential) -> ChgnetPotential:
    return ChgnetPotential(model, like.reference, model.composition_model.fc.weight.device)


def _shifted(base: str, state: TrainingState) -> CHGNet:
    """The base model with its atoms' energies where the labels have them."""
    model, _ = load_model(base)
    move_atom_reference(model, state.atom_shift_eV)
    return model


def _notes(data: TrainingData, settings: TrainingSettings, state: TrainingState) -> list[str]:
    notes = ["magnetic moments were not learned: those of this potential mean nothing"]
    without = sum(frame.stress_GPa is None for frame in data.training)
    if without and settings.loss.stress > 0:
        notes.append(f"{without} of {len(data.training)} frames of training have no stress")
    if state.best_epoch.epoch == 0:
        notes.append("no epoch was better than the base model, whose weights these are")
    return notes
