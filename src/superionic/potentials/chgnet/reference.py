"""Which CHGNet: finding the weights, loading them, and naming them beyond doubt."""

from __future__ import annotations

import contextlib
import hashlib
import io
import re
from pathlib import Path
from pickle import UnpicklingError
from typing import TYPE_CHECKING, Any

from superionic.documents.potential import looks_like_a_path
from superionic.errors import InputError

if TYPE_CHECKING:
    from chgnet.model import CHGNet

_SHA256 = re.compile("[0-9a-f]{64}")

__all__ = ["KNOWS", "PRETRAINED", "SUPPORTED_NUMBERS", "load_model", "weights_path"]

PRETRAINED = ("0.3.0", "r2scan", "0.2.0")
"""Models that the chgnet package ships."""

SUPPORTED_NUMBERS = frozenset(range(1, 95)) - frozenset(range(84, 89))
"""H to Pu without Po, At, Rn, Fr and Ra: the 89 elements of MPtrj. The five have rows in CHGNet's embedding,
but never trained ones."""

KNOWS = "CHGNet (H to Pu without Po, At, Rn, Fr and Ra)"
"""CHGNet and its elements in words, for messages."""


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

    path, name = weights_path(model), str(model)
    published = {"mlp_out_bias": name == "0.2.0", "version": name} if name in PRETRAINED else {}  # as CHGNet.load
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            network = CHGNet.from_dict(_plain_data(path)["model"], **published)
    except InputError:
        raise
    except Exception as error:
        raise InputError(f"model={name!r} is not a CHGNet checkpoint that chgnet can read: {error}") from error
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    promised = path.name.partition(".")[0]
    if _SHA256.fullmatch(promised) and promised != sha256:
        raise InputError(f"model={name!r}: these are not the weights of that SHA-256: remove the file and train again")
    return network.eval(), sha256


def weights_path(model: str | Path) -> Path:
    """The file of a model's weights.

    The names of published models are theirs: no file of such a name is ever taken for one.

    Raises
    ------
    InputError
        Neither a known name nor a file.
    """
    name = str(model)
    if name in PRETRAINED:
        import chgnet

        folder = Path(chgnet.__file__).parent / "pretrained" / name
        return next(folder.glob("*.pth.tar"))
    path = Path(model).expanduser()
    if not looks_like_a_path(name) or not path.is_file():
        raise InputError(
            f"model={name!r} is neither one of {', '.join(PRETRAINED)} nor the path of an existing checkpoint, "
            "with its folder or suffix"
        )
    return path


def _plain_data(path: Path) -> dict[str, Any]:
    """Tensors, numbers and strings of a checkpoint; nothing in it is run.

    Raises
    ------
    InputError
        If it holds anything else.
    """
    import torch

    try:
        content: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except UnpicklingError as error:
        raise InputError(
            f"model={str(path)!r} is not a checkpoint of tensors and plain data alone, and nothing else in a file is "
            "loaded, since it could run code: if it is a checkpoint of chgnet that you trust, re-save it by "
            "torch.save({'model': CHGNet.from_file(path).as_dict()}, 'weights.pth.tar')"
        ) from error
    return content
