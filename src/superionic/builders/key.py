"""What a document was built from, as one digest: the same digest again means that nothing has to be built."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from superionic.documents.base import DerivedDocument

_CAME_LATER = {"framework"}
"""Settings that earlier versions lack: where they ask for nothing, what those versions built stands."""


def build_key(model: type[DerivedDocument], *content: Any) -> str:
    """Digest of what a document is built from and of the versions that it is built with.

    A document is built again when its key is another one: when a source has changed, the settings of its analysis, or
    the version of its shape or of what its numbers mean. Of documents that are sources themselves their keys enter, so
    that what is built of them follows.

    Parameters
    ----------
    model
        What is built.
    content
        Sources and settings, as plain JSON.
    """
    versions = [model.model_fields[name].default for name in ("kind", "schema_version", "analysis_version")]
    return hashlib.sha256(json.dumps([versions, _known_before(content)], sort_keys=True).encode()).hexdigest()


def _known_before(content: Any) -> Any:
    if isinstance(content, dict):
        unasked = {name for name in _CAME_LATER & content.keys() if content[name] is None}
        return {name: _known_before(value) for name, value in content.items() if name not in unasked}
    return [_known_before(value) for value in content] if isinstance(content, list | tuple) else content
