"""The Arrhenius plot is drawn from documents alone, fit or no fit."""

import matplotlib.image
import numpy as np
import pytest

from sample_runs import memory_stores, store_run
from superionic.builders import build_documents
from superionic.plots.arrhenius import plot_arrhenius
from superionic.stores.query import arrhenius_documents


@pytest.fixture
def drawn(tmp_path):
    def draw(*temperatures):
        stores = memory_stores()
        with stores.connected():
            for number, temperature in enumerate(temperatures):
                step = 0.2 * np.exp(-600 / temperature)
                store_run(stores.jobs, run_id=f"r{number}", temperature_K=temperature, step_A=step, seed=number)
            build_documents(stores)
            return matplotlib.image.imread(plot_arrhenius(arrhenius_documents(stores), tmp_path / "new" / "plot.png"))

    return draw


def test_a_fit_is_a_line_from_the_points_to_the_extrapolation(drawn):
    image = drawn(700, 800, 1000)
    ink = np.any(image[..., :3] < 0.9, axis=(0, 2))
    assert image.shape[0] >= 900
    assert ink[image.shape[1] // 2]  # between the points on the left and the extrapolation on the right


def test_one_temperature_is_drawn_without_a_line(drawn):
    assert drawn(700).shape[0] >= 900
