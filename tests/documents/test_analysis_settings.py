"""What a user asks of the analysis is checked where it is written, and is no part of what makes a job a new one."""

import pytest
from pydantic import ValidationError

from sample_runs import small_ordering
from superionic.documents import AnalysisSettings, MDSet
from superionic.makers.mltp_md import MltpMdMaker
from superionic.managers.identity import with_content_uuids


@pytest.mark.parametrize(
    "wrong",
    [
        {"extrapolation_temperatures_K": []},
        {"extrapolation_temperatures_K": [300, 0]},
        {"extrapolation_temperatures_K": [300, 300]},
        {"directions": [[0, 0, 0]]},
        {"directions": [[1, 0, 0], [1, 0, 0]]},
        {"radii_A": {}},
        {"radii_A": {"2b": 0}},
        {"hop_length_A": 0},
        {"hop_length_A": float("inf")},
        {"equilibration_ps": -1},
        {"density_spacing_A": 0},
        {"extrapolation_span": 1},
        {"thresholds": {"hops": 3}},
        {"extrapolation_temperature_K": 300},
    ],
)
def test_settings_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ValidationError):
        AnalysisSettings(**wrong)


def test_what_only_fits_use_is_no_part_of_the_analysis_of_a_run():
    usual = AnalysisSettings()
    assert AnalysisSettings(extrapolation_temperatures_K=[400, 500], extrapolation_span=3).of_a_run() == usual
    assert AnalysisSettings(hop_length_A=2.5).of_a_run() != usual


def test_other_settings_make_no_job_a_new_one_and_travel_with_it():
    ordering = small_ordering()

    def jobs(**changes):
        maker = MltpMdMaker(MDSet(temperatures_K=[700], length_ps=10), analysis=AnalysisSettings(**changes))
        return with_content_uuids(maker.make(ordering)).jobs

    usual, other = jobs(), jobs(hop_length_A=2.5, extrapolation_temperatures_K=[400])
    assert [job.uuid for job in usual] == [job.uuid for job in other]
    assert other[-1].function_kwargs["analysis"] == AnalysisSettings(
        hop_length_A=2.5, extrapolation_temperatures_K=[400]
    )
