"""What every stored document shares: strict fields, and a way back from the database."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, ClassVar, Self

from monty.json import MontyDecoder, MontyEncoder
from pydantic import BaseModel, ConfigDict

Vector3 = tuple[float, float, float]
Matrix3 = tuple[Vector3, Vector3, Vector3]


class _AsDict:
    """`as_dict` of documents but not of their classes: monty calls it on whatever has it, `output_schema` included."""

    def __get__(self, document: Document | None, owner: type[Document]) -> Callable[[], dict[str, Any]]:
        if document is None:
            raise AttributeError("as_dict")
        return lambda: json.loads(json.dumps(document, cls=MontyEncoder))


class Document(BaseModel):
    """A pydantic model that forbids unknown keys and knows its way back from a store."""

    model_config = ConfigDict(extra="forbid", validate_default=True, allow_inf_nan=False)

    as_dict: ClassVar[_AsDict] = _AsDict()  # without it FireWorks stores str(document)

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
