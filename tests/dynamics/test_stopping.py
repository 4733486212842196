"""A segment ends in time for its walltime and at once on SIGTERM."""

import os
import signal
import time

from superionic.dynamics.stopping import StopRequest, watching_sigterm


def test_no_limit_no_reason():
    assert StopRequest().reason() is None


def test_walltime_leaves_a_margin_for_storing():
    assert StopRequest(3600).reason() is None
    assert StopRequest(20).reason() == "walltime nearly used up"


def test_sigterm_is_caught_for_the_time_of_the_segment_only():
    before = signal.getsignal(signal.SIGTERM)
    with watching_sigterm() as request:
        assert request.reason() is None
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0.05)
        assert request.reason() == "asked to terminate"
    assert signal.getsignal(signal.SIGTERM) == before
