"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from pydantic import ValidationError

from superionic.errors import InputError
from superionic.settings import SETTINGS_FILE, SuperionicSettings

study_argument = click.argument("study_file", type=click.Path(path_type=Path, dir_okay=False))
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def store_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """--store FOLDER: the embedded store, instead of the one of the settings."""
    return click.option(
        "--store",
        "store_dir",
        type=click.Path(path_type=Path, file_okay=False),
        help="Folder of the embedded store [default: from the settings, else ./superionic-data].",
    )(function)


analysis_option = click.option(
    "--analysis",
    "analysis_file",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="YAML file with what stands under `analysis:` in a study.",
)


def settings(store_dir: Path | None) -> SuperionicSettings:
    """Settings of this installation, with the folder given on the command line.

    Raises
    ------
    InputError
        If the settings file or a SUPERIONIC_* variable is wrong.
    """
    try:
        if store_dir is None:
            return SuperionicSettings()
        return SuperionicSettings(store_dir=store_dir, jobflow_config=None)
    except ValidationError as error:
        first = error.errors()[0]
        raise InputError(
            f"setting {'.'.join(map(str, first['loc']))} = {first['input']!r} is wrong ({first['msg']}): "
            f"correct {SETTINGS_FILE} or the SUPERIONIC_* variable"
        ) from error
