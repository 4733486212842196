"""CHGNet as its settings ask for it."""

from __future__ import annotations

from superionic.documents import ChgnetSettings
from superionic.potentials.chgnet.evaluator import ChgnetPotential, load_chgnet
from superionic.potentials.chgnet.shared import SharedPotential

__all__ = ["load", "load_shared"]


def load(settings: ChgnetSettings) -> ChgnetPotential:
    """CHGNet in this process."""
    return load_chgnet(settings.model, settings.device, settings.kernels)


def load_shared(settings: ChgnetSettings) -> SharedPotential:
    """CHGNet in a process of its own that evaluates for every run on this machine."""
    return SharedPotential(settings.model, settings.device, settings.kernels)
