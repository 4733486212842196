"""Datasets as lines of text."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from superionic.documents import DatasetDocument


def dataset_title(document: DatasetDocument) -> str:
    """Name and the beginning of its version."""
    return f"{document.name} {document.version[:8]}"


def dataset_line(document: DatasetDocument) -> str:
    """A dataset in one line."""
    references = " + ".join(reference.title for reference in document.references)
    split = ", ".join(f"{part} {count}" for part, count in document.frames_by_split.items())
    left_out = f", {len(document.excluded)} left out" if document.excluded else ""
    return f"{dataset_title(document)}: {document.n_frames} frames by {references}{left_out}" + (
        f"; {split}" if split else ""
    )


def dataset_lines(document: DatasetDocument) -> list[str]:
    """What a dataset holds, and what was left out of it."""
    lowest, highest = document.energy_range_eV_per_atom
    lines = [
        dataset_line(document),
        f"  version     {document.version}",
        f"  parents     {', '.join(version[:8] for version in document.parents) or 'none'}",
        f"  formulas    {_counts(document.frames_by_formula)}",
        f"  structures  {_counts(document.frames_by_structure)}",
        f"  K           {_counts(document.frames_by_temperature_K)}",
        f"  energy      {lowest:.4f} to {highest:.4f} eV/atom",
        f"  force       up to {document.max_force_eV_per_A:.2f} eV/Å",
    ]
    if document.pressure_range_GPa is not None:
        low, high = document.pressure_range_GPa
        lines.append(f"  pressure    {low:.2f} to {high:.2f} GPa, stress of {document.n_with_stress} frames")
    if document.split is not None:
        held = f", held out: {', '.join(document.split.held_out)}" if document.split.held_out else ""
        lines.append(f"  split       by {document.split.by}, seed {document.split.seed}{held}")
    lines += [f"  left out    {entry.origin.title}: {entry.check}: {entry.reason}" for entry in document.excluded]
    return lines + [f"  note        {note}" for note in document.notes]


def _counts(found: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(found.items()))
