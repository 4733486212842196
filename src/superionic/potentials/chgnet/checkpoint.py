"""A fine-tuned CHGNet as a file: tensors and plain data, which chgnet itself loads too, and nothing that could run."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

from superionic.errors import InputError

if TYPE_CHECKING:
    from chgnet.model import CHGNet

__all__ = ["ABOUT", "checkpoint_bytes", "sha256_of_bytes", "write_checkpoint"]

ABOUT = "superionic"
"""Where a checkpoint says what it is; chgnet reads `model` alone."""


def checkpoint_bytes(model: CHGNet, about: dict[str, Any]) -> bytes:
    """A model as a checkpoint for `load_model`, and for ``CHGNet.from_file``.

    Parameters
    ----------
    model
        On the CPU.
    about
        Plain data about it: name, base, datasets.
    """
    import torch

    content = io.BytesIO()
    weights = {name: value.detach().cpu().clone() for name, value in model.state_dict().items()}
    torch.save({"model": {"state_dict": weights, "model_args": model.model_args}, ABOUT: about}, content)
    return content.getvalue()


def sha256_of_bytes(content: bytes) -> str:
    """SHA-256 in hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def write_checkpoint(file: Path, content: bytes, sha256: str) -> Path:
    """Write a checkpoint, whole or not at all.

    Raises
    ------
    InputError
        If the bytes are not those of the SHA-256.
    """
    if sha256_of_bytes(content) != sha256:
        raise InputError(f"the weights for {file.name} fail their checksum: restore them from a backup, or train again")
    partial = file.with_name(f"{file.name}.part")
    partial.write_bytes(content)
    partial.replace(file)
    return file
