"""VASP's runs through the real atomate2, custodian and parser; only the executable and its POTCARs are not real."""

import contextlib
import json
from pathlib import Path

import numpy as np
import pytest
from atomate2.vasp.flows.md import MultiMDMaker
from atomate2.vasp.jobs.base import _DATA_OBJECTS
from click.testing import CliRunner
from jobflow import run_locally
from monty.json import MontyEncoder
from pymatgen.core import Lattice, Structure

import fake_vasp
from sample_runs import memory_stores
from superionic.cli import cli
from superionic.documents import ImportSettings
from superionic.errors import InputError
from superionic.makers.import_trajectory import described_run
from superionic.settings import SuperionicSettings
from superionic.stores.connecting import open_stores
from superionic.trajectories import stitch
from superionic.trajectories.sources import open_source
from superionic.trajectories.sources.atomate2 import StoredTrajectories, makers_in

SALT = Structure.from_spacegroup("Fm-3m", Lattice.cubic(5.1), ["Cl", "Li"], [[0, 0, 0], [0.5, 0.5, 0.5]])


@pytest.fixture
def jobs():
    with memory_stores().connected() as stores:
        yield stores.jobs


@pytest.fixture
def vasp(tmp_path, monkeypatch):
    """The command and the POTCARs that atomate2 looks for where no one has configured it."""
    fake_vasp.install(tmp_path, monkeypatch, Li_sv=3.0, Cl=7.0)


def planned(n_steps, time_step, n_runs, ensemble="nvt", end_temp=700, **task_document_kwargs):
    maker = MultiMDMaker.from_parameters(n_steps, time_step, n_runs, ensemble, 700, end_temp)
    for md_maker in maker.md_makers:
        md_maker.run_vasp_kwargs["custodian_kwargs"] = {"polling_time_step": 0.05}
        md_maker.task_document_kwargs |= task_document_kwargs
    return maker


def run(flow, jobs, folder):
    """The makers as they were before the run, in which atomate2's change themselves."""
    makers = makers_in(json.loads(json.dumps(flow, cls=MontyEncoder)))
    folder.mkdir(exist_ok=True)
    with contextlib.chdir(folder):
        run_locally(
            flow, store=jobs, ensure_success=True, create_folders=True, allow_external_references=True, log=False
        )
    return makers


def read(sources):
    *segments, summary = described_run(sources, ImportSettings(mobile="Li+")).segments("r")
    return stitch(segments).decoded(), summary


def folders_of(jobs, uuids):
    documents = (jobs.docs_store.query_one({"uuid": uuid}) for uuid in uuids)
    return [Path(document["output"]["dir_name"].partition(":")[2]) for document in documents]


def walked(folders):
    """What VASP's ions did in one run after the other, whose starting positions are within the cell again."""
    walk, *parts = (np.load(folder / "computed.npz")["positions"] for folder in folders)
    for part in parts:
        cells = np.round((walk[-1] - part[0]) @ SALT.lattice.inv_matrix)
        walk = np.concatenate([walk, part + cells @ SALT.lattice.matrix])
    return walk


@pytest.fixture(params=[False, True], ids=["pymatgen", "emmet"])
def emmet(request):
    """Whether trajectories are stored as emmet's models, as VASP_USE_EMMET_MODELS does when atomate2 is imported."""
    names = ["trajectory"] if request.param else []
    _DATA_OBJECTS.extend(names)
    yield request.param
    del _DATA_OBJECTS[len(_DATA_OBJECTS) - len(names) :]


def test_a_multi_md_run_and_its_restart_are_one_run(vasp, jobs, tmp_path, emmet):
    flow = planned(10, 2, n_runs=2, use_emmet_models=emmet).make(SALT)
    makers = run(flow, jobs, tmp_path / "run")
    restart = planned(5, 2, n_runs=1, use_emmet_models=emmet).restart_from_uuid(flow.jobs[-1].uuid)
    makers |= run(restart, jobs, tmp_path / "run")
    trajectories = StoredTrajectories(jobs)
    (uuids,) = trajectories.runs({})
    assert trajectories.runs({"name": "molecular dynamics output"}) == [uuids]
    assert list(makers) == uuids
    assert jobs.additional_stores["data"].count() == 3
    adopted, summary = read([trajectories.source(uuid, makers[uuid]) for uuid in uuids])
    folders = folders_of(jobs, uuids)
    walk = walked(folders)
    assert adopted.positions_A.shape == walk.shape == (25, 8, 3)
    assert sorted(adopted.species) == ["Cl"] * 4 + ["Li"] * 4  # atomate2 0.1.6 turns their order round
    assert np.abs((adopted.positions_A - adopted.positions_A[0]) - (walk - walk[0])).max() < 2e-4
    assert np.abs(np.floor(walk[-1] @ SALT.lattice.inv_matrix)).max() > 0  # across the border of the cell
    assert (adopted.temperature_K, adopted.frame_interval_ps, summary.protocol.ensemble) == (700, 0.002, "nvt")
    assert (summary.identity.engine, summary.identity.potential.model) == ("vasp", "PS")
    energies = np.concatenate([np.load(folder / "computed.npz")["energies"] for folder in folders])
    assert adopted.potential_energies_eV == pytest.approx(energies)
    assert [source.uuid for source in summary.provenance.sources] == ["r", *uuids]

    imported, same = read([open_source(folder) for folder in folders])  # the files of the same jobs
    assert imported.species == adopted.species
    assert np.abs(imported.positions_A - adopted.positions_A).max() < 2e-4
    assert (same.protocol, same.identity) == (summary.protocol, summary.identity)
    assert adopted.temperatures_K == pytest.approx(imported.temperatures_K, abs=0.51)  # OSZICAR has whole kelvins


@pytest.mark.parametrize("ensemble", ["nve", "nvt", "npt"])
def test_a_single_run_needs_no_maker(vasp, jobs, tmp_path, ensemble):
    maker = planned(4, 1, 1, ensemble).md_makers[0]
    run(maker.make(SALT), jobs, tmp_path / "run")
    ((uuid,),) = StoredTrajectories(jobs).runs({})
    adopted, summary = read([StoredTrajectories(jobs).source(uuid, None)])
    assert (adopted.n_frames, adopted.temperature_K, summary.protocol.time_step_fs) == (4, 700, 1)
    assert (summary.protocol.stride, summary.protocol.ensemble) == (1, ensemble)
    (folder,) = folders_of(jobs, [uuid])
    for file in (folder, folder / "XDATCAR.gz"):
        source = open_source(file)
        assert (source.ensemble, source.stride, source.model) == (ensemble, 1, "PS")


def test_a_ramp_is_refused_without_its_maker_too(vasp, jobs, tmp_path):
    run(planned(2, 1, 1, end_temp=900).make(SALT), jobs, tmp_path / "run")
    ((uuid,),) = StoredTrajectories(jobs).runs({})
    with pytest.raises(InputError, match=f"job {uuid} runs from 700 K to 900 K"):
        StoredTrajectories(jobs).source(uuid, None)


def test_a_time_step_that_custodian_halved_is_the_one_adopted(vasp, jobs, tmp_path):
    flow = planned(10, 3, n_runs=1).make(SALT)
    makers = run(flow, jobs, tmp_path / "run")
    (uuids,) = StoredTrajectories(jobs).runs({})
    (corrections,) = [entry["corrections"] for entry in jobs.get_output(uuids[0])["custodian"]]
    assert [correction["errors"] for correction in corrections] == [["zpotrf"]]
    for maker in (makers[uuids[0]], None):
        adopted, summary = read([StoredTrajectories(jobs).source(uuids[0], maker)])
        assert (summary.protocol.time_step_fs, adopted.n_frames) == (1.5, 10)


def test_the_command_stores_the_run_once(vasp, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with open_stores(SuperionicSettings()).connected() as stores:
        run(planned(6, 2, n_runs=2).make(SALT), stores.jobs, tmp_path / "run")
    words = ["adopt", "--query", '{"name": {"$regex": "^molecular dynamics"}}', "--mobile", "Li+"]
    first, again = (CliRunner().invoke(cli, words, catch_exceptions=False) for _ in range(2))
    assert "LiCl, vasp, 700 K, 0.022 ps in steps of 2 fs, a frame every 1, 1 segment(s)" in first.output
    assert "stored already" in again.output
