"""The stored trajectory: codec, stitching of segments, and the trajectory that analysis reads."""

from superionic.trajectories.stitch import open_frames, stitch, stitch_velocities
from superionic.trajectories.trajectory import Trajectory, from_arrays

__all__ = ["Trajectory", "from_arrays", "open_frames", "stitch", "stitch_velocities"]
