"""A chain of MD segments, run by the local manager and killed twenty times; then run undisturbed. Prints both as JSON.

One process imports everything and forks the managers, and these their workers, so that a life costs no start-up.
"""

import json
import multiprocessing
import os
import random
import signal
import sys
import time
import traceback
from pathlib import Path

from superionic.documents import AimdSet, ChgnetSettings, MDSet
from superionic.dynamics.segment import run_segment
from superionic.makers.aimd import AimdSetMaker
from superionic.makers.mltp_md import MltpMdMaker
from superionic.makers.study import EveryOrderingMaker, StudyMaker
from superionic.managers import local
from superionic.managers.identity import with_content_uuids
from superionic.settings import SuperionicSettings
from superionic.stores.connecting import embedded_job_store, open_stores
from superionic.stores.runs import load_segments, load_summary
from superionic.structures.host import load_host

KILLS = {"md": 20, "aimd": 5}
MD = MDSet(
    temperatures_K=[700], seeds=[1], length_ps=0.48, segment_length_ps=0.012, equilibration_ps=0.02, stride=2,
)  # fmt: skip
AIMD = AimdSet(**MD.model_dump() | {"length_ps": 0.15, "label_stride": 1})
STAGES = {
    "md": EveryOrderingMaker(MltpMdMaker(md=MD, relax_maker=None)),
    "aimd": EveryOrderingMaker(AimdSetMaker(AIMD, ChgnetSettings(model="r2scan")), "aimd"),
}
HOST = load_host("Li3InCl6")


def flow():
    return with_content_uuids(StudyMaker([STAGES[sys.argv[3]]]).make(HOST))


def run(folder):
    """One life of the manager; its worker dies with it."""
    with open_stores(SuperionicSettings(store_dir=folder)).connected() as stores:
        local.run_flow(flow(), stores.jobs, folder, workers=1)


def start(folder):
    process = os.fork()
    if process:
        os.setpgid(process, process)
        return process
    log = os.open(folder / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    try:
        run(folder)
        os._exit(0)
    except BaseException:  # noqa: BLE001
        traceback.print_exc()
    os._exit(1)


def finished_jobs(folder):
    return len(list((folder / "journal").glob("*.json")))


def kill_at_a_random_moment(folder, moments):
    """Some lives end at any moment of their start, the others in or soon after their first new segment."""
    before, process = finished_jobs(folder), start(folder)
    deadline = time.monotonic() + (60 if moments.random() < 0.7 else 0.5 * moments.random())
    while finished_jobs(folder) == before and time.monotonic() < deadline:
        time.sleep(0.001)
    time.sleep(moments.choice([0.01, 0.1, 0.5]) * moments.random())
    os.killpg(process, signal.SIGKILL)
    assert os.waitpid(process, 0)[1] == signal.SIGKILL, "it had ended before it was killed: make the chain longer"


def outcome(folder):
    store = embedded_job_store(folder / "store")
    store.connect()
    uuid = next(doc["uuid"] for doc in store.query({"output.kind": "md_run"}))
    segments, summary = load_segments(store, uuid), load_summary(store, uuid)
    return {
        "summary": summary.model_dump(mode="json", exclude={"provenance", "cost"}),
        "payloads": [segment.sha256 for segment in segments],
        "end": segments[-1].end_state.model_dump(mode="json"),
        "blobs": store.additional_stores["data"].count(),
        "documents": store.count(),
    }


def main(folder, seed):
    # Workers are forked too; everything that matters is a real process that is really killed.
    local.multiprocessing = type("forking", (), {"get_context": lambda name: multiprocessing.get_context("fork")})
    maker = MltpMdMaker(md=MD)
    ordered = HOST.ordered(HOST.named_filling("O"))
    (folder / "warm").mkdir()
    run_segment(ordered, MD.protocols()[0], maker.potential, None, "warm", folder / "warm")
    moments = random.Random(seed)
    lives = []
    for name in ("killed", "undisturbed"):
        (folder / name).mkdir()
    for _ in range(KILLS[sys.argv[3]]):
        kill_at_a_random_moment(folder / "killed", moments)
        lives.append(finished_jobs(folder / "killed"))
    for name in ("killed", "undisturbed"):
        os.waitpid(start(folder / name), 0)
    print(json.dumps({"lives": lives, **{name: outcome(folder / name) for name in ("killed", "undisturbed")}}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
