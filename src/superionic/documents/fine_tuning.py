"""How a potential is fine-tuned, and how that went: settings, learning curves, errors."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from superionic.documents.base import Document


class LossSettings(Document):
    """Weighted sum of the means over a batch of energies, of force components and of stress components."""

    energy: float = Field(1.0, ge=0, description="Weight of energies in eV/atom")
    force: float = Field(1.5, ge=0, description="Weight of forces in eV/Å")
    stress: float = Field(0.15, ge=0, description="Weight of stresses in GPa")
    criterion: Literal["huber", "mse", "mae"] = Field("huber", description="Huber's loss, squares or absolute values")
    delta: float = Field(
        0.1, gt=0, description="Where Huber's loss turns from squares to absolute values, in eV/atom, eV/Å and GPa"
    )

    @model_validator(mode="after")
    def _something_counts(self) -> Self:
        if not any((self.energy, self.force, self.stress)):
            raise ValueError("loss: all weights are zero; one must be positive")
        return self


class TrainingSettings(Document):
    """Everything that decides how weights are trained; the same settings give the same weights, bit for bit."""

    trained: Literal["all"] | list[str] = Field(
        "all",
        description="Beginnings of the names of CHGNet's parameters that are trained, or 'all'; the head of magnetic "
        "moments is never trained",
    )
    learning_rate: float = Field(1e-3, gt=0, description="Of Adam, at the first step")
    schedule: Literal["cosine", "constant"] = Field(
        "cosine", description="'cosine' falls from the learning rate at the first step to its end at the last one"
    )
    final_learning_rate: float = Field(0.01, gt=0, le=1, description="End of the schedule, in learning rates")
    n_epochs: int = Field(50, ge=1, description="Times that every frame is seen")
    batch_size: int = Field(8, ge=1, description="Frames a step")
    loss: LossSettings = Field(default_factory=LossSettings, description="What is minimised")
    atom_reference: Literal["shifted", "kept"] = Field(
        "shifted",
        description="'shifted' moves the energies of atoms to those of the labels before the first step and after the "
        "last, by least squares of minimum norm on the residuals of the training frames",
    )
    max_gradient_norm: float | None = Field(
        None, gt=0, description="Gradients longer than this are scaled down to it; None for none"
    )
    weight_average: float | None = Field(
        None, gt=0, lt=1, description="Decay a step of the moving average of weights that is kept; None keeps the last"
    )
    patience: int | None = Field(
        None, ge=1, description="Epochs without a lower loss of validation after which training stops; None for all"
    )
    replay: float = Field(
        0.0,
        ge=0,
        description="Frames of foreign crystals, labelled by the base model, that are learned beside each frame; they "
        "keep the model from forgetting the rest of chemistry",
    )
    anchor: float = Field(
        0.0, ge=0, description="Weight in the loss of the squared distance of the weights from those of the base model"
    )
    seed: int = Field(0, ge=0, description="Of the order of frames, of replayed crystals and of bootstraps")


class EpochRecord(Document):
    """One point of the learning curves: the state after an epoch, before the first for epoch 0."""

    epoch: int = Field(ge=0, description="Epochs done")
    learning_rate: float = Field(ge=0, description="At the end of the epoch")
    training_loss: float | None = Field(description="Mean over the epoch's batches; None for epoch 0")
    validation_loss: float = Field(description="The same loss on the validation frames, with the weights that are kept")
    energy_meV_per_atom: float = Field(ge=0, description="Mean absolute error on the validation frames in meV/atom")
    force_meV_per_A: float = Field(ge=0, description="The same of force components in meV/Å")
    stress_GPa: float | None = Field(description="The same of stress components in GPa; None without stresses")


class LabelErrorSummary(Document):
    """Errors of a potential on labelled frames, predicted less reference."""

    n_frames: int = Field(ge=1, description="Frames; those with the element for errors by element")
    energy_mae_meV_per_atom: float | None = Field(description="Mean absolute error of energies; None by element")
    energy_rmse_meV_per_atom: float | None = Field(description="Root mean square error of energies; None by element")
    force_mae_meV_per_A: float = Field(description="Mean absolute error of force components")
    force_rmse_meV_per_A: float = Field(description="Root mean square error of force components")
    force_slope: float | None = Field(
        description="Slope of predicted over reference forces through the origin: below 1 if the potential is soft; "
        "None where the reference's forces are zero"
    )
    stress_mae_GPa: float | None = Field(description="Mean absolute error of stress components; None without stresses")
    stress_rmse_GPa: float | None = Field(description="Root mean square error of them; None without stresses")


class PartErrors(Document):
    """Errors on one part of a split: all of it, and what it is made of."""

    all: LabelErrorSummary = Field(description="All frames")
    by_element: dict[str, LabelErrorSummary] = Field(description="Forces on the atoms of each element")
    by_temperature_K: dict[str, LabelErrorSummary] = Field(description="Frames of each temperature; 'unknown' if none")
    by_structure: dict[str, LabelErrorSummary] = Field(description="Frames of each structure, by its label")
