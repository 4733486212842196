"""Which potential to use: what a user asks for; PotentialReference is what they got."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import BeforeValidator, Discriminator, Field, JsonValue, Tag, field_validator

from superionic.documents.base import Document
from superionic.documents.cp2k import Cp2kSettings
from superionic.documents.pair_style import PairStyleSettings
from superionic.documents.vasp import VaspSettings

__all__ = [
    "AseSettings",
    "ChgnetSettings",
    "Cp2kSettings",
    "PairStyleSettings",
    "PotentialSettings",
    "PresetSettings",
    "VaspSettings",
    "looks_like_a_path",
]

PresetFamily = Literal["mace", "sevennet", "mattersim", "orb", "matgl", "nequip"]

_lower = BeforeValidator(lambda value: value.lower() if isinstance(value, str) else value)
_PATH = re.compile(r"[/\\]|\.[A-Za-z]\w*$")


def looks_like_a_path(name: str) -> bool:
    """Whether a string has a separator or a suffix, as ``./tuned`` or ``tuned.pth``, not ``0.3.0`` or ``7net-0``."""
    return _PATH.search(name) is not None


class _Family(Document):
    """What every family's settings can be asked."""

    @property
    def in_batches(self) -> bool:
        """Whether runs side by side on one machine are evaluated together, by one process."""
        return False

    @property
    def cores(self) -> int | None:
        """Cores that one evaluation takes; None for as many as threads are allowed where it runs."""
        return None


class ChgnetSettings(_Family):
    """A CHGNet model and how to run it."""

    family: Annotated[Literal["chgnet"], _lower] = Field("chgnet", description="Kind of potential")
    model: str = Field(
        "0.3.0", description="'0.3.0', 'r2scan', '0.2.0', or the path of a fine-tuned checkpoint, with its suffix"
    )
    device: str = Field("cpu", description="torch device, 'cpu' or 'cuda'")
    kernels: Literal["auto", "fused", "torch", "stock"] = Field(
        "auto", description="Implementation; 'auto' takes the fastest and the documents say which"
    )
    batch_runs: bool | None = Field(
        None,
        description="Whether runs side by side on one machine are evaluated in common batches by one process; "
        "None does so on a CUDA device only",
    )

    @property
    def in_batches(self) -> bool:
        """Whether runs side by side are evaluated together: on several cores, one process a run is faster."""
        return self.device.startswith("cuda") if self.batch_runs is None else self.batch_runs

    def beside(self, folder: Path) -> Self:
        """The same settings with a checkpoint's path found from a folder; a published name stays what it is."""
        return self.model_copy(update={"model": _found(self.model, folder)})


class _WithArguments(_Family):
    """Settings that hold arguments for somebody else's code, as plain data."""

    kwargs: dict[str, JsonValue] = Field(
        default_factory=dict, description="Keyword arguments of the calculator; strings that are paths may be relative"
    )

    @field_validator("kwargs")
    @classmethod
    def _plain_data(cls, kwargs: dict[str, JsonValue]) -> dict[str, JsonValue]:
        named = _monty_key(kwargs)
        if named is not None:
            raise ValueError(f"key {named!r} is refused: arguments are plain data, they name no Python object")
        return kwargs

    def beside(self, folder: Path) -> Self:
        """The same settings with the files among the arguments found from a folder."""
        return self.model_copy(update={"kwargs": {key: _found_in(value, folder) for key, value in self.kwargs.items()}})


class AseSettings(_WithArguments):
    """Any ASE calculator that is installed."""

    family: Annotated[Literal["ase"], _lower] = Field("ase", description="Kind of potential")
    calculator: str = Field(
        pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*(\.[A-Za-z_]\w*)?$",
        description="Import path 'module:callable' of a calculator's class, or of a function annotated to return one, "
        "in an installed package",
    )
    cutoff_A: float | None = Field(
        None,
        gt=0,
        description="Range of its interactions in Å, if known: cells thinner than it and isolated atoms are refused",
    )


class PresetSettings(_WithArguments):
    """A family of machine-learned potentials through its own package.

    A weights file of these packages may hold code that runs when it is loaded: use files that you trust.
    """

    family: Annotated[PresetFamily, _lower] = Field(description="Kind of potential")
    model: str | None = Field(
        None, description="Name of a published model, or path of a weights file; None for the family's usual one"
    )
    device: str = Field("cpu", description="torch device, 'cpu' or 'cuda'")

    def beside(self, folder: Path) -> Self:
        """The same settings with the weights file and the files among the arguments found from a folder."""
        with_arguments = super().beside(folder)
        model = None if self.model is None else _found(self.model, folder)
        return with_arguments.model_copy(update={"model": model})


_PRESETS = get_args(PresetFamily)


def _tag(settings: Any) -> str:
    """Which settings these are; a study that says no family, as all did once, means CHGNet."""
    family = settings.get("family", "chgnet") if isinstance(settings, dict) else getattr(settings, "family", None)
    family = family.lower() if isinstance(family, str) else "unknown"
    return "preset" if family in _PRESETS else family


PotentialSettings = Annotated[
    Annotated[ChgnetSettings, Tag("chgnet")]
    | Annotated[AseSettings, Tag("ase")]
    | Annotated[Cp2kSettings, Tag("cp2k")]
    | Annotated[VaspSettings, Tag("vasp")]
    | Annotated[PairStyleSettings, Tag("lammps")]
    | Annotated[PresetSettings, Tag("preset")],
    Discriminator(
        _tag,
        custom_error_type="unknown_family",
        custom_error_message="the family is unknown: choose one of chgnet, ase, cp2k, vasp, lammps, "
        + ", ".join(_PRESETS),
    ),
]
"""Settings of a potential of any family."""


def _found(name: str, folder: Path) -> str:
    path = folder / Path(name).expanduser()
    return str(path.resolve()) if looks_like_a_path(name) and path.exists() else name


def _found_in(value: JsonValue, folder: Path) -> JsonValue:
    if isinstance(value, list):
        return [_found_in(entry, folder) for entry in value]
    return _found(value, folder) if isinstance(value, str) else value


def _monty_key(value: JsonValue) -> str | None:
    """The first key, at any depth, that a decoder of stored objects would act on."""
    if isinstance(value, list):
        return next((key for entry in value if (key := _monty_key(entry)) is not None), None)
    if not isinstance(value, dict):
        return None
    for key, entry in value.items():
        inner = key if key.startswith("@") else _monty_key(entry)
        if inner is not None:
            return inner
    return None
