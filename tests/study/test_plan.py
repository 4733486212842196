"""A study is worked out once, whatever is asked of it."""

from pathlib import Path

import pytest

from superionic.makers import disorder
from superionic.makers.framework_ordering import FrameworkOrderingMaker
from superionic.makers.placement import PlacementMaker
from superionic.study.load import load_study

WORKFLOWS = Path(__file__).parents[2] / "workflows"


@pytest.fixture
def calls(monkeypatch):
    """Names of the searches that were made."""
    made = []

    def counted(owner, name):
        plain = getattr(owner, name)
        monkeypatch.setattr(owner, name, lambda *given, **named: made.append(name) or plain(*given, **named))

    counted(disorder, "enumerate_distinct")
    counted(PlacementMaker, "placements")
    return made


def test_a_disordered_study_is_enumerated_once_and_places_no_ion_by_its_energy(calls):
    plan = load_study(WORKFLOWS / "disorder" / "study.yaml").plan()
    jobs = [job.name for job, _ in plan.flow().iterflow()]
    assert calls == ["enumerate_distinct", "placements"]
    assert plan.cells[0].where == "disorder: O"
    assert (len(plan.cells), plan.n_runs, plan.n_segments) == (7, 42, 420)
    assert plan.n_steps == 42 * 100_000
    assert len(jobs) == 7 * (1 + 1 + 6)


def test_the_cells_of_a_plan_hold_the_ions_of_the_orderings_to_come():
    study = load_study(WORKFLOWS / "mltp" / "study.yaml")
    plan = study.plan()
    assert [cell.maker.label for cell in plan.cells] == study.disorder.only
    for cell in plan.cells[:2]:
        assert isinstance(cell.maker, FrameworkOrderingMaker)
        made = cell.maker.ordering(plan.host).structure
        assert cell.structure.composition == made.composition
        assert cell.structure.lattice == made.lattice
