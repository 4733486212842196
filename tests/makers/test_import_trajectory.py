"""ImportTrajectoryMaker stores what the direct import stores, segment by segment, as part of any flow."""

import contextlib
import json

import numpy as np
import pytest
from jobflow import Flow, job, run_locally
from monty.json import MontyDecoder, MontyEncoder
from pymatgen.core import Structure

import sample_files as files
from sample_runs import memory_stores
from superionic.builders import build_documents
from superionic.documents import ImportSettings
from superionic.errors import InputError
from superionic.makers import import_trajectory
from superionic.makers.import_trajectory import ImportTrajectoryMaker, imported_run
from superionic.managers.local import run_flow
from superionic.managers.store_run import store_run
from superionic.stores.query import diffusivity_documents
from superionic.stores.runs import load_segments, load_summary
from superionic.structures.host import load_host
from superionic.trajectories import stitch
from superionic.trajectories.chain import BLOCK_FRAMES

SETTINGS = ImportSettings(mobile="Li+", temperature_K=700.0, time_step_fs=2.0, stride=10, label="walk", tags=["mine"])
WALK = files.known_walk(2 * BLOCK_FRAMES + 100)


@pytest.fixture
def small_segments(monkeypatch):
    monkeypatch.setattr(import_trajectory, "frames_per_segment", lambda n_atoms: BLOCK_FRAMES)


@pytest.fixture
def stores():
    with memory_stores().connected() as connected:
        yield connected


def test_the_maker_comes_back_from_json():
    maker = ImportTrajectoryMaker(SETTINGS)
    back = json.loads(json.dumps(maker, cls=MontyEncoder), cls=MontyDecoder)
    assert back == maker


def test_a_chain_of_jobs_stores_what_one_pass_stores(stores, tmp_path, small_segments):
    parts = [files.write_xdatcar(tmp_path / "a", WALK[:700]), files.write_xdatcar(tmp_path / "b", WALK[699:])]
    first = ImportTrajectoryMaker(SETTINGS).make(parts)
    with contextlib.chdir(tmp_path):
        run_locally(first, store=stores.jobs, ensure_success=True, log=False)
    segments, summary = load_segments(stores.jobs, first.uuid), load_summary(stores.jobs, first.uuid)
    *direct, whole = imported_run(parts, SETTINGS).segments(first.uuid)
    assert [segment.n_frames for segment in segments] == [BLOCK_FRAMES, BLOCK_FRAMES, 100]
    assert [segment.sha256 for segment in segments] == [segment.sha256 for segment in direct]
    assert (summary.n_steps, summary.notes) == (whole.n_steps, whole.notes)
    assert len(summary.notes) == 1
    positions = stitch(segments).decoded().positions_A
    assert np.abs((positions - positions[0]) - (WALK - WALK[0])).max() < 2e-4
    assert stores.jobs.get_output(first.uuid)["kind"] == "md_run"
    assert build_documents(stores).failures == []
    (document,) = diffusivity_documents(stores, {"identity.label": "walk"})
    assert document.protocol.stride == 10
    assert document.mean_temperature_K is None


def test_the_local_manager_runs_it(stores, tmp_path):
    path = files.write_dump(tmp_path / "d", WALK[:50])
    settings = SETTINGS.model_copy(update={"stride": None})
    run = run_flow(Flow([ImportTrajectoryMaker(settings).make(path)]), stores.jobs, tmp_path / "run", workers=1)
    assert run.failed == {}
    assert stores.jobs.count({"output.kind": "trajectory_segment"}) == 1


@job
def pretend_vasp(folder):
    return {"dir_name": f"some.host:{folder}"}


def test_the_directory_may_be_a_reference_to_another_job(stores, tmp_path):
    files.write_vasprun(tmp_path / "vasprun.xml", WALK[:20])
    vasp = pretend_vasp(str(tmp_path))
    settings = ImportSettings(mobile="Li+")
    flow = Flow([vasp, ImportTrajectoryMaker(settings).make(vasp.output.dir_name)])
    run_locally(flow, store=stores.jobs, ensure_success=True, log=False)
    assert stores.jobs.count({"output.kind": "md_run"}) == 1


def test_a_single_frame_is_no_run(tmp_path):
    with pytest.raises(InputError, match="at least two"):
        list(imported_run([files.write_xdatcar(tmp_path / "a", WALK[:1])], SETTINGS).segments("r"))


def host_run(folder, filling="O", n_frames=30, scale=1.0):
    """Li3InCl6 vibrating, with a species order that is not the host's."""
    host = load_host("Li3InCl6")
    cell = host.ordered(host.named_filling(filling), (2, 1, 1))
    cell = Structure.from_sites(sorted(cell, key=lambda site: site.specie.symbol))
    matrix = cell.lattice.matrix * scale
    rng = np.random.default_rng(0)
    symbols = [site.specie.symbol for site in cell]
    with (folder / "md.xyz").open("w") as stream:
        for _ in range(n_frames):
            frame = cell.frac_coords @ matrix + rng.normal(scale=0.08, size=(len(cell), 3))
            lattice = " ".join(map(str, matrix.ravel()))
            stream.write(f'{len(cell)}\nLattice="{lattice}" Properties=species:S:1:pos:R:3\n')
            stream.writelines(f"{n} {x:.6f} {y:.6f} {z:.6f}\n" for n, (x, y, z) in zip(symbols, frame, strict=True))
    return folder / "md.xyz"


def test_a_host_names_the_mobile_ion_and_must_be_the_host_of_the_run(tmp_path):
    given = {"host": "Li3InCl6", "temperature_K": 600.0, "time_step_fs": 2.0, "stride": 10}
    run = imported_run([host_run(tmp_path)], ImportSettings(**given))
    assert (run.identity.mobile_species, run.identity.mobile_charge_e, run.identity.host) == ("Li", 1.0, "Li3InCl6")
    with pytest.raises(InputError, match="not that of host Li3InCl6"):
        imported_run([host_run(tmp_path, scale=1.3)], ImportSettings(**given))
    bromide = tmp_path / "br.xyz"
    bromide.write_text((tmp_path / "md.xyz").read_text().replace("Cl ", "Br "))
    with pytest.raises(InputError, match="which the host lacks"):
        imported_run([bromide], ImportSettings(**given))


def test_with_a_host_the_builders_find_sites(stores, tmp_path):
    path = host_run(tmp_path, n_frames=60)
    settings = ImportSettings(host="Li3InCl6", temperature_K=600.0, time_step_fs=2.0, stride=10)
    store_run(stores.jobs, "r", "import", imported_run([path], settings).segments("r"))
    assert build_documents(stores).failures == []
    (document,) = diffusivity_documents(stores)
    assert {site.label for site in document.sites.sites} >= {"2c", "4h"}
    assert document.framework_state == "too short"  # 1.2 ps
    assert document.identity.ordering_class == "ordered"
    (segment,) = load_segments(stores.jobs, "r")
    assert segment.host_crystal.name == "Li3InCl6"
    assert document.jumps is not None


def test_what_the_settings_lack_or_contradict_is_named(tmp_path):
    path = files.write_dump(tmp_path / "d", WALK[:5])

    def refused(message, **given):
        settings = {"mobile": "Li+", "temperature_K": 700.0, "time_step_fs": 2.0, **given}
        with pytest.raises((InputError, ValueError), match=message):
            imported_run([path], ImportSettings(**settings))

    refused("does not say the temperature", temperature_K=None)
    refused("does not say the time step", time_step_fs=None)
    refused("frames of .* are 10 steps apart", stride=5)
    path = files.write_traj(tmp_path / "md.traj", WALK[:5])
    refused(r"md\.traj does not say how many MD steps lie between its frames: give --stride", stride=None)
    assert imported_run([path], SETTINGS).protocol.frame_interval_ps == pytest.approx(0.02)
    path = files.write_dump(tmp_path / "d", WALK[:5])
    refused("mobile ion 'Na' is none of the elements", mobile="Na+")
    refused("'Li' has no charge", mobile="Li")
    refused("'lithium' is no ion", mobile="lithium")
    refused("host and mobile are both missing", mobile=None)
    refused("neither a packaged host", host="nowhere")
