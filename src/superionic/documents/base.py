"""What every stored document shares: strict fields, and a way back from the database."""

from __future__ import annotations

from typing import Any, Self

from monty.json import MontyDecoder
from pydantic import BaseModel, ConfigDict

Vector3 = tuple[float, float, float]
Matrix3 = tuple[Vector3, Vector3, Vector3]


class Document(BaseModel):
    """A pydantic model that forbids unknown keys and knows its way back from a store."""

    model_config = ConfigDict(extra="forbid", validate_default=True, allow_inf_nan=False)

    @classmethod
    def from_stored(cls, stored: dict[str, Any]) -> Self:
        """Rebuild the document from what a jobflow or maggma store returns.

        Parameters
        ----------
        stored
            The document as a store gives it, with or without monty's ``@module`` and ``@class`` keys.
        """
        plain = {key: value for key, value in stored.items() if not key.startswith("@") and key != "_id"}
        return cls(**MontyDecoder().process_decoded(plain))
