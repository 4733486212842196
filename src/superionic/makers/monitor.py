"""What a chain of segments remembers of its past, so that it can decide whether to go on."""

from __future__ import annotations

import base64
import logging
import zlib
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from superionic.documents import ERROR_TARGET_REACHED, Document, MDProtocol
from superionic.errors import InputError
from superionic.trajectories import Trajectory, from_arrays
from superionic.trajectories.codec import FrameReader

logger = logging.getLogger(__name__)

_MAX_FRAMES = 256
_PRECISION_A = 0.01


class RunMonitor(Document):
    """At most 256 coarse frames of a run, evenly spaced, small enough to travel from job to job."""

    stride: int = Field(1, ge=1, description="Stored frames of the run from one coarse frame to the next")
    n_seen: int = Field(0, ge=0, description="Stored frames of the run that were looked at")
    n_atoms: int = Field(0, ge=0, description="Atoms")
    frames: str = Field("", description="Unwrapped positions in units of 0.01 Å: base64 of compressed int32")

    def extended(self, frames: FrameReader) -> RunMonitor:
        """The monitor after one more segment."""
        n_atoms = self.n_atoms or frames.n_atoms
        stride, kept = self.stride, self._positions(n_atoms)
        offset = -self.n_seen % stride
        kept = np.concatenate([kept, _rounded(frames.positions_A(offset, None, stride))])
        while len(kept) > _MAX_FRAMES:
            stride, kept = 2 * stride, kept[::2]
        packed = base64.b64encode(zlib.compress(kept.tobytes())).decode()
        return RunMonitor(stride=stride, n_seen=self.n_seen + len(frames), n_atoms=n_atoms, frames=packed)

    def stop_reason(
        self,
        protocol: MDProtocol,
        cell_A: NDArray[np.float64],
        species: list[str],
        mobile_charges_e: dict[str, float],
        framework: list[str] | None = None,
    ) -> str | None:
        """Why the run should end now, None if it should go on.

        Parameters
        ----------
        protocol
            The protocol of the run.
        cell_A
            Cell vectors as rows in Å.
        species
            Element symbol of each atom.
        mobile_charges_e
            Charge of every mobile ion in elementary charges, first the one whose error may end the run.
        framework
            Elements of the framework; None for all that is not mobile.
        """
        interval_ps = self.stride * protocol.frame_interval_ps
        positions = self._positions(len(species)) * _PRECISION_A
        mobile, *_ = mobile_charges_e
        trajectory = from_arrays(
            positions, cell_A, species, interval_ps, protocol.temperature_K, mobile,
            equilibration_ps=protocol.equilibration_ps,
        )  # fmt: skip
        try:
            others = {ion: charge for ion, charge in mobile_charges_e.items() if ion != mobile}
            trajectory = replace(trajectory, other_mobile_charges_e=others)
            return _stop_reason(trajectory.with_framework(framework), protocol.target_relative_error)
        except InputError:  # too short to say anything yet
            return None
        except Exception:  # a run is worth more than the watch over it
            logger.exception("the run could not be watched over; it goes on")
            return None

    def _positions(self, n_atoms: int) -> NDArray[np.int32]:
        if not self.frames:
            return np.empty((0, n_atoms, 3), dtype=np.int32)
        raw = zlib.decompress(base64.b64decode(self.frames))
        return np.frombuffer(raw, dtype=np.int32).reshape(-1, n_atoms, 3)


def _rounded(positions_A: NDArray[np.float64]) -> NDArray[np.int32]:
    return np.rint(positions_A / _PRECISION_A).astype(np.int32)


def _stop_reason(trajectory: Trajectory, target_relative_error: float | None) -> str | None:
    from superionic.analysis.framework.integrity import framework_integrity
    from superionic.analysis.motion import read_motion
    from superionic.analysis.quality import framework_check
    from superionic.analysis.spectral.diffusion import estimate_diffusion

    motion, _ = read_motion(trajectory)
    framework = framework_check(framework_integrity(motion))
    if framework.fatal:
        return framework.reason
    if target_relative_error is None:
        return None
    found = estimate_diffusion(motion.mobile_A, motion.interval_ps).isotropic()
    reached = found.value > 0 and found.standard_error <= target_relative_error * found.value
    return ERROR_TARGET_REACHED if reached else None
