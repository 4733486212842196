"""docs/methods/validation.md states every threshold and constant with the value that it has."""

import importlib
import re
from pathlib import Path

from superionic.documents.validation_thresholds import ValidationThresholds

PAGE = (Path(__file__).parents[2] / "docs" / "methods" / "validation.md").read_text()
CONSTANTS = {
    "parity": ["LEAST_GROUPS"], "structure": ["N_BLOCKS", "BIN_A"], "distances": ["_DRAWS"],
    "transport": ["LEAST_TEMPERATURES"],
}  # fmt: skip


def test_every_threshold_stands_there_with_its_default():
    rows = dict(re.findall(r"^\| `(\w+)` \| ([\w.]+) \|", PAGE, re.MULTILINE))
    defaults = {name: str(value).lower() for name, value in ValidationThresholds()}
    assert rows == defaults


def test_every_constant_stands_there_with_its_value():
    for module, names in CONSTANTS.items():
        found = importlib.import_module(f"superionic.validation.{module}")
        for name in names:
            value = re.search(rf"`{name}` \(([\d.]+)", PAGE)
            assert value, f"{name} is not in the page"
            assert float(value[1]) == getattr(found, name)
