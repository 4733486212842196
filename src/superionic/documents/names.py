"""Names that people give: they become names of folders and files, and fields that databases index."""

from __future__ import annotations

import unicodedata
from typing import Annotated

from pydantic import AfterValidator, Field

MOST_CHARACTERS = 100
_SEPARATORS = "/\\"


def _printable(text: str) -> str:
    if any(unicodedata.category(character) in {"Cc", "Cs"} for character in text):
        raise ValueError("it holds a control character: leave it out")
    return text


def _no_path(text: str) -> str:
    if any(character in _SEPARATORS for character in text) or text in {".", ".."}:
        raise ValueError("it becomes the name of a folder or file: write it without / and \\")
    return _printable(text)


Word = Annotated[str, Field(max_length=MOST_CHARACTERS), AfterValidator(_printable)]
"""A word to find results by."""

Name = Annotated[str, Field(min_length=1, max_length=MOST_CHARACTERS), AfterValidator(_no_path)]
"""A name that a folder or file may bear."""
