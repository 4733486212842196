"""MltpMdMaker runs a real chain with real weights under jobflow's own run_locally, and survives JSON."""

import contextlib
import json

import numpy as np
import pytest
from jobflow import run_locally
from monty.json import MontyDecoder, MontyEncoder

from sample_runs import memory_stores
from superionic.documents import ChgnetSettings, MDSet, OrderingDocument, RelaxationDocument
from superionic.makers.mltp_md import MltpMdMaker
from superionic.makers.ordering import OrderingMaker
from superionic.makers.relax import RelaxMaker
from superionic.makers.study import EveryOrderingMaker, StudyMaker
from superionic.managers.local import run_flow
from superionic.stores.connecting import embedded_job_store
from superionic.stores.runs import load_segments, load_summary
from superionic.structures.host import load_host
from superionic.trajectories import stitch

MD = MDSet(
    temperatures_K=[700, 900], seeds=[1], length_ps=0.12, equilibration_ps=0.02, segment_length_ps=0.06, stride=2
)
STUDY = StudyMaker([EveryOrderingMaker(MltpMdMaker(md=MD, relax_maker=RelaxMaker(max_steps=3), study="test"))])


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """The study with its JobStore, after a run."""
    stores = memory_stores()
    flow = STUDY.make(load_host("Li3InCl6"))
    with contextlib.chdir(tmp_path_factory.mktemp("jobs")):
        run_locally(flow, store=stores.jobs, ensure_success=True, log=False, raise_immediately=True)
    return stores, flow


def output(stores, name):
    return stores.jobs.query_one({"name": {"$regex": name}}, load=True)["output"]


@pytest.mark.parametrize("maker", [OrderingMaker(), RelaxMaker(), MltpMdMaker(md=MD), STUDY], ids=lambda m: m.name)
def test_makers_come_back_from_json(maker):
    assert json.loads(json.dumps(maker, cls=MontyEncoder), cls=MontyDecoder) == maker


def test_the_host_comes_back_from_json():
    host = load_host("Li3InCl6")
    back = json.loads(json.dumps(host, cls=MontyEncoder), cls=MontyDecoder)
    assert back.labels == host.labels
    assert np.array_equal(back.site("4h").frac_coords, host.site("4h").frac_coords)
    assert back.ordered(back.named_filling("O")) == host.ordered(host.named_filling("O"))


def test_a_run_is_one_uuid_with_its_segments_and_summary(ran):
    stores, flow = ran
    (first, second) = [job for job, _ in flow.iterflow() if job.name.startswith("mltp-md")]
    for job, temperature in ((first, 700), (second, 900)):
        indices = sorted(doc["index"] for doc in stores.jobs.query({"uuid": job.uuid}))
        assert indices == [1, 2, 3]
        summary = load_summary(stores.jobs, job.uuid)
        assert summary.stop_reason == "length reached"
        assert summary.n_steps == 60
        trajectory = stitch(load_segments(stores.jobs, job.uuid))
        assert trajectory.n_frames == 31
        assert trajectory.temperature_K == temperature
        assert trajectory.frame_interval_ps == pytest.approx(0.004)


def test_what_a_run_cost_is_in_its_segments_its_summary_and_what_is_built_from_it(ran):
    stores, flow = ran
    uuid = next(job.uuid for job, _ in flow.iterflow() if job.name.startswith("mltp-md 700"))
    costs = [segment.cost for segment in load_segments(stores.jobs, uuid)]
    summary = load_summary(stores.jobs, uuid)
    assert summary.cost.core_hours == pytest.approx(sum(cost.core_hours for cost in costs))
    assert all(cost.cpu_s > 0 for cost in costs)
    assert RelaxationDocument.from_stored(output(stores, "^relax")).cost.wall_s > 0


def test_frames_move_and_stay_continuous_across_segments(ran):
    stores, flow = ran
    uuid = next(job.uuid for job, _ in flow.iterflow() if job.name.startswith("mltp-md 700"))
    steps = np.diff(stitch(load_segments(stores.jobs, uuid)).positions_A, axis=0)
    assert 0 < np.abs(steps).max() < 0.3


def test_a_reference_to_the_run_is_the_small_summary(ran):
    stores, flow = ran
    uuid = next(job.uuid for job, _ in flow.iterflow() if job.name.startswith("mltp-md 700"))
    assert stores.jobs.get_output(uuid)["kind"] == "md_run"


def test_relaxation_keeps_labels_and_charges(ran):
    stores, _ = ran
    before = OrderingDocument.from_stored(output(stores, "order cell"))
    relaxed = RelaxationDocument.from_stored(output(stores, "relax"))
    after = relaxed.ordering
    assert after.structure.site_properties["site_label"] == before.site_labels == after.site_labels
    assert [site.specie for site in after.structure] == [site.specie for site in before.structure]
    assert not relaxed.converged
    assert relaxed.n_steps == 3
    assert relaxed.ordering.energy_eV == pytest.approx(20 * relaxed.energy_eV_per_atom)


def test_payload_is_stored_apart(ran):
    stores, _ = ran
    found = stores.jobs.docs_store.query_one({"output.kind": "trajectory_segment"})
    assert found["output"]["payload"]["store"] == "data"
    assert len(json.dumps(found["output"], default=str)) < 60_000


def test_provenance_names_the_weights(ran):
    stores, _ = ran
    potential = output(stores, "summary")["identity"]["potential"]
    assert potential["model"] == "0.3.0"
    assert len(potential["sha256"]) == 64
    assert potential["kernels"] in {"fused", "torch"}


@pytest.mark.slow
def test_runs_that_share_their_evaluations_are_stored_as_runs_of_their_own(tmp_path):
    """Two temperatures side by side in two processes, evaluated in batches by a third: not a bit is different."""
    payloads = []
    for batch_runs in (False, True):
        maker = MltpMdMaker(md=MD, potential=ChgnetSettings(batch_runs=batch_runs), relax_maker=None)
        flow = StudyMaker([EveryOrderingMaker(maker)]).make(load_host("Li3InCl6"))
        store = embedded_job_store(tmp_path / str(batch_runs))
        store.connect()
        run = run_flow(flow, store, tmp_path / str(batch_runs), workers=2)
        assert not run.failed
        runs = {doc["uuid"] for doc in store.query({"output.kind": "md_run"})}
        assert len(runs) == 2
        payloads.append(sorted(segment.sha256 for run_id in runs for segment in load_segments(store, run_id)))
    assert len(payloads[0]) == 4
    assert payloads[0] == payloads[1]
