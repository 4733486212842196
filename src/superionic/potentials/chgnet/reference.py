"""Which CHGNet: finding the weights, loading them, and naming them beyond doubt."""

from __future__ import annotations

import contextlib
import hashlib
import io
from pathlib import Path
from typing import TYPE_CHECKING

from superionic.errors import InputError

if TYPE_CHECKING:
    from chgnet.model import CHGNet

__all__ = ["PRETRAINED", "SUPPORTED_NUMBERS", "load_model", "weights_path"]

PRETRAINED = ("0.3.0", "r2scan", "0.2.0")
"""Models that the chgnet package ships."""

SUPPORTED_NUMBERS = frozenset(range(1, 95)) - frozenset(range(84, 89))
"""H to Pu without Po, At, Rn, Fr and Ra: the 89 elements of MPtrj. The five have rows in CHGNet's embedding,
but never trained ones."""


def load_model(model: str | Path) -> tuple[CHGNet, str]:
    """Load CHGNet on the CPU.

    Parameters
    ----------
    model
        Name of a pretrained model ("0.3.0", "r2scan", "0.2.0") or path of a checkpoint written by chgnet's Trainer.

    Returns
    -------
    model
        In evaluation mode.
    sha256
        Of the weights file.

    Raises
    ------
    InputError
        Neither a known name nor a readable checkpoint.
    """
    from chgnet.model import CHGNet

    path = weights_path(model)
    with contextlib.redirect_stdout(io.StringIO()):
        try:
            if str(model) in PRETRAINED:
                network = CHGNet.load(model_name=str(model), use_device="cpu", verbose=False)
            else:
                network = CHGNet.from_file(str(path))
        except Exception as error:
            raise InputError(
                f"model={str(model)!r} is not a CHGNet checkpoint that chgnet can read: {error}"
            ) from error
    return network.eval(), hashlib.sha256(path.read_bytes()).hexdigest()


def weights_path(model: str | Path) -> Path:
    """The file of a model's weights.

    Raises
    ------
    InputError
        Neither a known name nor a file.
    """
    if str(model) in PRETRAINED:
        import chgnet

        folder = Path(chgnet.__file__).parent / "pretrained" / str(model)
        return next(folder.glob("*.pth.tar"))
    path = Path(model).expanduser()
    if not path.is_file():
        raise InputError(
            f"model={str(model)!r} is neither one of {', '.join(PRETRAINED)} nor an existing checkpoint file"
        )
    return path
