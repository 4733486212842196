"""What every stored document shares: strict fields, and a way back from the database."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, Self

from monty.json import MontyEncoder
from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, model_validator

from superionic.documents.migrations import migrated
from superionic.errors import StoreError, first_error

if TYPE_CHECKING:
    from pymatgen.core import Structure

_STORED = object()  # the validation context of what comes from a store
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

        Raises
        ------
        StoreError
            If it is not a whole document, or of a version that cannot be read.
        """
        plain = {key: _rebuilt(value) for key, value in stored.items() if not key.startswith("@") and key != "_id"}
        try:
            return cls.model_validate(plain, context=_STORED)
        except ValidationError as error:
            raise StoreError(f"it is not a whole {cls.__name__} ({first_error(error)})") from error

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> Self:
        """The same by the name that monty's decoder looks for, so that jobs read what older versions stored."""
        return cls.from_stored(stored)


class StoredDocument(Document):
    """A document that stands in a store on its own, or in another one: it says what it is and which shape it has.

    Each kind states both as literals. What comes from a store in an older shape is read through the steps of
    `superionic.documents.migrations`; a newer one is refused.
    """

    kind: str = Field(description="What this document is")
    schema_version: int = Field(description="Version of the shape of this kind of document")

    @classmethod
    def in_this_shape(cls, stored: dict[str, Any]) -> dict[str, Any]:
        """Stored JSON of any version that can be read as JSON of today's shape; what it holds is not checked."""
        versions = {
            name: cls.model_fields[name].default
            for name in ("kind", "schema_version", "analysis_version")
            if name in cls.model_fields
        }
        return migrated(stored, **versions)

    @model_validator(mode="before")
    @classmethod
    def _from_any_version(cls, stored: Any, info: ValidationInfo) -> Any:
        return cls.in_this_shape(stored) if info.context is _STORED and isinstance(stored, dict) else stored


class DerivedDocument(StoredDocument):
    """A document that builders make of others, and make anew when it is of an older version."""

    analysis_version: int = Field(description="Version of what the numbers of this kind of document mean")
    build_key: str | None = Field(
        None,
        description="Digest of the sources, settings and versions that it was built from; None if not by a builder",
    )


def _rebuilt(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_rebuilt(entry) for entry in value]
    if not isinstance(value, dict):
        return value
    if value.get("@class") == "Structure":
        return stored_structure(value)
    if set(value) - {"@version"} == _ENUM_KEYS:
        return value["value"]
    return {key: _rebuilt(entry) for key, entry in value.items() if not key.startswith("@")}


def stored_structure(stored: dict[str, Any]) -> Structure:
    """A structure from its JSON; pymatgen would decode properties of sites as monty does, importing what they name."""
    from pymatgen.core import Structure

    return Structure.from_dict(_without_classes(stored))


def _without_classes(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_classes(entry) for key, entry in value.items() if not str(key).startswith("@")}
    return [_without_classes(entry) for entry in value] if isinstance(value, list) else value
