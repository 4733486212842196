"""The stored trajectory: codec, stitching of segments, and the trajectory that analysis reads."""

from superionic.trajectories.labelled import LabelledFrame, labelled_frames
from superionic.trajectories.stitch import open_frames, stitch, stitch_velocities
from superionic.trajectories.trajectory import Trajectory, from_arrays

__all__ = [
    "LabelledFrame",
    "Trajectory",
    "from_arrays",
    "labelled_frames",
    "open_frames",
    "stitch",
    "stitch_velocities",
]
