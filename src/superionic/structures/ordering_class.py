"""Whether a cell is ordered, disordered, or of medium or high entropy, from where its framework ions sit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from superionic.documents.ordering import OrderingClass
from superionic.structures.composition import configurational_entropy, entropy_class
from superionic.structures.host import Host


def ordering_class(host: Host, ions: Iterable[tuple[str, str]], n_cells: int) -> OrderingClass:
    """Class of one cell of a host.

    Parameters
    ----------
    host
        The crystal and its named sites.
    ions
        Site label and element of every ion of the cell; mobile ions do not count.
    n_cells
        Conventional cells of the host in the cell.

    Returns
    -------
    OrderingClass
        'ordered' if every site label holds one kind of framework ion on all of its sites or none at all. Otherwise by
        the configurational entropy of the ions, anions too, on the other labels, per ion: 'high entropy' from 1.5 R,
        'medium entropy' from 1 R, else 'disordered'.
    """
    held: dict[str, Counter[str]] = {}
    for label, element in ions:
        if element not in host.all_mobile:
            held.setdefault(label, Counter())[element] += 1
    mixed: Counter[str] = Counter()
    for label, elements in held.items():
        if len(elements) > 1 or elements.total() != len(host.site(label).frac_coords) * n_cells:
            mixed += elements
    if not mixed:
        return "ordered"
    entropy = entropy_class(configurational_entropy(mixed))
    return "disordered" if entropy == "low" else "high entropy" if entropy == "high" else "medium entropy"
