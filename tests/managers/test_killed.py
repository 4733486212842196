"""kill -9 at random moments, again and again, during a chain: the run that comes out is the undisturbed one."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from killed_chain import KILLS, STAGES

SCRIPT = Path(__file__).parents[1] / "killed_chain.py"


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["md", "aimd"])
def test_a_chain_killed_again_and_again_equals_the_undisturbed_one(tmp_path, stage):
    command = [sys.executable, SCRIPT, tmp_path, "2026", stage]
    done = subprocess.run(command, capture_output=True, text=True, cwd=SCRIPT.parent, check=False)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    killed, undisturbed, lives = result["killed"], result["undisturbed"], result["lives"]
    n_segments = STAGES[stage].maker.md.n_segments
    assert len(lives) == KILLS[stage]
    assert 1 < lives[-1] < n_segments  # every kill was during the chain, most after some progress
    assert killed["summary"]["stop_reason"] == "length reached"
    assert killed == undisturbed
    assert killed["blobs"] == len(killed["payloads"]) == n_segments
    assert killed["documents"] == len(killed["payloads"]) + 2  # the ordering and the summary
