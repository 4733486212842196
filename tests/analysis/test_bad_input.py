"""What cannot be analysed is refused with one clear sentence, or gets a verdict; never a bare number."""

import numpy as np
import pytest

from superionic.analysis import arrhenius, diffusivity
from superionic.analysis.distributions.displacement import mean_squared_displacement
from superionic.analysis.distributions.displacement_distribution import non_gaussian_parameter, van_hove_self
from superionic.analysis.spectral.blocks import squared_displacement_series
from superionic.documents import AnalysisSettings, Verdict
from superionic.errors import InputError
from superionic.trajectories.trajectory import from_arrays


def walk(rng, n_frames=200, n_ions=6):
    return np.cumsum(rng.normal(size=(n_frames, n_ions, 3)), axis=0) * 0.3 + 100


def test_one_frame(rng):
    with pytest.raises(InputError, match="1 frame"):
        from_arrays(walk(rng, 1), np.eye(3) * 300, ["Li"] * 6, 0.1, 700, "Li")


def test_few_frames(rng):
    with pytest.raises(InputError, match="5 analysed frames"):
        diffusivity(from_arrays(walk(rng, 5), np.eye(3) * 300, ["Li"] * 6, 0.1, 700, "Li"))


def test_no_mobile_ion(rng):
    with pytest.raises(InputError, match="mobile_species = 'Na'"):
        from_arrays(walk(rng), np.eye(3) * 300, ["Li"] * 6, 0.1, 700, "Na")


def test_not_a_number(rng):
    positions = walk(rng)
    positions[7, 3, 2] = np.inf
    with pytest.raises(InputError, match="frame 7"):
        from_arrays(positions, np.eye(3) * 300, ["Li"] * 6, 0.1, 700, "Li")


@pytest.mark.parametrize("temperature", [0.0, -3.0, np.nan, None])
def test_no_temperature(rng, temperature):
    with pytest.raises(InputError, match=r"temperature_K = .* is not positive"):
        from_arrays(walk(rng), np.eye(3) * 300, ["Li"] * 6, 0.1, temperature, "Li")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("equilibration_ps", -5.0),
        ("equilibration_ps", np.nan),
        ("mobile_charge_e", 0.0),
        ("temperatures_K", [700.0] * 199 + [np.nan]),
    ],
)
def test_values_that_no_run_has(rng, name, value):
    with pytest.raises(InputError, match=name):
        from_arrays(walk(rng), np.eye(3) * 300, ["Li"] * 6, 0.1, 700, "Li", **{name: value})


def test_wrapped(rng):
    run = from_arrays(walk(rng) % 10, np.eye(3) * 10, ["Li"] * 6, 0.1, 700, "Li")
    with pytest.raises(InputError, match="wrapped"):
        diffusivity(run)


def test_ions_that_never_move(rng):
    still = np.broadcast_to(rng.uniform(size=(1, 6, 3)), (300, 6, 3)) * 9
    run = from_arrays(still, np.eye(3) * 10, ["Li"] * 6, 0.1, 700, "Li")
    document = diffusivity(run)
    assert document.quality.verdict == Verdict.INSUFFICIENT
    assert document.diffusivity_cm2_per_s.value == 0.0
    assert document.diffusivity_cm2_per_s.interval_95[1] > 0
    assert arrhenius([document]).points[0].reason == "no diffusion was seen: D is an upper limit"


def test_one_ion_and_a_short_run(rng):
    document = diffusivity(from_arrays(walk(rng, 20, 1), np.eye(3) * 300, ["Li"], 0.1, 700, "Li"))
    assert document.quality.verdict == Verdict.INSUFFICIENT
    estimate = document.diffusivity_cm2_per_s
    assert estimate.standard_error > 0.2 * estimate.value


@pytest.mark.parametrize("n_frames", [11, 23, 64, 150])
def test_short_runs_of_any_length_go_through(make_run, layered_host, n_frames):
    document = diffusivity(make_run(n_frames=n_frames, interval_ps=0.02)[0], layered_host)
    assert document.quality.verdict == Verdict.INSUFFICIENT
    assert document.sites.captured > 0.9


def test_a_run_that_does_not_fit_the_host_keeps_its_diffusivity(make_run, layered_host):
    run, _ = make_run(n_frames=500)
    other = from_arrays(run.positions_A * 1.4, run.cell_A * 1.4, run.species, 0.1, 700.0, "Li")
    document = diffusivity(other, layered_host)
    assert document.sites is None
    assert any("is not that of host layered" in reason for reason in document.quality.reasons)


@pytest.mark.parametrize("lag", [200, 5000])
def test_lags_longer_than_the_run(rng, lag):
    positions = walk(rng)
    for call in (
        lambda: mean_squared_displacement(positions, [lag]),
        lambda: non_gaussian_parameter(positions, [lag]),
        lambda: van_hove_self(positions, [lag], np.linspace(0, 1, 3)),
        lambda: squared_displacement_series(positions, lag),
    ):
        with pytest.raises(InputError, match=f"lag = {lag} frames is not within a run of 200 frames"):
            call()


def test_overlapping_radii(make_run, layered_host):
    with pytest.raises(InputError, match="radii_A add up"):
        diffusivity(make_run(n_frames=100)[0], layered_host, AnalysisSettings(radii_A=dict.fromkeys("PQRST", 2.0)))
