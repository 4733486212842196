"""The README's session on one machine, as a new user runs it; clusters and imports have tests of their own."""

import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from superionic.study.load import load_study

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
QUICKSTART = "workflows/quickstart/study.yaml"


def section(title):
    return (ROOT / "README.md").read_text().partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def blocks(title, language):
    return re.findall(rf"```{language}\n(.*?)```", section(title), re.DOTALL)


def commands(block):
    """The commands of a block that are this package's own."""
    lines = (line.rpartition("&& ")[2] for line in block.splitlines())
    return [shlex.split(line, comments=True)[1:] for line in lines if line.startswith(".venv/bin/superionic")]


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """A clone of the repository whose quickstart is a small one."""
    folder = tmp_path_factory.mktemp("clone")
    content = yaml.safe_load((ROOT / QUICKSTART).read_text())
    content["orderings"][0]["supercell"] = [1, 1, 1]
    content["md"].update(length_ps=0.4, equilibration_ps=0.2, segment_length_ps=0.2)
    (folder / QUICKSTART).parent.mkdir(parents=True)
    (folder / QUICKSTART).write_text(yaml.safe_dump(content))
    return folder


def run(folder, *words):
    done = subprocess.run(
        [BIN / words[0], *words[1:]], cwd=folder, capture_output=True, text=True, check=False, timeout=600
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_the_first_run_and_what_python_reads_of_it(clone):
    install, look = blocks("The first run", "bash")
    (first,) = commands(install)
    assert first == ["run", QUICKSTART]
    assert "Arrhenius plot: superionic-data/quickstart/arrhenius.png" in run(clone, "superionic", *first)
    check, show, whole = [run(clone, "superionic", *words) for words in commands(look)]
    assert "CPU hours" in check
    assert "Diffusivity" in show
    assert [document["kind"] for document in json.loads(whole)] == ["diffusivity"] * 3 + ["arrhenius"]
    (flow,) = blocks("Your own study", "python")
    assert "order cell O" in run(clone, "python", "-c", f"{flow}\nprint([job.name for job, _ in flow.iterflow()])")
    query, analysis = blocks("Results", "python")
    assert [line.split()[0] for line in run(clone, "python", "-c", query).splitlines()] == ["700.0", "850.0", "1000.0"]
    walk = "from sample_files import CELL as cell_A, SPECIES as species, known_walk\npositions_A = known_walk(2000)"
    printed = f"import sys\nsys.path.insert(0, {str(ROOT / 'tests')!r})\n{walk}\n{analysis}\nprint(document.n_frames)"
    assert run(clone, "python", "-c", printed)


def test_the_study_of_the_readme_is_one(tmp_path):
    (study,) = blocks("Your own study", "yaml")
    (tmp_path / "study.yaml").write_text(study)
    shutil.copy(ROOT / "src/superionic/data/hosts/Li3InCl6/disordered.cif", tmp_path / "my_crystal.cif")
    read = load_study(tmp_path / "study.yaml")
    assert read.md.temperatures_K == [600, 700, 800, 900, 1000]
    assert list(read.plan().flow().iterflow())
