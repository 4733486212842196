"""Print the lower bounds of pyproject.toml as constraints: what an environment of the oldest dependencies must hold."""

import re
import tomllib
from pathlib import Path

project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]
everything = [line for lines in (project["dependencies"], *project["optional-dependencies"].values()) for line in lines]
bounds = {found[1]: found[2] for line in everything if (found := re.match(r"([\w.-]+)(?:\[[\w,]+\])?>=([\w.]+)", line))}
print("\n".join(f"{name}=={bound}" for name, bound in sorted(bounds.items())))
