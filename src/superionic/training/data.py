"""The frames of one training, and which of them are learned when."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from ase.data import atomic_numbers

from superionic.documents.fine_tuning import TrainingSettings
from superionic.errors import InputError
from superionic.training.frames import TrainingFrame

if TYPE_CHECKING:
    from chgnet.model import CHGNet

__all__ = ["TrainingData"]

_N_ELEMENTS = 94


@dataclass(frozen=True)
class TrainingData:
    """Frames of one training.

    Attributes
    ----------
    training, validation
        Labelled frames that are learned, and that decide which epoch is kept.
    replay
        Foreign crystals with the labels of the base model.
    """

    training: Sequence[TrainingFrame]
    validation: Sequence[TrainingFrame]
    replay: Sequence[TrainingFrame] = ()

    def require_for(self, settings: TrainingSettings) -> None:
        """Refuse data that the settings cannot be honoured with.

        Raises
        ------
        InputError
            If a part is empty that is needed, or there is no stress to learn.
        """
        for name, frames in (("training", self.training), ("validation", self.validation)):
            if not frames:
                raise InputError(f"there is no frame for {name}: split the dataset with a share for it")
            if settings.loss.stress > 0 and all(frame.stress_GPa is None for frame in frames):
                raise InputError(
                    f"no frame for {name} has a stress: set loss.stress = 0, or label frames with stresses"
                )
        if settings.replay > 0 and not self.replay:
            raise InputError(f"replay={settings.replay:g}: there are no foreign crystals to learn beside the frames")

    def n_batches(self, settings: TrainingSettings) -> int:
        """Steps an epoch."""
        return math.ceil(len(self.training) / settings.batch_size)

    def batch(self, settings: TrainingSettings, epoch: int, number: int) -> list[TrainingFrame]:
        """Frames of a batch: the seed and the numbers of epoch and batch alone decide which."""
        order = np.random.default_rng([settings.seed, epoch]).permutation(len(self.training))
        first = number * settings.batch_size
        chosen = [self.training[i] for i in order[first : first + settings.batch_size]]
        n_replayed = min(round(settings.replay * len(chosen)), len(self.replay))
        generator = np.random.default_rng([settings.seed, epoch, number])
        return chosen + [self.replay[i] for i in generator.choice(len(self.replay), n_replayed, replace=False)]

    def replayed_from(self, shift_eV: Mapping[str, float]) -> TrainingData:
        """The same with the replayed energies counted from where the labels of the other frames count theirs.

        Parameters
        ----------
        shift_eV
            Element -> by how much the energy of its atoms was moved.
        """
        per_atom = np.zeros(_N_ELEMENTS + 1)
        for symbol, value in shift_eV.items():
            per_atom[atomic_numbers[symbol]] = value
        moved = [
            replace(frame, energy_eV=frame.energy_eV + float(per_atom[frame.graph.numbers].sum()))
            for frame in self.replay
        ]
        return replace(self, replay=moved)

    def digest(self, model: CHGNet, settings: TrainingSettings) -> str:
        """SHA-256 of all that a training depends on."""
        digest = hashlib.sha256(settings.model_dump_json().encode())
        for parameter in model.parameters():
            digest.update(parameter.detach().cpu().numpy().tobytes())
        for part in (self.training, self.validation, self.replay):
            digest.update(str(len(part)).encode())
            for frame in part:
                stress = np.zeros(0) if frame.stress_GPa is None else frame.stress_GPa
                for array in (frame.graph.numbers, frame.graph.pairs.vectors_A, frame.forces_eV_per_A, stress):
                    digest.update(np.ascontiguousarray(array).tobytes())
                digest.update(repr(frame.energy_eV).encode())
        return digest.hexdigest()
