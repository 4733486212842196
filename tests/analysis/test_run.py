"""The whole call, from arrays to documents."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from superionic.analysis import arrhenius, diffusivity
from superionic.documents import AnalysisSettings, ArrheniusDocument, DiffusivityDocument, Verdict
from superionic.errors import InputError
from superionic.trajectories.trajectory import from_arrays


def failed(document):
    return {check.name for check in document.quality.checks if not check.passed}


def test_good_run(make_run, layered_model):
    document = diffusivity(make_run()[0])
    truth = np.trace(layered_model(0.1).diffusion_tensor()) / 3 * 1e-4
    estimate = document.diffusivity_cm2_per_s
    assert abs(estimate.value - truth) < 3 * estimate.standard_error
    assert document.quality.verdict == Verdict.SUFFICIENT
    assert document.framework_state == "intact"
    assert DiffusivityDocument.from_stored(document.model_dump(mode="json")) == document


def test_conductivity_is_nernst_einstein(make_run):
    document = diffusivity(make_run()[0])
    charge, boltzmann = 1.602176634e-19, 1.380649e-23
    density = 24 / (document.volume_A3 * 1e-30)
    expected = density * charge**2 * document.diffusivity_cm2_per_s.value * 1e-4 / (boltzmann * 700) * 10
    assert document.conductivity_mS_per_cm.value == pytest.approx(expected, rel=1e-9)


def test_all_numbers_are_the_same_in_another_frame(make_run):
    run, _ = make_run()
    before = diffusivity(run)
    rng = np.random.default_rng(1)
    turn, order = Rotation.random(rng=rng).as_matrix(), rng.permutation(80)
    moved = from_arrays(
        (run.positions_A[:, order] + 5.0) @ turn,
        run.cell_A @ turn,
        [run.species[i] for i in order],
        0.1,
        700.0,
        "Li",
        temperatures_K=run.temperatures_K,
    )
    after = diffusivity(moved)
    for name in ("diffusivity_cm2_per_s", "conductivity_mS_per_cm"):
        one, other = getattr(before, name), getattr(after, name)
        np.testing.assert_allclose([one.value, *one.interval_95], [other.value, *other.interval_95], rtol=1e-6)
    for axis in "abc":
        one, other = (d.diffusivity_along_cell_cm2_per_s[axis] for d in (before, after))
        np.testing.assert_allclose([one.value, one.standard_error], [other.value, other.standard_error], rtol=1e-6)
    np.testing.assert_allclose(before.msd.msd_A2, after.msd.msd_A2, rtol=1e-6)
    assert before.framework_msd_A2 == pytest.approx(after.framework_msd_A2, rel=1e-6)


def test_short_run_says_that_it_is_insufficient(make_run):
    document = diffusivity(make_run(scale=0.01, n_frames=60)[0])
    assert document.quality.verdict == Verdict.INSUFFICIENT
    assert "hops per ion" in failed(document)
    truth = 1.7e-6
    assert document.diffusivity_cm2_per_s.interval_95[1] > truth


def test_few_hops_in_all_are_insufficient_whatever_the_scatter_between_ions_says(make_run):
    """10 ps of 24 fast ions: some 80 effective hops."""
    for seed in range(5):
        document = diffusivity(make_run(scale=0.25, n_frames=200, interval_ps=0.05, seed=seed)[0])
        assert 25 < document.hops_per_ion * 24 < 122
        check = next(c for c in document.quality.checks if c.name == "relative error by hop count")
        assert check.value == document.relative_error_by_hop_count > 0.35
        assert not check.passed
        assert document.quality.verdict == Verdict.INSUFFICIENT


def melted(frame, rng):
    return frame + np.cumsum(0.12 * rng.normal(size=frame.shape), axis=0)


def one_cation_hops(frame, rng):
    frame = frame.copy()
    frame[1000:, 0] += np.array([3.7, 0, 0])
    return frame


def test_molten_run_is_unusable_and_stays_out_of_the_fit(make_run):
    document = diffusivity(make_run(framework=melted)[0])
    assert document.framework_state == "melted"
    assert document.quality.verdict == Verdict.UNUSABLE
    assert document.framework_rdf_change > 3 * diffusivity(make_run()[0]).framework_rdf_change
    others = [diffusivity(make_run(scale=s, temperature_K=t, seed=1)[0]) for s, t in ((0.1, 700.0), (0.3, 900.0))]
    fit = arrhenius([document, *others])
    assert fit.n_points == 2
    assert "melted" in fit.points[0].reason


def test_a_hopping_cation_is_told_from_a_melt(make_run):
    document = diffusivity(make_run(framework=one_cation_hops)[0])
    assert document.framework_state == "hopping"
    assert "1 In" in next(c.reason for c in document.quality.checks if c.name == "framework intact")


def test_wrong_temperature_is_found(make_run):
    run, _ = make_run()
    run.temperatures_K[:] += 60.0
    assert failed(diffusivity(run)) == {"mean temperature"}


def test_missing_temperatures_are_a_verdict_not_a_number(make_run):
    run, _ = make_run()
    plain = from_arrays(run.positions_A, run.cell_A, run.species, 0.1, 700.0, "Li")
    document = diffusivity(plain)
    assert document.mean_temperature_K is None
    assert document.quality.verdict == Verdict.INSUFFICIENT


def test_a_run_that_settles_late_is_analysed_from_there_on(make_run):
    run, _ = make_run(n_frames=4000)
    time = np.arange(run.n_frames) * run.frame_interval_ps
    noise = np.random.default_rng(0).normal(size=run.n_frames)
    before = diffusivity(replace(run, potential_energies_eV=noise))
    assert before.equilibration_ps == 0.0
    assert before.quality.verdict == Verdict.SUFFICIENT
    after = diffusivity(replace(run, potential_energies_eV=noise + 20 * np.exp(-time / 20.0)))
    assert 40.0 < after.equilibration_ps < 160.0
    assert after.analysed_length_ps == pytest.approx(before.analysed_length_ps - after.equilibration_ps)
    assert after.quality.verdict == Verdict.SUFFICIENT
    by_hand = diffusivity(replace(run, equilibration_ps=after.equilibration_ps))
    assert after.diffusivity_cm2_per_s == by_hand.diffusivity_cm2_per_s


def test_a_run_that_never_settles_is_refused_with_the_reason(make_run):
    run, _ = make_run()
    energies = np.random.default_rng(0).normal(size=run.n_frames) + np.linspace(40, 0, run.n_frames)
    document = diffusivity(replace(run, potential_energies_eV=energies))
    assert document.quality.verdict == Verdict.INSUFFICIENT
    check = next(check for check in document.quality.checks if check.name == "equilibration")
    assert not check.passed
    assert "still drifts" in check.reason


def test_arrhenius_document(make_run, layered_model):
    boltzmann, energy = 8.617333e-5, 0.3
    documents = []
    for seed, temperature in enumerate((700.0, 800.0, 900.0, 1000.0, 1100.0)):
        scale = 0.1 * np.exp(-energy / boltzmann * (1 / temperature - 1 / 700.0))
        documents.append(diffusivity(make_run(scale=scale, temperature_K=temperature, seed=seed)[0]))
    fit = arrhenius(documents)
    assert fit.n_points == 5
    assert abs(fit.activation_energy_eV.value - energy) < 3 * fit.activation_energy_eV.standard_error
    truth = np.trace(layered_model(0.1 * np.exp(-energy / boltzmann * (1 / 300 - 1 / 700))).diffusion_tensor()) / 3e4
    low, high = fit.extrapolations[0].diffusivity_cm2_per_s.interval_95
    assert low / 2 < truth < high * 2
    assert ArrheniusDocument.from_stored(fit.model_dump(mode="json")) == fit


def test_one_temperature_gives_no_line(make_run):
    fit = arrhenius([diffusivity(make_run()[0])])
    assert fit.activation_energy_eV is None
    assert fit.quality.verdict == Verdict.UNUSABLE


def test_excluded_runs_keep_their_reason(make_run):
    documents = [diffusivity(make_run(seed=s, temperature_K=600.0 + 100 * s)[0]) for s in range(3)]
    documents = [d.model_copy(update={"run_id": str(n)}) for n, d in enumerate(documents)]
    fit = arrhenius(documents, exclude={"0": "step-like MSD"})
    assert fit.points[0].excluded
    assert fit.points[0].reason == "step-like MSD"
    assert fit.n_points == 2


def test_no_document_is_refused():
    with pytest.raises(InputError, match="documents is empty"):
        arrhenius([])


def test_what_the_study_needs_is_in_the_document_of_one_call(make_run, layered_host, layered_model):
    """Items 1, 4 and 6 to 9 of the analysis, each with a value that can be checked here."""
    run, _walk = make_run()
    document = diffusivity(run, layered_host, AnalysisSettings(directions=[(1, 0, 1), (0, 1, 0)]))
    tensor = np.array(document.diffusivity_tensor_cm2_per_s)
    unit = (run.cell_A[0] + run.cell_A[2]) / np.linalg.norm(run.cell_A[0] + run.cell_A[2])
    assert document.diffusivity_along_cm2_per_s["[1 0 1]"].value == pytest.approx(unit @ tensor @ unit, rel=0.05)
    along_b = document.diffusivity_along_cell_cm2_per_s["b"]
    assert document.diffusivity_along_cm2_per_s["[0 1 0]"] == along_b
    axes = np.array(document.principal_axes)
    np.testing.assert_allclose(axes @ tensor @ axes.T, np.diag(document.principal_diffusivities_cm2_per_s), atol=1e-10)
    assert np.trace(document.msd.tensor_A2[-1]) == pytest.approx(document.msd.msd_A2[-1])
    assert document.framework_msd.keys() == {"Cl", "In"}
    assert document.framework_msd["Cl"].msd_A2[3] == pytest.approx(6 * 0.12**2, rel=0.05)
    stable = [site for site in document.sites.sites if not site.passage]
    assert all(0.5 < site.residence_time_ps < 1000 for site in stable)
    assert np.all(np.diff(document.sites.capture_share) >= 0)
    frames = document.blocks.decorrelated_frames
    apart = 2 * document.blocks.autocorrelation_time_ps / run.frame_interval_ps
    assert np.all(np.abs(np.diff(frames) - apart) <= 1)
    assert max(frames) < run.n_frames
    van_hove = document.van_hove_self
    lengths = np.sum(np.array(van_hove.density_per_A) * np.diff(van_hove.edge_A), axis=1)
    assert np.all((lengths > 0.97) & (lengths < 1 + 1e-9))
    assert [rdf.species for rdf in document.radial_distributions] == [
        ("Li", "Cl"), ("Li", "In"), ("Li", "Li"), ("Cl", "Cl"),
    ]  # fmt: skip
    assert max(document.radial_distributions[-1].g_start) > 2
    assert len(document.blocks.standard_error_A2) == len(document.blocks.block_ps)
    assert DiffusivityDocument.from_stored(document.model_dump(mode="json")) == document
