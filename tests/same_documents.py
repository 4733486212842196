"""Two documents number by number."""

import pytest


def leaves(document, name=""):
    """Every number of a document by its path."""
    if isinstance(document, dict):
        return {k: v for key, value in document.items() for k, v in leaves(value, f"{name}.{key}").items()}
    if isinstance(document, list | tuple):
        return {k: v for n, value in enumerate(document) for k, v in leaves(value, f"{name}[{n}]").items()}
    return {name: document}


def assert_same(one, other, exclude=(), rel=1e-6):
    """Floats agree to `rel`, everything else exactly; paths that hold a text of `exclude` are left out."""
    before, after = (leaves(document.model_dump(exclude={"provenance", "build_key"})) for document in (one, other))
    assert before.keys() == after.keys()
    for name, value in before.items():
        if any(part in name for part in exclude):
            continue
        if isinstance(value, float):
            assert after[name] == pytest.approx(value, rel=rel, abs=1e-13), name
        else:
            assert after[name] == value, name
