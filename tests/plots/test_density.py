"""What is written to look at holds the density and the framework where they are."""

import numpy as np
import pytest
from pymatgen.io.vasp import Chgcar

from superionic.analysis import diffusivity
from superionic.analysis.distributions.density import density_of
from superionic.documents import DiffusivityDocument
from superionic.errors import InputError
from superionic.plots.density import chgcar, write_density
from superionic.trajectories import from_arrays

CELL = np.array([[6.0, 0, 0], [-1, 5.0, 0], [1, 0.5, 7.0]])
IONS = np.array([[1.0, 2.0, 3.0], [4.0, 1.0, 6.0], [0.5, 4.0, 2.0]])


@pytest.mark.parametrize("origin", [(0.0, 0.0, 0.0), (1.23, 4.56, -7.89)])
def test_ions_lie_in_the_density_where_they_do_in_truth(tmp_path, origin):
    """The density of the ions themselves peaks at the points next to them."""
    density = density_of(np.broadcast_to(IONS, (4, 3, 3)), CELL, 300.0, 0.1, origin)
    chgcar(density, ["Cl", "In", "Cl"], IONS).write_file(str(tmp_path / "CHGCAR"))
    back = Chgcar.from_file(str(tmp_path / "CHGCAR"))
    assert [site.specie.symbol for site in back.structure] == ["Cl", "Cl", "In"]
    data = back.data["total"]
    assert data.sum() / data.size == pytest.approx(3)  # ions / Å^3 x volume
    peaks = np.argwhere(data > 0) / data.shape
    for site in back.structure:
        off = (peaks - site.frac_coords + 0.5) % 1.0 - 0.5
        assert np.linalg.norm(off @ CELL, axis=1).min() < 0.1


def test_a_run_is_written_from_its_document(tmp_path):
    rng = np.random.default_rng(2)
    n_frames = 400
    walk = np.cumsum(rng.normal(scale=0.1, size=(n_frames, 2, 3)), axis=0)
    framework = IONS + 0.05 * rng.normal(size=(n_frames, 3, 3)) + np.linspace(0, 2, n_frames)[:, None, None]  # adrift
    run = from_arrays(np.concatenate([walk, framework], axis=1), CELL, ["Li"] * 2 + ["Cl"] * 3, 0.1, 700.0, "Li")
    document = DiffusivityDocument.from_stored(diffusivity(run).model_dump(mode="json"))
    write_density(run, document, tmp_path / "CHGCAR")
    back = Chgcar.from_file(str(tmp_path / "CHGCAR"))
    assert back.structure.composition.as_dict() == {"Cl": 3}
    assert back.data["total"].mean() == pytest.approx(2)
    assert back.structure.get_distance(0, 1) == pytest.approx(np.linalg.norm(IONS[0] - IONS[1]), abs=0.1)
    with pytest.raises(InputError, match="exists already"):
        write_density(run, document, tmp_path / "CHGCAR")
    write_density(run, document.model_copy(update={"density": None}), tmp_path / "of an older version")
    assert (tmp_path / "of an older version").read_text() == (tmp_path / "CHGCAR").read_text()
