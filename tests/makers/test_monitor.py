"""The monitor keeps a coarse, even sample of a run of any length and knows when to end it."""

import numpy as np
import pytest

from sample_runs import CELL, N_IONS, walk
from superionic.documents import ERROR_TARGET_REACHED, MDProtocol
from superionic.makers.monitor import RunMonitor
from superionic.trajectories.codec import FrameReader, FrameWriter, pack

SPECIES = ["Li"] * N_IONS + ["Cl"] * N_IONS


def frames(folder, positions, name):
    writer = FrameWriter(folder / name, positions.shape[1])
    for step, frame in enumerate(positions):
        writer.append(step, frame, CELL, potential_energy_eV=0.0, conserved_energy_eV=0.0, temperature_K=700.0)
    writer.close()
    return FrameReader(pack(folder / name))


def watched(folder, positions, cuts):
    monitor = RunMonitor()
    for number, part in enumerate(np.split(positions, cuts)):
        monitor = monitor.extended(frames(folder, part, f"{len(cuts)}-{number}"))
    return monitor


def protocol(**kwargs):
    return MDProtocol(temperature_K=700, length_ps=500, equilibration_ps=0, **kwargs)


def test_the_sample_does_not_depend_on_the_cuts(tmp_path):
    positions = walk(1501, 0.2, seed=1)
    whole = watched(tmp_path, positions, [])
    parts = watched(tmp_path, positions, [7, 300, 301, 1000])
    assert parts == whole
    assert parts.n_seen == 1501
    assert np.allclose(parts._positions(24) * 0.01, positions[:: parts.stride], atol=0.0051)
    assert 128 <= len(parts._positions(24)) <= 256
    assert len(parts.model_dump_json()) < 60_000


@pytest.mark.parametrize(("target", "reason"), [(0.5, ERROR_TARGET_REACHED), (0.01, None), (None, None)])
def test_a_run_ends_when_its_error_is_small_enough(tmp_path, target, reason):
    monitor = watched(tmp_path, walk(4001, 0.3, seed=2), [])
    settings = protocol(target_relative_error=target)
    assert monitor.stop_reason(settings, CELL, SPECIES, {"Li": 1.0}) == reason


def test_a_melting_framework_ends_the_run_by_name(tmp_path):
    positions = walk(2001, 0.2, seed=3)
    positions[:, N_IONS:] += np.cumsum(np.random.default_rng(1).normal(scale=0.1, size=(2001, N_IONS, 3)), axis=0)
    monitor = watched(tmp_path, positions, [])
    assert "melted" in monitor.stop_reason(protocol(), CELL, SPECIES, {"Li": 1.0})


def test_a_hot_start_is_not_taken_for_melting(tmp_path):
    positions = walk(120, 0.2, seed=5)
    positions[60:, N_IONS:] += 3.0 * np.random.default_rng(2).normal(size=(N_IONS, 3))
    monitor = watched(tmp_path, positions, [])
    assert monitor.stop_reason(protocol(), CELL, SPECIES, {"Li": 1.0}) is None


def test_a_run_too_short_to_judge_goes_on(tmp_path):
    monitor = watched(tmp_path, walk(5, 0.2, seed=4), [])
    assert monitor.stop_reason(protocol(), CELL, SPECIES, {"Li": 1.0}) is None
