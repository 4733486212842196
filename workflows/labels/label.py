"""Label frames by PBEsol: energy, forces and stress of each, appended to a file as soon as they are there.

    python workflows/labels/label.py frames.extxyz labels.jsonl

Run it again, or several at once: frames that are in the file, labelled or failed, are not done a second time, and each
frame has one process only. A frame whose self-consistency fails is recorded with the reason; it has no numbers.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import socket
import time
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from ase.io import read

from superionic.documents.cp2k import Cp2kSettings
from superionic.errors import InputError
from superionic.potentials import PotentialError
from superionic.potentials.load import opened

SETTINGS = Cp2kSettings(family="cp2k", level="pbesol", k_mesh=(3, 2, 3))


def label(atoms: Atoms) -> dict[str, Any]:
    """What CP2K says of a frame, or why it says nothing, and what it cost."""
    begun = time.monotonic()
    cpu_s = children_cpu_s()
    entry: dict[str, Any] = {"name": atoms.info["name"]}
    with opened(SETTINGS) as potential:
        entry["reference"] = potential.reference.model_dump()
        try:
            result = potential.session(atoms.numbers).evaluate(atoms.positions, atoms.cell.array)
        except (PotentialError, InputError) as error:
            entry |= {"converged": False, "reason": str(error)}
        else:
            assert result.stress_eV_per_A3 is not None  # noqa: S101 - CP2K gives one
            entry |= {
                "converged": True,
                "energy_eV": result.energy_eV,
                "forces_eV_per_A": result.forces_eV_per_A.tolist(),
                "stress_eV_per_A3": result.stress_eV_per_A3.tolist(),
            }
    return entry | {
        "numbers": atoms.numbers.tolist(),
        "positions_A": atoms.positions.tolist(),
        "cell_A": atoms.cell.array.tolist(),
        "origin": {key: plain(value) for key, value in atoms.info.items() if key != "name"},
        "wall_s": round(time.monotonic() - begun, 1),
        "cpu_s": round(children_cpu_s() - cpu_s, 1),
        "host": socket.gethostname(),
    }


def children_cpu_s() -> float:
    """Processor time of the processes that have ended."""
    times = os.times()
    return times.children_user + times.children_system


def plain(value: Any) -> Any:
    """Numpy's numbers as Python's."""
    return value.item() if isinstance(value, np.generic) else value


def finished(output: Path) -> set[str]:
    """Names of the frames in the file."""
    return {json.loads(line)["name"] for line in output.read_text().splitlines()} if output.exists() else set()


def append(output: Path, entry: dict[str, Any]) -> None:
    """Write one line, whole, while nobody else does."""
    with output.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.write(json.dumps(entry) + "\n")
        file.flush()
        os.fsync(file.fileno())


def main() -> None:
    """Label what is left, in the order of the file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("frames", type=Path)
    parser.add_argument("output", type=Path)
    arguments = parser.parse_args()
    claims = arguments.output.with_suffix(".claims")
    claims.mkdir(exist_ok=True)
    for atoms in read(arguments.frames, ":"):
        name = atoms.info["name"]
        with (claims / name).open("w") as claim:
            try:
                fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)  # gone with its process, however that ends
            except BlockingIOError:
                continue
            if name in finished(arguments.output):
                continue
            entry = label(atoms)
            append(arguments.output, entry)
            print(name, entry["converged"], entry["cpu_s"], entry["wall_s"], flush=True)


if __name__ == "__main__":
    main()
