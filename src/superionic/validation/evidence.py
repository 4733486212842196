"""What is known of one potential, before it is judged or written down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from pymatgen.core import Lattice

from superionic.documents import DiffusivityDocument
from superionic.documents.validation import ValidationSubject
from superionic.documents.validation_evidence import (
    MeanVolume,
    MemberEvidence,
    OrderingLine,
    RadialFunction,
    SiteShares,
    ValidationRun,
)
from superionic.trajectories.trajectory import Trajectory
from superionic.validation.distances import Floats, standard_error
from superionic.validation.structure import Structure, pooled, volume_of_run
from superionic.validation.transport import usable

Place = tuple[str, float]
"""Label of an ordering, and temperature in K."""
_DIGITS = 5


@dataclass
class Evidence:
    """Runs of one potential with what was read from their trajectories.

    Attributes
    ----------
    subject
        The potential, its cells and its labels.
    runs
        Diffusivity documents of its runs at constant volume.
    structures
        Structure of those, by run.
    volumes
        Mean volumes of its runs at constant pressure.
    problems
        What could not be read, and why.
    """

    subject: ValidationSubject
    runs: list[DiffusivityDocument] = field(default_factory=list)
    structures: dict[str, Structure] = field(default_factory=dict)
    volumes: list[MeanVolume] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def at(self) -> dict[Place, list[DiffusivityDocument]]:
        """The runs by ordering and temperature."""
        places: dict[Place, list[DiffusivityDocument]] = {}
        for run in sorted(self.runs, key=lambda run: (run.identity.label, run.temperature_K, run.run_id)):
            places.setdefault((run.identity.label, run.temperature_K), []).append(run)
        return places

    def structure(self, place: Place) -> Structure | None:
        """Structure of the runs of one ordering at one temperature; None if there is none."""
        found = [self.structures[run.run_id] for run in self.at.get(place, []) if run.run_id in self.structures]
        return pooled(found) if found else None

    def member(self, lines: Sequence[OrderingLine]) -> MemberEvidence:
        """All of it as it is stored."""
        structures = [(place, found) for place in self.at if (found := self.structure(place)) is not None]
        return MemberEvidence(
            name=self.subject.name,
            potential=self.subject.potential,
            cells=self.subject.cells,
            runs=[_run(run) for runs in self.at.values() for run in runs],
            lines=list(lines),
            radial=[function for place, found in structures for function in _radial(place, found)],
            sites=[shares for place, found in structures for shares in _sites(place, found)],
            volumes=self.volumes,
        )


def mean_volume(trajectory: Trajectory) -> MeanVolume:
    """Mean volume of a stored run at constant pressure.

    Raises
    ------
    InputError
        If its cell does not change.
    """
    assert trajectory.identity is not None  # noqa: S101 - stored runs have one
    found = volume_of_run(trajectory)
    lattice = Lattice(found.cell_A)
    return MeanVolume(
        label=trajectory.identity.label,
        temperature_K=trajectory.temperature_K,
        run_id=trajectory.run_id,
        volume_A3_per_atom=found.volume_A3_per_atom,
        lengths_A=lattice.abc,
        angles_degrees=lattice.angles,
    )


def _run(run: DiffusivityDocument) -> ValidationRun:
    reasons = "; ".join(run.quality.reasons) or "no diffusion was seen"
    return ValidationRun(
        run_id=run.run_id,
        label=run.identity.label,
        formula=run.identity.formula,
        temperature_K=run.temperature_K,
        analysed_length_ps=run.analysed_length_ps,
        diffusivity_cm2_per_s=run.diffusivity_cm2_per_s,
        hops_per_ion=run.hops_per_ion,
        framework_state=run.framework_state,
        msd=run.msd.model_copy(update={"tensor_A2": []}),
        framework_msd={name: curve.model_copy(update={"tensor_A2": []}) for name, curve in run.framework_msd.items()},
        left_out=None if usable(run) else reasons,
    )


def _radial(place: Place, structure: Structure) -> list[RadialFunction]:
    label, temperature = place
    return [
        RadialFunction(
            label=label,
            temperature_K=temperature,
            species=pair,
            r_A=_short(structure.r_A[pair]),
            g=_short(blocks.mean(axis=0)),
            standard_error=_short(standard_error(blocks)),
        )
        for pair, blocks in structure.radial.items()
    ]


def _sites(place: Place, structure: Structure) -> list[SiteShares]:
    if structure.shares is None:
        return []
    label, temperature = place
    mean, error = _short(structure.shares.mean(axis=0)), _short(standard_error(structure.shares))
    return [SiteShares(label=label, temperature_K=temperature, sites=structure.sites, share=mean, standard_error=error)]


def _short(values: Floats) -> list[float]:
    return [float(value) for value in np.round(values, _DIGITS)]
