"""The whole way from walks at several temperatures to Ea and sigma at 300 K, with intervals that hold."""

import numpy as np
import pytest

from superionic.analysis import arrhenius, diffusivity
from superionic.analysis.conductivity import nernst_einstein_mS_per_cm
from superionic.analysis.spectral.diffusion import estimate_diffusion
from superionic.analysis.synthetic import simulate
from superionic.analysis.temperature.arrhenius import fit_arrhenius
from superionic.analysis.units import BOLTZMANN_EV_PER_K
from superionic.documents import ArrheniusDocument

ENERGY_EV = 0.3
TEMPERATURES_K = [700.0, 775.0, 850.0, 925.0, 1000.0]
FIRST_SCALE = 0.03
FIRST_SEED = 1000
"""Seeds below were used to tune the estimator."""


def scale_at(temperature_K):
    return FIRST_SCALE * np.exp(-ENERGY_EV / BOLTZMANN_EV_PER_K * (1 / temperature_K - 1 / TEMPERATURES_K[0]))


@pytest.mark.parametrize(
    ("n_ions", "n_frames", "seeds"),
    [
        (24, 2000, 25),
        pytest.param(24, 2000, 200, marks=pytest.mark.slow),
        pytest.param(48, 2000, 200, marks=pytest.mark.slow),
    ],
)
def test_activation_energy_and_conductivity_at_300_K_are_covered(layered_model, n_ions, n_frames, seeds):
    """48 ions x 1 ns are sampled every 0.5 ps."""
    interval = 0.1 if n_ions == 24 else 0.5
    truth_300 = np.trace(layered_model(scale_at(300.0)).diffusion_tensor()) / 3
    models = [layered_model(scale_at(t)) for t in TEMPERATURES_K]
    covered = np.zeros((2, 2))
    energies = []
    for seed in range(FIRST_SEED, FIRST_SEED + seeds):
        rng = np.random.default_rng(seed)
        runs = [simulate(model, n_ions, n_frames, interval, rng, supercell=(2, 1, 2)) for model in models]
        fit = fit_arrhenius(TEMPERATURES_K, [estimate_diffusion(r.positions_A, interval).isotropic() for r in runs])
        energies.append(fit.activation_energy().value)
        for row, (estimate, truth) in enumerate(
            ((fit.activation_energy(), ENERGY_EV), (fit.diffusivity(300.0), truth_300))
        ):
            for column, (low, high) in enumerate((estimate.interval_68, estimate.interval_95)):
                covered[row, column] += low <= truth <= high
    covered /= seeds
    noise = (1 if seeds >= 200 else 3) / np.sqrt(seeds)  # the bare limits are for `superionic bench calibration`
    assert abs(np.mean(energies) - ENERGY_EV) < 4 * np.std(energies) / np.sqrt(seeds)
    np.testing.assert_allclose(covered[:, 0], 0.68, atol=0.07 + 0.47 * noise)
    np.testing.assert_allclose(covered[:, 1], 0.95, atol=0.03 + 0.22 * noise)


@pytest.fixture
def document(make_run, layered_host):
    runs = [make_run(scale=scale_at(t), temperature_K=t, seed=n)[0] for n, t in enumerate(TEMPERATURES_K)]
    return arrhenius([diffusivity(run, layered_host) for run in runs])


def test_every_part_of_the_motion_has_its_line(document):
    lines = {line.quantity: line for line in document.lines}
    assert set(lines) == {
        "axis a", "axis b", "axis c", "jumps", "jumps: lower", "jumps: upper", "jumps: cross-layer",
        "conductivity x T", "collective conductivity x T",
    }  # fmt: skip
    for line in lines.values():
        low, high = line.activation_energy_eV.interval_95
        width = high - low
        assert low - 0.5 * width < ENERGY_EV < high + 0.5 * width, line.quantity


def test_conductivity_line_and_diffusivity_agree(document):
    line = next(line for line in document.lines if line.quantity == "conductivity x T")
    assert line.activation_energy_eV.value == pytest.approx(document.activation_energy_eV.value, rel=1e-6)
    assert line.extrapolations[0].value.value == pytest.approx(
        document.extrapolations[0].conductivity_mS_per_cm.value, rel=1e-6
    )


def test_a_category_without_jumps_has_no_line(make_run, layered_host):
    documents = [
        diffusivity(make_run(scale=1e-7, temperature_K=t, n_frames=400)[0], layered_host) for t in (600.0, 700.0)
    ]
    fit = arrhenius(documents)
    line = next(line for line in fit.lines if line.quantity == "jumps: lower")
    assert line.activation_energy_eV is None
    assert line.reason


def test_poor_runs_at_close_temperatures_give_no_extrapolation_and_no_exception(make_run, layered_host):
    documents = [
        diffusivity(make_run(scale=0.05, temperature_K=t, n_frames=300, seed=n)[0], layered_host)
        for n, t in enumerate((700.0, 700.1))
    ]
    fit = arrhenius(documents)
    assert fit.extrapolations[0].diffusivity_cm2_per_s is None
    assert fit.extrapolations[0].conductivity_mS_per_cm is None
    check = next(check for check in fit.quality.checks if check.name == "extrapolation")
    assert not check.passed
    assert "30 orders of magnitude" in check.reason
    assert "30 orders of magnitude" in next(x.reason for x in fit.lines if x.quantity == "conductivity x T")
    assert ArrheniusDocument.from_stored(fit.model_dump(mode="json")) == fit


def test_nernst_einstein_of_a_known_case():
    """1e-6 cm^2/s, 1e22 ions per cm^3, 300 K: n e^2 D / kT = 62 mS/cm."""
    assert nernst_einstein_mS_per_cm(1.0, 10, 1000.0, 300.0) * 1e-6 == pytest.approx(61.97, rel=1e-3)
