"""Reading a study file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from superionic.documents import AnalysisSettings
from superionic.errors import InputError, first_error
from superionic.study.entries import Study
from superionic.study.strict_yaml import read_yaml

_Settings = TypeVar("_Settings", bound=BaseModel)


def load_study(path: Path) -> Study:
    """Read a study file and check its keys and values; its plan (`Study.plan`) checks its cells.

    Raises
    ------
    InputError
        One sentence that names the first thing that is wrong: an unknown key, a value out of range.
    """
    if not path.is_file():
        raise InputError(f"study file {str(path)!r} does not exist")
    try:
        content = read_yaml(path.read_text())
    except InputError as error:
        raise InputError(f"study file {path}: {error}") from error
    if not isinstance(content, dict):
        raise InputError(f"study file {path} holds no keys: start from workflows/quickstart/study.yaml")
    try:
        study = Study.model_validate_json(json.dumps(content), strict=True)  # strict: true is no temperature of 1 K
    except ValidationError as error:
        raise InputError(f"study file {path}: {first_error(error)}{_meant(error)}") from error
    beside = path.parent / study.host
    if beside.is_file():
        study = study.model_copy(update={"host": str(beside.resolve())})
    orderings = [
        entry.model_copy(update={"structure": str(path.parent / entry.structure)}) if entry.structure else entry
        for entry in study.orderings
    ]
    study = study.model_copy(update={"orderings": orderings})
    reference = None if study.reference is None else study.reference.beside(path.parent)
    judged = None if study.validation is None else study.validation.beside_files(path.parent)
    potential = study.potential.beside(path.parent)
    return study.model_copy(update={"potential": potential, "reference": reference, "validation": judged})


def load_analysis(path: Path) -> AnalysisSettings:
    """Read settings of the analysis from a file of their own: what stands under `analysis:` in a study.

    Raises
    ------
    InputError
        One sentence that names the first thing that is wrong.
    """
    return load_settings(path, AnalysisSettings, "analysis:")


def load_settings(path: Path, model: type[_Settings], section: str) -> _Settings:
    """Read what stands under a section of a study from a file of its own.

    Parameters
    ----------
    path
        The file.
    model
        What it holds.
    section
        How the section is called, for messages.

    Raises
    ------
    InputError
        One sentence that names the first thing that is wrong.
    """
    content = read_yaml(path.read_text())
    if not isinstance(content, dict):
        raise InputError(f"{path} holds no keys: write in it what stands under `{section}` in a study")
    try:
        return model.model_validate_json(json.dumps(content), strict=True)
    except ValidationError as error:
        raise InputError(f"{path}: {first_error(error)}") from error


def _meant(error: ValidationError) -> str:
    """The known key nearest to an unknown one, as a question."""
    first = error.errors()[0]
    if first["type"] != "extra_forbidden":
        return ""
    *place, unknown = first["loc"]
    models: list[type[BaseModel]] = [Study]
    for step in place:
        fields = [_fields(model)[str(step)] for model in models if str(step) in _fields(model)]
        models = [model for field in fields for model in _models(field.annotation)] or models
    known = {name for model in models for name in _fields(model)}
    nearest = get_close_matches(str(unknown), known, n=1)
    return f": did you mean {nearest[0]}?" if nearest else f": known here are {', '.join(sorted(known))}"


def _fields(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """Fields by the keys that a study file has for them."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models in a type, those in lists and unions too."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models(argument)
