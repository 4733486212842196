"""The ordered cells that benchmarks run, by number of atoms."""

from __future__ import annotations

from importlib.resources import files

import yaml
from pymatgen.core import Structure

from superionic.errors import InputError
from superionic.structures.host import load_host


def ordered_cell(n_atoms: int) -> Structure:
    """The benchmark's ordered cell of `n_atoms` atoms.

    Raises
    ------
    InputError
        If there is no such cell.
    """
    table = yaml.safe_load((files("superionic") / "data" / "bench" / "cells.yaml").read_text())
    if n_atoms not in table["supercells"]:
        raise InputError(f"size = {n_atoms} is no benchmark cell: use one of {sorted(table['supercells'])}")
    host = load_host(table["host"])
    return host.ordered(host.named_filling(table["filling"]), tuple(table["supercells"][n_atoms]))
