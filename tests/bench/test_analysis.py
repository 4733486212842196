"""The benchmark of the analysis compares the same work."""

import numpy as np
import pytest

from superionic.bench import analysis_peers as peers
from superionic.bench.analysis import density, document, jumps, msd
from superionic.bench.walk import Walk


@pytest.fixture(scope="module")
def walk(tmp_path_factory):
    walk = Walk(24, 5000, (2, 1, 2), tmp_path_factory.mktemp("walk"))
    assert result(walk.write()) == (walk.folder / "frames.zip").stat().st_size
    return walk


def result(work):
    _, value = work
    return value


def test_peers_find_what_the_analysis_finds(walk):
    assert result(msd(walk)) == pytest.approx(result(peers.plain_msd(walk)), rel=1e-6)
    assert result(msd(walk)) == pytest.approx(result(peers.gemdat_msd(walk)), rel=1e-4)
    assert result(density(walk)) == pytest.approx(24 * 5000)
    assert result(peers.gemdat_density(walk)) == 24 * 5000
    assert result(peers.kd_tree(walk)) > 0.9
    assert result(jumps(walk)) > 20
    assert result(jumps(walk)) == pytest.approx(result(peers.gemdat_jumps(walk)), rel=0.05)


def test_the_stored_run_is_the_walk(walk):
    run = walk.stored()
    assert (run.n_frames, run.n_atoms) == (5000, 80)
    np.testing.assert_allclose(run.positions_A[::500, run.mobile], walk.mobile_A()[::500], atol=1e-4)


def test_the_document_is_the_same_in_less_memory(walk):
    assert result(document(walk, 100.0)) == pytest.approx(result(document(walk, 1e-3)), rel=1e-6)
