"""What gave labels, exactly: the settings of a potential or of a VASP run as a reference, and where two differ."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from xml.etree import ElementTree as ET

from pydantic import JsonValue

from superionic.documents import Cp2kSettings, PotentialReference, PotentialSettings
from superionic.documents.dataset import LabelReference
from superionic.trajectories.sources.vasp import vasp_functional

BY_ELEMENT = ("kinds", "pseudopotentials")
"""Settings that are one for each element: those of elements that two references do not share may differ."""
_NO_MATTER = {"family", "n_ranks", "device", "batch_runs", "kernels", "relax", "aimd"}  # VASP has a level for labels
_MAY_DIFFER = {"max_scf_steps"}  # decides whether there is a label, not which
_FUNCTIONALS = {
    "PS": "PBEsol",
    "PE": "PBE",
    "91": "PW91",
    "RP": "RPBE",
    "CA": "LDA",
    "R2SCAN": "r2SCAN",
    "SCAN": "SCAN",
}
_VASP_TAGS = (
    "PREC", "EDIFF", "ISMEAR", "SIGMA", "ISPIN", "LREAL", "LASPH", "ADDGRID", "IVDW", "LDAU", "LDAUU", "LHFCALC",
    "HFSCREEN", "AEXX",
)  # fmt: skip


def reference_of(
    settings: PotentialSettings, potential: PotentialReference, elements: Iterable[str] | None = None
) -> LabelReference:
    """The reference of labels by a potential.

    Parameters
    ----------
    settings
        Of the potential.
    potential
        What it is.
    elements
        Symbols of the elements that are labelled: basis sets and pseudopotentials of these are named; None for all.
    """
    described: dict[str, JsonValue] = settings.model_dump(mode="json", exclude=_NO_MATTER)
    if isinstance(settings, Cp2kSettings):
        described["k_mesh"] = list(settings.mesh)
        if settings.level == "pbesol":
            from superionic.potentials.cp2k.elements import KINDS, kinds_of

            kinds = kinds_of(settings, sorted({**KINDS, **settings.kinds} if elements is None else set(elements)))
            described["kinds"] = {element: kind.model_dump(mode="json") for element, kind in kinds.items()}
    return LabelReference(potential=potential, settings=described)


def vasp_reference(root: ET.Element, values: Mapping[str, Any]) -> LabelReference:
    """The reference of a VASP run: functional, cutoff, mesh, smearing, pseudopotentials and version.

    Parameters
    ----------
    root
        The vasprun.xml before its first ionic step.
    values
        Its parameters.
    """
    titles = {
        str(row[1].text).strip(): str(row[4].text).strip()
        for row in root.findall("./atominfo/array[@name='atomtypes']/set/rc")
    }
    settings: dict[str, JsonValue] = {tag: values[tag] for tag in _VASP_TAGS if tag in values}
    settings |= {"ENCUT": values.get("ENMAX", values.get("ENCUT")), **_mesh(root), "pseudopotentials": dict(titles)}
    tag = vasp_functional(values)
    functional = _FUNCTIONALS.get(tag, tag) if tag else "the functional of its pseudopotentials"
    if tag is None and all(title.startswith("PAW_PBE") for title in titles.values()) and titles:
        functional = "PBE"
    version = (root.findtext("./generator/i[@name='version']") or "").strip() or None
    return LabelReference(
        potential=PotentialReference(
            family="VASP", model=functional, origin="first principles", package_version=version
        ),
        settings=settings,
    )


def differences(first: LabelReference, second: LabelReference) -> list[str]:
    """Why labels of two references must not be mixed, in words; empty if they may."""
    found = [
        f"{name} {one!r} and {other!r}"
        for name in ("family", "model", "origin", "sha256")
        if (one := getattr(first.potential, name)) != (other := getattr(second.potential, name))
    ]
    for name in sorted((first.settings.keys() | second.settings.keys()) - _MAY_DIFFER):
        one, other = first.settings.get(name), second.settings.get(name)
        if name in BY_ELEMENT and isinstance(one, dict) and isinstance(other, dict):
            shared = sorted(one.keys() & other.keys())
            found += [f"{name} of {key} {one[key]!r} and {other[key]!r}" for key in shared if one[key] != other[key]]
        elif one != other:
            found.append(f"{name} {one!r} and {other!r}")
    return found


def _mesh(root: ET.Element) -> dict[str, JsonValue]:
    """The mesh of k-points: its scheme and divisions, or how many points were listed."""
    generation = root.find("./kpoints/generation")
    if generation is None:
        points = root.findall("./kpoints/varray[@name='kpointlist']/v")
        return {"k_points": len(points)} if points else {}
    text = generation.findtext("./v[@name='divisions']")
    scheme = generation.attrib.get("param", "")
    return {"k_mesh": f"{scheme} {' '.join(text.split())}"} if text else {"k_points": scheme}
