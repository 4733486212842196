"""Potentials beside their reference: displacement, distances between ions, and D over temperature."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from superionic.documents.validation import ValidationDocument
from superionic.documents.validation_evidence import MemberEvidence
from superionic.errors import InputError

_REFERENCE_COLOUR = "black"


def plot_validation(document: ValidationDocument, file: Path, label: str | None = None) -> Path:
    """Draw what a validation holds of one ordering.

    One row a temperature that the reference was run at, with the mean squared displacement and the radial distribution
    of the first pair of species; and D against 1000/T, runs that are not compared hollow.

    Parameters
    ----------
    document
        The validation.
    file
        Where the figure goes; its suffix decides on the format.
    label
        The ordering; the first one of the reference's runs if None.

    Raises
    ------
    InputError
        If the reference has no run of that ordering.
    """
    labels = [run.label for run in document.reference.runs]
    label = label or next(iter(labels), None)
    if label not in labels:
        raise InputError(f"label = {label!r} is none of the orderings {sorted(set(labels))} of validation "
                         f"{document.validation!r}")  # fmt: skip
    members = [document.reference, *document.candidates]
    temperatures = sorted({run.temperature_K for run in document.reference.runs if run.label == label})
    figure = Figure(figsize=(12, 3 * max(len(temperatures), 1)), layout="constrained")
    axes = figure.subplots(len(temperatures), 3, squeeze=False)
    for row, temperature in zip(axes, temperatures, strict=True):
        _displacement(row[0], members, label, temperature)
        _distances(row[1], members, label, temperature)
        row[2].set_visible(False)
    _arrhenius(figure.add_subplot(axes[0, 2].get_gridspec()[:, 2]), members, label)
    verdicts = ", ".join(f"{judgement.name} {judgement.outcome}" for judgement in document.judgements)
    figure.suptitle(f"{label}: {verdicts}")
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, dpi=150)
    return file


def _colours(members: Sequence[MemberEvidence]) -> list[tuple[MemberEvidence, str]]:
    return [(member, f"C{n - 1}" if n else _REFERENCE_COLOUR) for n, member in enumerate(members)]


def _displacement(axes: Axes, members: Sequence[MemberEvidence], label: str, temperature_K: float) -> None:
    for member, colour in _colours(members):
        for run in member.runs:
            if (run.label, run.temperature_K) == (label, temperature_K):
                axes.plot(run.msd.lag_ps, run.msd.msd_A2, color=colour, label=member.name)
    axes.set_xlabel("lag (ps)")
    axes.set_ylabel("MSD (Å$^2$)")
    axes.set_title(f"{temperature_K:g} K")
    axes.legend()


def _distances(axes: Axes, members: Sequence[MemberEvidence], label: str, temperature_K: float) -> None:
    """The mobile ion about the first other species, with bands of one standard error."""
    for member, colour in _colours(members):
        found = [
            function
            for function in member.radial
            if (function.label, function.temperature_K) == (label, temperature_K)
            and function.species[0] != function.species[1]
        ]
        for function in found[:1]:
            axes.plot(function.r_A, function.g, color=colour)
            low, high = (
                [g + sign * error for g, error in zip(function.g, function.standard_error, strict=True)]
                for sign in (-1, 1)
            )
            axes.fill_between(function.r_A, low, high, color=colour, alpha=0.3, linewidth=0)
            axes.set_ylabel(f"g(r) of {'-'.join(function.species)}")
    axes.set_xlabel("r (Å)")
    if not axes.lines:
        axes.text(0.5, 0.5, "no g(r) to compare", transform=axes.transAxes, ha="center", va="center")


def _arrhenius(axes: Axes, members: Sequence[MemberEvidence], label: str) -> None:
    for member, colour in _colours(members):
        for run in member.runs:
            found = run.diffusivity_cm2_per_s
            if run.label != label or found.value <= 0:
                continue
            low, high = found.interval_68
            axes.errorbar(
                1000 / run.temperature_K,
                found.value,
                yerr=[[max(found.value - low, 0)], [max(high - found.value, 0)]],
                color=colour,
                marker="o",
                markersize=10 if member is members[0] else 6,  # the reference shows behind those that agree with it
                markerfacecolor="none" if run.left_out else colour,
                capsize=3,
            )
    axes.set_yscale("log")
    axes.set_xlabel("1000 / T (1/K)")
    axes.set_ylabel("D (cm$^2$/s), 68 % intervals; hollow: not compared")
