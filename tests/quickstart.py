"""The quickstart, small enough to run it often: 20 atoms, two temperatures, two segments each; every step real."""

from pathlib import Path

import yaml

STUDY = Path(__file__).parents[1] / "workflows" / "quickstart" / "study.yaml"


def small_study(folder, **changes):
    content = yaml.safe_load(STUDY.read_text())
    content["orderings"][0]["supercell"] = [1, 1, 1]
    content["orderings"][0]["tags"] = ["small"]
    content["relax"]["max_force_eV_per_A"] = 0.5
    content["md"].update(temperatures_K=[700, 1000], length_ps=0.8, equilibration_ps=0.2, segment_length_ps=0.4)
    content.update(changes)
    file = folder / "study.yaml"
    file.write_text(yaml.safe_dump(content))
    return file


def chains(db):
    """Indices, kinds and checksums of every run in a MongoDB."""
    runs = {}
    for job in db.jobs.find({"output.kind": {"$in": ["trajectory_segment", "md_run"]}}).sort("index"):
        output = job["output"]
        runs.setdefault(job["uuid"], []).append((job["index"], output["kind"], output.get("sha256")))
    return runs


def check_settings(db, **wanted):
    """Every stored output of a run says how it is to be analysed."""
    found = [
        job["output"]["analysis"] for job in db.jobs.find({"output.kind": {"$in": ["trajectory_segment", "md_run"]}})
    ]
    assert found
    assert all(settings[name] == value for settings in found for name, value in wanted.items())


def check_chains(db):
    """Two runs of two segments and a summary; every blob belongs to a segment."""
    runs = chains(db)
    assert len(runs) == 2
    for run in runs.values():
        assert [(index, kind) for index, kind, _ in run] == [
            (1, "trajectory_segment"), (2, "trajectory_segment"), (3, "md_run"),
        ]  # fmt: skip
    assert db["data.files"].count_documents({}) == 4
    assert db.jobs.count_documents({}) == 2 + 2 * 3
    return runs
