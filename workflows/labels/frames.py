"""Frames to label: Li3InCl6 by CHGNet 0.3.0's molecular dynamics, 300 to 1000 K, three volumes, two orderings.

Every run has a cell of its own: the host's, scaled in volume and strained at random, so that stresses are learned too.
The file is ordered so that any first part of it samples temperatures, volumes and orderings evenly.

    python workflows/labels/frames.py frames.extxyz
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.io import write
from ase.optimize import FIRE
from numpy.typing import NDArray
from pymatgen.core import Structure

from superionic.documents import ChgnetSettings, MDProtocol
from superionic.dynamics.builtin.integrator import Integrator
from superionic.dynamics.builtin.start import initial_state
from superionic.potentials.calculator import PotentialCalculator
from superionic.potentials.load import load
from superionic.structures.host import load_host

TEMPERATURES_K = (300, 500, 700, 850, 1000)
VOLUMES = (0.94, 1.00, 1.06)
ORDERINGS = ("O", "displaced")
STRAIN = 0.015
EQUILIBRATION_STEPS, INTERVAL_STEPS, FRAMES_PER_RUN = 500, 300, 7
TIME_STEP_FS = 2.0


@dataclass(frozen=True)
class Run:
    """One run of molecular dynamics: the index decides temperature, volume and ordering, each in turn."""

    index: int

    @property
    def temperature_K(self) -> int:
        """Of the thermostat."""
        return TEMPERATURES_K[2 * self.index % 5]

    @property
    def volume(self) -> float:
        """Relative to the host's."""
        return VOLUMES[self.index % 3]

    @property
    def ordering(self) -> str:
        """Which cell."""
        return ORDERINGS[self.index % 2]


def cell(ordering: str) -> Structure:
    """20 atoms of Li3InCl6: In on 2b; `displaced` has one of the two on the 4g beside it."""
    structure = load_host("Li3InCl6").ordered(load_host("Li3InCl6").named_filling("O"), (1, 1, 1))
    if ordering == "displaced":
        indium = next(
            i for i, site in enumerate(structure) if np.allclose(site.frac_coords % 1, [0, 0.5, 0], atol=1e-3)
        )
        structure.translate_sites([indium], [0.0, -0.3325, 0.0])
    return structure


def strained(structure: Structure, volume: float, generator: np.random.Generator) -> Atoms:
    """The cell at a volume relative to its own, its shape strained at random."""
    strain = generator.normal(0.0, STRAIN, (3, 3))
    deformation = np.eye(3) + (strain + strain.T) / 2
    deformation *= (volume / np.linalg.det(deformation)) ** (1 / 3)
    atoms = Atoms(structure.atomic_numbers, structure.cart_coords, cell=structure.lattice.matrix, pbc=True)
    atoms.set_cell(atoms.cell.array @ deformation, scale_atoms=True)
    return atoms


def frames_of(run: Run) -> list[Atoms]:
    """Decorrelated frames of one run, 0.6 ps apart after 1 ps."""
    atoms = strained(cell(run.ordering), run.volume, np.random.default_rng(run.index))
    potential = load(ChgnetSettings(model="0.3.0"))
    atoms.calc = PotentialCalculator(potential)
    FIRE(atoms, logfile=None).run(fmax=0.2, steps=50)
    protocol = MDProtocol(
        temperature_K=run.temperature_K,
        seed=run.index,
        time_step_fs=TIME_STEP_FS,
        length_ps=100.0,
        equilibration_ps=1.0,
    )
    start = Structure(atoms.cell.array, atoms.get_chemical_symbols(), atoms.positions, coords_are_cartesian=True)
    session = potential.session(atoms.numbers)
    md = Integrator(initial_state(start, protocol), atoms.numbers, protocol, session.evaluate)
    frames = []
    for i in range(FRAMES_PER_RUN):
        for _ in range(INTERVAL_STEPS if i else EQUILIBRATION_STEPS):
            md.advance()
        frames.append(labelled(md.positions, atoms, run, md.step))
    return frames


def labelled(positions_A: NDArray[np.float64], atoms: Atoms, run: Run, step: int) -> Atoms:
    """The frame, wrapped, with where it comes from."""
    frame = Atoms(atoms.numbers, positions_A, cell=atoms.cell, pbc=True)
    frame.wrap()
    frame.info = {
        "name": f"{run.ordering}-{run.temperature_K}K-{run.volume:.2f}-{run.index}-{step}",
        "ordering": run.ordering,
        "temperature_K": run.temperature_K,
        "relative_volume": run.volume,
        "seed": run.index,
        "step": step,
        "time_step_fs": TIME_STEP_FS,
        "sampled_with": "CHGNet 0.3.0 NVT",
    }
    return frame


def main() -> None:
    """Run all, and write what there is after each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("output", type=Path)
    output: Path = parser.parse_args().output
    n_runs = len(TEMPERATURES_K) * len(VOLUMES) * len(ORDERINGS)
    runs = []
    for index in range(n_runs):
        runs.append(frames_of(Run(index)))
        print(index, runs[-1][-1].info["name"], flush=True)
        write(output.with_suffix(".part.extxyz"), [run[i] for i in range(FRAMES_PER_RUN) for run in runs])
    output.with_suffix(".part.extxyz").replace(output)


if __name__ == "__main__":
    main()
