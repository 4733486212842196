"""A host as the document that is stored with its runs, and back."""

from __future__ import annotations

import numpy as np
from pymatgen.core import Lattice, Structure

from superionic.documents.host import CrystalSite, HostDocument, HostSite
from superionic.structures.host import Host, NamedSite


def host_document(host: Host) -> HostDocument:
    """Everything about a host, in a few kB."""
    crystal: dict[tuple[tuple[str, float], ...], list[tuple[float, float, float]]] = {}
    for site in host.structure:
        ions = tuple((str(ion), float(occupancy)) for ion, occupancy in site.species.items())
        crystal.setdefault(ions, []).append(tuple(site.frac_coords.tolist()))
    return HostDocument(
        name=host.name,
        lattice_A=host.structure.lattice.matrix.tolist(),
        crystal=[CrystalSite(ions=list(ions), frac_coords=coords) for ions, coords in crystal.items()],
        sites=[
            HostSite(
                label=site.label,
                wyckoff=site.wyckoff,
                layer=site.layer,
                coordination=site.coordination,
                allowed_species=list(site.allowed_species),
                frac_coords=site.frac_coords.tolist(),
            )
            for site in host.sites
        ],
        mobile_species=host.mobile_species,
        other_mobile_species=list(host.other_mobile_species),
        anion_species=list(host.anion_species),
        oxidation_states=host.oxidation_states,
        layer_normal=host.layer_normal,
        fillings={name: list(filling.items()) for name, filling in host.fillings.items()},
        label_rules=host.label_rules,
    )


def host_from_document(document: HostDocument) -> Host:
    """The host that :func:`host_document` was given; its atoms may be in another order."""
    atoms = [(dict(kind.ions), position) for kind in document.crystal for position in kind.frac_coords]
    return Host(
        name=document.name,
        structure=Structure(
            Lattice(document.lattice_A), [ions for ions, _ in atoms], [position for _, position in atoms]
        ),
        sites=tuple(
            NamedSite(
                site.label,
                site.wyckoff,
                site.layer,
                site.coordination,
                tuple(site.allowed_species),
                np.array(site.frac_coords),
            )
            for site in document.sites
        ),
        mobile_species=document.mobile_species,
        other_mobile_species=tuple(document.other_mobile_species),
        anion_species=tuple(document.anion_species),
        oxidation_states=document.oxidation_states,
        layer_normal=document.layer_normal,
        fillings={name: dict(filling) for name, filling in document.fillings.items()},
        label_rules=document.label_rules,
    )
