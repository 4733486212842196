"""`bench sensitivity` really changes the constants, one at a time, and leaves the analysis as it was."""

import numpy as np
import pytest

from superionic.analysis.spectral import collective, diffusion, plateau, spectrum
from superionic.bench.calibration import Crystal, walk_model, walk_of
from superionic.bench.sensitivity import HOPS, NETWORK, SPECTRAL, Change, _estimate, _estimates, _row


@pytest.fixture(scope="module")
def walked():
    model = walk_model(0.1, 15.0, 1.0)
    return Crystal.of(model), walk_of(model, 24, 2000, 0.1, np.random.default_rng(10_000)), model


def test_a_public_constant_changes_wherever_it_was_imported_and_comes_back():
    change = Change("spectral.spectrum", "MIN_MODES", 10)
    with change.made():
        assert [m.MIN_MODES for m in (spectrum, plateau, diffusion, collective)] == [10] * 4
    assert [m.MIN_MODES for m in (spectrum, plateau, diffusion, collective)] == [5] * 4


def test_every_change_is_one():
    for change in (*SPECTRAL, *NETWORK, *HOPS):
        assert change.usual != change.value, change


@pytest.mark.parametrize(("name", "value"), [("_TIME_RATIO", 3.0), ("_COARSE_TIME_RATIO", 6.0), ("_BACK_OFF", 3.5)])
def test_a_change_reaches_the_estimate(walked, name, value):
    _, walk, _ = walked
    usual = _estimate(walk, None, None).value
    assert _estimate(walk, None, Change("spectral.plateau", name, value)).value != usual
    assert _estimate(walk, None, None).value == usual


@pytest.mark.slow
def test_rows_compare_the_same_walks(walked):
    crystal, walk, model = walked
    truth = float(np.trace(model.diffusion_tensor())) / 3
    found = dict(_estimates(crystal, walk))
    usual = [[found["sites known", None]]]
    row = _row("sites known", None, usual, usual, [truth])
    assert row["mean_change"] == row["rms_change"] == 0.0
    assert row["runs"] == 1
    change = Change("spectral.plateau", "_BACK_OFF", 3.5)
    other = _row("sites known", change, [[found["sites known", change]]], usual, [truth])
    assert other["mean_change"] != 0
    assert abs(other["bias"] - row["bias"] - other["mean_change"]) < 1e-9
