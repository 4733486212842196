"""Charges of the ions of a crystal that states none: usual ones that balance, on the composition alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product

from pymatgen.core import Element

from superionic.errors import InputError

NEUTRAL_SHARE = 0.02
"""Charge left over by rounded occupancies that still counts as balanced, as a share of all positive charge."""

_USUAL: dict[str, tuple[int, ...]] = {
    "H": (1, -1), "B": (3,), "C": (4, -4, 2), "N": (-3, 5, 3), "O": (-2,), "F": (-1,), "Si": (4,),
    "P": (5, 4, 3, -3), "S": (-2, 6, 4), "Cl": (-1, 7), "As": (5, 3, -3), "Se": (-2, 6, 4), "Br": (-1,),
    "Te": (-2, 6, 4), "I": (-1, 5), "Ge": (4, 2), "Sn": (4, 2), "Sb": (5, 3), "Pb": (2, 4), "Bi": (3, 5), "Tl": (1, 3),
    "Ti": (4, 3), "V": (5, 4, 3, 2), "Cr": (3, 6, 2), "Mn": (2, 3, 4), "Fe": (3, 2), "Co": (2, 3), "Ni": (2, 3),
    "Cu": (1, 2), "Nb": (5, 4), "Mo": (6, 4), "Ru": (4,), "Ta": (5,), "W": (6,), "Re": (7,), "Hg": (2,), "Au": (1, 3),
    "Ag": (1,), "Ce": (3, 4), "Eu": (3, 2), "Yb": (3, 2), "Pr": (3, 4), "Sm": (3, 2), "Tb": (3, 4), "U": (6, 4),
    "Zr": (4,), "Hf": (4,),
}  # fmt: skip
_MIXED_VALENCE = {"B", "C"}  # beside the transition metals; of clusters and molecules
_BORON_OF_CLUSTERS = 1.5  # at most; nearer to +3 other ions are missing


def guess_charges(amounts: Mapping[str, float], stated: Mapping[str, float]) -> dict[str, float]:
    """Usual charges of the elements that have none stated, chosen so that the crystal is neutral.

    Of all combinations that balance the one with the most usual charges is taken; where none does, one element may
    have a mean valence between its usual charges (Mn3.5+, P4.5+, the boron of a cluster).

    Parameters
    ----------
    amounts
        Ion or element -> amount in the crystal.
    stated
        Charges that are known.

    Raises
    ------
    InputError
        If nothing balances; the message names the elements, the charge left over and what to write.
    """
    open_elements = [element for element in amounts if element not in stated]
    known = sum(amounts[ion] * charge for ion, charge in stated.items() if ion in amounts)
    choices = [_usual(element) for element in open_elements]
    best: tuple[tuple[float, float], dict[str, float]] | None = None
    nearest: tuple[float, dict[str, float]] = (float("inf"), {element: _usual(element)[0] for element in open_elements})
    for ranks in product(*(range(len(options)) for options in choices)):
        charges = {el: float(options[rank]) for el, options, rank in zip(open_elements, choices, ranks, strict=True)}
        net = known + sum(amounts[element] * charge for element, charge in charges.items())
        if not any(ranks) or (_sensible(amounts, charges) and abs(net) < 0.2 * abs(nearest[0])):
            nearest = (net, charges)
        if abs(net) > NEUTRAL_SHARE * _positive(amounts, {**stated, **charges}) or not _sensible(amounts, charges):
            continue
        cost = (float(sum(rank**2 for rank in ranks)), abs(net))
        if best is None or cost < best[0]:
            best = (cost, charges)
    if best is None:
        best = min(_with_mean_valence(amounts, stated, open_elements), default=None, key=lambda found: found[0])
    if best is None:
        net, usual = nearest[0], {**stated, **nearest[1]}
        raise InputError(
            f"the charges do not balance: with {'the usual ones' if open_elements else 'those stated'} "
            f"({in_words(usual)}) the crystal has {net:+.3g} e in {formula(amounts)}; correct the "
            "occupancies, or state `oxidation_states`"
        )
    return {**{ion: float(charge) for ion, charge in stated.items()}, **best[1]}


def formula(amounts: Mapping[str, float]) -> str:
    """Amounts in words: 'Li6.05 P0.95 S5 Br'."""
    return " ".join(
        f"{ion}{'' if abs(n - 1) < 5e-4 else f'{n:.3f}'.rstrip('0').rstrip('.')}" for ion, n in amounts.items()
    )


def in_words(charges: Mapping[str, float]) -> str:
    """Charges in words: 'Li +1, S -2'."""
    return ", ".join(f"{ion} {charge:+g}" for ion, charge in charges.items())


def _usual(element: str) -> tuple[int, ...]:
    if element in _USUAL:
        return _USUAL[element]
    common = Element(element).common_oxidation_states or Element(element).oxidation_states
    return tuple(sorted(common, reverse=True)) or (0,)


def _positive(amounts: Mapping[str, float], charges: Mapping[str, float]) -> float:
    return sum(amount * max(charges[ion], 0.0) for ion, amount in amounts.items())


def _sensible(amounts: Mapping[str, float], charges: Mapping[str, float]) -> bool:
    """Positive chalcogens, halogens and nitrogen need oxygen or fluorine; protons need something to sit on."""
    positive = {element for element, charge in charges.items() if charge > 0}
    if charges.get("H") == -1 and {"O", "N", "C", "S"} & set(amounts):
        return False
    if "H" in positive and not {"O", "N", "C", "S", "Se", "P", "F"} & set(amounts):
        return False
    return not (positive & {"S", "Se", "Te", "Cl", "I", "N"}) or bool({"O", "F"} & set(amounts))


def _with_mean_valence(
    amounts: Mapping[str, float], stated: Mapping[str, float], open_elements: list[str]
) -> Iterator[tuple[tuple[float, float], dict[str, float]]]:
    """Charges where one element takes what the usual charges of the others leave."""
    for mixed in open_elements:
        element = Element(mixed)
        if not (element.is_transition_metal or mixed in _MIXED_VALENCE):
            continue
        possible = [*_usual(mixed), *((-5,) if mixed == "B" else ())]
        others = [other for other in open_elements if other != mixed]
        for ranks in product(*(range(len(_usual(other))) for other in others)):
            charges = {other: float(_usual(other)[rank]) for other, rank in zip(others, ranks, strict=True)}
            rest = sum(amounts[ion] * charge for ion, charge in {**stated, **charges}.items() if ion in amounts)
            valence = -rest / amounts[mixed]
            if mixed == "B" and valence > _BORON_OF_CLUSTERS:
                continue
            if min(possible) <= valence <= max(possible) and _sensible(amounts, charges):
                yield (
                    (float(sum(rank**2 for rank in ranks)), abs(valence - _usual(mixed)[0])),
                    {**charges, mixed: valence},
                )
