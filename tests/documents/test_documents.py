"""Documents explain their fields, forbid unknown keys, and come back from JSON as they were."""

import inspect
import json

import pytest
from monty.json import MontyDecoder, MontyEncoder
from pydantic import BaseModel, ValidationError

from sample_runs import segments
from superionic import documents
from superionic.documents import Check, MDProtocol, MDSet, Quality, TrajectorySegment, Verdict

MODELS = [entry for _, entry in inspect.getmembers(documents, inspect.isclass) if issubclass(entry, BaseModel)]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_field_is_described_and_unknown_keys_are_refused(model):
    assert not [name for name, field in model.model_fields.items() if not field.description]
    assert model.model_config["extra"] == "forbid"
    assert model.__doc__


def test_a_segment_survives_json_and_monty():
    (segment,) = segments(n_segments=1, frames_each=20)
    text = json.dumps(segment, cls=MontyEncoder)
    assert json.loads(text, cls=MontyDecoder) == segment
    stored = json.loads(text)
    assert TrajectorySegment.from_stored(stored) == segment
    assert TrajectorySegment.from_stored({**stored, "_id": "x"}) == segment


def test_protocol_cuts_a_run_into_whole_segments():
    protocol = MDProtocol(temperature_K=700, length_ps=10, segment_length_ps=3, time_step_fs=2, stride=10)
    assert (protocol.n_steps, protocol.segment_steps, protocol.n_segments) == (5000, 1500, 4)
    odd = MDProtocol(temperature_K=700, length_ps=3.001, segment_length_ps=1.0005, time_step_fs=2, stride=7)
    assert odd.segment_steps % 7 == 0
    assert odd.n_steps % 7 == 0
    assert odd.n_steps * 2e-3 >= 3.001


def test_a_segment_longer_than_the_run_is_one_segment():
    protocol = MDProtocol(temperature_K=700, length_ps=3, segment_length_ps=100)
    assert (protocol.n_segments, protocol.segment_steps) == (1, 1500)


def test_a_set_is_every_temperature_with_every_seed():
    protocols = MDSet(temperatures_K=[600, 700], seeds=[1, 2, 3], length_ps=10).protocols()
    assert [(p.temperature_K, p.seed) for p in protocols] == [(t, s) for t in (600, 700) for s in (1, 2, 3)]


@pytest.mark.parametrize(
    "wrong",
    [
        {"temperature_K": 0},
        {"temperature_K": float("nan")},
        {"length_ps": -1},
        {"time_step_fs": 50},
        {"ensemble": "npzt"},
        {"thermostat": "langevin"},
        {"stride": 0},
        {"segment_length_ps": 0.001},
    ],
)
def test_protocols_that_no_engine_could_honour_are_refused(wrong):
    with pytest.raises(ValidationError):
        MDProtocol(**{"temperature_K": 700, "length_ps": 10, **wrong})


def test_verdict_follows_from_the_checks():
    good = Check(name="hops per ion", passed=True, reason="fine")
    poor = Check(name="linear MSD", passed=False, reason="too few hops")
    wrong = Check(name="framework intact", passed=False, fatal=True, reason="molten")
    assert Quality.from_checks([good]).verdict == Verdict.SUFFICIENT
    assert Quality.from_checks([good, poor]).verdict == Verdict.INSUFFICIENT
    assert Quality.from_checks([good, poor, wrong]).reasons == ["too few hops", "molten"]
    assert Quality.from_checks([good, poor, wrong]).verdict == Verdict.UNUSABLE


@pytest.mark.parametrize("temperature_K", [0.0, -300.0, 1e6, 1e308, float("inf"), float("nan")])
def test_a_temperature_of_no_crystal_is_refused(temperature_K):
    with pytest.raises(ValidationError, match="temperatures_K"):
        MDSet(temperatures_K=[temperature_K], length_ps=1)
