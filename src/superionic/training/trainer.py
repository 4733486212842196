"""Fine-tuning: from a base model and labelled frames to the weights of the best epoch.

A training is a pure function of its state: it may be interrupted after any step, stored, and go on in another process
with the same bits on a CPU. The order of frames is drawn anew for every epoch from the seed and the epoch alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from superionic.documents.fine_tuning import EpochRecord, TrainingSettings
from superionic.errors import SimulationError, StoreError
from superionic.potentials.chgnet.denormals import denormals_flushed
from superionic.training.atom_reference import shift_atom_reference
from superionic.training.data import TrainingData
from superionic.training.errors import error_summary
from superionic.training.frames import size_of
from superionic.training.gradients import FusedGradients, GradientEngine, TorchGradients
from superionic.training.loss import Loss
from superionic.training.parameters import choose_trained, trained_parameters
from superionic.training.predictions import residuals
from superionic.training.state import Arrays, TrainingState

if TYPE_CHECKING:
    from chgnet.model import CHGNet

__all__ = ["ALL_EPOCHS", "Trainer"]

ALL_EPOCHS = "all epochs done"
_REFERENCE = "composition_model.fc.weight"


class Trainer:
    """One training of one model.

    Parameters
    ----------
    model
        The base model; it is changed in place.
    data
        The frames.
    settings
        How it is trained.
    state
        Where to go on; None to begin.
    engine
        Fills gradients; None takes the fused kernels on a CPU, and torch on a GPU.

    Raises
    ------
    InputError
        If the settings do not fit the model or the data.
    StoreError
        If the state is that of another training.
    """

    def __init__(
        self,
        model: CHGNet,
        data: TrainingData,
        settings: TrainingSettings,
        state: TrainingState | None = None,
        engine: Callable[[CHGNet, Loss], GradientEngine] | None = None,
    ) -> None:
        data.require_for(settings)
        self.model, self.data, self.settings = model, data, settings
        choose_trained(model, settings.trained)
        self.trained = trained_parameters(model)
        self.loss = Loss(**settings.loss.model_dump())
        on_cpu = model.composition_model.fc.weight.device.type == "cpu"
        self.gradients = (engine or (FusedGradients if on_cpu else TorchGradients))(model, self.loss)
        self.base = {name: parameter.detach().clone() for name, parameter in self.trained.items()}
        key = data.digest(model, settings)
        self.n_batches = data.n_batches(settings)
        if state is not None and state.key != key:
            raise StoreError("the stored state is of a training with other frames, settings or base model: train again")
        self.optimizer = torch.optim.Adam(self.trained.values(), lr=settings.learning_rate)
        self.state = self._begun(key) if state is None else self._restored(state)
        self.data = data.replayed_from(self.state.atom_shift_eV)

    def run(
        self,
        interrupted: Callable[[], str | None] = lambda: None,
        report: Callable[[TrainingState], None] = lambda _: None,
    ) -> TrainingState:
        """Train to the end, or until interrupted.

        Parameters
        ----------
        interrupted
            Asked after every step; a reason ends this call there, and the training may go on from its state.
        report
            Told the state after every step.

        Returns
        -------
        state
            Its `stop_reason` is None if it was interrupted.

        Raises
        ------
        SimulationError
            If the loss is no number any more.
        """
        state = self.state
        with denormals_flushed():
            while state.stop_reason is None:
                self._step()
                if state.step % self.n_batches == 0:
                    self._close_epoch()
                report(state)
                if interrupted():
                    break
        return self.stored_state()

    def finish(self) -> CHGNet:
        """The model with the weights of the best epoch, energies of atoms moved to the labels' once more."""
        self._set(self.state.best)
        if self.settings.atom_reference == "shifted":
            self._shift()
        return self.model.eval()

    def stored_state(self) -> TrainingState:
        """The state, with what the optimizer holds."""
        moments = {name: self.optimizer.state.get(parameter, {}) for name, parameter in self.trained.items()}
        moments = {name: found for name, found in moments.items() if found}
        return replace(
            self.state,
            weights={name: _array(parameter) for name, parameter in self.model.named_parameters()},
            first_moments={name: _array(found["exp_avg"]) for name, found in moments.items()},
            second_moments={name: _array(found["exp_avg_sq"]) for name, found in moments.items()},
        )

    def _begun(self, key: str) -> TrainingState:
        shift = self._shift() if self.settings.atom_reference == "shifted" else {}
        self.state = TrainingState(key, weights={}, atom_shift_eV=shift)
        self.state.best = self._kept()
        self.state.curves.append(self._record(epoch=0, training_loss=None))
        return self.state

    def _restored(self, state: TrainingState) -> TrainingState:
        for name, parameter in self.model.named_parameters():
            _copy(state.weights[name], parameter)
        for name, parameter in self.trained.items():
            if name in state.first_moments:
                self.optimizer.state[parameter] = {
                    "step": torch.tensor(float(state.step)),
                    "exp_avg": torch.from_numpy(state.first_moments[name].copy()).to(parameter.device),
                    "exp_avg_sq": torch.from_numpy(state.second_moments[name].copy()).to(parameter.device),
                }
        return replace(state, curves=list(state.curves))

    def _step(self) -> None:
        settings, state = self.settings, self.state
        epoch, batch = divmod(state.step, self.n_batches)
        frames = self.data.batch(settings, epoch, batch)
        loss = self.gradients.of_batch(frames, size_of(frames)) + self._anchored()
        if settings.max_gradient_norm is not None:
            norm = float(torch.nn.utils.clip_grad_norm_(self.trained.values(), settings.max_gradient_norm))
        else:
            norm = 0.0
        if not (math.isfinite(loss) and math.isfinite(norm)):
            raise SimulationError(
                f"training diverged at step {state.step} (epoch {epoch + 1}): the loss is {loss:g}: lower learning_rate"
                f" = {settings.learning_rate:g}, or set max_gradient_norm"
            )
        for group in self.optimizer.param_groups:
            group["lr"] = self._learning_rate(state.step)
        self.optimizer.step()
        state.step += 1
        state.epoch_loss += loss
        self._average()

    def _anchored(self) -> float:
        """Add the anchor's gradient; its loss."""
        weight, total = self.settings.anchor, 0.0
        if not weight:
            return total
        for name, parameter in self.trained.items():
            if parameter.grad is not None and name != _REFERENCE:
                moved = parameter.detach() - self.base[name]
                parameter.grad += 2 * weight * moved
                total += weight * float((moved**2).sum())
        return total

    def _learning_rate(self, step: int) -> float:
        settings = self.settings
        if settings.schedule == "constant":
            return settings.learning_rate
        done = step / max(settings.n_epochs * self.n_batches - 1, 1)
        end = settings.final_learning_rate
        return settings.learning_rate * (end + (1 - end) * 0.5 * (1 + math.cos(math.pi * done)))

    def _average(self) -> None:
        decay, state = self.settings.weight_average, self.state
        if decay is None:
            return
        decay = min(decay, state.step / (state.step + 9))  # the first steps are soon forgotten
        for name, parameter in self.trained.items():
            now = _array(parameter)
            before = state.average.get(name, now)
            state.average[name] = before + np.float32(1 - decay) * (now - before)

    def _close_epoch(self) -> None:
        settings, state = self.settings, self.state
        epoch = state.step // self.n_batches
        kept = self._kept()
        with self._holding(kept):
            state.curves.append(self._record(epoch, state.epoch_loss / self.n_batches))
        state.epoch_loss = 0.0
        if state.best_epoch.epoch == epoch:
            state.best = kept
        if epoch == settings.n_epochs:
            state.stop_reason = ALL_EPOCHS
        elif settings.patience is not None and epoch - state.best_epoch.epoch >= settings.patience:
            state.stop_reason = f"no lower loss of validation in {settings.patience} epochs"

    def _kept(self) -> Arrays:
        """The trained parameters that would be kept now: their average, if there is one."""
        return dict(self.state.average) or {name: _array(parameter) for name, parameter in self.trained.items()}

    def _record(self, epoch: int, training_loss: float | None) -> EpochRecord:
        frames = self.data.validation
        found = residuals(self.model, frames)
        size = size_of(frames)
        loss = sum(
            self.loss.of_frame(r.energy_eV / f.n_atoms, r.forces_eV_per_A, r.stress_GPa, size).value
            for f, r in zip(frames, found, strict=True)
        )
        if not math.isfinite(loss):
            raise SimulationError(f"training diverged in epoch {epoch}: the loss of validation is {loss:g}")
        errors = error_summary(frames, found)
        return EpochRecord(
            epoch=epoch,
            learning_rate=self._learning_rate(max(self.state.step - 1, 0)),
            training_loss=training_loss,
            validation_loss=loss,
            energy_meV_per_atom=errors.energy_mae_meV_per_atom or 0.0,
            force_meV_per_A=errors.force_mae_meV_per_A,
            stress_GPa=errors.stress_mae_GPa,
        )

    def _shift(self) -> dict[str, float]:
        frames = self.data.training
        with denormals_flushed():
            found = np.array([residual.energy_eV for residual in residuals(self.model, frames)])
        return shift_atom_reference(self.model, frames, found)

    def _set(self, arrays: Mapping[str, np.ndarray]) -> None:
        for name, array in arrays.items():
            _copy(array, self.trained[name])

    @contextmanager
    def _holding(self, arrays: Arrays) -> Iterator[None]:
        """The model with other trained parameters, for the time of a with-block."""
        before = {name: _array(parameter) for name, parameter in self.trained.items()}
        self._set(arrays)
        try:
            yield
        finally:
            self._set(before)


def _array(tensor: torch.Tensor) -> np.ndarray:
    return tensor.detach().cpu().numpy().copy()


def _copy(array: np.ndarray, parameter: torch.nn.Parameter) -> None:
    with torch.no_grad():
        parameter.copy_(torch.from_numpy(array))
