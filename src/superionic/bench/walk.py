"""A synthetic run of a monoclinic, layered crystal (a along x, as GEMDAT needs it), in files as a builder finds it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pymatgen.core import Lattice, Structure

from superionic.analysis.sites.sites import Sites
from superionic.analysis.synthetic import HoppingModel, hopping_model, simulate
from superionic.structures.host import Host, NamedSite
from superionic.trajectories.codec import FrameReader, FrameWriter, pack
from superionic.trajectories.stored import StoredPositions
from superionic.trajectories.trajectory import Trajectory

Floats = NDArray[np.float64]

INTERVAL_PS, TEMPERATURE_K = 0.02, 700.0
_CELL_A = Lattice.from_parameters(6.4, 11.1, 6.4, 90, 110, 90, vesta=True).matrix
_VIBRATION_A = 0.15
_BLOCK = 8192


@dataclass(frozen=True)
class Walk:
    """Mobile ions on a random walk between octahedra, among 14 vibrating ions a cell.

    Attributes
    ----------
    n_mobile, n_frames
        Mobile ions and frames.
    supercell
        Cells along a, b and c.
    folder
        Where its files are.
    """

    n_mobile: int
    n_frames: int
    supercell: tuple[int, int, int]
    folder: Path

    @property
    def cell_A(self) -> Floats:
        """Cell vectors as rows in Å."""
        return np.diag(self.supercell) @ _CELL_A

    @property
    def mobile_bytes(self) -> int:
        """Size of the positions of the mobile ions in float64."""
        return 24 * self.n_mobile * self.n_frames

    def write(self) -> Iterator[int]:
        """Make the files; in two steps, as a child process measures them."""
        yield 0
        rng = np.random.default_rng(0)
        crystal = self._crystal()
        mobile = simulate(
            _model(), self.n_mobile, self.n_frames, INTERVAL_PS, rng, supercell=self.supercell
        ).positions_A
        np.save(self.folder / "mobile.npy", mobile)
        writer = FrameWriter(self.folder / "frames", self.n_mobile + len(crystal), chunks_at_once=8)
        for start in range(0, self.n_frames, _BLOCK):
            part = mobile[start : start + _BLOCK]
            framework = crystal.cart_coords + _VIBRATION_A * rng.standard_normal((len(part), len(crystal), 3))
            for step, frame in enumerate(np.concatenate([part, framework], axis=1), start):
                writer.append(
                    step, frame, self.cell_A,
                    potential_energy_eV=0.0, conserved_energy_eV=0.0, temperature_K=TEMPERATURE_K,
                )  # fmt: skip
        writer.close()
        packed = pack(self.folder / "frames")
        shutil.rmtree(self.folder / "frames")
        yield (self.folder / "frames.zip").write_bytes(packed)

    def mobile_A(self) -> Floats:
        """Positions of the mobile ions in Å, shape (n_frames, n_mobile, 3)."""
        return np.asarray(np.load(self.folder / "mobile.npy"))

    def stored(self) -> Trajectory:
        """The whole run, packed in its file."""
        species = ["Li"] * self.n_mobile + [site.specie.symbol for site in self._crystal()]
        positions = StoredPositions([FrameReader(self.folder / "frames.zip")])
        temperatures = np.full(self.n_frames, TEMPERATURE_K)
        return Trajectory(
            positions, self.cell_A, species, INTERVAL_PS, TEMPERATURE_K, "Li", temperatures_K=temperatures
        )

    def sites(self) -> Sites:
        """The octahedra in the cell of the run."""
        model = _model()
        shifts = np.stack(np.meshgrid(*[np.arange(n) for n in self.supercell], indexing="ij"), axis=-1).reshape(-1, 3)
        frac = (model.frac_coords[:, None] + shifts).reshape(-1, 3) / np.array(self.supercell)
        labels = [label for label in model.labels for _ in shifts]
        return Sites(self.cell_A, frac, labels, [None] * len(labels), np.zeros(len(labels), dtype=bool))

    def _crystal(self) -> Structure:
        crystal = host().structure.copy()
        crystal.make_supercell(self.supercell)
        return crystal


def _octahedra() -> dict[str, Floats]:
    """Two layers of octahedral sites in a C-centred monoclinic cell of the size of a layered halide."""
    columns = {"lower": (0.0, (1 / 6, 1 / 2, 5 / 6)), "upper": (0.5, (0.0, 1 / 3, 2 / 3))}
    return {
        label: np.array([(x, (y + x) % 1, z) for x in (0.0, 0.5) for y in ys]) for label, (z, ys) in columns.items()
    }


def _model() -> HoppingModel:
    sites = _octahedra()
    labels = [label for label, frac in sites.items() for _ in frac]
    rates = {("lower", "lower"): 0.01, ("upper", "upper"): 0.01, ("lower", "upper"): 0.004}
    return hopping_model(_CELL_A, np.concatenate(list(sites.values())), labels, 4.3, rates)


def host() -> Host:
    """The octahedra, tetrahedra between the layers, two cations on octahedra and the anions around them."""
    orbits = {
        label: Structure.from_spacegroup("C2/m", Lattice(_CELL_A), ["Cl"], [frac]).frac_coords % 1.0
        for label, frac in {"X": (0.745, 0, 0.761), "Y": (0.236, 0.34, 0.231), "T": (0.123, 0.168, 0.379)}.items()
    }
    anions = {label: orbits[label] for label in "XY"}
    cations = np.array([(0, 1 / 2, 0), (1 / 2, 0, 0)])
    structure = Structure(Lattice(_CELL_A), ["In"] * 2 + ["Cl"] * 12, np.concatenate([cations, *anions.values()]))
    sites = [NamedSite(name, "", name, "octahedral", ("In", "Li"), frac) for name, frac in _octahedra().items()]
    sites += [NamedSite("T", "", None, "tetrahedral", ("Li",), orbits["T"])]
    sites += [NamedSite(name, "", None, "anion", ("Cl",), frac) for name, frac in anions.items()]
    return Host("bench", structure, tuple(sites), "Li", ("Cl",), {"Li": 1.0, "In": 3.0, "Cl": -1.0}, "c*", {}, {})
