"""YAML as people mean it: what version 1.1 would silently read as something else is refused by name."""

from __future__ import annotations

import re
from typing import Any

import yaml

from superionic.errors import InputError

_MOST_VALUES = 1_000_000
_SIGNED_EXPONENT = re.compile(r"^[-+]?[0-9]+[eE][-+][0-9]+$")


class _Loader(yaml.SafeLoader):
    """Refuses duplicate keys, keys that are no text, `yes` and `no`, 1:30 (90 in base 60) and 010 (8 in base 8).

    Dates stay text, and 1e-3 is a number although it has no point.
    """

    yaml_implicit_resolvers = {  # noqa: RUF012 - PyYAML's
        first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":
                continue
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str):
                raise InputError(f"{_line(key_node)}: key {key_node.value} is no text to YAML: write it in quotes")
            if key in seen:
                raise InputError(f"{_line(key_node)}: key {key!r} is given twice: leave one out")
            seen.add(key)
        return super().construct_mapping(node, deep)

    def scalar(self, node: yaml.ScalarNode) -> Any:
        """A number or truth value, unless YAML reads another one than most people would."""
        text, kind = node.value, node.tag.rpartition(":")[2]
        if kind == "bool":
            if text.lower() not in {"true", "false"}:
                raise InputError(f"{_line(node)}: {text} is a truth value to YAML: write true, false, or quotes")
            return self.construct_yaml_bool(node)
        if ":" in text:
            raise InputError(f"{_line(node)}: {text} is a number in base 60 to YAML: write it in quotes, or in base 10")
        if kind == "int" and re.match(r"^[-+]?0[0-9_]", text):
            raise InputError(f"{_line(node)}: {text} is a number in base 8 to YAML: write it without the leading 0")
        return self.construct_yaml_int(node) if kind == "int" else self.construct_yaml_float(node)


_Loader.add_implicit_resolver("tag:yaml.org,2002:float", _SIGNED_EXPONENT, list("-+0123456789"))
for _kind in ("bool", "int", "float"):
    _Loader.add_constructor(f"tag:yaml.org,2002:{_kind}", _Loader.scalar)


def read_yaml(text: str) -> Any:
    """Content of a YAML text.

    Raises
    ------
    InputError
        If it is not YAML, or YAML that means something else than it seems to; the line is named.
    """
    try:
        content = _Loader(text).get_single_data()
    except yaml.YAMLError as error:
        raise InputError(f"it is not YAML: {' '.join(str(error).split())}") from error
    except InputError:
        raise
    except RecursionError as error:
        raise InputError("it is not YAML that can be read: it is nested too deep") from error
    except ValueError as error:  # a number of thousands of digits, a bad !!binary
        raise InputError(f"it is not YAML that can be read: {error}") from error
    _require_plain(content)
    return content


def _require_plain(content: Any) -> None:
    """Refuse what is no plain data, and aliases that stand for more than a file could hold, or for themselves."""
    to_look_at, seen = [content], 0
    while to_look_at:
        value, seen = to_look_at.pop(), seen + 1
        if seen > _MOST_VALUES:
            raise InputError(f"its aliases stand for more than {_MOST_VALUES} values: write out what is meant")
        if isinstance(value, dict):
            to_look_at += value.values()
        elif isinstance(value, list):
            to_look_at += value
        elif not isinstance(value, str | int | float | None):
            raise InputError(f"it is not YAML of plain data: it holds a {type(value).__name__}, {str(value)[:40]}")


def _line(node: yaml.Node) -> str:
    return f"line {node.start_mark.line + 1}"
