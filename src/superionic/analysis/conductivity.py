"""Conductivity from diffusivity (Nernst-Einstein)."""

from __future__ import annotations

from scipy.constants import Boltzmann, elementary_charge


def nernst_einstein_mS_per_cm(charge_e: float, n_ions: int, volume_A3: float, temperature_K: float) -> float:
    """Factor from a diffusivity in cm^2/s to a conductivity in mS/cm.

    Parameters
    ----------
    charge_e
        Charge of the mobile ion in elementary charges.
    n_ions
        Mobile ions in the volume.
    volume_A3
        Volume in Å^3.
    temperature_K
        Temperature in K.

    Returns
    -------
    n q^2 / (V k T) in mS/cm per cm^2/s.
    """
    density_per_m3 = n_ions / volume_A3 * 1e30
    siemens_per_metre = density_per_m3 * (charge_e * elementary_charge) ** 2 * 1e-4 / (Boltzmann * temperature_K)
    return siemens_per_metre * 10
