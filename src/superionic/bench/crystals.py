"""`superionic bench crystals FOLDER`: every CIF of a folder from its file to an ordered cell, and what became of it."""

from __future__ import annotations

import csv
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from importlib.resources import files
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import yaml
from pymatgen.core import Composition

from superionic.bench import rows
from superionic.bench.rows import row
from superionic.errors import InputError

_SAME = 0.02  # share by which a table and a file may differ
_SLOW = "too slow"


def run(folder: Path, mobile: str | None = None) -> Iterator[dict[str, Any]]:
    """Read, order and place every CIF of a folder, each in a child process with a time limit.

    Parameters
    ----------
    folder
        Folder with CIF files; a CSV file with the columns ``ID`` (file name without suffix) and ``True Composition`` is
        compared with what the files hold.
    mobile
        The mobile ion of the crystals that hold it. Where more than one qualifies and none is named, the first of Li,
        Na, K, Ag, Cu is named, as a user would.

    Yields
    ------
    dict[str, Any]
        A row for each file with ``file``, ``verdict`` ('right', 'changed', 'refused', 'traceback', 'too slow'),
        ``crystal``, ``cell``, ``table``, ``detail``, ``cpu_s``; then sums as the other benchmarks print them.
    """
    wanted = yaml.safe_load((files("superionic") / "data" / "bench" / "crystals.yaml").read_text())
    paths = sorted(folder.glob("*.cif"))
    if not paths:
        raise InputError(f"folder {str(folder)!r} holds no .cif files")
    truth = _true_compositions(folder)
    results = []
    for found in _in_child(paths, wanted, mobile):
        stated = truth.get(Path(found["file"]).stem)
        found["table"] = None if stated is None or not found["amounts"] else _compared(found["amounts"], stated)
        del found["amounts"]
        results.append(found)
        yield found
    yield from _sums(results, wanted)


def in_words(measured: dict[str, Any]) -> str:
    """One file, or a sum, as a line."""
    if "name" in measured:
        return rows.in_words(measured)
    table = "" if measured["table"] in {None, "agrees"} else f"  [the table has {measured['table']}]"
    detail = measured["detail"] or f"{measured['crystal']} -> {measured['cell']}"
    return f"{measured['file']:16s} {measured['verdict']:9s} {measured['cpu_s']:6.1f} s  {detail}{table}"


def _sums(results: list[dict[str, Any]], wanted: dict[str, Any]) -> Iterator[dict[str, Any]]:
    verdicts = Counter(found["verdict"] for found in results)
    slow = sum(found["cpu_s"] > wanted["at_most_cpu_s"] or found["verdict"] == _SLOW for found in results)
    yield row("crystals", len(results), "files")
    yield row(
        "through to an ordered neutral cell",
        100 * verdicts["right"] / len(results),
        "%",
        at_least=100 * wanted["at_least_through"],
    )
    yield row("refused", verdicts["refused"], "files")
    yield row("changed", verdicts["changed"], "files", at_most=0)
    yield row("tracebacks", verdicts["traceback"], "files", at_most=0)
    yield row(f"above {wanted['at_most_cpu_s']} CPU s", slow, "files", at_most=0)


def _in_child(paths: list[Path], wanted: dict[str, Any], mobile: str | None) -> Iterator[dict[str, Any]]:
    """Results one by one, from one child that is replaced when it is too slow."""
    context = get_context("spawn")
    left = list(paths)
    while left:
        ours, theirs = context.Pipe()
        child = context.Process(target=_work, args=(theirs, left, wanted, mobile), daemon=True)
        child.start()
        theirs.close()
        if not ours.poll(300):  # its imports
            raise InputError("the child process does not start")
        ours.recv()
        while left:
            path = left.pop(0)
            try:
                result = ours.recv() if ours.poll(wanted["limit_s"]) else None
            except EOFError:
                result = _row(path, "traceback", detail=f"the process ended with code {child.exitcode}")
            if result is None:
                result = _row(
                    path, _SLOW, detail=f"no end within {wanted['limit_s']} s", cpu_s=float(wanted["limit_s"])
                )
            yield result
            if not child.is_alive() or result["verdict"] == _SLOW:
                break
        child.kill()
        child.join()


def _work(pipe: Connection, paths: list[Path], wanted: dict[str, Any], mobile: str | None) -> None:
    import warnings

    from superionic.makers.disorder import DisorderMaker
    from superionic.makers.placement import PlacementMaker
    from superionic.structures.host import load_host
    from superionic.structures.placement import PlacementSearch

    warnings.simplefilter("ignore")
    host = load_host(wanted["warm_up"])
    frameworks = DisorderMaker(occupancy_tolerance=1.0, n_samples=1).frameworks(host)
    PlacementMaker(search=PlacementSearch(n_swaps=10, n_chains=1, keep=1)).placements(frameworks, host)
    pipe.send("ready")
    for path in paths:
        start = time.process_time()
        try:
            result = _carried(path, wanted, mobile)
        except InputError as error:
            result = _row(path, "refused", detail=str(error).replace(f"{path}: ", "").replace(f"{str(path)!r}: ", ""))
        except Exception:  # noqa: BLE001 - whatever goes wrong is what is measured
            result = _row(path, "traceback", detail=traceback.format_exc(limit=-2).replace("\n", " | "))
        pipe.send({**result, "cpu_s": time.process_time() - start})


def _row(path: Path, verdict: str, **known: Any) -> dict[str, Any]:
    empty = {"crystal": None, "cell": None, "amounts": None, "detail": None, "cpu_s": 0.0}
    return {"file": path.name, "verdict": verdict, **empty, **known}


def _carried(path: Path, wanted: dict[str, Any], mobile: str | None) -> dict[str, Any]:
    """One crystal from its file to an ordered cell; composition and charge are looked at anew."""
    from superionic.makers.disorder import DisorderMaker
    from superionic.makers.placement import PlacementMaker
    from superionic.structures.cif import read_cif
    from superionic.structures.host import load_host
    from superionic.structures.mobile import CONDUCTED
    from superionic.structures.placement import PlacementSearch

    crystal = read_cif(path).structure.composition.element_composition
    amounts = crystal.get_el_amt_dict()
    if mobile not in amounts:
        mobile = next((ion for ion in CONDUCTED if ion in amounts), None)
    host = load_host(path, mobile)
    tolerance = wanted["occupancy_tolerance"]
    frameworks = DisorderMaker(supercell=wanted["supercell"], occupancy_tolerance=tolerance, n_samples=1).frameworks(
        host
    )
    search = PlacementSearch(n_swaps=wanted["n_swaps"], n_chains=wanted["n_chains"], keep=1)
    cell = PlacementMaker(search=search).placements(frameworks, host).cells[0].ordering.structure
    here = cell.composition.element_composition.get_el_amt_dict()
    n_cells = cell.volume / host.structure.volume
    n_sites = Counter(ion.symbol for site in host.structure for ion in site.species.element_composition)
    off = {
        element: here.get(element, 0) / n_cells - amounts.get(element, 0)
        for element in {*amounts, *here}
        if abs(here.get(element, 0) / n_cells - amounts.get(element, 0))
        > max(tolerance * n_sites[element], _SAME * amounts.get(element, 0)) + 1e-6
        or (element not in here)
    }
    names = {
        "crystal": crystal.formula.replace(" ", ""),
        "cell": cell.composition.element_composition.formula.replace(" ", ""),
        "amounts": amounts,
    }
    if off or abs(cell.charge) > 1e-6:
        return _row(
            path, "changed", detail=f"{names['crystal']} -> {names['cell']}, charge {cell.charge:+g}: {off}", **names
        )
    return _row(path, "right", **names)


def _true_compositions(folder: Path) -> dict[str, dict[str, float]]:
    found = {}
    for table in sorted(folder.glob("*.csv")):
        with table.open(newline="", encoding="utf-8-sig") as lines:
            for entry in csv.DictReader(lines):
                if entry.get("ID") and entry.get("True Composition"):
                    found[entry["ID"]] = Composition(entry["True Composition"]).get_el_amt_dict()
    return found


def _compared(amounts: dict[str, float], stated: dict[str, float]) -> str:
    """'agrees' if a file holds what the table says, in whatever multiple; else what the table says."""
    scale = sum(amounts.values()) / sum(stated.values())
    agrees = all(
        abs(amounts.get(element, 0) - scale * stated.get(element, 0)) <= _SAME * max(amounts.get(element, 0), 1)
        for element in {*amounts, *stated}
    )
    return "agrees" if agrees else " ".join(f"{element}{count:g}" for element, count in stated.items())
