"""`superionic bench cli`: CPU time of whole commands, the start of Python and its imports included."""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from superionic.analysis import arrhenius, diffusivity
from superionic.bench.rows import row
from superionic.bench.walk import Walk, host
from superionic.documents import ArrheniusDocument, DiffusivityDocument
from superionic.settings import SuperionicSettings
from superionic.stores.connecting import open_stores

_N_IONS, _N_FRAMES, _SUPERCELL = 24, 2000, (2, 1, 2)


def run() -> Iterator[dict[str, Any]]:
    """Measure --help, check and show, as data/bench/cli.yaml says.

    Yields
    ------
    dict[str, Any]
        Rows with ``name``, ``value``, ``unit``, ``target`` and ``met``.
    """
    wanted = yaml.safe_load((files("superionic") / "data" / "bench" / "cli.yaml").read_text())
    check, show = wanted["check"], wanted["show"]
    yield row("superionic --help", _cpu_seconds("--help"), "CPU s", at_most=wanted["help_at_most_s"])
    with tempfile.TemporaryDirectory(prefix="superionic-bench-") as name:
        folder = Path(name)
        (folder / "study.yaml").write_text(yaml.safe_dump(check["study"]))
        seconds = _cpu_seconds("check", str(folder / "study.yaml"))
        yield row("superionic check, 7 orderings, 42 runs", seconds, "CPU s", at_most=check["at_most_s"])
        n_stored = _fill(folder, show["documents"], show["runs_of_a_fit"])
        seconds = _cpu_seconds("show", "--store", str(folder))
        yield row(f"superionic show, {n_stored} documents", seconds, "CPU s", at_most=show["at_most_s"])


def _cpu_seconds(*arguments: str) -> float:
    """CPU time of a command that has run once before, which compiles what is compiled once."""
    command = [sys.executable, "-c", "from superionic.cli import main; main()", *arguments]
    subprocess.run(command, check=True, capture_output=True)
    before = _of_children()
    subprocess.run(command, check=True, capture_output=True)
    return _of_children() - before


def _of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _fill(folder: Path, n_documents: int, runs_of_a_fit: int) -> int:
    """Store as many documents as a long project has, of the size that an analysis gives them."""
    walk = Walk(_N_IONS, _N_FRAMES, _SUPERCELL, folder)
    list(walk.write())
    analysed = diffusivity(walk.stored(), host())
    runs: list[DiffusivityDocument] = []
    fits: list[ArrheniusDocument] = []
    while len(runs) + len(fits) < n_documents:
        study = f"study {len(fits)}"
        group = [_renamed(analysed, f"{study} {n}", study, 600.0 + 100 * n) for n in range(runs_of_a_fit)]
        runs += group
        fits.append(arrhenius(group, group=study))
    with open_stores(SuperionicSettings(store_dir=folder, jobflow_config=None)).connected() as stores:
        stores.diffusivity.update([document.model_dump(mode="json") for document in runs], key="run_id")
        stores.arrhenius.update([document.model_dump(mode="json") for document in fits], key="group")
    return len(runs) + len(fits)


def _renamed(document: DiffusivityDocument, run_id: str, study: str, temperature_K: float) -> DiffusivityDocument:
    identity = document.identity.model_copy(update={"study": study})
    return document.model_copy(update={"run_id": run_id, "identity": identity, "temperature_K": temperature_K})
