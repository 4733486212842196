"""GEMDAT's path tools on the same density: agreement where they are right, and pins on where they are not.

A pin that fails means that the tool was mended: then the package may lean on it there.
"""

import networkx as nx
import numpy as np
import pytest

from superionic.analysis.distributions.density import Density, mobile_density
from superionic.analysis.synthetic import hopping_model, simulate
from superionic.trajectories import from_arrays

TEMPERATURE_K = 1000.0
KT_EV = 8.617333262e-5 * TEMPERATURE_K


@pytest.fixture(scope="module")
def density():
    """Ions that hop along all axes of an orthorhombic crystal, a along x."""
    cell = np.diag([5.0, 4.5, 4.0])
    model = hopping_model(cell, [(0.5, 0.5, 0.5)], ["A"], 5.1, {("A", "A"): 0.2})
    run = simulate(model, 20, 20_000, 0.1, np.random.default_rng(3), supercell=(2, 2, 2), transit_ps=1.0)
    walk = from_arrays(run.positions_A, cell, ["Li"] * 20, 0.1, TEMPERATURE_K, "Li")
    return mobile_density(walk, 0.5)


def gemdat_barrier_eV(density, axis):
    """Lowest energy below which GEMDAT's graph of the tiled volume joins the densest voxel with its image."""
    from gemdat.path import free_energy_graph, optimal_path

    energy = density.to_gemdat().get_free_energy(temperature=TEMPERATURE_K).data
    along = np.array([name == axis for name in "abc"])
    tiled = np.tile(energy, tuple(1 + along))
    start = np.array(np.unravel_index(energy.argmin(), energy.shape))
    stop = tuple(int(v) for v in start + np.array(energy.shape) * along)
    levels = np.unique(energy[energy < 1e3])
    low, high = 0, len(levels) - 1
    while low < high:
        middle = (low + high) // 2
        try:
            optimal_path(free_energy_graph(tiled, levels[middle] + 1e-12), start=tuple(start.tolist()), stop=stop)
            high = middle
        except (nx.NetworkXNoPath, nx.NodeNotFound):
            low = middle + 1
    return levels[low] - energy.min()


@pytest.mark.parametrize("axis", ["a", "b", "c"])
def test_the_barrier_is_the_lowest_at_which_gemdat_finds_a_percolating_path(density, axis):
    """GEMDAT's graph lacks four of the 26 neighbours, so it may need a little more."""
    ours = density.percolation_barriers_eV()[axis]
    theirs = gemdat_barrier_eV(density, axis)
    assert ours > 2 * KT_EV
    assert ours - 1e-9 <= theirs < ours + 0.1 * KT_EV


@pytest.mark.parametrize(("axis", "dimension"), [("a", "x"), ("b", "y"), ("c", "z")])
def test_its_percolating_path_crosses_no_lower_pass(density, axis, dimension):
    """It minimises the sum of energies along the path, not the highest: an upper bound of the barrier."""
    volume = density.to_gemdat().get_free_energy(temperature=TEMPERATURE_K)
    peak = np.array(np.unravel_index(volume.data.argmin(), volume.data.shape))
    path = volume.optimal_percolating_path(peaks=peak[None], percolate=dimension)
    assert max(path.energy) - volume.data.min() > density.percolation_barriers_eV()[axis] - 1e-9
    assert max(path.energy) - volume.data.min() < density.percolation_barriers_eV()[axis] + 2 * KT_EV


def test_gemdat_lacks_four_of_the_diagonals():
    grid = np.zeros((4, 4, 4))
    steps = np.arange(4)
    grid[steps, steps, -steps % 4] = 1.0
    winding = Density(grid, np.eye(3) * 4, TEMPERATURE_K)
    assert winding.percolation_barriers_eV() == {"a": 0.0, "b": 0.0, "c": 0.0}
    volume = winding.to_gemdat().get_free_energy(temperature=TEMPERATURE_K)
    assert volume.optimal_percolating_path(peaks=np.array([[0, 0, 0]]), percolate="xyz") is None


def test_gemdat_minmax_path_is_not_the_lowest_pass():
    """Straight on over 5 kT, or round by five voxels of 2 kT: `minmax-energy` never leaves the shortest sum."""
    from gemdat.path import free_energy_graph, optimal_path

    grid = np.zeros((8, 7, 3))
    grid[:, 1, 1] = 1.0
    grid[4, 1, 1] = np.exp(-5.0)
    for detour in ((3, 2), (3, 3), (4, 4), (5, 3), (5, 2)):
        grid[(*detour, 1)] = np.exp(-2.0)
    density = Density(grid, np.diag([8.0, 7.0, 3.0]), TEMPERATURE_K)
    assert density.percolation_barriers_eV()["a"] == pytest.approx(2 * KT_EV)
    volume = density.to_gemdat().get_free_energy(temperature=TEMPERATURE_K)
    graph = free_energy_graph(np.tile(volume.data, (2, 1, 1)), 1e7)
    path = optimal_path(graph, start=(0, 1, 1), stop=(8, 1, 1), method="minmax-energy")
    assert max(path.energy) - volume.data.min() == pytest.approx(5 * KT_EV)
