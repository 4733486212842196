"""What is fitted over temperatures besides D itself, and what groups of runs are compared by."""

from __future__ import annotations

from enum import StrEnum


class PartKind(StrEnum):
    """Kinds of parts of the motion; 'axis' and 'jumps' say of which axis and category: 'axis a', 'jumps: lower'."""

    AXIS = "axis"
    JUMPS = "jumps"
    CONDUCTIVITY = "conductivity x T"
    COLLECTIVE_CONDUCTIVITY = "collective conductivity x T"


class ComparedQuantity(StrEnum):
    """Quantities that groups differ in; that of a part of the motion says of which: 'activation energy: axis a'."""

    ACTIVATION_ENERGY = "activation energy"
    LOG_D = "ln D"
    MEAN_LOG_D = "mean ln D"
    EXTRAPOLATED_LOG_D = "extrapolated ln D"
    EXTRAPOLATED_LOG_SIGMA = "extrapolated ln sigma"
