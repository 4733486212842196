"""kill -9 at random moments, twenty times, during a chain: the run that comes out is the undisturbed one."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from killed_chain import KILLS, MD

SCRIPT = Path(__file__).parents[1] / "killed_chain.py"


@pytest.mark.slow
def test_a_chain_killed_twenty_times_equals_the_undisturbed_one(tmp_path):
    command = [sys.executable, SCRIPT, tmp_path, "2026"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=SCRIPT.parent, check=False)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    killed, undisturbed, lives = result["killed"], result["undisturbed"], result["lives"]
    assert len(lives) == KILLS
    assert 5 < lives[-1] < MD.protocols()[0].n_segments  # every kill was during the chain, most after some progress
    assert killed["summary"]["stop_reason"] == "length reached"
    assert killed == undisturbed
    assert killed["blobs"] == len(killed["payloads"]) == MD.protocols()[0].n_segments
    assert killed["documents"] == len(killed["payloads"]) + 2  # the ordering and the summary
