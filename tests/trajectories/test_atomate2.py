"""Outputs of atomate2's MD jobs are read where they are; what they lack comes from their Makers."""

import contextlib
import json

import numpy as np
import pytest
from atomate2.forcefields.md import ForceFieldMDMaker
from atomate2.vasp.flows.md import MultiMDMaker
from emmet.core.trajectory import AtomTrajectory
from jobflow import Flow, run_locally
from monty.json import MontyEncoder
from pymatgen.core import Lattice, Structure
from pymatgen.core.trajectory import Trajectory

import sample_files as files
from sample_runs import memory_stores
from superionic.documents import ImportSettings
from superionic.errors import InputError
from superionic.makers.import_trajectory import described_run
from superionic.trajectories import stitch
from superionic.trajectories.sources.atomate2 import StoredTrajectories, facts_of_maker, makers_in

WALK = files.known_walk(60)
SALT = Structure.from_spacegroup("Fm-3m", Lattice.cubic(5.1), ["Li", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]])


@pytest.fixture
def jobs():
    with memory_stores().connected() as stores:
        yield stores.jobs


def as_json(thing):
    return json.loads(json.dumps(thing, cls=MontyEncoder))


def adopted(jobs, uuids, makers, **given):
    trajectories = StoredTrajectories(jobs)
    sources = [trajectories.source(uuid, makers.get(uuid, makers.get(""))) for uuid in uuids]
    *segments, summary = described_run(sources, ImportSettings(mobile="Li+", **given)).segments("r")
    return stitch(segments).decoded(), summary


def test_a_real_forcefield_run_is_adopted(jobs, tmp_path):
    maker = ForceFieldMDMaker(
        force_field_name="CHGNet", temperature=650, time_step=1.5, n_steps=8, traj_interval=2, mb_velocity_seed=1
    )
    job = maker.make(SALT)
    flow = Flow([job])
    makers = makers_in(as_json(flow))  # before the run, in which atomate2's Makers change themselves
    with contextlib.chdir(tmp_path):
        run_locally(flow, store=jobs, ensure_success=True, log=False)
    assert set(makers) == {job.uuid}
    assert StoredTrajectories(jobs).runs({"name": "ASE MD"}) == [[job.uuid]]
    read, summary = adopted(jobs, [job.uuid], makers)
    assert read.positions_A.shape == (5, 8, 3)
    assert (read.temperature_K, summary.protocol.time_step_fs, summary.protocol.stride) == (650, 1.5, 2)
    assert summary.protocol.ensemble == "nvt"
    assert "CHGNet" in summary.identity.potential.model
    assert [source.uuid for source in summary.provenance.sources] == ["r", job.uuid]
    stored = jobs.query_one({"uuid": job.uuid}, load=True)["output"]
    last = Structure.from_dict(stored["structure"])
    moved = (last.frac_coords - SALT.frac_coords) @ SALT.lattice.matrix
    assert np.abs((read.positions_A[-1] - read.positions_A[0]) - moved).max() < 2e-4
    assert 0 < np.abs(moved).max() < 1
    assert np.isfinite(read.potential_energies_eV).all()
    assert 100 < read.temperatures_K[0] < 2000


def vasp_output(walk, emmet, potim=2.0):
    """What MDMaker's TaskDoc holds of a run, with the trajectory as it is with and without emmet's models."""
    incar = {"POTIM": potim, "TEBEG": 700.0, "TEEND": 700.0, "IBRION": 0, "GGA": "PS"}
    wrapped = (walk @ np.linalg.inv(files.CELL)) % 1.0
    if emmet:
        trajectory = AtomTrajectory(
            elements=[3] * 8 + [17] * 8, cart_coords=(wrapped @ files.CELL).tolist(), lattice=[files.CELL.tolist()],
            num_ionic_steps=len(walk), temperature=[701.0] * len(walk), energy=[-5.0] * len(walk),
        ).model_dump()  # fmt: skip
    else:
        trajectory = Trajectory(
            files.SPECIES, wrapped, lattice=files.CELL, constant_lattice=True,
            frame_properties=[{"temperature": 701.0, "e_fr_energy": -5.0, "e_0_energy": -4.0} for _ in walk],
        )  # fmt: skip
    return {"vasp_objects": {"trajectory": as_json(trajectory)}, "input": {"incar": incar}, "state": "successful"}


def store(jobs, uuid, output, name="molecular dynamics"):
    document = {
        "uuid": uuid, "index": 1, "output": output, "completed_at": "2026", "metadata": {}, "hosts": [], "name": name,
    }  # fmt: skip
    jobs.update(document, save={"data": ["trajectory"]})


@pytest.mark.parametrize("emmet", [False, True], ids=["pymatgen", "emmet"])
def test_a_multi_md_run_is_one_run(jobs, emmet):
    flow = MultiMDMaker.from_parameters(nsteps=20, time_step=2, n_runs=3, ensemble="nvt", start_temp=700).make(SALT)
    uuids = [job.uuid for job, _ in flow.iterflow()][:3]
    for uuid, part in zip(uuids, np.split(WALK, 3), strict=True):
        store(jobs, uuid, vasp_output(part, emmet))
    store(jobs, "first two", {"traj_ids": uuids[:2], "full_traj_ids": uuids[:2]}, "molecular dynamics output")
    store(jobs, "all three", {"traj_ids": uuids[2:], "full_traj_ids": uuids}, "molecular dynamics output")
    runs = StoredTrajectories(jobs).runs({})
    assert runs == [uuids]
    read, summary = adopted(jobs, runs[0], makers_in(as_json(flow)))
    assert np.abs((read.positions_A - read.positions_A[0]) - (WALK - WALK[0])).max() < 2e-4
    assert (summary.identity.engine, summary.identity.potential.model) == ("vasp", "PS")
    assert (read.temperature_K, read.frame_interval_ps, summary.protocol.ensemble) == (700, 0.002, "nvt")
    assert read.temperatures_K == pytest.approx(np.full(60, 701.0))
    assert read.potential_energies_eV == pytest.approx(np.full(60, -5.0))


def test_without_makers_the_inputs_of_vasp_are_taken(jobs):
    store(jobs, "v", vasp_output(WALK, emmet=False, potim=1.0))
    read, summary = adopted(jobs, ["v"], {})
    assert (summary.protocol.time_step_fs, read.temperature_K) == (1.0, 700)


def test_what_is_missing_or_wrong_is_named(jobs):
    store(jobs, "f", {"objects": vasp_output(WALK, emmet=False)["vasp_objects"], "ase_calculator_name": "MLFF.CHGNet"})
    with pytest.raises(InputError, match="job f does not say the time step"):
        adopted(jobs, ["f"], {})
    with pytest.raises(InputError, match="job f does not say how many MD steps lie between its frames"):
        adopted(jobs, ["f"], {}, time_step_fs=1.0, temperature_K=500)
    assert adopted(jobs, ["f"], {}, time_step_fs=1.0, temperature_K=500, stride=2)[0].frame_interval_ps == 0.002
    with pytest.raises(InputError, match=r"temperature_K = 650 in job f is not that of --temperature 500"):
        adopted(jobs, ["f"], {"": as_json(ForceFieldMDMaker(temperature=650))}, temperature_K=500)
    store(jobs, "none", {"objects": None, "ase_calculator_name": "EMT"})
    with pytest.raises(InputError, match="job none stored no trajectory"):
        adopted(jobs, ["none"], {})
    with pytest.raises(InputError, match="job nowhere is not in this store"):
        adopted(jobs, ["nowhere"], {})


def test_makers_say_what_the_run_was():
    ramp = as_json(ForceFieldMDMaker(temperature=[300, 600]))
    with pytest.raises(InputError, match="ForceFieldMDMaker runs from 300 K to 600 K"):
        facts_of_maker(ramp, hydrogen=False)
    default = as_json(ForceFieldMDMaker(temperature=[400, 400]))
    assert facts_of_maker(default, hydrogen=False).time_step_fs == 2.0
    assert facts_of_maker(default, hydrogen=True).time_step_fs == 0.5
    assert facts_of_maker(default, hydrogen=True).temperature_K == 400


def test_a_machine_learned_force_field_of_vasp_that_thins_its_output_asks_for_the_stride():
    plain = {"@class": "MDMaker", "input_set_generator": {"time_step": 2, "start_temp": 300, "end_temp": 300}}
    thinned = {
        **plain,
        "input_set_generator": {**plain["input_set_generator"], "user_incar_settings": {"ML_OUTBLOCK": 5}},
    }
    assert (facts_of_maker(plain, False).stride, facts_of_maker(thinned, False).stride) == (1, None)


def test_other_makers_are_refused():
    with pytest.raises(InputError, match="ForceFieldRelaxMaker is no Maker of molecular dynamics"):
        facts_of_maker({"@class": "ForceFieldRelaxMaker", "steps": 500}, hydrogen=False)


def test_the_last_output_of_a_job_run_again_counts(jobs):
    for index, part in ((1, WALK[:10]), (2, WALK)):
        output = vasp_output(part, emmet=False)
        jobs.update({"uuid": "v", "index": index, "output": output, "name": "md"}, save={"data": ["trajectory"]})
    assert StoredTrajectories(jobs).runs({"name": "md"}) == [["v"]]
    read, summary = adopted(jobs, ["v"], {})
    assert read.n_frames == 60
    assert summary.provenance.sources[-1].index == 2


def test_makers_are_found_in_any_dump_without_importing_anything():
    dump = [
        {"spec": {"_tasks": [{"job": {"uuid": "u", "function": {"@module": "evil", "@bound": {"temperature": 1}}}}]}}
    ]
    assert makers_in(dump) == {"u": {"temperature": 1}}
