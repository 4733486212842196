"""Finished labels as one compressed extxyz, in the order of the frames, and beside it what made them and what failed.

python workflows/labels/export.py labels.jsonl workflows/labels/results/labels.extxyz.gz
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import write
from ase.stress import full_3x3_to_voigt_6_stress

from superionic.errors import InputError


def frame(entry: dict[str, Any]) -> Atoms:
    """Energy in eV, forces in eV/Å, stress in eV/Å^3 with ASE's sign."""
    atoms = Atoms(entry["numbers"], entry["positions_A"], cell=entry["cell_A"], pbc=True)
    atoms.info = {"name": entry["name"], **entry["origin"]}
    atoms.calc = SinglePointCalculator(
        atoms,
        energy=entry["energy_eV"],
        forces=np.array(entry["forces_eV_per_A"]),
        stress=full_3x3_to_voigt_6_stress(np.array(entry["stress_eV_per_A3"])),
    )
    return atoms


def main() -> None:
    """Write both files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("labels", type=Path)
    parser.add_argument("output", type=Path)
    arguments = parser.parse_args()
    entries = [json.loads(line) for line in arguments.labels.read_text().splitlines()]
    done = sorted((e for e in entries if e["converged"]), key=lambda e: (e["origin"]["step"], e["origin"]["seed"]))
    references = [entry["reference"] for entry in done]
    if any(reference != references[0] for reference in references):
        raise InputError(f"{arguments.labels} holds labels of several references: keep one file for each")
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    write(arguments.output, [frame(entry) for entry in done], format="extxyz")
    summary = {
        "n_frames": len(done),
        "reference": references[0],
        "not_converged": {entry["name"]: entry["reason"] for entry in entries if not entry["converged"]},
        "cpu_s": {entry["name"]: entry["cpu_s"] for entry in done},
    }
    beside = arguments.output.parent / f"{arguments.output.name.partition('.')[0]}.json"
    beside.write_text(json.dumps(summary, indent=1) + "\n")
    print(f"{len(done)} labels, {len(summary['not_converged'])} not converged, in {arguments.output}")


if __name__ == "__main__":
    main()
