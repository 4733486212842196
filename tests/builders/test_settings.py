"""What a study asks of the analysis stays with its documents: other studies, and other machines, change nothing."""

import asyncio

import pytest
from maggma.cli.multiprocessing import multi

from sample_runs import memory_stores, segments, store_end, store_run, store_segment
from superionic.builders import ArrheniusBuilder, DiffusivityBuilder, build_documents
from superionic.documents import AnalysisSettings
from superionic.settings import SuperionicSettings
from superionic.stores.connecting import open_stores
from superionic.stores.query import arrhenius_documents, comparison_documents, diffusivity_documents
from superionic.stores.studies import record_settings

COLD = AnalysisSettings(extrapolation_temperatures_K=[400, 300])


@pytest.fixture(params=["memory", "monty"])
def stores(request, tmp_path):
    opened = memory_stores() if request.param == "memory" else open_stores(SuperionicSettings(store_dir=tmp_path))
    with opened.connected() as connected:
        yield connected


def fill(stores, study, label="O", analysis=None):
    for temperature in (700, 900):
        (segment,) = segments(
            run_id=f"{study} {label} {temperature}", temperature_K=temperature, step_A=0.1 * temperature / 700,
            seed=temperature, n_segments=1, frames_each=300, study=study, label=label,
        )  # fmt: skip
        segment = segment.model_copy(update={"analysis": analysis or AnalysisSettings()})
        store_segment(stores.jobs, segment)
        store_end(stores.jobs, segment)


def everything(stores, study):
    """All that is stored of a study, to the time of its making."""
    places = (stores.diffusivity, stores.arrhenius)
    return [sorted(str(found) for found in place.query({"identity.study": study})) for place in places]


def temperatures_K(stores, study):
    (fit,) = arrhenius_documents(stores, {"identity.study": study})
    return [there.temperature_K for there in fit.extrapolations]


def test_another_study_at_another_temperature_leaves_the_first_one_as_it_is(stores):
    fill(stores, "A")
    build_documents(stores)
    before = everything(stores, "A")
    fill(stores, "B")
    record_settings(stores.studies, "B", COLD)
    built = build_documents(stores)
    assert (built.diffusivity, built.arrhenius, built.failures) == (2, 1, [])
    assert everything(stores, "A") == before
    assert temperatures_K(stores, "A") == [300]
    assert temperatures_K(stores, "B") == [400, 300]


def test_settings_that_only_fits_use_change_no_number_of_a_run(stores, monkeypatch):
    fill(stores, "A")
    build_documents(stores)
    numbers = [d.model_dump(exclude={"settings"}) for d in diffusivity_documents(stores)]
    record_settings(stores.studies, "A", COLD)
    with monkeypatch.context() as patch:
        patch.setattr("superionic.builders.diffusivity.stitch", None)  # nothing is analysed again
        assert build_documents(stores).failures == []
    assert [d.model_dump(exclude={"settings"}) for d in diffusivity_documents(stores)] == numbers
    assert {d.settings.extrapolation_temperatures_K[0] for d in diffusivity_documents(stores)} == {400}
    assert temperatures_K(stores, "A") == [400, 300]
    built = build_documents(stores)
    assert (built.diffusivity, built.arrhenius, built.comparison) == (0, 0, 0)


def test_settings_of_runs_reach_documents_without_a_record_and_a_record_stands_above_them(stores):
    asked = AnalysisSettings(
        directions=[(1, 0, 1)], hop_length_A=2.0, density_spacing_A=0.6, equilibration_ps=1.0,
        thresholds={"hops_per_ion": 1e6},
    )  # fmt: skip
    fill(stores, "A", analysis=asked)
    build_documents(stores)
    for document in diffusivity_documents(stores):
        assert document.settings == asked
        assert set(document.diffusivity_along_cm2_per_s) == {"[1 0 1]"}
        assert document.equilibration_ps >= 1.0
        assert max(document.density.shape) <= 22
        assert "1e+06 are needed" in " ".join(document.quality.reasons)
    hops = [document.hops_per_ion for document in diffusivity_documents(stores)]
    record_settings(stores.studies, "A", AnalysisSettings(equilibration_ps=1.0))
    assert build_documents(stores).diffusivity == 2
    again = diffusivity_documents(stores)
    assert [document.hops_per_ion for document in again] == pytest.approx(
        [hop * (2 / 3) ** 2 for hop in hops], rel=0.05
    )
    assert not any(document.diffusivity_along_cm2_per_s for document in again)


def test_runs_of_no_study_have_settings_too(stores):
    store_run(stores.jobs, run_id="a", study=None)
    record_settings(stores.studies, "", AnalysisSettings(hop_length_A=2.0))
    build_documents(stores)
    assert [document.settings.hop_length_A for document in diffusivity_documents(stores)] == [2.0]


def test_runs_of_one_fit_with_different_settings_are_refused_by_name_until_the_study_says_which(stores):
    store_run(stores.jobs, run_id="a", temperature_K=700)
    fill(stores, "synthetic", analysis=COLD)
    (failure,) = build_documents(stores).failures
    assert "different settings" in failure
    record_settings(stores.studies, "synthetic", COLD)
    assert build_documents(stores).failures == []
    assert temperatures_K(stores, "synthetic") == [400, 300]


def test_fits_are_compared_at_the_temperatures_that_all_have(stores):
    fill(stores, "A", analysis=COLD)
    fill(stores, "A", label="ELC", analysis=COLD)
    fill(stores, "B", analysis=AnalysisSettings(extrapolation_temperatures_K=[300, 350]))
    assert build_documents(stores).failures == []
    found = {document.family: document for document in comparison_documents(stores)}
    assert found["orderings"].extrapolation_temperatures_K == [400, 300]
    assert found["potentials"].extrapolation_temperatures_K == [300]
    assert any("350, 400 K" in caveat for caveat in found["potentials"].caveats)
    at = [d.temperature_K for d in found["orderings"].differences if d.quantity == "extrapolated ln D"]
    assert at == [400, 300]


def test_parallel_builders_find_the_settings(tmp_path):
    """As `mrun -n 2` does it."""
    settings = SuperionicSettings(store_dir=tmp_path)
    with open_stores(settings).connected() as stores:
        fill(stores, "A")
        fill(stores, "B", analysis=AnalysisSettings(hop_length_A=2.5))
        record_settings(stores.studies, "A", COLD)
    stores = open_stores(settings)
    for builder in (
        DiffusivityBuilder(stores.jobs, stores.diffusivity, studies=stores.studies),
        ArrheniusBuilder(stores.diffusivity, stores.arrhenius),
    ):
        asyncio.run(multi(builder, 2, no_bars=True))
    with open_stores(settings).connected() as stores:
        assert temperatures_K(stores, "A") == [400, 300]
        assert temperatures_K(stores, "B") == [300]
        of_b = diffusivity_documents(stores, {"identity.study": "B"})
        assert [document.settings.hop_length_A for document in of_b] == [2.5, 2.5]
