"""Comparisons from the command line and from Python, as the README shows them."""

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from sample_runs import store_run
from superionic.cli import cli
from superionic.settings import SuperionicSettings
from superionic.stores.connecting import open_stores

SECTION = (Path(__file__).parents[2] / "README.md").read_text().split("## Comparisons")[1].split("\n## ")[0]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A study of O and of ELC, whose ions move twice as fast, in the store of this folder."""
    with open_stores(SuperionicSettings(store_dir=tmp_path / "superionic-data")).connected() as stores:
        for label, ordering_class, step_A in (("O", "ordered", 0.2), ("ELC", "disordered", 0.3)):
            for temperature in (700, 850, 1000):
                store_run(
                    stores.jobs, run_id=f"{label} {temperature}", label=label, ordering_class=ordering_class,
                    study="disorder", temperature_K=temperature, step_A=step_A * temperature / 700, seed=temperature,
                    n_segments=1, frames_each=600,
                )  # fmt: skip
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    return tmp_path


def test_the_readme_on_comparisons(folder, capsys):
    (commands,) = re.findall(r"```bash\n(.*?)```", SECTION, flags=re.DOTALL)
    outputs = []
    for line in commands.splitlines():
        program, *words = shlex.split(line, comments=True)
        assert program == ".venv/bin/superionic"
        result = CliRunner().invoke(cli, words, catch_exceptions=False)
        assert result.exit_code == 0, result.output
        outputs.append(result.output)
    built, shown, table = outputs
    assert "built 6 diffusivity, 2 Arrhenius, 1 comparison documents" in built
    assert "ELC - O" in shown
    assert "disordered (ELC) - ordered (O)" in shown
    assert "beware: all forces are those of CHGNet 0.3.0" in shown
    assert "ELC,O,True,activation energy: axis a" in table
    assert "ELC,O,True,ln D,850.0" in table
    (code,) = re.findall(r"```python\n(.*?)```", SECTION, flags=re.DOTALL)
    exec(code, {})  # noqa: S102 - the README's own code
    printed = capsys.readouterr().out
    assert "ELC O ln D 850.0" in printed
    assert "activation energy" not in printed  # they do not differ in it
