"""Labels are written down one by one: a failed frame is recorded, an ended process is not a failed frame."""

from contextlib import closing
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from labels import PBESOL, frames
from superionic.datasets.journal import LabelJournal, frame_digest, journal_of
from superionic.datasets.labelling import label_frames
from superionic.datasets.references import differences, reference_of
from superionic.datasets.sources import Given, read_labels
from superionic.documents import AseSettings, ChgnetSettings, Cp2kSettings
from superionic.potentials.cp2k.process import Cp2kEndedError
from superionic.potentials.load import load, opened

CHGNET = ChgnetSettings()


class Counting:
    """CHGNet that counts what it is asked, and ends where it is told to."""

    def __init__(self, potential, end_at=None):
        self.potential, self.end_at, self.asked = potential, end_at, []
        self.reference, self.supported_numbers = potential.reference, potential.supported_numbers

    def session(self, numbers):
        session, outer = self.potential.session(numbers), self

        class Session:
            def evaluate(self, positions_A, cell_A):
                if len(outer.asked) == outer.end_at:
                    raise Cp2kEndedError("CP2K was ended from outside")
                outer.asked.append(positions_A)
                return session.evaluate(positions_A, cell_A)

        return Session()


@pytest.fixture(scope="module")
def chgnet():
    with closing(load(CHGNET)) as potential:
        yield potential


@pytest.fixture
def reference(chgnet):
    return describe(chgnet.reference)


def describe(potential):
    return reference_of(CHGNET, potential)


def some():
    return list(frames().frames[:5])


def test_what_is_finished_is_not_done_again(tmp_path, chgnet, reference):
    journal = journal_of(reference, tmp_path)
    first = Counting(chgnet)
    assert label_frames(some()[:3], first, describe, journal).whole
    second = Counting(chgnet)
    labelled = label_frames(some(), second, describe, journal)
    assert (len(first.asked), len(second.asked), labelled.n_before) == (3, 2, 3)
    whole = label_frames(some(), Counting(chgnet, end_at=0), describe, journal)
    assert whole.n_before == 5
    for record, frame in zip(whole.records, some(), strict=True):
        exact = chgnet.session(frame.numbers).evaluate(frame.positions_A, frame.cell_A)
        assert record["energy_eV"] == exact.energy_eV
        assert np.array_equal(record["forces_eV_per_A"], exact.forces_eV_per_A)
        assert record["cost"]["wall_s"] >= 0


def test_a_process_that_is_ended_is_no_failed_frame(tmp_path, chgnet, reference):
    journal = journal_of(reference, tmp_path)
    with pytest.raises(Cp2kEndedError):
        label_frames(some(), Counting(chgnet, end_at=2), describe, journal)
    assert len(journal.finished()) == 2
    again = Counting(chgnet)
    assert label_frames(some(), again, describe, journal).whole
    assert len(again.asked) == 3


def test_told_to_end_it_says_what_is_left(tmp_path, chgnet, reference):
    counting = Counting(chgnet)
    labelled = label_frames(
        some(),
        counting,
        describe,
        journal_of(reference, tmp_path),
        lambda: "now" if len(counting.asked) == 2 else None,
    )
    assert not labelled.whole
    assert [record is None for record in labelled.records] == [False, False, True, True, True]


def test_a_frame_without_numbers_is_recorded_and_never_replaced(tmp_path, chgnet, reference):
    bad = replace(some()[1], positions_A=some()[1].positions_A * 40, cell_A=some()[1].cell_A * 40)
    journal = journal_of(reference, tmp_path)
    labelled = label_frames([some()[0], bad, some()[2]], chgnet, describe, journal)
    assert [record["converged"] for record in labelled.records] == [True, False, True]
    assert "isolated" in labelled.records[1]["reason"]
    found = read_labels(journal.path, Given())
    assert [c.problem is None for c in found.candidates] == [True, False, True]
    assert found.candidates[0].reference == reference


def test_every_reference_has_a_journal_and_every_frame_its_digest(tmp_path, reference):
    other = reference.model_copy(update={"settings": {"model": "r2scan"}})
    assert journal_of(reference, tmp_path).path != journal_of(other, tmp_path).path
    frame = some()[0]
    moved = replace(frame, positions_A=np.nextafter(frame.positions_A, 1e9))
    assert frame_digest(frame) == frame_digest(replace(frame, positions_A=frame.positions_A.copy()))
    assert frame_digest(frame) != frame_digest(moved)


def test_a_cut_line_is_no_record(tmp_path):
    journal = LabelJournal(tmp_path / "a.jsonl")
    journal.append({"frame": "a", "x": 1})
    with journal.path.open("ab") as file:
        file.write(b'{"frame": "b", "x"')
    assert set(journal.finished()) == {"a"}
    journal.append({"frame": "c", "x": 1})
    assert set(journal.finished()) == {"a", "c"}


def test_settings_that_decide_numbers_are_in_the_reference():
    first = reference_of(CHGNET, PBESOL.potential)
    assert differences(first, reference_of(ChgnetSettings(device="cuda", kernels="stock"), PBESOL.potential)) == []
    lj = AseSettings(calculator="ase.calculators.lj:LennardJones", kwargs={"sigma": 2.0})
    other = lj.model_copy(update={"kwargs": {"sigma": 3.0}})
    assert differences(reference_of(lj, PBESOL.potential), reference_of(other, PBESOL.potential))
    cp2k = reference_of(Cp2kSettings(family="cp2k"), PBESOL.potential, ["Li", "Cl"])
    assert set(cp2k.settings["kinds"]) == {"Li", "Cl"}
    assert cp2k.settings["k_mesh"] == [2, 2, 2]
    more = reference_of(Cp2kSettings(family="cp2k", n_ranks=2), PBESOL.potential, ["Li", "Cl", "In"])
    assert differences(cp2k, more) == []
    assert differences(cp2k, reference_of(Cp2kSettings(family="cp2k", max_scf_steps=200), PBESOL.potential)) == []
    coarse = reference_of(Cp2kSettings(family="cp2k", cutoff_Ry=300), PBESOL.potential, ["Li", "Cl"])
    assert differences(cp2k, coarse) == ["cutoff_Ry 500.0 and 300.0"]


@pytest.mark.dft
def test_cp2k_is_kept_alive_and_an_unconverged_frame_is_recorded(tmp_path):
    """Frames of one cell have one process; the numbers are those of a process each, within the SCF's threshold."""
    settings = Cp2kSettings(family="cp2k", level="gfn1-xtb")
    base = some()[0]
    nudged = replace(base, positions_A=base.positions_A + np.random.default_rng(0).normal(0, 0.02, (20, 3)))
    with opened(settings) as potential:
        describe = partial(reference_of, settings)
        journal = journal_of(describe(potential.reference), tmp_path / "a")
        together = label_frames([base, nudged], potential, describe, journal)
    for frame, record in zip((nudged, base), together.records[::-1], strict=True):
        with opened(settings) as potential:
            journal = journal_of(describe(potential.reference), tmp_path / str(id(frame)))
            alone = label_frames([frame], potential, describe, journal)
        difference = np.subtract(alone.records[0]["forces_eV_per_A"], record["forces_eV_per_A"])
        assert np.abs(difference).max() < 5e-3
    hasty = settings.model_copy(update={"max_scf_steps": 2})
    with opened(hasty) as potential:
        describe = partial(reference_of, hasty)
        failed = label_frames([base], potential, describe, journal_of(describe(potential.reference), tmp_path / "b"))
    assert not failed.records[0]["converged"]
    assert "self-consistency" in failed.records[0]["reason"]
