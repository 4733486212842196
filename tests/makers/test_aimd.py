"""Molecular dynamics with the reference: the chain of MLTP-MD, every frame with its labels, documents that say so."""

import contextlib
import json
from contextlib import closing

import numpy as np
import pytest
from jobflow import run_locally
from monty.json import MontyDecoder, MontyEncoder

from sample_runs import memory_stores
from superionic.documents import AimdSet, ChgnetSettings
from superionic.makers.aimd import AimdSetMaker, ReferenceRelaxMaker
from superionic.makers.ordering import OrderingMaker
from superionic.makers.study import EveryOrderingMaker, StudyMaker
from superionic.potentials.load import load
from superionic.stores.runs import load_segments, load_summary
from superionic.structures.host import load_host
from superionic.trajectories.labelled import labelled_frames

R2SCAN = ChgnetSettings(model="r2scan")
MD = AimdSet(
    temperatures_K=[700], seeds=[1, 2], length_ps=0.06, equilibration_ps=0.02, segment_length_ps=0.03, stride=5
)
RELAX = ReferenceRelaxMaker(potential=R2SCAN, max_steps=2)
STUDY = StudyMaker([EveryOrderingMaker(AimdSetMaker(MD, R2SCAN, relax_maker=RELAX, study="test"), "aimd")])


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    stores, flow = memory_stores(), STUDY.make(load_host("Li3InCl6"))
    with contextlib.chdir(tmp_path_factory.mktemp("jobs")):
        run_locally(flow, store=stores.jobs, ensure_success=True, log=False, raise_immediately=True)
    return stores, flow


def test_the_maker_comes_back_from_json():
    assert json.loads(json.dumps(STUDY, cls=MontyEncoder), cls=MontyDecoder) == STUDY


def test_a_run_of_the_reference_is_a_run_like_any_other_and_says_that_it_is_the_reference(ran):
    stores, flow = ran
    names = [job.name for job, _ in flow.iterflow()]
    assert names[:2] == ["order cell O", "aimd relax O"]
    assert names[2] == "aimd 700 K seed 1 segment 1 of 2 O"
    runs = [job.uuid for job, _ in flow.iterflow() if "segment" in job.name]
    assert stores.jobs.get_output(runs[0])["kind"] == "md_run"
    for uuid in runs:
        summary, segments = load_summary(stores.jobs, uuid), load_segments(stores.jobs, uuid)
        assert [segment.first_step for segment in segments] == [0, 15]
        assert (summary.n_steps, summary.stop_reason) == (30, "length reached")
        assert summary.identity.is_reference
        assert (summary.identity.potential.model, summary.identity.potential.origin) == ("r2scan", "pretrained")
        assert summary.cost.wall_s == pytest.approx(sum(segment.cost.wall_s for segment in segments))


def test_every_stored_frame_holds_energy_forces_and_stress(ran):
    stores, flow = ran
    uuid = next(job.uuid for job, _ in flow.iterflow() if "segment" in job.name)
    frames = list(labelled_frames(load_segments(stores.jobs, uuid)))
    assert [frame.step for frame in frames] == [0, 5, 10, 15, 20, 25, 30]
    with closing(load(R2SCAN)) as potential:
        session = potential.session(OrderingMaker().ordered(load_host("Li3InCl6")).atomic_numbers)
        for frame in frames:
            own = session.evaluate(frame.positions_A, frame.cell_A)
            assert frame.energy_eV == pytest.approx(own.energy_eV, abs=0.01)
            assert np.allclose(frame.forces_eV_per_A, own.forces_eV_per_A, atol=0.01)
            assert np.allclose(frame.stress_eV_per_A3, own.stress_eV_per_A3, atol=1e-4)
