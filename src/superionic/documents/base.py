"""What every stored document shares: strict fields, and a way back from the database."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, ClassVar, Self

from monty.json import MontyEncoder
from pydantic import BaseModel, ConfigDict

_ENUM_KEYS = {"@module", "@class", "value"}

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

        What a database names is never imported or called, as monty's decoder would; the fields' types decide.

        Parameters
        ----------
        stored
            The document as a store gives it, with or without monty's ``@module`` and ``@class`` keys.
        """
        return cls(
            **{key: _rebuilt(value) for key, value in stored.items() if not key.startswith("@") and key != "_id"}
        )


def _rebuilt(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_rebuilt(entry) for entry in value]
    if not isinstance(value, dict):
        return value
    if value.get("@class") == "Structure":
        from pymatgen.core import Structure

        return Structure.from_dict(_without_classes(value))
    if set(value) - {"@version"} == _ENUM_KEYS:
        return value["value"]
    return {key: _rebuilt(entry) for key, entry in value.items() if not key.startswith("@")}


def _without_classes(value: Any) -> Any:
    """Pymatgen decodes properties of sites as monty does."""
    if isinstance(value, dict):
        return {key: _without_classes(entry) for key, entry in value.items() if not str(key).startswith("@")}
    return [_without_classes(entry) for entry in value] if isinstance(value, list) else value
