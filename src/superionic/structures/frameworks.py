"""Which framework ions go where: moves away from the ordered crystal, or the crystal's own partial occupancies."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from monty.json import MSONable

from superionic.errors import InputError
from superionic.structures.alternatives import ALTERNATIVE_A
from superionic.structures.choices import linked_pools
from superionic.structures.enumeration import EMPTY
from superionic.structures.pools import Pool
from superionic.structures.supercell import HostSupercell

_MOVE = re.compile(r"([A-Z][a-z]?):([^:]+):([^:]+):(\d+)")


@dataclass(frozen=True)
class Move(MSONable):
    """Take `count` ions of a species from sites of some labels to sites of others.

    Parameters
    ----------
    species
        Element symbol.
    sources, destinations
        Site labels; with several labels the ions may leave or go to any of them.
    count
        Number of ions.
    """

    species: str
    sources: tuple[str, ...]
    destinations: tuple[str, ...]
    count: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "sources", tuple(self.sources))
        object.__setattr__(self, "destinations", tuple(self.destinations))
        if self.count < 1:
            raise InputError(f"move {self} has count {self.count}; move at least one ion")
        if set(self.sources) & set(self.destinations):
            raise InputError(f"move {self} starts and ends on the same label; name different ones")

    @classmethod
    def parse(cls, text: str) -> Move:
        """Read ``In:2b:4g:1``; several labels are joined by commas, ``In:2b:4g,4h,2c:1``."""
        match = _MOVE.fullmatch(text)
        if match is None:
            raise InputError(f"move {text!r} is not SPECIES:FROM:TO:COUNT, for example In:2b:4g:1 or In:2b:4g,4h:1")
        species, sources, destinations, count = match.groups()
        return cls(species, tuple(sources.split(",")), tuple(destinations.split(",")), int(count))

    def __str__(self) -> str:
        return f"{self.species}:{','.join(self.sources)}:{','.join(self.destinations)}:{self.count}"


def pools_from_moves(cell: HostSupercell, moves: Sequence[Move]) -> list[Pool]:
    """Pools of sites after the moves, starting from the ordered crystal.

    Parameters
    ----------
    cell
        The supercell.
    moves
        Moves; two that touch a label must name the same set of labels there.

    Raises
    ------
    InputError
        If a label is unknown, a source does not hold enough ions, a destination is full, or label sets overlap in part.
    """
    filling = cell.framework_filling()
    counts: dict[frozenset[str], dict[str, int]] = {frozenset([label]): {} for label in filling}
    for move in moves:
        _check_labels(cell, move, filling)
        if len(move.sources) > 1:  # they are drawn from together
            for label in move.sources:
                counts.pop(frozenset([label]), None)
        counts.setdefault(frozenset(move.sources), {})
        counts.setdefault(frozenset(move.destinations), {})
    for labels, ions in counts.items():
        for label in labels & set(filling):
            ions[filling[label]] = ions.get(filling[label], 0) + len(cell.sites_of([label]))
    _refuse_overlap(list(counts))
    for move in moves:
        source, destination = counts[frozenset(move.sources)], counts[frozenset(move.destinations)]
        source[move.species] -= move.count
        destination[move.species] = destination.get(move.species, 0) + move.count
        if source[move.species] < 0:
            raise InputError(f"move {move}: there are not {move.count} {move.species} on {list(move.sources)} to move")
    return _pools(cell, counts)


def pools_from_occupancies(
    cell: HostSupercell, tolerance: float = 0.0
) -> tuple[list[Pool], dict[str, dict[str, tuple[float, float]]]]:
    """Pools of sites that hold the framework, cations and anions, in the crystal's own occupancies.

    Numbers are rounded label by label by the largest remainder, so that a label that is full stays full and no kind of
    ion vanishes unless the tolerance allows for it.

    Parameters
    ----------
    cell
        The supercell.
    tolerance
        Largest change of an occupancy that is accepted to make the number of ions whole.

    Returns
    -------
    pools
        One pool for every label with framework ions, but for the fixed anions.
    occupancies
        Label -> element -> (occupancy of the crystal, occupancy realised).

    Raises
    ------
    InputError
        If the supercell cannot realise an occupancy within the tolerance; the message gives the nearest ones it can.
    """
    mobile = cell.host.mobile_species
    counts: dict[frozenset[str], dict[str, int]] = {}
    compared: dict[str, dict[str, tuple[float, float]]] = {}
    for label, row in cell.occupancies().items():
        sites = cell.sites_of([label])
        if cell.anions[sites[0]] or set(row) <= {mobile}:
            continue
        whole = largest_remainder(row, len(sites))
        counts[frozenset([label])] = {ion: whole[ion] for ion in row if ion != mobile}
        compared[label] = {ion: (row[ion], whole[ion] / len(sites)) for ion in row if ion != mobile}
    misfits = [
        f"{element} on {label}: {wanted:g} x {len(cell.sites_of([label]))} sites = "
        f"{wanted * len(cell.sites_of([label])):.2f} ions, nearest {realised:.4f}"
        for label, row in compared.items()
        for element, (wanted, realised) in row.items()
        if abs(wanted - realised) > tolerance + 1e-6
    ]
    if misfits:
        raise InputError(
            f"the supercell cannot realise the occupancies within occupancy_tolerance {tolerance:g} "
            f"({'; '.join(misfits)}); set occupancy_tolerance to accept the nearest, or take a larger supercell"
        )
    if not counts and not cell.anions.any():
        raise InputError(f"the crystal of host {cell.host.name} holds no framework; state moves instead")
    return _pools(cell, counts), compared


def largest_remainder(occupancies: Mapping[str, float], n_sites: int) -> dict[str, int]:
    """Whole numbers of ions on sites; those left over by rounding down go to the largest remainders.

    Ions and vacancies add up to the sites. Where an ion and a vacancy tie, the sites stay emptier.
    """
    wanted = {ion: occupancy * n_sites for ion, occupancy in occupancies.items()}
    wanted[EMPTY] = max(0.0, n_sites - sum(wanted.values()))
    whole = {ion: int(amount + 1e-6) for ion, amount in wanted.items()}
    order = sorted(wanted, key=lambda ion: (round(whole[ion] - wanted[ion], 6), ion))
    for ion in order[: n_sites - sum(whole.values())]:
        whole[ion] += 1
    return {ion: whole[ion] for ion in occupancies}


def n_displaced(cell: HostSupercell, species: Sequence[str]) -> int:
    """Framework ions that are not where the ordered crystal has them."""
    filling = cell.framework_filling()
    return sum(
        1
        for label, element in zip(cell.labels, species, strict=True)
        if element != EMPTY and filling.get(str(label)) != element
    )


def _pools(cell: HostSupercell, counts: dict[frozenset[str], dict[str, int]]) -> list[Pool]:
    for labels in counts:
        anionic = [label for label in labels if cell.anions[cell.sites_of([label])[0]]]
        if anionic:
            raise InputError(f"site label {anionic[0]!r} holds anions alone and is full; nothing can go there")
    pools = [Pool(tuple(int(i) for i in cell.sites_of(labels)), ions) for labels, ions in counts.items()]
    _, linked = linked_pools(pools, cell.alternatives)
    for group in linked:
        if not group.n_decorations():
            split = sorted({str(cell.labels[site]) for site in group.pairs.ravel()})
            raise InputError(
                f"split positions of {split} are less than {ALTERNATIVE_A:g} Å apart, so that one of them at most is "
                "taken, but they hold more ions than that: correct their positions or occupancies"
            )
    return pools


def _check_labels(cell: HostSupercell, move: Move, filling: dict[str, str]) -> None:
    for label in (*move.sources, *move.destinations):
        allowed = cell.host.site(label).allowed_species
        if move.species not in allowed:
            raise InputError(f"move {move}: site {label!r} of host {cell.host.name} takes only {list(allowed)}")
    empty = [label for label in move.sources if filling.get(label) != move.species]
    if empty:
        raise InputError(f"move {move}: the ordered crystal has no {move.species} on {empty}; it has {filling}")


def _refuse_overlap(label_sets: list[frozenset[str]]) -> None:
    for index, first in enumerate(label_sets):
        for second in label_sets[index + 1 :]:
            if first & second:
                raise InputError(
                    f"moves use label {min(first & second)!r} both in {sorted(first)} and in {sorted(second)}; "
                    "name the same labels in every move that touches it"
                )
