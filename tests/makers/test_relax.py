"""Relaxation and MD with a potential that gives no stress: what needs none runs, what needs one is refused by name."""

from __future__ import annotations

import pytest

from superionic.documents import AseSettings, MDProtocol, MDSet
from superionic.dynamics.segment import run_segment
from superionic.errors import InputError
from superionic.makers.ordering import OrderingMaker
from superionic.makers.relax import RelaxMaker
from superionic.structures.host import load_host
from superionic.study.entries import OrderingEntry, Study

SPRINGS = AseSettings(calculator="ase.calculators.test:TestPotential")


@pytest.fixture(scope="module")
def ordering():
    return OrderingMaker.make.original(OrderingMaker(), load_host("Li3InCl6"))


def relaxed(ordering, **options):
    return RelaxMaker.make.original(RelaxMaker(potential=SPRINGS, max_steps=2, **options), ordering)


def test_positions_relax_without_stress(ordering):
    document = relaxed(ordering, relax_cell=False)
    assert document.pressure_GPa is None
    assert document.ordering.structure.lattice == ordering.structure.lattice
    assert document.provenance.potential.model == "ase.calculators.test:TestPotential()"


def test_a_cell_does_not(ordering):
    with pytest.raises(InputError, match=r"TestPotential\(\) gives no stress, which the relaxation of a cell"):
        relaxed(ordering, relax_cell=True)


def test_nve_starts_and_npt_does_not(ordering, tmp_path):
    short = {"temperature_K": 300, "length_ps": 4e-5, "equilibration_ps": 0, "stride": 1, "time_step_fs": 0.01}
    run = run_segment(ordering.structure, MDProtocol(ensemble="nve", **short), SPRINGS, None, "springs", tmp_path)
    assert len(run.frames) == 1
    assert run.stop_reason.startswith("the energy ran away by step 1")  # these springs ignore the periodic cell
    with pytest.raises(InputError, match=r"gives no stress, which .*npt"):
        run_segment(ordering.structure, MDProtocol(ensemble="npt", **short), SPRINGS, None, "springs", tmp_path)


@pytest.mark.parametrize(("relax", "ensemble", "words"), [(None, "npt", "md.ensemble: npt"), ({}, "nvt", "relax_cell")])
def test_a_study_says_so_before_anything_runs(relax, ensemble, words):
    study = Study(
        name="springs", host="Li3InCl6", orderings=[OrderingEntry(label="O")], potential=SPRINGS.model_dump(),
        relax=relax, md=MDSet(temperatures_K=[300], length_ps=1, equilibration_ps=0.1, ensemble=ensemble),
    )  # fmt: skip
    with pytest.raises(InputError, match=rf"TestPotential.* gives no stress, which .*{words}"):
        study.plan()
