"""Sites that share out stated numbers of ions: what a decoration problem is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from superionic.errors import InputError


@dataclass(frozen=True)
class Pool:
    """Sites that share out a stated number of ions; sites left over stay empty.

    Parameters
    ----------
    sites
        Indices of the sites.
    counts
        Number of ions of each species on these sites.

    Raises
    ------
    InputError
        If a count is negative or there are more ions than sites.
    """

    sites: tuple[int, ...]
    counts: Mapping[str, int]

    def __post_init__(self) -> None:
        if any(count < 0 for count in self.counts.values()):
            raise InputError(f"counts {dict(self.counts)} hold a negative number of ions; ask for fewer moves")
        if self.n_empty < 0:
            raise InputError(
                f"{sum(self.counts.values())} ions {dict(self.counts)} do not fit on {len(self.sites)} sites; "
                "ask for fewer ions or a larger supercell"
            )

    @property
    def n_empty(self) -> int:
        """Number of sites without an ion."""
        return len(self.sites) - sum(self.counts.values())

    @property
    def parts(self) -> tuple[int, ...]:
        """Ions of each species, and the empty sites last."""
        return (*self.counts.values(), self.n_empty)
