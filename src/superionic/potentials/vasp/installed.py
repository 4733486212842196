"""What VASP needs to run here: its command, and a POTCAR of every element."""

from __future__ import annotations

import hashlib
import os
import shlex
import shutil
from collections.abc import Iterable
from pathlib import Path

from pymatgen.io.vasp import PotcarSingle

from superionic.documents.vasp import VaspSettings
from superionic.errors import InputError
from superionic.potentials.vasp.inputs import known_symbol

__all__ = ["potcar_sha256", "require_command", "require_even_electrons", "require_potcars"]


def require_command() -> str:
    """The command that starts VASP, as atomate2 has it.

    Raises
    ------
    InputError
        If its program is not there.
    """
    from atomate2 import SETTINGS

    command = str(SETTINGS.VASP_CMD)
    words = shlex.split(os.path.expandvars(command))
    programs = [word for word in words if not word.startswith("-") and shutil.which(word)]
    if not words or shutil.which(words[0]) is None or (words[-1] not in programs and not Path(words[-1]).exists()):
        raise InputError(
            f"VASP is not there: its command is {command!r}: set VASP_CMD in ~/.atomate2.yaml, or ATOMATE2_VASP_CMD"
        )
    return command


def require_potcars(settings: VaspSettings, elements: Iterable[str]) -> dict[str, PotcarSingle]:
    """The POTCAR of each element.

    Raises
    ------
    InputError
        If pymatgen knows no folder of POTCARs, or one is not in it.
    """
    from pymatgen.core import SETTINGS

    folder = SETTINGS.get("PMG_VASP_PSP_DIR")
    if not folder or not Path(folder).is_dir():
        raise InputError(
            f"PMG_VASP_PSP_DIR = {folder!r} is no folder of POTCARs: pmg config -p POTCARS FOLDER, then "
            "pmg config --add PMG_VASP_PSP_DIR FOLDER"
        )
    return {element: _potcar(settings, element, folder) for element in dict.fromkeys(elements)}


def _potcar(settings: VaspSettings, element: str, folder: str) -> PotcarSingle:
    symbol = known_symbol(settings, element)
    try:
        return PotcarSingle.from_symbol_and_functional(symbol, settings.potcar_functional)
    except (FileNotFoundError, ValueError, KeyError) as error:
        raise InputError(
            f"there is no POTCAR {symbol!r} of {settings.potcar_functional} in {folder}: correct reference.potcars "
            "or reference.potcar_functional, or add it there"
        ) from error


def require_even_electrons(potcars: dict[str, PotcarSingle], symbols: Iterable[str]) -> None:
    """Refuse cells that no closed shell fits.

    Raises
    ------
    InputError
        If the valence electrons of the atoms are odd in number.
    """
    electrons = sum(float(potcars[symbol].nelectrons) for symbol in symbols)
    if round(electrons) % 2:
        raise InputError(
            f"the cell has {electrons:g} valence electrons, an odd number, and VASP is run with closed shells: "
            "take a cell that is neutral, or twice as large"
        )


def potcar_sha256(potcars: dict[str, PotcarSingle]) -> str:
    """SHA-256 of the POTCARs one after the other, in the order of their elements' names."""
    digest = hashlib.sha256()
    for element in sorted(potcars):
        digest.update(str(potcars[element]).encode())
    return digest.hexdigest()
