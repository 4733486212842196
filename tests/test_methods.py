"""docs/methods/diffusion.md names every constant of the analysis, with the value that it has."""

import ast
import importlib
import re
from pathlib import Path

from superionic.documents import AnalysisSettings
from superionic.documents.thresholds import VerdictThresholds

ROOT = Path(__file__).parents[1]
ANALYSIS = ROOT / "src" / "superionic" / "analysis"
KINDS = {"derived", "tuned", "convention"}


def written():
    """What the page says: (files of the section, constant) -> (value, kind)."""
    page = (ROOT / "docs" / "methods" / "diffusion.md").read_text().partition("\n## Every constant\n")[2]
    found = {}
    for section in page.split("\n### ")[1:]:
        files = tuple(re.findall(r"`([\w/.]+)`", section.splitlines()[0]))
        for name, value, kind in re.findall(r"^\| `(\w+)` \| ([^|]+) \| (\w+) \|", section, re.MULTILINE):
            assert (files, name) not in found, f"{name} stands twice in the section of {files}"
            found[files, name] = value.strip(), kind
    return found


def constants():
    """Names in capitals at the top level of a file of the analysis that are not text, types or paths."""
    for file in sorted(ANALYSIS.rglob("*.py")):
        module = importlib.import_module(".".join(file.relative_to(ROOT / "src").with_suffix("").parts))
        for node in ast.parse(file.read_text()).body:
            targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
            for target in targets:
                for name in target.elts if isinstance(target, ast.Tuple) else [target]:
                    if isinstance(name, ast.Name) and re.fullmatch(r"_?[A-Z][A-Z0-9_]*", name.id):
                        value = getattr(module, name.id)
                        if numeric(value):
                            yield str(file.relative_to(ANALYSIS)), name.id, value


def numeric(value):
    if isinstance(value, tuple | list):
        return all(numeric(entry) for entry in value)
    return isinstance(value, int | float) or hasattr(value, "shape")


def in_section(file, files):
    return any(file == one or (one.endswith("/") and file.startswith(one)) for one in files)


def test_every_constant_stands_in_the_methods_with_its_value_and_kind():
    page, missing, wrong = written(), [], []
    named = list(constants())
    assert len(named) > 90
    for file, name, value in named:
        rows = [row for (files, known), row in page.items() if known == name and in_section(file, files)]
        if not rows:
            missing.append(f"{file}: {name} = {value}")
            continue
        stated = rows[0][0]
        try:
            says = eval(stated, {"__builtins__": {}})  # noqa: S307 - numbers as our own page writes them
        except (SyntaxError, NameError):
            continue  # in words
        if says != value:
            wrong.append(f"{file}: {name} is {value}, the page says {stated}")
    assert not missing
    assert not wrong
    assert {kind for _, kind in page.values()} <= KINDS


def test_the_methods_name_no_constant_that_is_gone():
    known = {(file, name) for file, name, _ in constants()}
    fields = {*AnalysisSettings.model_fields, *VerdictThresholds.model_fields}
    gone = [
        name
        for files, name in written()
        if name not in fields and not any(in_section(file, files) for file, one in known if one == name)
    ]
    assert not gone


def test_the_settings_of_a_study_stand_there_with_their_defaults():
    page = {name: value for (_, name), (value, _) in written().items()}
    for document in (AnalysisSettings(), VerdictThresholds()):
        for name, value in document:
            if isinstance(value, float):
                assert eval(page[name], {"__builtins__": {}}) == value, name  # noqa: S307
