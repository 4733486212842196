"""Labels of the real reference that are in this repository: PBEsol by CP2K, Li3InCl6, 20 atoms a frame."""

from functools import cache
from pathlib import Path

from superionic.datasets.extxyz import read_extxyz
from superionic.datasets.frames import LabelledFrames, ReferenceFrame
from superionic.documents import PotentialReference
from superionic.documents.dataset import LabelReference

FILE = Path(__file__).parents[1] / "workflows" / "labels" / "results" / "labels.extxyz.gz"
PBESOL = LabelReference(potential=PotentialReference(family="CP2K", model="PBEsol", origin="first principles"))


@cache
def candidates():
    """The frames as they stand in the file."""
    return read_extxyz(FILE, PBESOL)


@cache
def frames():
    """The same, labelled."""
    return LabelledFrames(
        tuple(
            ReferenceFrame(
                c.frame.numbers, c.frame.positions_A, c.frame.cell_A, c.frame.origin,
                c.energy_eV, c.forces_eV_per_A, c.stress_eV_per_A3, None, PBESOL,
            )
            for c in candidates()
        )
    )  # fmt: skip
