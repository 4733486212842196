"""Verdicts by transport: a potential against itself passes, another fails by name, poor data decide nothing."""

import numpy as np
import pytest

from comparable import MOLTEN, POOR, TEMPERATURES_K, estimate, group, identity_of, run, true_diffusivity
from superionic.documents import Check, FrameworkState, PotentialReference, Provenance, Quality
from superionic.documents.validation import Outcome, Question, ValidationDocument, ValidationRequest, ValidationSubject
from superionic.documents.validation_evidence import MeanVolume, RelaxedCell
from superionic.documents.validation_thresholds import ValidationThresholds
from superionic.validation.evidence import Evidence
from superionic.validation.judgement import judge, validation
from superionic.validation.structure import Structure

REFERENCE = PotentialReference(family="VASP", model="PBEsol", origin="first principles")
TUNED = PotentialReference(family="CHGNet", model="tuned", origin="fine-tuned")
USUAL = ValidationThresholds()


def runs_of(seed, label="O", **options):
    return group(identity_of(label), np.random.default_rng(seed), **{"hops": 1000, **options})[1]


def evidence(name, runs=(), cells=(), volumes=(), structures=None):
    potential = REFERENCE if name == "reference" else TUNED
    subject = ValidationSubject(name=name, potential=potential, cells=list(cells))
    return Evidence(subject, list(runs), structures or {}, list(volumes))


def judged(reference, candidate, thresholds=USUAL):
    """Outcome by question, and the judgement."""
    judgement, _ = judge(evidence("reference", **reference), evidence("tuned", **candidate), thresholds)
    outcomes = {}
    for check in judgement.checks:
        outcomes.setdefault(check.question, set()).add(check.outcome)
    return {q: found.pop() if len(found) == 1 else found for q, found in outcomes.items()}, judgement


def test_a_potential_against_itself_passes():
    outcomes, judgement = judged({"runs": runs_of(1000)}, {"runs": runs_of(1001)})
    assert outcomes[Question.DIFFUSIVITY] == outcomes[Question.ACTIVATION_ENERGY] == Outcome.PASSED
    assert judgement.outcome == Outcome.PASSED
    assert judgement.reasons == []
    assert judgement.valid_for.temperature_range_K == (700, 1000)
    assert judgement.valid_for.structures == ["O (LiCl)"]
    assert judgement.valid_for.elements == ["Cl", "Li"]
    assert any(line.startswith("volume at constant pressure: there are no runs") for line in judgement.not_examined)


def test_ions_that_move_three_times_as_fast_fail_by_name():
    outcomes, judgement = judged({"runs": runs_of(1000)}, {"runs": runs_of(1001, prefactor=3e-3)})
    assert outcomes[Question.DIFFUSIVITY] == Outcome.FAILED
    assert judgement.outcome == Outcome.FAILED
    assert judgement.reasons[0].startswith("diffusivity, O: at 700 K the difference of ln D is +1.")
    more = ValidationThresholds(diffusivity_factor=5)
    assert judged({"runs": runs_of(1000)}, {"runs": runs_of(1001, prefactor=3e-3)}, more)[1].outcome == Outcome.PASSED


def test_another_activation_energy_fails_though_d_agrees_on_average():
    middle = 1 / np.mean([1 / T for T in TEMPERATURES_K])
    factor = true_diffusivity(middle, 0.3) / true_diffusivity(middle, 0.5)
    candidate = runs_of(1001, energy_eV=0.5, prefactor=1e-3 * factor)
    thresholds = ValidationThresholds(diffusivity_factor=3)
    outcomes, _ = judged({"runs": runs_of(1000)}, {"runs": candidate}, thresholds)
    assert outcomes[Question.ACTIVATION_ENERGY] == Outcome.FAILED
    assert outcomes[Question.DIFFUSIVITY] == Outcome.PASSED


def test_few_hops_decide_nothing():
    outcomes, judgement = judged({"runs": runs_of(1000, hops=8)}, {"runs": runs_of(1001, hops=1000)})
    assert outcomes[Question.ACTIVATION_ENERGY] == Outcome.UNKNOWN
    assert judgement.outcome == Outcome.UNKNOWN


def test_runs_with_poor_statistics_decide_nothing_and_the_reason_is_theirs():
    poor = runs_of(1000, qualities=dict.fromkeys(TEMPERATURES_K, POOR))
    outcomes, judgement = judged({"runs": poor}, {"runs": runs_of(1001)})
    assert outcomes == {Question.FRAMEWORK: Outcome.PASSED, Question.DIFFUSIVITY: Outcome.UNKNOWN}
    assert "reference at 700 K: too few hops" in judgement.reasons[0]
    assert judgement.valid_for is None


def test_no_common_temperature_is_unknown():
    _, judgement = judged(
        {"runs": runs_of(1000, temperatures_K=(700.0, 800.0))}, {"runs": runs_of(1001, temperatures_K=(900.0,))}
    )
    assert judgement.outcome == Outcome.UNKNOWN
    assert "the reference has 700, 800 K, the potential 900 K" in judgement.reasons[0]


def test_without_runs_there_is_no_verdict_whatever_else_agrees():
    cells = [cell("O", -3.0)]
    _, judgement = judged({"cells": cells}, {"cells": cells})
    assert judgement.outcome == Outcome.UNKNOWN
    assert "no ordering has been run with both" in judgement.reasons[0]


def test_a_framework_that_melts_fails():
    def molten(runs):
        return [r.model_copy(update={"quality": MOLTEN, "framework_state": FrameworkState.MELTED}) for r in runs]

    outcomes, judgement = judged({"runs": runs_of(1000)}, {"runs": molten(runs_of(1001))})
    assert outcomes[Question.FRAMEWORK] == Outcome.FAILED
    assert outcomes[Question.DIFFUSIVITY] == Outcome.UNKNOWN
    assert "melts with the potential, and does not with the reference" in judgement.reasons[0]


def test_a_run_that_broke_off_has_lost_its_framework_however_short_it_is():
    broken = Quality.from_checks([Check(name="run complete", passed=False, fatal=True, reason="exploded")])
    short = {"quality": broken, "framework_state": FrameworkState.TOO_SHORT}
    lost = [r.model_copy(update=short) for r in runs_of(1001)]
    outcomes, _ = judged({"runs": runs_of(1000)}, {"runs": lost})
    assert outcomes[Question.FRAMEWORK] == Outcome.FAILED
    assert judged({"runs": lost}, {"runs": lost})[0][Question.FRAMEWORK] == Outcome.PASSED
    going_on = [r.model_copy(update={"framework_state": FrameworkState.TOO_SHORT}) for r in runs_of(1000)]
    assert judged({"runs": going_on}, {"runs": lost})[0][Question.FRAMEWORK] == Outcome.UNKNOWN


def test_of_several_mobile_ions_the_first_is_compared_and_that_is_said():
    two = identity_of("O").model_copy(update={"other_mobile_charges_e": {"Na": 1.0}})
    runs = [r.model_copy(update={"identity": two}) for r in runs_of(1001)]
    _, judgement = judged({"runs": runs_of(1000)}, {"runs": runs})
    assert "D of Na: of several mobile ions the first is compared" in judgement.not_examined


def test_ions_that_stand_still_fail_though_there_is_no_d():
    def still(reference):
        quiet = estimate(0.0, 0.0).model_copy(update={"interval_95": (0.0, 1e-9)})
        identity = identity_of("O", "tuned")
        return run(f"still {reference.run_id}", reference.temperature_K, 1e-12, 1e-12, identity, POOR).model_copy(
            update={"diffusivity_cm2_per_s": quiet}
        )

    reference = runs_of(1000)
    outcomes, _ = judged({"runs": reference}, {"runs": [still(r) for r in reference]})
    assert outcomes[Question.DIFFUSIVITY] == Outcome.FAILED


def cell(label, energy, volume=20.0, angles=(90.0, 109.0, 90.0), converged=True, cell_relaxed=True, formula="Li3InCl6"):
    return RelaxedCell(
        label=label, formula=formula, cell_relaxed=cell_relaxed, potential=TUNED, n_atoms=20, lengths_A=(6, 11, 6),
        angles_degrees=angles, volume_A3_per_atom=volume, energy_eV_per_atom=energy, pressure_GPa=0.0,
        converged=converged,
    )  # fmt: skip


def cells_judged(reference, candidate):
    return judged({"cells": reference}, {"cells": candidate})


def test_relaxed_cells_are_compared():
    outcomes, _ = cells_judged([cell("O", -3.0)], [cell("O", -4.0, volume=20.2, angles=(90, 109.5, 90))])
    assert outcomes[Question.VOLUME] == outcomes[Question.ANGLES] == Outcome.PASSED
    outcomes, _ = cells_judged([cell("O", -3.0)], [cell("O", -4.0, volume=22.0, angles=(90, 107.5, 90))])
    assert outcomes[Question.VOLUME] == outcomes[Question.ANGLES] == Outcome.FAILED
    outcomes, _ = cells_judged([cell("O", -3.0)], [cell("O", -4.0, volume=22.0, converged=False)])
    assert outcomes[Question.VOLUME] == Outcome.UNKNOWN


def test_the_order_of_energies_is_that_of_orderings_of_one_formula():
    reference = [cell("O", -3.000), cell("ELC", -2.990), cell("EHC", -2.980), cell("HE4", -5.0, formula="Li2YbCl6")]
    same = [cell("O", -4.000), cell("ELC", -3.9905), cell("EHC", -3.979), cell("HE4", -9.0, formula="Li2YbCl6")]
    outcomes, judgement = cells_judged(reference, same)
    assert outcomes[Question.ORDERING_ENERGY] == Outcome.PASSED
    (found,) = judgement.ordering_energies
    assert found.labels == ["O", "ELC", "EHC"]
    assert found.kendall_tau == 1
    assert found.largest_error_meV_per_atom == pytest.approx(1.5)
    other = [cell("O", -4.000), cell("ELC", -4.010), cell("EHC", -4.020)]
    outcomes, judgement = cells_judged(reference, other)
    assert outcomes[Question.ORDERING_ENERGY] == Outcome.FAILED
    assert judgement.ordering_energies[0].kendall_tau == -1


def test_atoms_relaxed_in_the_references_cell_are_compared_with_its_relaxation():
    reference = [cell("O", -3.0), cell("ELC", -2.99)]
    static = [cell("O", -4.0, cell_relaxed=False), cell("ELC", -3.98, cell_relaxed=False)]
    outcomes, judgement = cells_judged(reference, static)
    assert judgement.ordering_energies[0].largest_error_meV_per_atom == pytest.approx(10)
    assert outcomes[Question.ORDERING_ENERGY] == Outcome.FAILED
    assert Question.VOLUME not in outcomes


def volume(value, error):
    return MeanVolume(
        label="O", temperature_K=300, run_id="npt", volume_A3_per_atom=estimate(value, error), lengths_A=(6, 11, 6),
        angles_degrees=(90, 109, 90),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("value", "error", "outcome"),
    [(20.2, 0.05, Outcome.PASSED), (22.0, 0.05, Outcome.FAILED), (20.4, 0.3, Outcome.UNKNOWN)],
)
def test_volumes_at_constant_pressure_are_compared(value, error, outcome):
    outcomes, _ = judged({"volumes": [volume(20.0, 0.02)]}, {"volumes": [volume(value, error)]})
    assert outcomes[Question.NPT_VOLUME] == outcome


def blocks_at(peak_A, random, width_A=0.2, noise=0.02):
    r = np.arange(0.025, 5, 0.05)
    g = np.exp(-0.5 * ((r - peak_A) / width_A) ** 2)
    return Structure(
        {("Li", "Cl"): r}, {("Li", "Cl"): np.abs(g + random.normal(scale=noise * g, size=(5, len(r))))},
        ["a", "b"], np.array([0.7, 0.3]) + np.outer(random.normal(scale=0.02, size=5), [1, -1]),
    )  # fmt: skip


@pytest.mark.parametrize(("peak_A", "outcome"), [(2.5, Outcome.PASSED), (3.0, Outcome.FAILED)])
def test_distances_between_ions_are_compared_and_kept(peak_A, outcome):
    one, other = runs_of(1000, temperatures_K=(700.0,)), runs_of(1001, temperatures_K=(700.0,))
    random = np.random.default_rng(0)
    structures = {one[0].run_id: blocks_at(2.5, random)}, {other[0].run_id: blocks_at(peak_A, random)}
    outcomes, judgement = judged(
        {"runs": one, "structures": structures[0]}, {"runs": other, "structures": structures[1]}
    )
    assert outcomes[Question.RADIAL_DISTRIBUTION] == outcome
    assert outcomes[Question.OCCUPATION] == Outcome.PASSED
    assert judgement.distances[0].species == ("Li", "Cl")


def test_structure_of_runs_that_stand_where_they_started_decides_nothing():
    one = runs_of(1000, temperatures_K=(700.0,), qualities={700.0: POOR})
    other, random = runs_of(1001, temperatures_K=(700.0,)), np.random.default_rng(0)
    outcomes, _ = judged(
        {"runs": one, "structures": {one[0].run_id: blocks_at(2.5, random)}},
        {"runs": other, "structures": {other[0].run_id: blocks_at(2.5, random)}},
    )
    assert outcomes[Question.RADIAL_DISTRIBUTION] == outcomes[Question.OCCUPATION] == Outcome.UNKNOWN


def test_thresholds_that_are_left_out_are_no_part_of_the_verdict_and_said_to_be():
    wide = ValidationThresholds(activation_energy_eV=None, volume=None)
    outcomes, judgement = judged(
        {"runs": runs_of(1000), "cells": [cell("O", -3.0)]},
        {"runs": runs_of(1001), "cells": [cell("O", -3.0, volume=30.0)]},
        wide,
    )
    assert judgement.outcome == Outcome.PASSED
    assert Question.VOLUME not in outcomes
    assert "relaxed volume: left out by the thresholds" in judgement.not_examined


def test_the_document_holds_all_side_by_side_and_comes_back():
    reference = evidence("reference", runs_of(1000), [cell("O", -3.0)], [volume(20.0, 0.02)])
    tuned = evidence("tuned", runs_of(1001), [cell("O", -3.1)], [volume(20.1, 0.02)])
    raw = evidence("pretrained", runs_of(1002, prefactor=1e-2), [cell("O", -3.1, volume=23)], [])
    request = ValidationRequest(
        study="s", thresholds=USUAL, reference=reference.subject, candidates=[tuned.subject, raw.subject],
        provenance=Provenance(),
    )  # fmt: skip
    document = validation(request, reference, [tuned, raw], Provenance())
    assert [judgement.outcome for judgement in document.judgements] == [Outcome.PASSED, Outcome.FAILED]
    assert [member.name for member in document.candidates] == ["tuned", "pretrained"]
    assert len(document.reference.runs) == len(document.candidates[0].runs) == 5
    assert document.candidates[0].lines[0].activation_energy_eV.value == pytest.approx(0.3, abs=0.05)
    assert document.reference.lines[0].activation_energy_eV.value == pytest.approx(0.3, abs=0.05)
    again = ValidationDocument.from_stored(document.model_dump(mode="json"))
    assert again == document
