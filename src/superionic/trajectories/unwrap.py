"""Wrapped positions made continuous, and the test whether that is safe.

Of all periodic images of a step the shortest is taken. It is the true one if the true step is shorter than half the
shortest lattice vector, which cannot be seen from wrapped positions. Steps are therefore accepted up to a third of it:
a step that was taken for the wrong image would then be at least twice as long as the longest accepted one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

SAFE_SHARE = 1 / 3
_IMAGES = np.stack(np.meshgrid(*[[-1, 0, 1]] * 3, indexing="ij"), axis=-1).reshape(-1, 3).astype(np.float64)
_HALF_OF_IMAGES = _IMAGES[len(_IMAGES) // 2 + 1 :]  # one of each pair +-v, without 0


class Lattice:
    """Shortest vectors and shortest images in a triclinic cell that may change a little from frame to frame.

    Parameters
    ----------
    cell_A
        Cell vectors as rows in Å, shape (3, 3), of a typical frame.
    """

    def __init__(self, cell_A: Floats) -> None:
        from ase.geometry import minkowski_reduce

        self._reduction = np.rint(minkowski_reduce(cell_A)[1])

    def shortest_vectors_A(self, cells_A: Floats) -> Floats:
        """Length of the shortest lattice vector of each cell, (n, 3, 3) -> (n,)."""
        vectors = _HALF_OF_IMAGES @ (self._reduction @ cells_A)
        return np.asarray(np.linalg.norm(vectors, axis=2).min(axis=1))

    def shortest_images(self, steps: Floats, cells_A: Floats) -> tuple[Floats, Floats]:
        """Whole cell vectors to take off steps so that they become as short as possible.

        Parameters
        ----------
        steps
            Steps in fractions of the cell vectors, shape (n, n_atoms, 3).
        cells_A
            The cells, shape (n, 3, 3).

        Returns
        -------
        images
            What to subtract, whole numbers of cell vectors, shape (n, n_atoms, 3).
        lengths_A
            Length of what remains in Å, shape (n, n_atoms).
        """
        reduced = self._reduction @ cells_A
        fractions = steps @ np.linalg.inv(self._reduction)
        images = np.rint(fractions)
        lengths = np.linalg.norm((fractions - images) @ reduced, axis=2)
        far = np.argwhere(lengths > SAFE_SHARE * self.shortest_vectors_A(cells_A)[:, None])
        for frame, atom in far:  # few: rounding finds every image that is short enough to be safe
            candidates = images[frame, atom] + _IMAGES
            distances = np.linalg.norm((fractions[frame, atom] - candidates) @ reduced[frame], axis=1)
            best = int(distances.argmin())
            images[frame, atom], lengths[frame, atom] = candidates[best], distances[best]
        return np.rint(images @ self._reduction), lengths
