"""Which parameters of a CHGNet are trained; the others stay as they are to the last bit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from torch import nn

from superionic.errors import InputError

if TYPE_CHECKING:
    from chgnet.model import CHGNet

__all__ = ["choose_trained", "trained_parameters"]

_MAGNETIC_MOMENTS = "site_wise"
"""The head of magnetic moments: it has no share in energies, and labels of it are not learned."""


def choose_trained(model: CHGNet, trained: Literal["all"] | Sequence[str]) -> None:
    """Let some parameters of a model be trained, and freeze the others.

    Parameters
    ----------
    model
        The model.
    trained
        'all', or beginnings of the names of parameters.

    Raises
    ------
    InputError
        If a beginning is that of no parameter, or of the head of magnetic moments, or there is none.
    """
    parameters = dict(model.named_parameters())
    if trained == "all":
        wanted = set(parameters)
    else:
        of_each = {start: {name for name in parameters if _begins(name, start)} for start in trained}
        nothing = [start for start, names in of_each.items() if not names]
        if nothing or not of_each:
            modules = ", ".join(sorted({name.partition(".")[0] for name in parameters} - {_MAGNETIC_MOMENTS}))
            what = f"{nothing[0]!r} is the beginning of no parameter" if nothing else "nothing would be trained"
            raise InputError(f"trained={list(trained)}: {what}: give 'all', or some of {modules}")
        wanted = set().union(*of_each.values())
        if any(name.startswith(_MAGNETIC_MOMENTS) for name in wanted):
            raise InputError(
                f"trained={list(trained)}: magnetic moments are not learned: leave {_MAGNETIC_MOMENTS} out"
            )
    for name, parameter in parameters.items():
        parameter.requires_grad = name in wanted and not name.startswith(_MAGNETIC_MOMENTS)


def trained_parameters(model: CHGNet) -> dict[str, nn.Parameter]:
    """Those that are trained, by name."""
    return {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}


def _begins(name: str, start: str) -> bool:
    """Whether a name begins with whole parts of it: 'mlp' is no beginning of 'mlp_out'."""
    return name == start or name.startswith(f"{start}.")
