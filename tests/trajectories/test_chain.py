"""Parts of a run are joined where they fit; where they do not, the fault is handled or refused by name."""

import numpy as np
import pytest

import sample_files as files
from superionic.documents import ImportSettings
from superionic.errors import InputError
from superionic.makers.import_trajectory import imported_run
from superionic.trajectories import stitch
from superionic.trajectories.chain import BLOCK_FRAMES, Chain
from superionic.trajectories.following import ChainState
from superionic.trajectories.sources import open_source
from superionic.trajectories.unwrap import Lattice

WALK = files.known_walk(200)
NAMES = {"XDATCAR": files.write_xdatcar, "dump": files.write_dump, "vasprun.xml": files.write_vasprun}
NOT_SAID = {"XDATCAR": {"stride": 10}, "vasprun.xml": {}}  # what the files do not say of themselves


def stored(*paths, **given):
    settings = ImportSettings(**{"mobile": "Li+", "temperature_K": 700.0, "time_step_fs": 2.0, **given})
    *segments, summary = imported_run(list(paths), settings).segments("r")
    return stitch(segments).decoded(), summary


def same_walk(read, walk):
    assert read.n_frames == len(walk)
    return np.abs((read.positions_A - read.positions_A[0]) - (walk - walk[0])).max() < 2e-4


def refused(message, *paths, **given):
    with pytest.raises(InputError, match=message):
        stored(*paths, **given)


def directories(folder, *walks):
    for number, walk in enumerate(walks):
        (folder / str(number)).mkdir()
        files.write_vasprun(folder / str(number) / "vasprun.xml", walk)
        yield folder / str(number)


@pytest.mark.parametrize("name", ["XDATCAR", "vasprun.xml"])
def test_a_chain_of_directories_is_one_run(name, tmp_path):
    parts = []
    for number, part in enumerate((WALK[:80], WALK[80:150], WALK[150:])):
        (tmp_path / str(number)).mkdir()
        parts.append(NAMES[name](tmp_path / str(number) / name, part).parent)
    read, summary = stored(*parts, **NOT_SAID[name])
    assert same_walk(read, WALK)
    assert summary.notes == []


@pytest.mark.parametrize("name", ["XDATCAR", "vasprun.xml"])
def test_a_frame_stored_twice_at_a_restart_counts_once(name, tmp_path):
    parts = [NAMES[name](tmp_path / f"{n}{name}", part) for n, part in enumerate((WALK[:80], WALK[79:]))]
    read, summary = stored(*parts, **NOT_SAID[name])
    assert same_walk(read, WALK)
    (note,) = summary.notes
    assert "stored twice" in note
    assert str(parts[1]) in note


def test_an_xdatcar_appended_to_at_a_restart_is_one_run(tmp_path):
    first = files.write_xdatcar(tmp_path / "a", WALK[:80]).read_text()
    second = files.write_xdatcar(tmp_path / "b", WALK[79:]).read_text()
    (tmp_path / "XDATCAR").write_text(first + second)
    read, summary = stored(tmp_path / "XDATCAR", stride=10)
    assert same_walk(read, WALK)
    assert len(summary.notes) == 1


def test_an_xdatcar_whose_cell_changes_only_now_and_then_is_refused(tmp_path):
    """VASP repeats the cell for all configurations or none; a job could not go on in the middle of such a file."""
    first = files.write_xdatcar(tmp_path / "a", WALK[:80]).read_text()
    second = files.write_xdatcar(tmp_path / "b", WALK[80:] * 1.001, files.CELL * 1.001).read_text()
    (tmp_path / "XDATCAR").write_text(first + second)
    refused("the cell changes before byte", tmp_path / "XDATCAR")
    read, _ = stored(tmp_path / "a", tmp_path / "b", stride=10)
    assert read.cell_A.shape == (200, 3, 3)


def test_an_appended_ase_trajectory_counts_the_restart_frame_once(tmp_path):
    files.write_traj(tmp_path / "md.traj", np.concatenate([WALK[:80], WALK[79:]]))
    read, summary = stored(tmp_path / "md.traj", stride=10)
    assert same_walk(read, WALK)
    assert len(summary.notes) == 1


def test_a_dump_goes_on_from_an_earlier_restart(tmp_path):
    """The first part ran on to step 1490, but the second starts again from step 1000, differently."""
    other = WALK[:150].copy()
    other[101:] += np.cumsum(np.random.default_rng(5).normal(scale=0.2, size=(49, 16, 3)), axis=0)
    first = files.write_dump(tmp_path / "a", other)
    second = files.write_dump(tmp_path / "b", WALK[100:], first=1000, seed=9)
    read, summary = stored(first, second)
    assert same_walk(read, WALK)
    (note,) = summary.notes
    assert "50 frame(s) from step 1000 on were left out" in note


def test_parts_that_count_their_steps_anew_are_not_taken_for_a_repetition(tmp_path):
    """The second part starts at step 10, its own: taken for a repetition, it would replace all of the first."""
    parts = [files.write_dump(tmp_path / "a", WALK[:100]), files.write_dump(tmp_path / "b", WALK[100:], first=10)]
    refused("b starts at step 10, but its atoms are .* from those that .*a has there", *parts)


def test_a_dump_whose_steps_start_anew_joins(tmp_path):
    parts = [files.write_dump(tmp_path / "a", WALK[:100]), files.write_dump(tmp_path / "b", WALK[99:], seed=4)]
    read, summary = stored(*parts)
    assert same_walk(read, WALK)
    assert len(summary.notes) == 1


def test_a_dump_with_the_restart_frame_twice_counts_it_once(tmp_path):
    text = files.write_dump(tmp_path / "a", WALK[:100]).read_text()
    again = files.write_dump(tmp_path / "b", WALK[99:], first=990, seed=4).read_text()
    (tmp_path / "d").write_text(text + again)
    read, summary = stored(tmp_path / "d")
    assert same_walk(read, WALK)
    assert len(summary.notes) == 1


def test_missing_frames_are_refused_with_their_numbers(tmp_path):
    gap = np.delete(WALK, range(40, 45), axis=0)
    path = files.write_dump(tmp_path / "d", WALK)
    text = path.read_text().split("ITEM: TIMESTEP\n")
    path.write_text("ITEM: TIMESTEP\n".join(text[:41] + text[46:]))
    refused("frames are missing between numbers 390 and 450", path)
    parts = [files.write_dump(tmp_path / "a", WALK[:50]), files.write_dump(tmp_path / "b", WALK[60:], first=600)]
    refused("frames are missing between numbers 490 and 600", *parts)
    parts = list(directories(tmp_path, gap[:40], WALK[80:]))
    refused("frame 41 of the run.* does not follow", *parts)


def test_other_faults_of_numbers_are_refused(tmp_path):
    text = files.write_dump(tmp_path / "a", WALK[:20]).read_text()
    later = files.write_dump(tmp_path / "b", WALK[10:20], first=100).read_text()
    (tmp_path / "back").write_text(text + later)
    refused("go back from number 190 to 100", tmp_path / "back")
    (tmp_path / "twice").write_text(text + files.write_dump(tmp_path / "c", WALK[50:60], first=190).read_text())
    refused("number 190 occurs twice with different positions", tmp_path / "twice")
    (tmp_path / "denser").write_text(
        text + files.write_dump(tmp_path / "e", WALK[20:30], first=195, every=5).read_text()
    )
    refused("more often between numbers 190 and 195", tmp_path / "denser")


def test_parts_of_different_runs_are_refused(tmp_path):
    other = files.known_walk(50, seed=9)
    refused("does not follow on the frame before", *directories(tmp_path, WALK[:50], other))
    a = files.write_dump(tmp_path / "a", WALK[:5])
    text = files.write_xdatcar(tmp_path / "b", WALK[5:9]).read_text().replace("Li   Cl", "Na   Cl")
    (tmp_path / "b").write_text(text)
    refused("do not hold the same atoms", a, tmp_path / "b")
    (tmp_path / "c").mkdir()
    hot = files.write_vasprun(tmp_path / "c" / "vasprun.xml", WALK[50:], tebeg=900)
    refused("temperature_K = 900 .* parts of one run", tmp_path / "0", hot, temperature_K=None)
    refused("temperature_K = 900 in .* is not that of --temperature 700", hot)


def test_a_part_cut_short_in_the_middle_of_a_chain_is_handled(tmp_path):
    first, second = directories(tmp_path, WALK[:101], WALK[100:])
    file = first / "vasprun.xml"
    file.write_bytes(file.read_bytes()[:-500])
    read, summary = stored(first, second)
    assert same_walk(read, WALK)
    assert "cut short" in summary.notes[0]


def far_apart(seed=0):
    return files.known_walk(50, seed, step_A=3.0)


def test_wrapped_frames_too_far_apart_are_refused_at_their_frame(tmp_path):
    limit = Lattice(files.CELL).shortest_vectors_A(files.CELL[None])[0] / 3
    jumps = WALK.copy()
    jumps[120:, 3, 1] += limit + 1.5
    path = files.write_xdatcar(tmp_path / "X", jumps)
    refused(r"frame 121 of the run \(number 121 of its file\): atom 4 \(Li\) has moved", path)
    refused("can be unwrapped", files.write_dump(tmp_path / "d", far_apart(), columns="id element x y z"))


def test_a_step_just_below_the_limit_is_unwrapped(tmp_path):
    limit = Lattice(files.CELL).shortest_vectors_A(files.CELL[None])[0] / 3
    still = np.repeat(WALK[:1], 20, axis=0) + np.arange(20)[:, None, None] * 1e-3
    still[10:, 3] += np.array([0, 0, 1.0]) * (limit - 0.01)
    read, _ = stored(files.write_xdatcar(tmp_path / "X", still), stride=10)
    assert same_walk(read, still)


def test_continuous_positions_may_be_far_apart(tmp_path):
    walk = far_apart()
    read, _ = stored(files.write_dump(tmp_path / "d", walk, columns="id element x y z ix iy iz"))
    assert same_walk(read, walk)
    path = files.write_traj(tmp_path / "md.traj", walk)
    refused("--unwrapped", path)
    read, _ = stored(path, unwrapped=True, stride=10)
    assert same_walk(read, walk)


def test_image_flags_lost_at_a_restart_do_not_tear_the_run(tmp_path):
    """A run restarted from a wrapped data file starts again in the first cell; the walk goes on all the same."""
    inside = WALK[100:] - np.floor(WALK[100] @ np.linalg.inv(files.CELL)) @ files.CELL
    read, _ = stored(files.write_dump(tmp_path / "a", WALK[:100]), files.write_dump(tmp_path / "b", inside, first=1000))
    assert same_walk(read, WALK)


def test_many_atoms_come_in_smaller_blocks_of_the_same_frames(tmp_path, monkeypatch):
    path = files.write_xdatcar(tmp_path / "X", WALK)
    whole = np.concatenate([block.positions_A for block in Chain([open_source(path)]).blocks(ChainState())])
    monkeypatch.setattr("superionic.trajectories.chain._BLOCK_ATOM_FRAMES", 16 * 70)
    blocks = [block.positions_A for block in Chain([open_source(path)]).blocks(ChainState())]
    assert [len(block) for block in blocks] == [64, 64, 64, 8]
    assert np.array_equal(np.concatenate(blocks), whole)


def test_any_place_to_go_on_gives_the_same_frames(tmp_path):
    """As a job of a flow does: state through JSON, sources opened anew."""
    import json
    from dataclasses import asdict

    walk = files.known_walk(3 * BLOCK_FRAMES + 37)
    for writer, name in ((files.write_xdatcar, "X"), (files.write_dump, "d"), (files.write_vasprun, "v.xml.gz"),
                         (files.write_traj, "t.traj"), (files.write_extxyz, "e.xyz")):  # fmt: skip
        path = writer(tmp_path / name, walk)
        whole = np.concatenate([block.positions_A for block in Chain([open_source(path)]).blocks(ChainState())])
        state, parts = ChainState(), []
        while blocks := list(Chain([open_source(path)]).blocks(state, BLOCK_FRAMES)):
            parts += [block.positions_A for block in blocks]
            state = ChainState(**json.loads(json.dumps(asdict(state))))
        assert np.array_equal(np.concatenate(parts), whole)
        assert np.abs((whole - whole[0]) - (walk - walk[0])).max() < 1e-6
        assert len(parts) == 4
