"""The project as a whole: style, types, light import, one version, no duplicate of the README's commands."""

import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

import superionic

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent


@pytest.mark.parametrize("command", [["ruff", "check"], ["ruff", "format", "--check"], ["mypy"]])
def test_style_and_types(command):
    done = subprocess.run([BIN / command[0], *command[1:]], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_import_is_light():
    code = "import sys, superionic; print([m for m in ('torch', 'chgnet', 'pymatgen', 'jobflow') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_one_version_in_one_place():
    assert superionic.__version__ == version("superionic")
    files = [ROOT / "CITATION.cff", *(ROOT / "src").rglob("*.py")]
    assert not [file for file in files if f'"{superionic.__version__}"' in file.read_text()]


def test_nothing_but_data_knows_the_worked_case():
    sources = (ROOT / "src" / "superionic").rglob("*.py")
    assert not [file for file in sources if "li3incl6" in file.read_text().lower()]


def test_files_hold_one_idea():
    sources = (ROOT / "src" / "superionic").rglob("*.py")
    assert not {file.name: n for file in sources if (n := len(file.read_text().splitlines())) > 330}


def test_ci_runs_the_line_of_the_readme():
    lines = [line for line in (ROOT / "README.md").read_text().splitlines() if line.startswith("python3 -m venv")]
    assert len(lines) == 2
    assert "superionic run workflows/quickstart/study.yaml" in lines[0]
    assert "pytest" in lines[1]
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
