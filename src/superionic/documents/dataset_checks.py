"""What is asked of a frame before it is let into a dataset."""

from __future__ import annotations

from pydantic import Field

from superionic.documents.base import Document


class DatasetChecks(Document):
    """Thresholds of the checks on the way into a dataset, with their defaults."""

    max_force_eV_per_A: float = Field(20.0, gt=0, description="Largest force on an atom in eV/Å")
    max_net_force_eV_per_A: float = Field(
        0.1,
        gt=0,
        description="Largest sum of all forces over the number of atoms in eV/Å: forces of a whole cell add up",
    )
    max_stress_GPa: float = Field(50.0, gt=0, description="Largest component of the stress in GPa")
    max_stress_asymmetry_GPa: float = Field(
        0.1, gt=0, description="Largest difference of two components of the stress that must be equal, in GPa"
    )
    energy_outlier_eV_per_atom: float = Field(
        0.3, gt=0, description="Distance in eV/atom from the median of frames of the same formula that is always let in"
    )
    energy_outlier_deviations: float = Field(
        6.0,
        gt=0,
        description="Distance from that median, in robust standard deviations (1.4826 MAD), that is let in too",
    )
    min_distance: float = Field(
        0.5, gt=0, lt=1, description="Shortest distance of two atoms as a share of the sum of their covalent radii"
    )
    max_neighbour_distance_A: float = Field(
        5.0,
        gt=0,
        description="Largest distance of an atom from its nearest neighbour in Å: CHGNet sees 6 Å, others less",
    )
    duplicate_distance_A: float = Field(
        1e-3, gt=0, description="Two frames whose atoms differ by about this much, in Å, are one"
    )
    unit_factor: float = Field(
        3.0,
        gt=1,
        description="By how much labels may be steeper or flatter than those of the base model; units are not",
    )
    min_correlation: float = Field(
        0.5, gt=0, lt=1, description="Least correlation of forces with those of the base model"
    )
    mixed_references: bool = Field(
        False, description="Whether labels of different functionals, settings or models may stand side by side"
    )
