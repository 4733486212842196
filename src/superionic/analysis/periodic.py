"""Distances in a periodic cell of any shape."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_IMAGES = np.stack(np.meshgrid(*[[-1, 0, 1]] * 3, indexing="ij"), axis=-1).reshape(-1, 3)


def nearest_distances(points_A: Floats, reference_A: Floats, cell_A: Floats) -> Floats:
    """Distance from each point to the nearest periodic image of any reference point, shape (n_points,)."""
    delta = (points_A[:, None] - reference_A[None]) @ np.linalg.inv(cell_A)
    vectors = (delta - np.rint(delta)) @ cell_A
    images = _IMAGES @ cell_A
    nearest = np.argmin(vectors @ (2 * images.T) + np.sum(images**2, axis=1), axis=2)  # of |vector + image|^2
    vectors += images[nearest]
    return np.asarray(np.sqrt(np.einsum("prx,prx->pr", vectors, vectors).min(axis=1)))
