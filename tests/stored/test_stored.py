"""Stores that earlier versions wrote are read, built again to the same numbers, and queried."""

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from superionic.builders import build_documents
from superionic.cli import cli
from superionic.documents import MDRunDocument, OrderingDocument, RelaxationDocument, TrajectorySegment
from superionic.settings import SuperionicSettings
from superionic.stores.connecting import open_stores
from superionic.stores.query import arrhenius_documents, criteria, diffusivity_documents
from superionic.stores.runs import load_segments, load_summary, stored_runs
from superionic.trajectories import stitch

STORES = sorted(Path(__file__).parent.glob("*.zip"))


@pytest.fixture(params=STORES, ids=[path.stem for path in STORES])
def folder(request, tmp_path):
    shutil.unpack_archive(request.param, tmp_path)
    return tmp_path


@pytest.fixture
def stores(folder):
    with open_stores(SuperionicSettings(store_dir=folder, jobflow_config=None)).connected() as connected:
        yield connected


def raw(store, kind, key):
    return {found[key]: found for found in store.query({"kind": kind})}


def test_there_is_a_store_of_before_there_were_versions():
    assert "before-versions" in [path.stem for path in STORES]


def test_everything_that_runs_left_is_read(stores):
    models = {
        "trajectory_segment": TrajectorySegment, "md_run": MDRunDocument, "ordering": OrderingDocument,
        "relaxation": RelaxationDocument,
    }  # fmt: skip
    read = []
    for job in stores.jobs.docs_store.query({}):
        output = job["output"]
        kind = output.get("kind") or ("relaxation" if "ordering" in output else "ordering")
        if kind != "trajectory_segment":  # its frames are elsewhere
            read.append(models[kind].from_stored(output))
    assert {document.kind for document in read} == {"ordering", "relaxation", "md_run"}
    runs = stored_runs(stores.jobs, {})
    assert len(runs) == 4
    for run in runs:
        summary, segments = load_summary(stores.jobs, run.run_id), load_segments(stores.jobs, run.run_id)
        assert len(segments) == summary.n_segments
        assert stitch(segments).positions_A.shape[1] == segments[0].n_atoms
    engines = {summary.identity.engine for summary in read if isinstance(summary, MDRunDocument)}
    assert engines == {"built-in", "ase"}


def test_everything_is_built_again_to_the_same_numbers(stores):
    before = raw(stores.diffusivity, "diffusivity", "run_id")
    energies = [found["activation_energy_eV"] for found in raw(stores.arrhenius, "arrhenius", "group").values()]
    built = build_documents(stores)
    assert built.failures == []
    after = {document.run_id: document for document in diffusivity_documents(stores)}
    assert after.keys() == before.keys()
    for run_id, document in after.items():
        old = before[run_id]
        for name in ("diffusivity_cm2_per_s", "conductivity_mS_per_cm"):
            for part, value in getattr(document, name).model_dump().items():
                assert value == pytest.approx(old[name][part], rel=1e-6), (run_id, name, part)
        assert document.quality.verdict.value == old["quality"]["verdict"]
    again = [fit.activation_energy_eV for fit in arrhenius_documents(stores)]
    found, wanted = ([e for e in some if e is not None] for some in (again, energies))
    assert sorted(e.value for e in found) == pytest.approx(sorted(e["value"] for e in wanted), rel=1e-6)
    fits = arrhenius_documents(stores, criteria(study="stored"))
    assert [(fit.identity.label, len(fit.points)) for fit in fits] == [("O", 3)]
    assert build_documents(stores).diffusivity == 0


def test_show_says_what_is_to_be_built_and_shows_it_then(folder):
    def told(*words):
        done = CliRunner().invoke(cli, [*words, "--store", str(folder)], catch_exceptions=False)
        assert done.exit_code == 0
        return done.output

    of_today = "cannot be read" not in told("show")
    assert f"built {0 if of_today else 4} diffusivity" in told("build")
    shown = told("show")
    assert "cannot be read" not in shown
    assert "LiCl" in shown
    assert "stored" in shown
