"""Runs of any code that are in the store as something to be judged by, without running anything."""

import pytest

from sample_runs import CELL, memory_stores, segments, store_end, store_run, store_segment
from superionic.documents import PotentialReference, RecordedProtocol
from superionic.errors import InputError
from superionic.makers.stored_reference import against_stored

VASP = PotentialReference(family="VASP", model="PBEsol", origin="first principles")


@pytest.fixture
def jobs():
    with memory_stores().connected() as stores:
        yield stores.jobs


def store_recorded(jobs, run_id, temperature_K, ensemble="nvt", **identity):
    """A run as an import leaves it."""
    (segment,) = segments(
        run_id=run_id, temperature_K=temperature_K, n_segments=1, frames_each=100, potential=VASP, engine="vasp",
        study=None, **identity,
    )  # fmt: skip
    protocol = RecordedProtocol(
        temperature_K=temperature_K, time_step_fs=1.0, stride=5, equilibration_ps=0.1, ensemble=ensemble
    )
    segment = segment.model_copy(update={"protocol": protocol, "end_state": None, "site_labels": None})
    store_segment(jobs, segment)
    store_end(jobs, segment)


def test_imported_runs_say_what_potentials_are_to_run(jobs):
    store_recorded(jobs, "cold", 700)
    store_recorded(jobs, "hot", 900)
    store_recorded(jobs, "room", 300, ensemble="npt")
    against = against_stored(jobs, ["O"])["O"]
    assert [run.run_id for run in against.runs] == ["cold", "hot"]
    assert [run.run_id for run in against.npt_runs] == ["room"]
    assert against.relaxation is None
    md = against.md
    assert (md.temperatures_K, md.time_step_fs, md.stride, md.ensemble) == ([700, 900], 1.0, 5, "nvt")
    assert (md.equilibration_ps, md.seeds) == (0.1, [1000])
    structure = against.ordering.structure
    assert structure.lattice.matrix == pytest.approx(CELL)
    assert next(site.specie.oxi_state for site in structure if site.specie.symbol == "Li") == 1
    assert against.ordering.site_labels == ["unknown"] * 24


def test_the_same_runs_are_the_same_job(jobs):
    store_recorded(jobs, "cold", 700)
    first, second = (against_stored(jobs, ["cold"])["O"].ordering for _ in range(2))
    assert first.as_dict() == second.as_dict()


def test_a_run_that_has_not_ended_is_refused(jobs):
    (segment,) = segments(run_id="going on", n_segments=1, frames_each=20)
    store_segment(jobs, segment)
    with pytest.raises(InputError, match="run going on has not ended yet"):
        against_stored(jobs, ["going on"])


def test_runs_at_constant_pressure_alone_are_refused(jobs):
    store_recorded(jobs, "room", 300, ensemble="npt")
    with pytest.raises(InputError, match="O: all runs are at constant pressure"):
        against_stored(jobs, ["O"])


def test_runs_of_one_label_in_two_formulas_or_cells_are_refused(jobs):
    store_run(jobs, run_id="a", n_segments=1, frames_each=20)
    store_run(jobs, run_id="b", n_segments=1, frames_each=20, formula="LiBr")
    with pytest.raises(InputError, match="runs are of LiBr, LiCl"):
        against_stored(jobs, ["synthetic"])


def test_orderings_are_apart(jobs):
    store_recorded(jobs, "a", 700)
    store_recorded(jobs, "b", 800, label="ELC")
    assert list(against_stored(jobs, ["a", "b"])) == ["O", "ELC"]
