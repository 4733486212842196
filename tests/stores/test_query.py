"""Documents by what users ask for, as models and as tables, from sqlite files as from memory."""

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from sample_runs import memory_stores, store_run
from superionic.builders import build_documents
from superionic.documents import Verdict
from superionic.settings import SuperionicSettings
from superionic.stores.connecting import open_stores
from superionic.stores.query import (
    arrhenius_documents,
    arrhenius_table,
    comparison_documents,
    comparison_table,
    criteria,
    diffusivity_documents,
    diffusivity_table,
)

SUPERIONIC = Path(sys.executable).parent / "superionic"
RUNS = [("O", 700, ["a"]), ("O", 900, ["a"]), ("ELC", 700, ["a", "b"])]


def fill(stores):
    for number, (label, temperature, tags) in enumerate(RUNS):
        store_run(
            stores.jobs, run_id=f"r{number}", label=label, temperature_K=temperature, step_A=0.1 + 0.1 * number,
            seed=number, tags=tags,
        )  # fmt: skip
    build_documents(stores)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("query")
    with open_stores(SuperionicSettings(store_dir=folder, jobflow_config=None)).connected() as stores:
        fill(stores)
    return folder


@pytest.fixture(params=["memory", "monty"])
def stores(request):
    if request.param == "memory":
        with memory_stores().connected() as connected:
            fill(connected)
            yield connected
    else:
        folder = request.getfixturevalue("folder")
        with open_stores(SuperionicSettings(store_dir=folder, jobflow_config=None)).connected() as connected:
            yield connected


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({}, {"r0", "r1", "r2"}),
        ({"label": "O"}, {"r0", "r1"}),
        ({"label": "O", "temperature_K": 700}, {"r0"}),
        ({"temperature_K": 700.0}, {"r0", "r2"}),
        ({"tags": ["a"]}, {"r0", "r1", "r2"}),
        ({"tags": ["a", "b"]}, {"r2"}),
        ({"study": "synthetic", "engine": "built-in", "potential": "0.3.0", "formula": "LiCl"}, {"r0", "r1", "r2"}),
        ({"potential": "r2scan"}, set()),
        ({"study": "another"}, set()),
        ({"verdict": "unusable"}, set()),
    ],
)
def test_documents_by_what_users_ask_for(stores, wanted, found):
    assert {document.run_id for document in diffusivity_documents(stores, criteria(**wanted))} == found


def test_documents_by_verdict(stores):
    documents = diffusivity_documents(stores)
    for verdict in Verdict:
        wanted = [document.run_id for document in documents if document.quality.verdict == verdict]
        found = diffusivity_documents(stores, criteria(verdict=verdict))
        assert [document.run_id for document in found] == wanted
    with pytest.raises(ValueError, match="good"):
        criteria(verdict="good")


def test_tables_hold_the_documents_with_units_in_the_columns(stores):
    documents = diffusivity_documents(stores)
    table = diffusivity_table(documents)
    assert list(table["temperature_K"]) == [document.temperature_K for document in documents]
    assert list(table["diffusivity_cm2_per_s"]) == [document.diffusivity_cm2_per_s.value for document in documents]
    assert list(table["diffusivity_error_cm2_per_s"]) == [
        document.diffusivity_cm2_per_s.standard_error for document in documents
    ]
    fits = arrhenius_documents(stores)
    table = arrhenius_table(fits).set_index("label")
    assert set(table.index) == {"O", "ELC"}
    (fit,) = [fit for fit in fits if fit.identity.label == "O"]
    assert table.loc["O", "activation_energy_eV"] == fit.activation_energy_eV.value
    assert table.isna().loc["ELC", "activation_energy_eV"]  # one temperature


@pytest.mark.parametrize(
    ("wanted", "n_found"),
    [
        ({}, 1),
        ({"label": "ELC"}, 1),
        ({"label": "O", "tags": ["a"], "study": "synthetic", "engine": "built-in", "potential": "0.3.0"}, 1),
        ({"ordering_class": "ordered"}, 0),
        ({"label": "OHC"}, 0),
        ({"verdict": "unusable"}, 0),
        ({"verdict": "insufficient"}, 1),
    ],
)
def test_comparisons_by_their_members(stores, wanted, n_found):
    found = comparison_documents(stores, criteria(**wanted))
    assert len(found) == n_found
    for document in found:
        assert sorted(member.name for member in document.members) == ["ELC", "O"]
        table = comparison_table(found)
        assert list(table["difference_eV_or_ln"]) == [d.difference.value for d in document.differences]


def show(folder, *options):
    done = subprocess.run(
        [SUPERIONIC, "show", "--store", folder, *options], capture_output=True, text=True, check=True, cwd=folder
    )
    return done.stdout


def test_show_filters_and_prints_json_and_csv(folder):
    found = json.loads(show(folder, "--label", "ELC", "--tag", "b", "--json"))
    assert [document["run_id"] for document in found if document["kind"] == "diffusivity"] == ["r2"]
    runs, fits, compared = show(folder, "--csv").split("\n\n")
    rows = list(csv.DictReader(io.StringIO(runs)))
    assert [(row["label"], float(row["temperature_K"])) for row in rows] == [("ELC", 700), ("O", 700), ("O", 900)]
    assert "activation_energy_eV" in fits
    (difference,) = csv.DictReader(io.StringIO(compared))
    assert (difference["of"], difference["minus"], float(difference["temperature_K"])) == ("O", "ELC", 700)
    assert "Comparison of orderings" in show(folder)
    assert json.loads(show(folder, "--temperature", "701", "--json")) == []
    assert "no document here that matches" in show(folder, "--verdict", "unusable", "--temperature", "700")
