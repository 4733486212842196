"""Several mobile ions with the cross terms between them, and frameworks that are not all that is not mobile."""

from dataclasses import replace

import numpy as np
import pytest

from superionic.analysis import diffusivity
from superionic.documents import AnalysisSettings, DiffusivityDocument
from superionic.errors import InputError
from superionic.trajectories.trajectory import from_arrays

INTERVAL_PS, CELL_A = 0.05, np.eye(3) * 16.0
N_LI, N_NA, N_CL = 20, 10, 64


def two_conductors(step_li=0.30, step_na=0.15, shared=0.10, n_frames=4000, seed=4001):
    """Walks whose Li and Na share a part of every step, in a framework that vibrates."""
    rng = np.random.default_rng(seed)
    common = rng.normal(scale=shared, size=(n_frames, 1, 3))
    steps = np.concatenate(
        [
            rng.normal(scale=step_li, size=(n_frames, N_LI, 3)) + common,
            rng.normal(scale=step_na, size=(n_frames, N_NA, 3)) + common,
        ],
        axis=1,
    )
    still = 4.0 * np.indices((4, 4, 4)).reshape(3, -1).T + rng.normal(scale=0.1, size=(n_frames, N_CL, 3))
    positions = np.concatenate([np.cumsum(steps, axis=0), still], axis=1)
    species = ["Li"] * N_LI + ["Na"] * N_NA + ["Cl"] * N_CL
    run = from_arrays(positions, CELL_A, species, INTERVAL_PS, 600.0, "Li", temperatures_K=np.full(n_frames, 600.0))
    return replace(run, other_mobile_charges_e={"Na": 1.0})


def within(estimate, truth, sigmas=4):
    return abs(estimate.value - truth) < sigmas * estimate.standard_error


def test_each_mobile_ion_has_its_diffusivity_and_the_cross_terms_are_those_put_in():
    document = diffusivity(two_conductors())
    to_cm2 = 1e-4 / (2 * INTERVAL_PS)
    (sodium,) = document.other_mobile
    assert within(document.diffusivity_cm2_per_s, (0.30**2 + 0.10**2) * to_cm2)
    assert (sodium.species, sodium.n_ions) == ("Na", N_NA)
    assert within(sodium.diffusivity_cm2_per_s, (0.15**2 + 0.10**2) * to_cm2)
    assert np.trace(sodium.diffusivity_tensor_cm2_per_s) / 3 == pytest.approx(sodium.diffusivity_cm2_per_s.value)
    collective = document.collective
    row = [collective.onsager_species.index(name) for name in ("Li", "Na")]
    onsager, error = (
        np.array(values)[np.ix_(row, row)]
        for values in (collective.onsager_A2_per_ps, collective.onsager_standard_error_A2_per_ps)
    )
    n = np.array([N_LI, N_NA])
    truth = (
        (np.outer(n, n) * 0.10**2 + np.diag(n * np.array([0.30, 0.15]) ** 2)) / (2 * INTERVAL_PS) / (N_LI + N_NA + N_CL)
    )
    assert (np.abs(onsager - truth) < 4 * error).all()
    assert onsager[0, 1] > 4 * error[0, 1]
    assert set(document.framework_msd) == {"Cl"}


def test_the_conductivity_of_all_mobile_ions_holds_their_cross_terms():
    document = diffusivity(two_conductors())
    collective = document.collective
    alone = collective.conductivity_mS_per_cm.value / collective.charge_diffusivity_cm2_per_s.value
    shared = (N_LI + N_NA) ** 2 * 0.10**2
    truth = (shared + N_LI * 0.30**2 + N_NA * 0.15**2) / N_LI * 1e-4 / (2 * INTERVAL_PS)
    assert within(collective.total_conductivity_mS_per_cm, truth * alone)
    assert collective.total_conductivity_mS_per_cm.value > 1.5 * collective.conductivity_mS_per_cm.value


def test_a_charge_of_the_other_sign_takes_from_the_conductivity():
    run = two_conductors()
    same = diffusivity(run).collective.total_conductivity_mS_per_cm.value
    opposite = diffusivity(replace(run, other_mobile_charges_e={"Na": -1.0})).collective
    assert opposite.total_conductivity_mS_per_cm.value < 0.5 * same


def test_an_ion_that_is_not_named_mobile_is_of_the_framework_as_before():
    run = two_conductors()
    one = diffusivity(replace(run, other_mobile_charges_e={}))
    assert one.other_mobile == []
    assert one.collective.total_conductivity_mS_per_cm is None
    assert set(one.framework_msd) == {"Cl", "Na"}
    assert one.framework_state == "melted"
    assert diffusivity(run).framework_state == "intact"


def rotating(n_frames=3000, seed=4002):
    """Li that walks among P that vibrate; about each P an S turns freely at 2 Å, and drifts with nothing."""
    rng = np.random.default_rng(seed)
    lattice = 4.0 * np.indices((4, 4, 4)).reshape(3, -1).T
    phosphorus = lattice + rng.normal(scale=0.1, size=(n_frames, 64, 3))
    turn = np.cumsum(rng.normal(scale=0.3, size=(n_frames, 64)), axis=0)
    sulphur = phosphorus + 2.0 * np.stack([np.cos(turn), np.sin(turn), 0 * turn], axis=2)
    lithium = np.cumsum(rng.normal(scale=0.2, size=(n_frames, 20, 3)), axis=0)
    positions = np.concatenate([lithium, phosphorus, sulphur], axis=1)
    species = ["Li"] * 20 + ["P"] * 64 + ["S"] * 64
    return from_arrays(positions, CELL_A, species, INTERVAL_PS, 600.0, "Li", temperatures_K=np.full(n_frames, 600.0))


def test_anions_that_rotate_are_no_framework_that_melts():
    run = rotating()
    assert diffusivity(run).framework_state != "intact"
    document = diffusivity(run, settings=AnalysisSettings(framework=["P"]))
    assert document.framework_state == "intact"
    assert document.framework_msd_A2 == pytest.approx(6 * 0.1**2, rel=0.05)
    assert set(document.framework_msd) == {"P", "S"}
    assert DiffusivityDocument.from_stored(document.model_dump(mode="json")) == document


def test_drift_is_that_of_the_framework_named():
    """S that is carried along by a wind would give the Li a motion that they do not have."""
    run = rotating()
    wind = np.zeros_like(run.positions_A)
    wind[:, 84:] = np.cumsum(np.random.default_rng(4003).normal(scale=0.4, size=(run.n_frames, 1, 3)), axis=0)
    blown = replace(run, positions_A=run.positions_A + wind)
    settings = AnalysisSettings(framework=["P"])
    still, moved = (diffusivity(each, settings=settings).diffusivity_cm2_per_s.value for each in (run, blown))
    assert moved == pytest.approx(still, rel=1e-6)
    assert diffusivity(blown).diffusivity_cm2_per_s.value > 1.5 * still


@pytest.mark.parametrize(("framework", "reason"), [(["Se"], "none of the species"), (["P", "Li"], "is mobile")])
def test_a_framework_that_is_not_there_is_refused(framework, reason):
    with pytest.raises(InputError, match=f"framework: .* {reason}"):
        diffusivity(rotating(n_frames=50), settings=AnalysisSettings(framework=framework))
