"""How displacements and distances are distributed in a run."""

from __future__ import annotations

from pydantic import Field

from superionic.documents.base import Document, Matrix3


class MSDCurve(Document):
    """Mean squared displacement of one species, thinned for plotting."""

    lag_ps: list[float] = Field(description="Lag times in ps")
    msd_A2: list[float] = Field(description="Mean squared displacement over all time origins in Å^2")
    tensor_A2: list[Matrix3] = Field(
        default_factory=list,
        description="Mean products of the displacement's components in Å^2, in the axes of the stored cell",
    )


class VanHoveSelf(Document):
    """Distribution of the length of displacements (self part of the van Hove function)."""

    lag_ps: list[float] = Field(description="Lag times in ps")
    edge_A: list[float] = Field(description="Edges of the bins of the displacement r in Å")
    density_per_A: list[list[float]] = Field(description="4 pi r^2 G_s(r, t) in 1/Å, one list of bins a lag")


class RadialDistribution(Document):
    """Radial distribution functions of two species at the start of a run and at its end."""

    species: tuple[str, str] = Field(description="The two species")
    r_A: list[float] = Field(description="Distances in Å")
    g_start: list[float] = Field(description="g(r) in the first averaging window of the run")
    g_end: list[float] = Field(description="g(r) in the last one")
    window_ps: float = Field(gt=0, description="Length of an averaging window in ps")
