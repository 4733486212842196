"""Which ion moves: taken where only one can be meant, asked for everywhere else."""

from __future__ import annotations

from collections.abc import Mapping

from superionic.errors import InputError

CONDUCTED = ("Li", "Na", "K", "Ag", "Cu")
"""Ions of charge +1 that solid electrolytes are made for; hydrogen, of hydrides too, has to be named."""


def mobile_ion(charges: Mapping[str, float], wanted: str | None = None) -> str:
    """The mobile ion of a crystal.

    Parameters
    ----------
    charges
        Ion -> charge in elementary charges.
    wanted
        What the user names, None for nothing.

    Raises
    ------
    InputError
        If the crystal lacks the ion named, or none or several qualify.
    """
    if wanted is not None:
        if not charges.get(wanted):
            raise InputError(f"mobile_species = {wanted!r} is none of the ions {sorted(charges)}")
        return wanted
    qualified = [ion for ion in CONDUCTED if charges.get(ion) == 1]
    if len(qualified) == 1:
        return qualified[0]
    which = f"{' and '.join(qualified)} may each be" if qualified else f"none of {', '.join(CONDUCTED)} is there to be"
    raise InputError(
        f"{which} the mobile ion: name one of {sorted(charges)} (--mobile on the command line, mobile_species in a "
        "study or host file)"
    )
