"""Tables of text. rich draws one too, but takes seconds for the runs of a large store."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from textwrap import wrap

_GAP = "  "
_WIDTH_OF_A_FILE = 140
_NARROWEST = 6


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Lines of a table; cells are folded where it is wider than the terminal.

    Parameters
    ----------
    title
        Printed above it.
    columns
        Their heads.
    rows
        Cells, as many a row as there are columns.
    """
    widths = [max(map(len, cells)) for cells in zip(columns, *rows, strict=True)]
    while sum(widths) + len(_GAP) * (len(widths) - 1) > terminal_width() and max(widths) > _NARROWEST:
        widths[widths.index(max(widths))] -= 1
    yield title
    yield from _lines(columns, widths)
    yield _GAP.join("─" * width for width in widths)
    for row in rows:
        yield from _lines(row, widths)
    yield ""


def terminal_width() -> int:
    """Characters a line; of a file, enough for every table."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else _WIDTH_OF_A_FILE


def _lines(cells: Sequence[str], widths: Sequence[int]) -> Iterator[str]:
    if all(len(cell) <= width for cell, width in zip(cells, widths, strict=True)):
        yield _GAP.join(map(str.ljust, cells, widths)).rstrip()
        return
    folded = [wrap(cell, width) for cell, width in zip(cells, widths, strict=True)]
    for parts in zip_longest(*folded, fillvalue=""):
        yield _GAP.join(map(str.ljust, parts, widths)).rstrip()
