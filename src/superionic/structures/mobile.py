"""Which ions move: taken where only one can be meant, asked for everywhere else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from superionic.errors import InputError

CONDUCTED = ("Li", "Na", "K", "Ag", "Cu")
"""Ions of charge +1 that solid electrolytes are made for; hydrogen, of hydrides too, has to be named."""


def mobile_ions(charges: Mapping[str, float], wanted: str | Sequence[str] | None = None) -> tuple[str, ...]:
    """The mobile ions of a crystal, the one that balances its charge first.

    Parameters
    ----------
    charges
        Ion -> charge in elementary charges.
    wanted
        What the user names: one, several, None for nothing.

    Raises
    ------
    InputError
        If the crystal lacks an ion named, it is named twice, or none is named and none or several qualify.
    """
    if wanted is not None:
        names = (wanted,) if isinstance(wanted, str) else tuple(wanted)
        for name in names:
            if not charges.get(name):
                raise InputError(f"mobile_species = {name!r} is none of the ions {sorted(charges)}")
        if not names or len(set(names)) < len(names):
            raise InputError(f"mobile_species = {list(names)}: name each mobile ion once")
        return names
    qualified = [ion for ion in CONDUCTED if charges.get(ion) == 1]
    if len(qualified) == 1:
        return (qualified[0],)
    which = f"{' and '.join(qualified)} may each be" if qualified else f"none of {', '.join(CONDUCTED)} is there to be"
    raise InputError(
        f"{which} the mobile ion: name one of {sorted(charges)}, or several (--mobile on the command line, "
        "mobile_species in a study or host file)"
    )
