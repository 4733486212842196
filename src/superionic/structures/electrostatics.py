"""Pair energies of unit charges on the sites of a supercell, and the quadratic form they make of a placement."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import constants
from scipy.special import erfc

from superionic.errors import InputError

COULOMB_eV_A = constants.e / (4 * np.pi * constants.epsilon_0) * 1e10
"""Energy of two elementary charges 1 Å apart, in eV."""

_EWALD_DIGITS = 5.8  # both sums are cut where the Gaussian has fallen to exp(-5.8^2) = 2e-15
_MIN_SEPARATION_A = 1e-3


@dataclass(frozen=True)
class QuadraticForm:
    r"""Energy of putting ions of one kind on sites: :math:`E = c + \\phi \\cdot x + x^T A x / 2`, x = 0 or 1.

    Attributes
    ----------
    constant
        Energy without any ion, in eV.
    field
        Energy of one ion on each site, shape (sites,), in eV.
    interaction
        Symmetric with a zero diagonal, shape (sites, sites), in eV.
    """

    constant: float
    field: NDArray[np.float64]
    interaction: NDArray[np.float64]

    def energies(self, occupied: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Energies in eV of placements, shape (placements, sites) of True and False."""
        x = np.asarray(occupied, dtype=np.float64)
        return np.asarray(self.constant + x @ self.field + 0.5 * np.einsum("pi,pi->p", x @ self.interaction, x))


def shifted_force_matrix(
    lattice: NDArray[np.float64], frac_coords: NDArray[np.float64], cutoff_A: float
) -> NDArray[np.float64]:
    r"""Undamped shifted-force Coulomb energies of unit charges, all periodic images within the cutoff.

    .. math:: V(r) = k \\left[ 1/r - 1/r_c + (r - r_c) / r_c^2 \\right], \\quad r < r_c

    (C. J. Fennell, J. D. Gezelter, J. Chem. Phys. 124, 234104 (2006), eq. 17 with alpha = 0.)

    Parameters
    ----------
    lattice
        Rows are the cell vectors in Å.
    frac_coords
        Fractional coordinates, shape (sites, 3).
    cutoff_A
        Cutoff in Å.

    Returns
    -------
    NDArray[np.float64]
        Shape (sites, sites), in eV; the diagonal is the interaction of an ion with its own images.
    """
    if cutoff_A <= 0:
        raise InputError(f"cutoff_A is {cutoff_A:g}; it must be positive")

    def shifted(distances: NDArray[np.float64]) -> NDArray[np.float64]:
        energies = 1 / distances - 1 / cutoff_A + (distances - cutoff_A) / cutoff_A**2
        return np.where(distances < cutoff_A, energies, 0.0)

    return COULOMB_eV_A * _sum_over_images(lattice, frac_coords, cutoff_A, shifted)


def ewald_matrix(lattice: NDArray[np.float64], frac_coords: NDArray[np.float64]) -> NDArray[np.float64]:
    r"""Ewald energies of unit charges in a neutralising background: :math:`E = \\sum_{ij} q_i q_j M_{ij} / 2`.

    The self-energy is on the diagonal and the background in every element, so that the sum is the total energy for any
    charges (P. P. Ewald, Ann. Phys. 369, 253 (1921)). Converged to about 1e-12 of the largest element.

    Parameters
    ----------
    lattice
        Rows are the cell vectors in Å.
    frac_coords
        Fractional coordinates, shape (sites, 3).

    Returns
    -------
    NDArray[np.float64]
        Shape (sites, sites), in eV.
    """
    volume = abs(np.linalg.det(lattice))
    # The reciprocal sum is a matrix product and cheap per term, so it gets the larger share.
    splitting = 1.5 * np.sqrt(np.pi) * (len(frac_coords) / volume**2) ** (1 / 6)
    real = _sum_over_images(lattice, frac_coords, _EWALD_DIGITS / splitting, lambda r: erfc(splitting * r) / r)

    waves = _half_sphere(np.asarray(np.linalg.inv(lattice).T, dtype=np.float64), _EWALD_DIGITS * splitting / np.pi)
    squares = ((waves @ np.linalg.inv(lattice).T) ** 2).sum(axis=1)
    weights = np.exp(-(np.pi**2) * squares / splitting**2) / (np.pi * volume * squares)
    phases = 2 * np.pi * frac_coords @ waves.T
    cosines, sines = np.cos(phases), np.sin(phases)
    reciprocal = 2 * ((cosines * weights) @ cosines.T + (sines * weights) @ sines.T)

    matrix = real + reciprocal - np.pi / (splitting**2 * volume)
    matrix[np.diag_indices_from(matrix)] -= 2 * splitting / np.sqrt(np.pi)
    return np.asarray(COULOMB_eV_A * matrix)


def mobile_form(
    matrix: NDArray[np.float64], mobile: NDArray[np.intp], mobile_charge: float, fixed_charges: NDArray[np.float64]
) -> QuadraticForm:
    """Energy of placements of mobile ions among fixed ones.

    Parameters
    ----------
    matrix
        Pair energies of unit charges on all sites, shape (sites, sites), in eV.
    mobile
        Indices of the sites on which mobile ions can be placed.
    mobile_charge
        Charge of a mobile ion in elementary charges.
    fixed_charges
        Charges of the fixed ions on all sites, shape (sites,); zeros leave only the mobile ions' own energy.
    """
    interaction = mobile_charge**2 * matrix[np.ix_(mobile, mobile)]
    own_images = np.diag(interaction).copy()
    np.fill_diagonal(interaction, 0.0)
    potential = matrix[mobile] @ fixed_charges
    return QuadraticForm(
        constant=float(0.5 * fixed_charges @ matrix @ fixed_charges),
        field=mobile_charge * potential + 0.5 * own_images,
        interaction=np.ascontiguousarray(interaction),
    )


def _sum_over_images(
    lattice: NDArray[np.float64],
    frac_coords: NDArray[np.float64],
    cutoff_A: float,
    energy: Callable[[NDArray[np.float64]], NDArray[np.float64]],
) -> NDArray[np.float64]:
    """Sum a pair function over all images within a cutoff, without the ion itself; shape (sites, sites)."""
    heights = 1 / np.linalg.norm(np.linalg.inv(lattice), axis=0)
    wrapped = frac_coords[:, None, :] - frac_coords[None, :, :]
    wrapped = wrapped - np.rint(wrapped)
    reach = np.ceil(cutoff_A / heights + 0.5).astype(int)
    first, second = np.triu_indices(len(frac_coords))
    vectors = wrapped[first, second] @ lattice
    sums = np.zeros(len(first))
    for cell in np.ndindex(*(2 * reach + 1)):
        shift = (np.array(cell) - reach) @ lattice
        distances = np.linalg.norm(vectors + shift, axis=1)
        near = distances < cutoff_A
        if not any(np.array(cell) - reach):
            near &= first != second
        if near.any():
            if distances[near].min() < _MIN_SEPARATION_A:
                raise InputError("two sites coincide; correct the positions of the host's sites")
            sums[near] += energy(distances[near])
    matrix = np.empty((len(frac_coords), len(frac_coords)))
    matrix[first, second] = sums
    matrix[second, first] = sums
    return matrix


def _half_sphere(reciprocal: NDArray[np.float64], radius: float) -> NDArray[np.int64]:
    """Whole-number wave vectors of one half of a sphere, without the origin; `reciprocal` rows without 2 pi."""
    reach = np.ceil(radius * np.linalg.norm(np.linalg.inv(reciprocal), axis=0)).astype(int)
    grid = np.stack(np.meshgrid(*(np.arange(-n, n + 1) for n in reach), indexing="ij"), axis=-1).reshape(-1, 3)
    grid = grid[len(grid) // 2 + 1 :]  # the origin is in the middle, and -G mirrors G around it
    return np.asarray(grid[np.linalg.norm(grid @ reciprocal, axis=1) < radius])
