"""Mean squared displacement against the definition, and the frames that may enter it."""

import numpy as np
import pytest

from superionic.analysis.distributions.displacement import mean_squared_displacement
from superionic.analysis.motion import analysed_positions
from superionic.errors import InputError
from superionic.trajectories.trajectory import from_arrays


def by_definition(positions, lag):
    step = positions[lag:] - positions[: len(positions) - lag]
    return np.einsum("tia,tib->ab", step, step) / (step.shape[0] * step.shape[1])


@pytest.fixture
def walk(rng):
    return np.cumsum(rng.normal(size=(157, 7, 3)) @ rng.normal(size=(3, 3)), axis=0)


def test_equals_the_definition_at_every_lag(walk):
    msd = mean_squared_displacement(walk)
    assert msd.shape == (157, 3, 3)
    for lag in (0, 1, 2, 50, 155, 156):
        np.testing.assert_allclose(msd[lag], by_definition(walk, lag), rtol=1e-9, atol=1e-9)


def test_short_lags_survive_far_travel():
    """Ballistic flight far from the origin: float32 sums would lose lag 1."""
    flight = np.arange(20000.0)[:, None, None] * np.array([1.0, 0.5, 0.0]) * 0.05 + 1e4
    msd = mean_squared_displacement(flight)
    assert np.trace(msd[1]) == pytest.approx(0.0025 * 1.25, rel=1e-6)


def test_lag_longer_than_the_run_is_refused(walk):
    with pytest.raises(InputError, match="lag = 157"):
        mean_squared_displacement(walk, [3, 157])


def test_framework_drift_is_removed(rng):
    walk = np.cumsum(rng.normal(size=(300, 10, 3)), axis=0)
    drift = np.cumsum(rng.normal(size=(300, 1, 3)), axis=0)
    frame = np.broadcast_to(rng.uniform(size=(1, 30, 3)), (300, 30, 3))
    species = ["Li"] * 10 + ["Cl"] * 30

    def make(shift):
        positions = np.concatenate([walk, frame], axis=1) + shift
        return from_arrays(positions, np.eye(3) * 1000, species, 1.0, 300, "Li")

    still, moving = (analysed_positions(run, run.mobile) for run in (make(0 * drift), make(drift)))
    np.testing.assert_allclose(still, moving - moving[0] + still[0], atol=1e-9)


def test_breathing_cell_is_not_diffusion(rng):
    cells = np.eye(3) * 10 * (1 + 0.02 * rng.normal(size=(400, 1, 1)))
    frac = rng.uniform(size=(1, 20, 3)) + 3.0
    run = from_arrays(frac @ cells, cells, ["Li"] * 20, 1.0, 300, "Li")
    positions = analysed_positions(run, run.mobile)
    assert np.trace(mean_squared_displacement(positions)[-1]) == pytest.approx(0.0, abs=1e-9)


def test_equilibration_is_left_out_and_must_leave_something(walk):
    run = from_arrays(walk, np.eye(3) * 50, ["Li"] * 7, 0.1, 300, "Li", equilibration_ps=2.0)
    np.testing.assert_allclose(analysed_positions(run, run.mobile), walk[20:])
    run = from_arrays(walk, np.eye(3) * 50, ["Li"] * 7, 0.1, 300, "Li", equilibration_ps=15.6)
    with pytest.raises(InputError, match="leaves 1 of 157 frames"):
        analysed_positions(run, run.mobile)


def test_wrapped_positions_are_refused(walk):
    run = from_arrays(walk % 10.0, np.eye(3) * 10, ["Li"] * 7, 0.1, 300, "Li")
    with pytest.raises(InputError, match="wrapped"):
        analysed_positions(run, run.mobile)


def test_not_a_number_is_refused(walk):
    run = from_arrays(walk, np.eye(3) * 50, ["Li"] * 7, 0.1, 300, "Li")
    run.positions_A[40, 2, 1] = np.nan
    with pytest.raises(InputError, match="frame 40"):
        analysed_positions(run, run.mobile)
