"""How far a training is: one log line an epoch, with errors and time left."""

from __future__ import annotations

import logging
import time

from superionic.dynamics.progress import format_duration
from superionic.training.state import TrainingState

__all__ = ["TrainingProgress"]

logger = logging.getLogger(__name__)


class TrainingProgress:
    """Logs every epoch of a training.

    Parameters
    ----------
    title
        What is trained.
    n_epochs
        Epochs of all of it.
    """

    def __init__(self, title: str, n_epochs: int) -> None:
        self.title, self.n_epochs = title, n_epochs
        self._started, self._first, self._told = time.monotonic(), -1, -1

    def update(self, state: TrainingState) -> None:
        """Report a step; only the end of an epoch is worth a line."""
        record = state.curves[-1]
        if self._first < 0:
            self._first = self._told = record.epoch
        if record.epoch == self._told:
            return
        self._told = record.epoch
        an_epoch = (time.monotonic() - self._started) / (record.epoch - self._first)
        stress = "" if record.stress_GPa is None else f", {record.stress_GPa:.3f} GPa"
        logger.info(
            "%s: epoch %d of %d, validation %.2f meV/atom, %.1f meV/A%s, %s left",
            self.title, record.epoch, self.n_epochs, record.energy_meV_per_atom, record.force_meV_per_A, stress,
            format_duration(an_epoch * (self.n_epochs - record.epoch)),
        )  # fmt: skip
