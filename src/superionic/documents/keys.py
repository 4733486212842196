"""Keys of documents that are made of several: what these share in words, and a digest that makes the key unique."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

_BETWEEN = " / "


def readable_key(words: Iterable[str | None], content: str) -> str:
    """The words that are not empty, and the digest of all content."""
    return _BETWEEN.join([*filter(None, words), hashlib.sha256(content.encode()).hexdigest()[:8]])


def words_and_digest(key: str) -> tuple[str, str]:
    """The words of a key, and its digest; of a key that someone has chosen, no words and all of it."""
    words, _, digest = key.rpartition(_BETWEEN)
    return words, digest
