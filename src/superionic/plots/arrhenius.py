"""Arrhenius plot: diffusivity against inverse temperature, with fit and extrapolation."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from ase.units import kB
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from superionic.documents import ArrheniusDocument, Verdict

_SIDE_BY_SIDE = 0.03  # in 1000 / K, between the intervals of two fits at the same temperature


def plot_arrhenius(documents: Sequence[ArrheniusDocument], file: Path) -> Path:
    """Draw one or several Arrhenius documents and save the figure.

    Parameters
    ----------
    documents
        The fits to draw.
    file
        Where the figure goes; the suffix chooses the format.
    """
    figure = Figure(figsize=(6.4, 4.8), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for number, document in enumerate(documents):
        _draw(axes, document, f"C{number}", number * _SIDE_BY_SIDE)
    if any(point.excluded for document in documents for point in document.points):
        axes.plot([], [], "x", color="grey", label="kept out of the fit")
    axes.set_yscale("log")
    axes.set_xlabel("1000 / T (1/K)")
    axes.set_ylabel("D (cm²/s)")
    axes.legend(fontsize="x-small", loc="lower left")
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, dpi=200)
    return file


def _draw(axes: Axes, document: ArrheniusDocument, colour: str, shift: float) -> None:
    for excluded, marker in ((False, "o"), (True, "x")):
        points = [point for point in document.points if point.excluded == excluded]
        if not points:
            continue
        values = np.array([point.diffusivity_cm2_per_s.value for point in points])
        low, high = np.array([point.diffusivity_cm2_per_s.interval_68 for point in points]).T
        floor = np.maximum(low, 1e-3 * values.max())  # an interval that reaches zero ends below the axis
        errors = np.maximum([values - floor, high - values], 0)
        inverse = [1000 / point.temperature_K for point in points]
        axes.errorbar(inverse, values, yerr=errors, fmt=marker, color=colour, capsize=3)
    energy, prefactor = document.activation_energy_eV, document.prefactor_cm2_per_s
    found = [(there.temperature_K, there.diffusivity_cm2_per_s) for there in document.extrapolations]
    extrapolated = [(temperature, value) for temperature, value in found if value is not None]
    title = f"{document.identity.label} {document.identity.potential.family} {document.identity.potential.model}"
    if energy is None or prefactor is None or not extrapolated:
        axes.plot([], [], "o", color=colour, label=f"{title}: no fit")
        return
    drawn_K = [temperature for temperature, _ in extrapolated] + [point.temperature_K for point in document.points]
    temperature = 1 / np.linspace(1 / min(drawn_K), 1 / max(drawn_K), 50)
    told = ", ".join(f"D({cold:g} K) = {value.value:.2g} cm²/s" for cold, value in extrapolated)
    axes.plot(
        1000 / temperature,
        prefactor.value * np.exp(-energy.value / (kB * temperature)),
        color=colour,
        label=f"{title}: $E_a$ = {energy.value:.3f} ± {energy.standard_error:.3f} eV, {told}"
        + ("" if document.quality.verdict == Verdict.SUFFICIENT else f" ({document.quality.verdict.value})"),
    )
    for cold, value in extrapolated:
        for interval, width in ((value.interval_95, 1), (value.interval_68, 3)):
            axes.vlines(1000 / cold + shift, *interval, color=colour, linewidth=width)
