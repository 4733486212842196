"""Constants between the units of simulations (Å, ps, eV) and those of documents."""

from __future__ import annotations

from scipy.constants import physical_constants

A2_PER_PS_TO_CM2_PER_S = 1e-4
BOLTZMANN_EV_PER_K: float = physical_constants["Boltzmann constant in eV/K"][0]
