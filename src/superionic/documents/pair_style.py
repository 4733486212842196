"""A pair style of LAMMPS' own as a potential: what a user asks for."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, field_validator

from superionic.documents.base import Document

_REFUSED_WORDS = {"shell", "python", "unified"}  # the styles among them run code that files name
_ALLOWED = re.compile(r"[\w./*+:=@~, -]+", re.ASCII)


class PairStyleSettings(Document):
    """``pair_style`` and ``pair_coeff``, in LAMMPS' ``units metal``; no other command is taken.

    Only the engine 'lammps' integrates with it; relaxations and checks ask LAMMPS for its forces.
    """

    family: Annotated[Literal["lammps"], BeforeValidator(lambda value: str(value).lower())] = Field(
        "lammps", description="Kind of potential"
    )
    elements: list[str] = Field(
        min_length=1, description="Element of LAMMPS' atom type 1, 2, ..., as pair_coeff counts them"
    )
    pair_style: str = Field(description="Arguments of LAMMPS' command pair_style, for example 'lj/cut 8.0'")
    pair_coeff: list[str] = Field(
        min_length=1,
        description="Arguments of each command pair_coeff, for example '1 2 0.01 2.5'; files may be relative to the "
        "study",
    )

    @field_validator("elements")
    @classmethod
    def _elements(cls, elements: list[str]) -> list[str]:
        from ase.data import chemical_symbols

        unknown = [element for element in elements if element not in chemical_symbols[1:]]
        if unknown or len(set(elements)) != len(elements):
            raise ValueError(f"elements = {elements} are not distinct element symbols")
        return elements

    @field_validator("pair_style")
    @classmethod
    def _one_style(cls, arguments: str) -> str:
        return checked_arguments(arguments)

    @field_validator("pair_coeff")
    @classmethod
    def _several(cls, lines: list[str]) -> list[str]:
        return [checked_arguments(line) for line in lines]

    @property
    def in_batches(self) -> bool:
        """LAMMPS evaluates one system at a time."""
        return False

    @property
    def cores(self) -> int | None:
        """Cores that one evaluation takes: as many as threads are allowed."""
        return None

    def beside(self, folder: Path) -> Self:
        """The same settings with the files that pair_coeff names found from a folder."""
        lines = [" ".join(self._found(word, folder) for word in line.split()) for line in self.pair_coeff]
        return self.model_copy(update={"pair_coeff": [checked_arguments(line) for line in lines]})

    def files(self) -> list[Path]:
        """The files that pair_coeff names, in its order, each once."""
        words = [word for line in self.pair_coeff for word in line.split() if word not in self.elements]
        return [Path(word) for word in dict.fromkeys(words) if Path(word).expanduser().is_file()]

    def _found(self, word: str, folder: Path) -> str:
        path = folder / Path(word).expanduser()
        return str(path.resolve()) if word not in self.elements and path.is_file() else word


def checked_arguments(arguments: str) -> str:
    """Arguments of one command that cannot become another one.

    Raises
    ------
    ValueError
        If they hold characters that LAMMPS' input language gives a meaning (``$ & ; # " '`` and line breaks, ...), or
        name a style that runs code of files.
    """
    if not _ALLOWED.fullmatch(arguments):
        wrong = next((letter for letter in arguments if not _ALLOWED.fullmatch(letter)), "nothing")
        raise ValueError(f"{arguments!r} holds {wrong!r}: letters, digits, blanks and . / * + - : = @ ~ , _ are taken")
    refused = sorted(_REFUSED_WORDS & set(arguments.split()))
    if refused:
        raise ValueError(f"{arguments!r} names {refused[0]!r}, which can run code: it is refused")
    return arguments
