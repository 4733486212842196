"""What is stored in place of a document that could not be made, so that the others go on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from superionic.documents import SourceReference


def failure(key: dict[str, str], sources: Sequence[SourceReference], error: Exception) -> dict[str, Any]:
    """Record of a failure.

    Parameters
    ----------
    key
        The field that the store is keyed on, with its value.
    sources
        The job outputs that the document would have been made from.
    error
        Why it could not be made.
    """
    return {
        "kind": "failure",
        **key,
        "reason": f"{type(error).__name__}: {error}",
        "provenance": {"sources": [source.model_dump() for source in sources]},
    }
