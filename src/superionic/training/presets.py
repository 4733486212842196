"""Settings of fine-tuning by name."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import ValidationError

from superionic.documents.fine_tuning import TrainingSettings
from superionic.errors import InputError, first_error

__all__ = ["PRESETS", "PresetName", "settings_of"]

PresetName = Literal["study", "upstream", "full", "best"]

PRESETS: dict[str, TrainingSettings] = {
    # embeddings and the energies of atoms alone: the choice of the worked study
    "study": TrainingSettings(trained=["atom_embedding", "bond_embedding", "angle_embedding", "composition_model"]),
    # what chgnet's own example of fine-tuning leaves free: the last convolution and the readout
    "upstream": TrainingSettings(trained=["atom_conv_layers.3", "mlp", "readout_norm", "composition_model"]),
    "full": TrainingSettings(),
    # a first choice: not yet compared with others, see docs/methods/training.md
    "best": TrainingSettings(batch_size=4, max_gradient_norm=1.0, weight_average=0.98, replay=0.5),
}


def settings_of(preset: str, **changes: Any) -> TrainingSettings:
    """A preset's settings, some of them changed.

    Parameters
    ----------
    preset
        'study', 'upstream', 'full' or 'best'.
    changes
        Fields of `TrainingSettings` to change.

    Raises
    ------
    InputError
        An unknown preset or field, or a value that is refused.
    """
    if preset not in PRESETS:
        raise InputError(f"preset={preset!r} is unknown: choose one of {', '.join(PRESETS)}")
    try:
        return TrainingSettings.model_validate({**PRESETS[preset].model_dump(), **changes})
    except ValidationError as error:
        raise InputError(f"preset {preset!r} with {changes}: {first_error(error)}") from error
