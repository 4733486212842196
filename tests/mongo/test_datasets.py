"""A dataset made by jobs of jobflow-remote, on MongoDB and GridFS: frames of stored runs, labels, splits."""

import pytest

from quickstart import small_study
from superionic.datasets.document import dataset_frames
from superionic.stores.datasets import load_dataset

pytestmark = [pytest.mark.mongo, pytest.mark.slow]


def test_a_study_makes_a_dataset_through_a_runner_that_is_killed(cluster):
    cluster.set_up_remote()
    study = small_study(
        cluster.folder,
        relax=None,
        md={
            "temperatures_K": [700],
            "length_ps": 0.3,
            "equilibration_ps": 0.02,
            "stride": 2,
            "segment_length_ps": 0.15,
        },
        reference={"family": "chgnet", "model": "r2scan"},
        dataset={"runs": "md", "n_frames": 8, "spacing_ps": 0.02, "label": {"frames_per_job": 3}},
    )
    cluster.run("superionic", "submit", study, "--manager", "jobflow-remote", "--project", "superionic")
    runner = cluster.runner()
    cluster.wait(lambda: cluster.db.jobs.count_documents({"output.kind": "label_batch"}))
    cluster.kill_runner(runner)
    cluster.unlock()
    cluster.runner()
    cluster.wait_all()
    assert cluster.db.jobs.count_documents({"output.kind": "label_batch"}) == 3
    (job,) = cluster.db.jobs.find({"output.kind": "dataset"})
    dealt = cluster.db.queue.find_one({"job.name": "label: deal out"})
    assert (job["uuid"], job["index"]) == (dealt["uuid"], 2)
    assert "blob_uuid" in job["output"]["payload"]
    with cluster.stores() as stores:
        document = load_dataset(stores.jobs, "quickstart")
        frames = dataset_frames(document)
    assert len(frames) == 8
    assert document.references[0].potential.model == "r2scan"
    assert set(document.frames_by_split) == {"train", "validation", "test"}
    assert cluster.db["data.files"].count_documents({}) == 2 + 1 + 3 + 1  # segments, selection, batches, dataset
