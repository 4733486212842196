"""Calculators by import path, from installed packages only.

A study names a calculator as data. What it names is imported here and nowhere else, and only where an installed
distribution provides it: never a file beside the study or in the working folder, whatever the name.
"""

from __future__ import annotations

import json
import typing
from collections.abc import Callable
from importlib import import_module
from importlib.machinery import ModuleSpec
from importlib.metadata import Distribution, distribution, distributions, packages_distributions
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from ase.calculators.calculator import BaseCalculator

from superionic.errors import InputError

__all__ = ["calculator_factory", "distribution_of"]


def calculator_factory(import_path: str) -> tuple[Callable[..., Any], Distribution]:
    """What makes a calculator, and the distribution that it comes from.

    Parameters
    ----------
    import_path
        'module:Class', 'module:Class.method' or 'module:function'.

    Raises
    ------
    InputError
        Not installed, or neither a class of ASE calculators, nor a method of one, nor a function whose return
        annotation says that it returns one: nothing else is called, since arguments come from the study.
    """
    module, _, name = import_path.partition(":")
    provider = distribution_of(module)
    try:
        found: Any = import_module(module)
        owner: Any = None
        for part in name.split("."):
            owner, found = found, getattr(found, part)
    except (ImportError, AttributeError) as error:
        raise InputError(f"calculator={import_path!r} cannot be imported: {error}") from error
    if not (_is_calculator(found) or (_is_calculator(owner) and callable(found)) or _returns_calculator(found)):
        raise InputError(
            f"calculator={import_path!r} is neither a class of ASE calculators nor a function that is annotated to "
            "return one, and nothing else is called"
        )
    return found, provider


def distribution_of(module: str) -> Distribution:
    """The installed distribution whose files a module's import would run; the module is not imported.

    Raises
    ------
    InputError
        There is no such module, or no installed distribution provides it.
    """
    top = module.partition(".")[0]
    try:
        spec = find_spec(top)
    except (ImportError, ValueError):
        spec = None
    if spec is None:
        raise InputError(f"module {top!r} is not installed: install the package that provides it")
    places = _places(spec)
    named = [distribution(name) for name in packages_distributions().get(top, [])]
    for candidate in [*named, *distributions()]:
        root = _root(candidate) if candidate in named else _editable_root(candidate)
        if root is not None and places and all(place.is_relative_to(root) for place in places):
            return candidate
    where = ", ".join(map(str, places)) or "part of Python"
    raise InputError(f"module {top!r} ({where}) comes from no installed package: install the one that provides it")


def _places(spec: ModuleSpec) -> list[Path]:
    """The file of a module or, of a namespace package, every folder that is part of it."""
    if spec.has_location and spec.origin:
        return [Path(spec.origin).resolve()]
    return [Path(place).resolve() for place in spec.submodule_search_locations or ()]


def _root(provider: Distribution) -> Path | None:
    """The folder that a distribution is installed in, None for what merely lies in the working folder."""
    root = Path(str(provider.locate_file(""))).resolve()
    return None if root == Path.cwd().resolve() else root


def _editable_root(provider: Distribution) -> Path | None:
    """The project of a distribution that was installed to be edited where it is (``pip install -e``)."""
    origin = provider.read_text("direct_url.json")
    if origin is None or _root(provider) is None:
        return None
    described = json.loads(origin)
    if not described.get("dir_info", {}).get("editable"):
        return None
    return Path(unquote(urlsplit(described["url"]).path)).resolve()


def _is_calculator(thing: Any) -> bool:
    return isinstance(thing, type) and issubclass(thing, BaseCalculator)


def _returns_calculator(thing: Any) -> bool:
    try:
        returned = typing.get_type_hints(thing).get("return")
    except (NameError, TypeError):
        return False
    return any(_is_calculator(kind) for kind in (returned, *typing.get_args(returned)))
