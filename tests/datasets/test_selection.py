"""Chosen frames are independent, spread over strata, not near to each other, and the uncertain ones first."""

from collections import Counter
from contextlib import ExitStack, closing
from dataclasses import replace

import numpy as np
import pytest

from labels import frames as labels
from superionic.analysis.decorrelation import independent_frames
from superionic.datasets.descriptors import chgnet_features, force_disagreement
from superionic.datasets.selection import Candidates, choose, counted, run_candidates, wrapped
from superionic.datasets.variations import relaxation_frames, strained, varied
from superionic.documents import ChgnetSettings
from superionic.documents.selection import SampledRun, SelectionSettings
from superionic.errors import InputError
from superionic.potentials.load import load
from superionic.trajectories import from_arrays


def candidates(n_runs=6, n_each=12):
    """Runs of two structures, three temperatures; of the second structure, half of the runs are 6 % larger."""
    found = []
    for number in range(n_runs):
        structure, temperature = "OE"[number % 2], 500.0 + 100 * (number % 3)
        some = []
        for index in range(n_each):
            frame = labels()[index]
            stretch = 1.02 if structure == "E" and number > 2 else 1.0
            origin = frame.origin.model_copy(
                update={"run": f"run {number}", "index": index, "structure": structure, "temperature_K": temperature}
            )
            cell = labels()[0].cell_A * stretch
            some.append(replace(frame, cell_A=cell, positions_A=wrapped(frame.positions_A, cell), origin=origin))
        run = SampledRun(
            run_id=f"run {number}", structure=structure, temperature_K=temperature, autocorrelation_time_ps=0.1,
            spacing_ps=0.2, n_candidates=n_each, n_chosen=0,
        )  # fmt: skip
        found.append(Candidates(run, some))
    return found


def test_every_stratum_gets_its_share():
    chosen = choose(candidates(), SelectionSettings(n_frames=30))
    counts = Counter((f.origin.structure, f.origin.temperature_K, round(f.volume_A3)) for f in chosen.frames)
    assert len(counts) == 6
    assert set(counts.values()) == {5}
    assert [run.n_chosen for run in counted(candidates(), chosen)] == [5] * 6
    assert len({(f.origin.run, f.origin.index) for f in chosen.frames}) == 30


def test_a_share_of_a_run_is_spread_over_its_time():
    (run,) = candidates(n_runs=1, n_each=32)
    indices = [frame.origin.index for frame in choose([run], SelectionSettings(n_frames=8)).frames]
    assert indices == list(range(0, 32, 4))


def test_all_are_taken_or_too_many_are_refused():
    assert len(choose(candidates(), SelectionSettings()).frames) == 72
    with pytest.raises(InputError, match="n_frames = 73: the runs have 72 independent frames"):
        choose(candidates(), SelectionSettings(n_frames=73))


def test_uncertain_frames_come_first():
    uncertainties = np.random.default_rng(0).random(72)
    chosen = choose(candidates(), SelectionSettings(n_frames=6), uncertainties=uncertainties)
    best = uncertainties.reshape(6, 12).argmax(axis=1)
    assert sorted((f.origin.run, f.origin.index) for f in chosen.frames) == [
        (f"run {number}", index) for number, index in enumerate(best)
    ]


def test_near_duplicates_are_dropped_and_counted():
    (run,) = candidates(n_runs=1, n_each=12)
    features = np.arange(12.0)[:, None] ** 2  # neighbours are 1, 3, 5, ... apart; the median is 11
    chosen = choose([run], SelectionSettings(min_distance=0.5), features)
    kept = features[[f.origin.index for f in chosen.frames], 0]
    assert np.diff(kept).min() >= 5.5
    assert chosen.n_near_duplicates == 12 - len(kept) > 0
    with pytest.raises(InputError, match="smaller min_distance"):
        choose([run], SelectionSettings(n_frames=12, min_distance=0.5), features)


def correlated(tau, n, seed):
    """Ions on a walk, and an energy that forgets itself exponentially."""
    rng = np.random.default_rng(seed)
    positions = np.cumsum(rng.normal(scale=0.1, size=(n, 8, 3)), axis=0)
    kept = np.exp(-1 / tau)
    energy = np.zeros(n)
    for step in range(1, n):
        energy[step] = kept * energy[step - 1] + rng.normal()
    trajectory = from_arrays(positions, 20 * np.eye(3), ["Li"] * 4 + ["Cl"] * 4, 0.02, 700.0, "Li")
    return replace(trajectory, potential_energies_eV=energy)


@pytest.mark.parametrize("tau", [100.0, 200.0])
def test_independent_frames_are_two_autocorrelation_times_apart(tau):
    """The energy is slower than the displacement over 1 ps here, whose own time is that of 50 frames."""
    found = [independent_frames(correlated(tau, 60_000, 1000 + seed)) for seed in range(4)]
    times = np.array([one.autocorrelation_time_ps / 0.02 for one in found])
    assert times.mean() == pytest.approx(tau, rel=0.2)
    assert all(one.spacing == np.ceil(2 * time) for one, time in zip(found, times, strict=True))


def test_a_run_that_is_too_short():
    with pytest.raises(InputError, match="8 are needed"):
        independent_frames(correlated(5, 6, 0))
    with pytest.raises(InputError, match="does not say what it is"):
        run_candidates(correlated(5, 60, 0), [60], 0, 10, None)


def test_features_know_nothing_of_pose_and_tell_frames_apart():
    frame, other = labels()[0], labels()[1]
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0]
    order = np.random.default_rng(1).permutation(frame.n_atoms)
    turned = replace(
        frame,
        numbers=frame.numbers[order],
        positions_A=((frame.positions_A + np.array([1, 2, 3])) @ turn)[order],
        cell_A=frame.cell_A @ turn,
    )
    nudged = replace(frame, positions_A=frame.positions_A + np.random.default_rng(2).normal(0, 0.01, (20, 3)))
    rows = chgnet_features([frame, turned, nudged, other])
    distances = np.linalg.norm(rows[1:] - rows[0], axis=1)
    assert distances[0] < 1e-3 * distances[2]
    assert distances[0] < distances[1] < 0.3 * distances[2]


def test_an_ensemble_disagrees_more_where_it_is_hot():
    with ExitStack() as stack:
        members = [stack.enter_context(closing(load(ChgnetSettings(model=m)))) for m in ("0.3.0", "r2scan")]
        cold, hot = ([f for f in labels() if f.origin.temperature_K == t][:3] for t in (300, 1000))
        found = force_disagreement([*cold, *hot], members)
        assert found[:3].mean() < found[3:].mean()
        forces = [
            m.session(hot[0].numbers).evaluate(hot[0].positions_A, hot[0].cell_A).forces_eV_per_A for m in members
        ]
        assert found[3] == pytest.approx(np.linalg.norm(forces[0] - forces[1], axis=1).max() / 2)
        with pytest.raises(InputError, match="ensemble of 1"):
            force_disagreement(cold, members[:1])


def test_strained_and_relaxed_frames_keep_their_block():
    frame = labels()[0]
    other = strained(frame, 0.02, np.random.default_rng(0))
    fractions = [f.positions_A @ np.linalg.inv(f.cell_A) for f in (frame, other)]
    assert np.allclose(*fractions)
    strain = np.linalg.solve(frame.cell_A, other.cell_A) - np.eye(3)
    assert np.allclose(strain, strain.T)
    assert 0.005 < np.abs(strain).max() < 0.08
    assert other.origin.sampling == "strained cell"
    with closing(load(ChgnetSettings())) as potential:
        path = relaxation_frames(frame, potential, 4)
        session = potential.session(frame.numbers)
        forces = [np.abs(session.evaluate(f.positions_A, f.cell_A).forces_eV_per_A).max() for f in (frame, *path)]
    assert len(path) == 4
    assert forces[-1] < 0.2 * forces[0]
    assert all((f.origin.run, f.origin.block) == (frame.origin.run, frame.origin.block) for f in [other, *path])
    with pytest.raises(InputError, match="n_strained = 3: 1 frames"):
        varied([frame], SelectionSettings(n_strained=3), None)
    with pytest.raises(InputError, match="needs a potential"):
        varied([frame], SelectionSettings(n_relaxed=1), None)
