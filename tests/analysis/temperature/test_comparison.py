"""Differences of known truth: false alarms as often as stated, real differences found, nothing compared silently."""

import numpy as np
import pytest

from comparable import (
    MOLTEN,
    POOR,
    TEMPERATURES_K,
    estimate,
    group,
    identity_of,
    true_diffusivity,
)
from superionic.analysis import comparison
from superionic.analysis.spectral.diffusion import estimate_diffusion
from superionic.analysis.synthetic import simulate
from superionic.analysis.temperature.arrhenius import fit_arrhenius
from superionic.analysis.temperature.differences import holm_correction, pooled_log_diffusivity
from superionic.analysis.temperature.families import ORDERINGS, POTENTIALS
from superionic.analysis.temperature.posterior import Posterior
from superionic.analysis.units import BOLTZMANN_EV_PER_K
from superionic.documents import ComparisonDocument, Verdict
from superionic.errors import InputError

ORDERED, DISORDERED = {"ordering_class": "ordered"}, {"ordering_class": "disordered", "formula": "Li3Cl3"}


def counted(rng, truth, hops):
    """An estimate of `truth` from a count of about `hops`."""
    number = max(int(rng.poisson(hops)), 1)
    return estimate(truth * number / hops, truth * np.sqrt(number) / hops)


def false_alarms(p_values, level=0.05):
    """Share below `level`, and three standard deviations of it."""
    return np.mean(np.array(p_values) < level), 3 * np.sqrt(level * (1 - level) / len(p_values))


@pytest.mark.parametrize("hops", [(60, 60), (400, 25), (40, 40)])
def test_equal_diffusivities_at_one_temperature_differ_in_five_per_cent(hops):
    rng = np.random.default_rng(1)
    p_values = []
    for _ in range(800):
        one, two = (pooled_log_diffusivity([counted(rng, 1e-5, number)]) for number in hops)
        p_values.append(one.minus(two).significance()[1])
    share, spread = false_alarms(p_values)
    assert abs(share - 0.05) < spread + 0.005


def energy_and_extrapolation(rng, energy_eV, hops):
    values = [counted(rng, true_diffusivity(t, energy_eV), hops) for t in TEMPERATURES_K]
    fit = fit_arrhenius(TEMPERATURES_K, values)
    points = fit.activation_energy_eV, fit.log_diffusivity(300.0)
    return [Posterior.of_points(some, fit.weight) for some in points]


@pytest.mark.parametrize(("n_pairs"), [100, pytest.param(1000, marks=pytest.mark.slow)])
def test_equal_activation_energies_and_extrapolations_differ_in_five_per_cent(n_pairs):
    rng = np.random.default_rng(2)
    p_values = []
    for _ in range(n_pairs):
        one, two = energy_and_extrapolation(rng, 0.3, 100), energy_and_extrapolation(rng, 0.3, 40)
        p_values.append([a.minus(b).significance()[1] for a, b in zip(one, two, strict=True)])
    for some in np.transpose(p_values):
        share, spread = false_alarms(some)
        assert abs(share - 0.05) < spread + 0.01


@pytest.mark.parametrize(("n_pairs"), [25, pytest.param(300, marks=pytest.mark.slow)])
def test_walks_of_one_model_are_told_apart_in_five_per_cent_and_those_of_another_more_often(layered_model, n_pairs):
    """The whole way from positions: 24 ions, 200 ps; twice the rates are a difference, the same ones are none."""
    rng = np.random.default_rng(10)

    def measured(scale):
        walk = simulate(layered_model(scale), 24, 2000, 0.1, rng, supercell=(2, 1, 2))
        return pooled_log_diffusivity([estimate_diffusion(walk.positions_A, 0.1).isotropic()])

    pairs = [(measured(0.1), measured(0.1), measured(0.2)) for _ in range(n_pairs)]
    same = [one.minus(two).significance()[1] for one, two, _ in pairs]
    double = [faster.minus(one) for one, _, faster in pairs]
    share, spread = false_alarms(same)
    assert share < 0.05 + spread + 0.02
    assert np.mean([d.significance()[1] < 0.05 for d in double]) > 0.5
    assert np.mean([d.estimate().value for d in double]) == pytest.approx(np.log(2), abs=0.5 / np.sqrt(n_pairs) + 0.03)


def test_of_several_equal_orderings_one_is_called_different_in_at_most_five_per_cent():
    """Without the correction it is one in five."""
    rng = np.random.default_rng(3)
    alone, together = [], []
    for _ in range(400):
        reference, *others = (pooled_log_diffusivity([counted(rng, 1e-5, 80)]) for _ in range(7))
        p_values = [other.minus(reference).significance()[1] for other in others]
        alone.append(min(p_values))
        together.append(min(holm_correction(p_values)))
    assert false_alarms(alone)[0] > 0.12
    share, spread = false_alarms(together)
    assert 0.01 < share < 0.05 + spread


def test_holm_by_hand():
    assert holm_correction([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm_correction([0.9, 0.8]) == [1.0, 1.0]
    assert holm_correction([]) == []


def test_runs_at_one_temperature_add_up_and_their_excess_scatter_counts():
    single = pooled_log_diffusivity([estimate(2e-5, 2e-6)]).estimate()
    four = pooled_log_diffusivity([estimate(2e-5, 2e-6)] * 4).estimate()
    assert four.value == pytest.approx(np.log(2e-5), abs=0.01)
    assert four.standard_error == pytest.approx(single.standard_error / 2, rel=0.02)
    apart = pooled_log_diffusivity([estimate(1e-5, 1e-6), estimate(4e-5, 4e-6)]).estimate()
    assert apart.standard_error > 0.5


@pytest.fixture(scope="module")
def compared():
    """ELC as O; EHC 0.1 eV higher, a tenth of D at 850 K; OLC at 700 K only; OHC molten at 1000 K, poor at 700 K."""
    rng = np.random.default_rng(4)
    slower = 0.1 * np.exp(0.1 / BOLTZMANN_EV_PER_K / 850.0) * 1e-3
    groups = [
        group(identity_of("O", **ORDERED), rng, hops=2000),
        group(identity_of("ELC", **DISORDERED), rng, hops=2000),
        group(identity_of("EHC", **DISORDERED), rng, hops=2000, energy_eV=0.4, prefactor=slower),
        group(identity_of("OLC", **DISORDERED), rng, hops=2000, temperatures_K=[700.0]),
        group(identity_of("OHC", **DISORDERED), rng, hops=2000, qualities={1000.0: MOLTEN, 700.0: POOR}),
    ]
    return groups, comparison(groups)


def found(document, of, minus, quantity, temperature_K=None):
    wanted = [
        d
        for d in (*document.differences, *document.class_differences)
        if (d.of, d.minus, d.quantity) == (of, minus, quantity) and temperature_K in {None, d.temperature_K}
    ]
    assert len(wanted) == 1, wanted
    return wanted[0]


def test_a_real_difference_is_found_and_an_equal_ordering_is_not_called_different(compared):
    _, document = compared
    assert document.reference == "O"
    for quantity, truth, temperature in (
        ("activation energy", 0.1, None),
        ("mean ln D", None, None),
        ("ln D", np.log(0.1), 850.0),
        ("extrapolated ln D", np.log(0.1) - 0.1 / BOLTZMANN_EV_PER_K * (1 / 300 - 1 / 850), 300.0),
    ):
        real = found(document, "EHC", "O", quantity, temperature)
        assert real.against_reference
        assert real.significant
        assert abs(real.z) > 4
        if truth is not None:
            assert abs(real.difference.value - truth) < 3 * real.difference.standard_error
        assert not found(document, "ELC", "O", quantity, temperature).significant
    sigma = found(document, "EHC", "O", "extrapolated ln sigma")
    assert sigma.difference.value == pytest.approx(found(document, "EHC", "O", "extrapolated ln D").difference.value)


def test_significance_is_that_after_the_correction(compared):
    _, document = compared
    everything = [*document.differences, *document.class_differences]
    assert all(d.significant == (d.p_holm < document.significance_level) for d in everything)
    assert all(d.p_value <= d.p_holm <= min(1.0, d.p_value * d.n_compared + 1e-12) for d in everything)
    assert any(d.p_value < document.significance_level < d.p_holm for d in everything)  # one that the correction stops


def test_fewer_ions_are_fewer_carriers():
    rng = np.random.default_rng(5)
    (one, runs), (two, others) = (group(identity_of(name), rng) for name in ("O", "HE4"))
    halved = [run.model_copy(update={"n_mobile_ions": 12}) for run in others]
    document = comparison([(one, runs), (two, halved)], reference="O")
    by_sigma, by_d = (found(document, "HE4", "O", f"extrapolated ln {name}") for name in ("sigma", "D"))
    assert by_sigma.difference.value - by_d.difference.value == pytest.approx(np.log(0.5), abs=1e-6)


def test_axes_are_compared_too(compared):
    _, document = compared
    axis = found(document, "EHC", "O", "activation energy: axis b")
    assert axis.difference.value == pytest.approx(0.1, abs=0.03)
    assert axis.n_compared == 3 * 3  # three axes of the three members with a fit


def test_a_group_with_one_temperature_is_compared_there_and_named_for_the_rest(compared):
    _, document = compared
    assert {d.quantity for d in document.differences if d.of == "OLC" and d.minus == "O"} == {"ln D"}
    (member,) = [member for member in document.members if member.name == "OLC"]
    assert member.temperatures_K == [700.0]
    assert member.verdict == Verdict.UNUSABLE
    assert "temperature" in " ".join(member.left_out)


def test_poor_statistics_are_flagged_and_molten_runs_are_left_out_by_name(compared):
    _, document = compared
    assert not found(document, "OHC", "O", "ln D", 700.0).sufficient
    assert not found(document, "OHC", "O", "mean ln D").sufficient
    assert found(document, "OHC", "O", "ln D", 850.0).sufficient
    assert found(document, "ELC", "O", "activation energy").sufficient
    assert not [d for d in document.differences if "OHC" in {d.of, d.minus} and d.temperature_K == 1000.0]
    (member,) = [member for member in document.members if member.name == "OHC"]
    assert member.left_out == ["1000 K: the framework melted"]
    assert "OHC: 1000 K: the framework melted" in " ".join(document.quality.reasons)
    assert document.quality.verdict == Verdict.INSUFFICIENT


def test_classes_of_ordering_are_compared_by_their_means(compared):
    _, document = compared
    assert [mean.name for mean in document.classes] == ["ordered (O)", "disordered (mean of 4)"]
    assert sorted(document.classes[1].members) == ["EHC", "ELC", "OHC", "OLC"]
    difference = found(document, "disordered (mean of 4)", "ordered (O)", "ln D", 700.0)  # the one that all four have
    each = [found(document, name, "O", "ln D", 700.0).difference.value for name in ("EHC", "ELC", "OHC", "OLC")]
    assert difference.difference.value == pytest.approx(np.mean(each), abs=0.01)


def test_what_is_not_in_the_errors_is_said(compared):
    groups, document = compared
    said = " ".join(document.caveats)
    assert "CHGNet 0.3.0" in said
    assert "Nernst-Einstein" in said
    assert "volume" not in said
    larger = [(fit, [run.model_copy(update={"volume_A3": 3200.0}) for run in runs]) for fit, runs in groups[:1]]
    said = " ".join(comparison(larger + groups[1:2]).caveats)
    assert "volume (1600 to 3200" in said


def test_the_order_of_the_groups_does_not_matter_and_a_difference_turned_round_is_its_negative(compared):
    groups, document = compared
    again = comparison(groups[::-1])
    assert again.differences == document.differences
    assert again.comparison == document.comparison
    turned = comparison(groups, reference="EHC")
    for quantity in ("activation energy", "mean ln D", "extrapolated ln sigma", "activation energy: axis a"):
        there, back = found(document, "EHC", "O", quantity), found(turned, "O", "EHC", quantity)
        assert back.difference.value == pytest.approx(-there.difference.value, abs=1e-9)
        assert back.difference.interval_95 == pytest.approx([-end for end in there.difference.interval_95[::-1]])
        assert (back.z, back.p_value) == pytest.approx((-there.z, there.p_value), abs=1e-9)


def test_potentials_on_one_ordering_are_compared_with_the_first_principles_one():
    rng = np.random.default_rng(6)
    groups = [
        group(identity_of("O", "0.3.0", origin="pretrained"), rng, prefactor=3e-3, hops=1000),
        group(identity_of("O", "/far/away/tuned.pth.tar", origin="fine-tuned", study="later"), rng, hops=1000),
        group(identity_of("O", "PBEsol", origin="first principles", engine="vasp"), rng, hops=1000),
    ]
    document = comparison(groups, POTENTIALS)
    assert {member.name for member in document.members} >= {document.reference}
    assert "PBEsol" in document.reference
    assert document.shared["label"] == "O"
    assert {"engine", "potential.model", "potential.origin", "study"} <= set(document.varies)
    by_name = {d.of: d for d in document.differences if d.quantity == "mean ln D" and d.against_reference}
    pretrained, tuned = (next(d for name, d in by_name.items() if word in name) for word in ("0.3.0", "tuned"))
    assert pretrained.significant
    assert pretrained.difference.value == pytest.approx(np.log(3), abs=0.1)
    assert not tuned.significant
    assert document.classes == []


def test_without_one_reference_all_pairs_are_compared():
    rng = np.random.default_rng(7)
    groups = [group(identity_of(name), rng) for name in "ABC"]
    document = comparison(groups)
    assert document.reference is None
    energies = [d for d in document.differences if d.quantity == "activation energy"]
    assert [(d.of, d.minus, d.n_compared) for d in energies] == [("B", "A", 3), ("C", "A", 3), ("C", "B", 3)]


def test_nothing_in_common_is_a_verdict_and_bad_input_an_error():
    rng = np.random.default_rng(8)
    apart = [group(identity_of("A"), rng, temperatures_K=[700.0]), group(identity_of("B"), rng, temperatures_K=[900.0])]
    document = comparison(apart)
    assert document.differences == []
    assert document.quality.verdict == Verdict.UNUSABLE
    with pytest.raises(InputError, match="at least two"):
        comparison(apart[:1])
    with pytest.raises(InputError, match="none of the groups"):
        comparison(apart, reference="C")


def test_groups_of_one_label_keep_apart():
    rng = np.random.default_rng(9)
    (one, runs), (two, others) = (group(identity_of("O", tags=[tag]), rng) for tag in ("a", "b"))
    keyed = [(one.model_copy(update={"group": "O / 12"}), runs), (two.model_copy(update={"group": "O / 34"}), others)]
    assert [member.name for member in comparison(keyed).members] == ["(12)", "(34)"]
    assert ORDERINGS.key(one.identity) == ORDERINGS.key(two.identity)


def test_the_document_comes_back(compared):
    _, document = compared
    assert ComparisonDocument.from_stored(document.model_dump(mode="json")) == document
