"""Write the store of a release: `python tests/stored/write.py NAME [path of its superionic command]`; see README.md."""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.io import write

HERE = Path(__file__).parent


def imported_file(path):
    """A walk of four Li among four fixed Cl, as another code may have left it."""
    rng = np.random.default_rng(0)
    grid = 3.0 * np.stack(np.meshgrid([0, 1], [0, 1], [0, 1], indexing="ij"), -1).reshape(-1, 3)
    walk = np.cumsum(rng.normal(scale=0.1, size=(200, 4, 3)), axis=0)
    frames = [Atoms("Li4Cl4", np.concatenate([grid[:4] + step, grid[4:]]), cell=[6] * 3, pbc=True) for step in walk]
    write(path, frames)


def main(name, command=Path(sys.executable).parent / "superionic"):
    with tempfile.TemporaryDirectory() as folder:
        imported_file(Path(folder) / "walk.extxyz")
        store = ["--store", "written"]
        described = ["--mobile", "Li+", "--temperature", "700", "--time-step", "2", "--stride", "10", "--unwrapped"]
        for words in (
            ["run", str(HERE / "study.yaml"), *store],
            ["import", "walk.extxyz", *described, *store],
            ["build", *store],
        ):
            subprocess.run([command, *words], cwd=folder, check=True)
        shutil.make_archive(str(HERE / name), "zip", Path(folder) / "written", "store")


if __name__ == "__main__":
    main(*sys.argv[1:])
