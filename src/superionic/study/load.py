"""Reading a study file."""

from __future__ import annotations

from pathlib import Path

import yaml
from pydantic import ValidationError

from superionic.errors import InputError, first_error
from superionic.study.entries import Study


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
        content = yaml.safe_load(path.read_text())
    except yaml.YAMLError as error:
        raise InputError(f"study file {path} is not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(content, dict):
        raise InputError(f"study file {path} holds no keys: start from workflows/quickstart/study.yaml")
    try:
        study = Study(**content)
    except ValidationError as error:
        raise InputError(f"study file {path}: {first_error(error)}") from error
    beside = path.parent / study.host
    if beside.is_file():
        study = study.model_copy(update={"host": str(beside.resolve())})
    return study.model_copy(update={"potential": study.potential.beside(path.parent)})
