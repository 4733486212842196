"""How far a run is: a file that a manager reads, and log lines that a batch job shows."""

from __future__ import annotations

import json
import logging
import os
import time
from pathlib import Path

PROGRESS_FILE = "progress.json"
_FILE_EVERY_S = 1.0
_LOG_EVERY_S = 30.0

logger = logging.getLogger(__name__)


class Progress:
    """Progress of one segment within its run.

    Parameters
    ----------
    title
        What is running, for example 'O 700 K seed 0'.
    first_step, last_step
        Steps of the run between which this segment lies.
    total_steps
        Steps of the whole run.
    time_step_fs
        Time step in fs.
    folder
        Where the file ``progress.json`` goes.
    """

    def __init__(
        self, title: str, first_step: int, last_step: int, total_steps: int, time_step_fs: float, folder: Path
    ) -> None:
        self.title = title
        self.first_step, self.last_step, self.total_steps = first_step, last_step, total_steps
        self.time_step_fs = time_step_fs
        self._file = folder / PROGRESS_FILE
        self._started = time.monotonic()
        self._written = self._logged = -1e9

    def update(self, step: int, temperature_K: float, energy_eV_per_atom: float, drift_meV_per_atom: float) -> None:
        """Report a step; writes at most once a second and logs at most twice a minute.

        Parameters
        ----------
        step
            Step of the run.
        temperature_K
            Kinetic temperature in K.
        energy_eV_per_atom
            Potential energy in eV/atom.
        drift_meV_per_atom
            Change of the conserved quantity since the segment's start in meV/atom.
        """
        now = time.monotonic()
        done = step == self.last_step
        if done or now - self._written >= _FILE_EVERY_S:
            self._written = now
            self._write(step, temperature_K, energy_eV_per_atom, drift_meV_per_atom)
        if done or now - self._logged >= _LOG_EVERY_S:
            self._logged = now
            logger.info(
                "%s: step %d of %d, %.0f K, %.4f eV/atom, conserved %+.3f meV/atom, "
                "%.3g s a step, %.3f ns/day, %s left",
                self.title, step, self.total_steps, temperature_K, energy_eV_per_atom, drift_meV_per_atom,
                self.seconds_per_step(step), self.ns_per_day(step), format_duration(self._seconds_left(step)),
            )  # fmt: skip

    def ns_per_day(self, step: int) -> float:
        """Speed since the segment started."""
        elapsed = max(time.monotonic() - self._started, 1e-9)
        return (step - self.first_step) * self.time_step_fs * 1e-6 / (elapsed / 86400)

    def seconds_per_step(self, step: int) -> float:
        """Time of one step since the segment started."""
        return (time.monotonic() - self._started) / max(step - self.first_step, 1)

    def _seconds_left(self, step: int) -> float:
        rate = (step - self.first_step) / max(time.monotonic() - self._started, 1e-9)
        return (self.total_steps - step) / rate if rate > 0 else float("inf")

    def _write(self, step: int, temperature_K: float, energy_eV_per_atom: float, drift_meV_per_atom: float) -> None:
        content = {
            "title": self.title,
            "step": step,
            "total_steps": self.total_steps,
            "temperature_K": temperature_K,
            "energy_eV_per_atom": energy_eV_per_atom,
            "conserved_drift_meV_per_atom": drift_meV_per_atom,
            "ns_per_day": self.ns_per_day(step),
            "seconds_per_step": self.seconds_per_step(step),
        }
        partial = self._file.with_suffix(".part")
        partial.write_text(json.dumps(content))
        os.replace(partial, self._file)  # noqa: PTH105 - atomic, so that a reader never sees half a file


def format_duration(seconds: float) -> str:
    """Seconds as h:mm:ss."""
    if not seconds < 1e9:
        return "?"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"
