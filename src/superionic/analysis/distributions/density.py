"""Density of the mobile ions, its free-energy landscape, and the barrier to percolation along each axis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray
from pymatgen.core import Lattice

from superionic.analysis.frames import mean_cell, reduced_cell
from superionic.analysis.ion_groups import Positions, groups_of
from superionic.analysis.motion import analysed_positions
from superionic.analysis.units import BOLTZMANN_EV_PER_K
from superionic.documents import DensityVolume
from superionic.errors import InputError
from superionic.trajectories.trajectory import Trajectory

Floats = NDArray[np.float64]

MAX_VOXELS = 20_000_000
_VOXELS = 1_000_000
_ENDS = (slice(0, 1), slice(-1, None))


@dataclass(frozen=True)
class Density:
    """Number density on a grid along the cell vectors.

    Attributes
    ----------
    ions_per_A3
        Mean number density in 1/Å^3, shape (n_a, n_b, n_c); voxel (i, j, k) is centred on ((i + 1/2) / n_a, ...) from
        the origin.
    cell_A
        Cell vectors as rows in Å.
    temperature_K
        Temperature in K.
    origin_A
        Corner of voxel (0, 0, 0).
    """

    ions_per_A3: Floats
    cell_A: Floats
    temperature_K: float
    origin_A: tuple[float, float, float] = (0.0, 0.0, 0.0)

    def free_energy_eV(self) -> Floats:
        """-kT ln(density / largest density) in eV; infinite where no ion was seen."""
        with np.errstate(divide="ignore"):
            return np.asarray(
                -BOLTZMANN_EV_PER_K * self.temperature_K * np.log(self.ions_per_A3 / self.ions_per_A3.max())
            )

    def percolation_barriers_eV(self, cell_A: Floats | None = None) -> dict[str, float | None]:
        """Free energy, above the densest voxel, at which a path first leads through the crystal along a, b and c.

        Parameters
        ----------
        cell_A
            Cell of the same lattice whose a, b and c are meant; by default the one of the grid.

        Notes
        -----
        The lowest pass of all paths: voxels are filled in order of free energy until the filled region connects with
        its own image one cell vector on. None if no path of visited voxels does.
        """
        energy = self.free_energy_eV()
        order = np.argsort(energy, axis=None, kind="stable")
        visited = order[: int(np.isfinite(energy).sum())]
        in_cell = np.rint(self.cell_A @ np.linalg.inv(self.cell_A if cell_A is None else cell_A)).astype(np.int64)
        closing = _first_windings(visited.astype(np.int64), np.array(energy.shape, dtype=np.int64), in_cell)
        flat = energy.ravel()
        return {axis: float(flat[c]) if c >= 0 else None for axis, c in zip("abc", closing, strict=True)}

    def from_origin(self, start: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> tuple[Floats, Floats]:
        """The same density for tools whose grids begin at the origin.

        Parameters
        ----------
        start
            Point of voxel (0, 0, 0) that they put there, in voxels from its corner: 0 for the corner, 1/2 for the
            centre.

        Returns
        -------
        The density with its voxels rolled through the periodic cell, and the vector in Å, at most half a voxel long
        along each axis, from the origin to where that point of its voxel (0, 0, 0) lies in truth.
        """
        shape = np.array(self.ions_per_A3.shape)
        at = np.asarray(self.origin_A) @ np.linalg.inv(self.cell_A) * shape + np.asarray(start)
        whole = np.rint(at)
        rolled = np.roll(self.ions_per_A3, whole.astype(int), axis=(0, 1, 2))
        return rolled, (at - whole) / shape @ self.cell_A

    def to_gemdat(self) -> Any:
        """The density as GEMDAT's Volume, in the orientation (a along x) that its peaks, paths and plots handle.

        GEMDAT's grids begin at the origin: positions in the volume are off by what :meth:`from_origin` says.
        """
        from gemdat.volume import Volume

        lattice = Lattice.from_parameters(*Lattice(self.cell_A).parameters, vesta=True)
        return Volume(data=self.from_origin()[0], lattice=lattice, label="mobile ions")

    @classmethod
    def from_document(cls, volume: DensityVolume) -> Density:
        """The density that a run's document holds."""
        cell = np.array(volume.cell_A)
        voxel_A3 = abs(float(np.linalg.det(cell))) / np.prod(volume.shape)
        density = volume.to_array() / (volume.n_frames * voxel_A3)
        return cls(density, cell, volume.temperature_K, volume.origin_A)

    def to_document(self, n_frames: int) -> DensityVolume:
        """The density as it is stored, without loss; `n_frames` frames were counted."""
        voxel_A3 = abs(float(np.linalg.det(self.cell_A))) / self.ions_per_A3.size
        counts = np.rint(self.ions_per_A3 * (n_frames * voxel_A3)).astype(np.int64)
        x, y, z = ((np.asarray(self.origin_A) @ np.linalg.inv(self.cell_A)) % 1.0) @ self.cell_A
        return DensityVolume(
            shape=self.ions_per_A3.shape,
            cell_A=self.cell_A.tolist(),
            origin_A=(float(x), float(y), float(z)),
            n_frames=n_frames,
            temperature_K=self.temperature_K,
            counts=DensityVolume.pack(counts),
        )


def mobile_density(trajectory: Trajectory, resolution_A: float = 0.25) -> Density:
    """Density of the mobile ions of a run.

    Parameters
    ----------
    trajectory
        The run.
    resolution_A
        Largest edge of a voxel in Å.
    """
    positions = analysed_positions(trajectory, trajectory.mobile)
    return density_of(positions, mean_cell(trajectory), trajectory.temperature_K, resolution_A)


def anchored_density(positions_A: Positions, cell_A: Floats, temperature_K: float, spacing_A: float = 0.3) -> Density:
    """Density on a grid that hangs on the run itself: the same one in any frame of reference and any cell.

    It follows Niggli's cell in voxels of `spacing_A`, larger ones if there would be more than a million, and the ion
    that ends farthest from where it started begins in the middle of a voxel.
    """
    resolution_A = max(spacing_A, float(np.cbrt(abs(np.linalg.det(cell_A)) / _VOXELS)))
    first, last = (np.concatenate([g for _, g in groups_of(positions_A[part])], axis=1) for part in _ENDS)
    anchor = first[0, np.argmax(np.sum((last - first) ** 2, axis=2)[0])]
    cell = reduced_cell(cell_A)
    corner = anchor - 0.5 * (1 / _grid(cell, resolution_A)) @ cell
    x, y, z = (float(value) for value in corner)
    return density_of(positions_A, cell, temperature_K, resolution_A, (x, y, z))


def density_of(
    positions_A: Positions,
    cell_A: Floats,
    temperature_K: float,
    resolution_A: float = 0.25,
    origin_A: tuple[float, float, float] = (0.0, 0.0, 0.0),
) -> Density:
    """Density of ions with the given Cartesian positions, shape (n_frames, n_ions, 3), wrapped or not.

    Raises
    ------
    InputError
        If the resolution is not positive, or so fine that the grid would not fit into memory.
    """
    if not resolution_A > 0:
        raise InputError(f"resolution_A = {resolution_A} is not positive: give the edge of a voxel in Å")
    shape = _grid(cell_A, resolution_A)
    if np.prod(shape, dtype=float) > MAX_VOXELS:
        raise InputError(
            f"resolution_A = {resolution_A} gives {np.prod(shape, dtype=float):.0f} voxels: give a coarser one"
        )
    counts = np.zeros(tuple(shape), dtype=np.int64)
    for _, group in groups_of(positions_A):
        _histogram(group, np.array(origin_A), np.linalg.inv(cell_A), counts)
    voxel_A3 = abs(np.linalg.det(cell_A)) / counts.size
    return Density(counts / (len(positions_A) * voxel_A3), cell_A, temperature_K, origin_A)


def _grid(cell_A: Floats, resolution_A: float) -> NDArray[np.int64]:
    return np.asarray(np.ceil(np.linalg.norm(cell_A, axis=1) / resolution_A - 1e-9).astype(np.int64))


@numba.njit(cache=True)
def _histogram(positions, origin, inverse, counts):  # type: ignore[no-untyped-def]
    n0, n1, n2 = counts.shape
    for t in range(positions.shape[0]):
        for i in range(positions.shape[1]):
            x, y, z = positions[t, i, 0] - origin[0], positions[t, i, 1] - origin[1], positions[t, i, 2] - origin[2]
            f0 = x * inverse[0, 0] + y * inverse[1, 0] + z * inverse[2, 0]
            f1 = x * inverse[0, 1] + y * inverse[1, 1] + z * inverse[2, 1]
            f2 = x * inverse[0, 2] + y * inverse[1, 2] + z * inverse[2, 2]
            v0 = min(int((f0 - np.floor(f0)) * n0), n0 - 1)
            v1 = min(int((f1 - np.floor(f1)) * n1), n1 - 1)
            v2 = min(int((f2 - np.floor(f2)) * n2), n2 - 1)
            counts[v0, v1, v2] += 1


@numba.njit(cache=True)
def _first_windings(order, shape, in_cell):  # type: ignore[no-untyped-def]  # noqa: C901, PLR0912
    """Voxel whose filling first closes a loop around the cell along each axis, -1 if none does.

    Union-find in which every voxel knows how many cells lie between it and its root; two neighbours of one region
    with another number between them than their own close a loop through the crystal.
    """
    n = shape[0] * shape[1] * shape[2]
    parent = np.full(n, -1, dtype=np.int64)
    offset = np.zeros((n, 3), dtype=np.int64)
    closing = np.full(3, -1, dtype=np.int64)
    path = np.empty(n, dtype=np.int64)
    step = np.zeros(3, dtype=np.int64)
    here = np.zeros(3, dtype=np.int64)
    for v in order:
        parent[v] = v
        here[0], here[1], here[2] = v // (shape[1] * shape[2]), (v // shape[2]) % shape[1], v % shape[2]
        for d in range(27):
            if d == 13:
                continue
            w = 0
            for a in range(3):
                move = (d // (9 if a == 0 else (3 if a == 1 else 1))) % 3 - 1
                c = here[a] + move
                step[a] = 0
                if c < 0:
                    c, step[a] = c + shape[a], -1
                elif c >= shape[a]:
                    c, step[a] = c - shape[a], 1
                w = w * shape[a] + c
            if parent[w] < 0:
                continue
            root_v = _root(parent, offset, v, path)
            root_w = _root(parent, offset, w, path)
            if root_v == root_w:
                for a in range(3):
                    wound = 0
                    for k in range(3):
                        wound += (offset[w, k] - step[k] - offset[v, k]) * in_cell[k, a]
                    if closing[a] < 0 and wound != 0:
                        closing[a] = v
            else:
                parent[root_w] = root_v
                for a in range(3):
                    offset[root_w, a] = offset[v, a] + step[a] - offset[w, a]
        if closing[0] >= 0 and closing[1] >= 0 and closing[2] >= 0:
            break
    return closing


@numba.njit(cache=True)
def _root(parent, offset, v, path):  # type: ignore[no-untyped-def]
    """Root of a voxel; on the way back every voxel of the path is hung on it with its summed offset."""
    n = 0
    while parent[v] != v:
        path[n] = v
        n += 1
        v = parent[v]
    for k in range(n - 2, -1, -1):
        for a in range(3):
            offset[path[k], a] += offset[path[k + 1], a]
        parent[path[k]] = v
    return v
