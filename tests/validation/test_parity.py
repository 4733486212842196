"""Errors of labels: known errors come back, softening is told from scatter, and errors of errors are honest."""

import numpy as np
import pytest

from spring_labels import Springs, frames, without_stress
from superionic.datasets.frames import LabelledFrames
from superionic.documents.validation import Outcome, Question
from superionic.documents.validation_thresholds import ValidationThresholds
from superionic.errors import InputError
from superionic.validation.label_checks import label_checks
from superionic.validation.parity import parity


def test_a_potential_against_itself_has_no_errors():
    found = parity(frames(), Springs(), "test")
    for errors in (found.energy_meV_per_atom, found.force_meV_per_A, found.stress_GPa):
        assert errors.mean_absolute.value == pytest.approx(0, abs=1e-9)
        assert errors.root_mean_square.value == pytest.approx(0, abs=1e-9)
    assert found.force_meV_per_A.slope.value == pytest.approx(1)
    assert {check.outcome for check in label_checks(found, ValidationThresholds())} == {Outcome.PASSED}
    assert found.elements == ["Cl", "Li"]
    assert found.temperatures_K == [700, 701, 702, 703, 704, 705]


def test_a_softened_potential_fails_by_the_name_of_its_slope():
    found = parity(frames(), Springs(scale=0.8), "test")
    assert found.force_meV_per_A.slope.value == pytest.approx(0.8)
    assert found.force_by_element_meV_per_A["Li"].slope.value == pytest.approx(0.8)
    generous = ValidationThresholds(energy_meV_per_atom=1e6, force_meV_per_A=1e6, stress_GPa=1e6)
    outcomes = {check.question: check.outcome for check in label_checks(found, generous)}
    assert outcomes.pop(Question.FORCE_SLOPE) == Outcome.FAILED
    assert set(outcomes.values()) == {Outcome.PASSED}


def test_scatter_is_no_softening():
    labelled, noise = frames(n_runs=20), 0.05
    found = parity(labelled, Springs(noise_eV_per_A=noise), "test")
    assert found.force_meV_per_A.root_mean_square.value == pytest.approx(1e3 * noise, rel=0.05)
    assert found.force_meV_per_A.mean_absolute.value == pytest.approx(1e3 * noise * np.sqrt(2 / np.pi), rel=0.05)
    low, high = found.force_meV_per_A.slope.interval_95
    assert low < 1 < high


def test_zeros_of_energy_by_element_are_no_error():
    found = parity(frames(), Springs(shift_eV=((3, 0.7), (17, -0.2))), "test")
    assert found.energy_meV_per_atom.mean_absolute.value == pytest.approx(abs(2 * 0.7 - 3 * 0.2) / 5 * 1e3)
    assert found.shifted_energy_meV_per_atom.mean_absolute.value == pytest.approx(0, abs=1e-9)
    # one composition tells one number, shared out by the norm
    assert 2 * found.shift_eV["Li"] + 3 * found.shift_eV["Cl"] == pytest.approx(2 * 0.7 - 3 * 0.2)
    assert found.shift_eV["Li"] / found.shift_eV["Cl"] == pytest.approx(2 / 3)


def test_what_is_independent_is_resampled():
    assert parity(frames(n_runs=6), Springs(), "x").resampled_by == "run"
    few = parity(frames(n_runs=2), Springs(), "x")
    assert (few.resampled_by, few.n_resampled) == ("block", 6)
    one = parity(frames(n_runs=1, n_blocks=1), Springs(), "x")
    assert (one.resampled_by, one.n_resampled) == ("frame", 4)


def test_too_few_frames_decide_nothing():
    found = parity(frames(n_runs=1, n_blocks=1), Springs(scale=0.5), "test")
    assert {check.outcome for check in label_checks(found, ValidationThresholds())} == {Outcome.UNKNOWN}


def test_a_stress_that_is_missing_is_named():
    found = parity(without_stress(frames()), Springs(), "test")
    assert found.stress_GPa is None
    assert found.notes == ["72 of 72 frames have no stress to compare"]
    assert parity(frames(), Springs(with_stress=False), "test").stress_GPa is None
    assert Question.STRESS not in {check.question for check in label_checks(found, ValidationThresholds())}


def test_no_frames_are_refused():
    with pytest.raises(InputError, match="no labelled frame"):
        parity(LabelledFrames(()), Springs(), "split 'test' of x")


def test_a_stress_of_the_other_sign_and_energies_per_atom_fail():
    class Wrong(Springs):
        def evaluate(self, positions_A, cell_A):
            found = super().evaluate(positions_A, cell_A)
            return type(found)(found.energy_eV / 5, found.forces_eV_per_A, -found.stress_eV_per_A3)

    checks = label_checks(parity(frames(), Wrong(), "test"), ValidationThresholds())
    outcomes = {check.question: check.outcome for check in checks}
    assert outcomes[Question.STRESS] == outcomes[Question.ENERGIES] == Outcome.FAILED
    assert outcomes[Question.FORCES] == Outcome.PASSED


def test_intervals_hold_what_they_say_where_runs_differ():
    """Runs have amplitudes of their own: of 400 samples, 95 % intervals of the force error hold the truth."""
    truth = parity(frames(n_runs=3000, n_blocks=1, per_block=2, seed=1, spread_of_runs=0.4), Springs(scale=0.9), "t")
    held = [0, 0]
    for seed in range(1000, 1400):
        sample = frames(n_runs=8, n_blocks=1, per_block=3, seed=seed, spread_of_runs=0.4)
        found = parity(sample, Springs(scale=0.9), "t").force_meV_per_A.mean_absolute
        for n, (low, high) in enumerate((found.interval_68, found.interval_95)):
            held[n] += low < truth.force_meV_per_A.mean_absolute.value < high
    assert 0.60 < held[0] / 400 < 0.76
    assert 0.90 < held[1] / 400 < 0.985
