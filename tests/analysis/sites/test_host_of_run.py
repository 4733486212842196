"""A host that is not the one of a run is refused: other elements, another anion, other numbers of them."""

import numpy as np
import pytest

from cif_files import CUBIC, cif
from superionic.analysis.sites.placement import place_host
from superionic.errors import InputError
from superionic.structures.host import load_host
from superionic.trajectories.trajectory import from_arrays

EDGE_A, LI, ANION = 4.0, (0.0, 0.0, 0.0), (0.5, 0.5, 0.5)


def host_with(tmp_path, *anions, extra=()):
    rows = [("Li1", "Li", *LI, 1.0), *(("X", element, *ANION, share) for element, share in anions), *extra]
    file = tmp_path / "host.cif"
    file.write_text(cif(CUBIC, rows))
    return load_host(file)


def run_with(anions, n=2):
    """Li and anions on their sites of n x n x n cells, at rest but for a little noise."""
    cells = np.indices((n, n, n)).reshape(3, -1).T
    places = np.concatenate([cells + LI, (cells + ANION)[: len(anions)]]) * EDGE_A
    positions = places + np.random.default_rng(5).normal(scale=0.05, size=(40, len(places), 3))
    return from_arrays(positions, n * EDGE_A * np.eye(3), ["Li"] * n**3 + list(anions), 0.1, 600.0, "Li")


def test_a_run_of_the_host_is_laid_over_it(tmp_path):
    matrix, _ = place_host(host_with(tmp_path, ("Cl", 1.0)), run_with(["Cl"] * 8))
    assert abs(np.linalg.det(matrix)) == pytest.approx(8)
    place_host(host_with(tmp_path, ("Cl", 0.5), ("Br", 0.5)), run_with(["Cl"] * 4 + ["Br"] * 4))


@pytest.mark.parametrize(
    ("host", "run", "reason"),
    [
        ([("Br", 1.0)], ["Cl"] * 8, "holds Cl, which the host lacks"),
        ([("Cl", 0.5), ("Br", 0.5)], ["Cl"] * 8, "lacks the anion Br"),
        ([("Cl", 1.0)], ["Cl"] * 4 + ["Br"] * 4, "holds Br, which the host lacks"),
        ([("Cl", 1.0)], ["Cl"] * 6, "holds 6 anions .*8 cells of the host 8"),
    ],
)
def test_a_run_of_another_compound_is_refused(tmp_path, host, run, reason):
    with pytest.raises(InputError, match=reason):
        place_host(host_with(tmp_path, *host), run_with(run))
