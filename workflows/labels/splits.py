"""How much a split by frame flatters the error of a model: the same frames and model, split otherwise.

    python workflows/labels/splits.py

Frames: NVT of Li3InCl6 (20 atoms) by CHGNet 0.3.0, 3 temperatures x 2 seeds, 4 ps each, one frame every 40 fs. Labels:
CHGNet r2scan minus CHGNet 0.3.0, energy per atom. Model: kernel ridge on the mean atomic features of each element, its
width and ridge chosen on the validation part, as a fine-tuning would choose its epoch. The last row is what counts:
the error on runs that no frame of which was seen.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from jobflow import JobStore, run_locally
from maggma.stores import MemoryStore

from superionic.datasets.codec import from_payload, unpack_bare_frames
from superionic.datasets.descriptors import chgnet_features
from superionic.datasets.frames import Floats, LabelledFrames, ReferenceFrame
from superionic.datasets.references import reference_of
from superionic.datasets.splits import split_frames
from superionic.documents import ChgnetSettings, MDSet, SplitSettings
from superionic.documents.selection import SelectionSettings
from superionic.makers.frame_selection import FrameSelectionMaker
from superionic.makers.mltp_md import MltpMdMaker
from superionic.makers.study import EveryOrderingMaker, StudyMaker
from superionic.potentials.load import load
from superionic.structures.host import load_host

MD = MDSet(temperatures_K=[500, 700, 900], seeds=[1, 2], length_ps=4.5, equilibration_ps=0.5, stride=5)
SPACING_PS = 0.04
N_SPLITS = 20


def frames_of_runs() -> LabelledFrames:
    """Frames of all runs, labelled by the difference of two models in eV."""
    jobs = JobStore(MemoryStore(), additional_stores={"data": MemoryStore(key="blob_uuid")})
    flow = StudyMaker([EveryOrderingMaker(MltpMdMaker(md=MD))]).make(load_host("Li3InCl6"))
    run_locally(flow, store=jobs, ensure_success=True, log=False)
    runs = [job.uuid for job, _ in flow.iterflow() if job.name.startswith("mltp-md")]
    select = FrameSelectionMaker(SelectionSettings(spacing_ps=SPACING_PS)).make(runs)
    run_locally(select, store=jobs, ensure_success=True, log=False)
    payload = jobs.get_output(select.uuid, load=True)["payload"]
    base, reference = load(ChgnetSettings()), load(ChgnetSettings(model="r2scan"))
    named = reference_of(ChgnetSettings(model="r2scan"), reference.reference)
    found = []
    for frame in unpack_bare_frames(from_payload(payload, "frames")):
        energies = [
            potential.session(frame.numbers).evaluate(frame.positions_A, frame.cell_A).energy_eV
            for potential in (reference, base)
        ]
        labels = (energies[0] - energies[1], np.zeros_like(frame.positions_A), None, None)
        found.append(ReferenceFrame(frame.numbers, frame.positions_A, frame.cell_A, frame.origin, *labels, named))
    return LabelledFrames(tuple(found))


def errors(features: Floats, energies: Floats, parts: list[str | None]) -> tuple[float, float, float]:
    """Root mean square errors on training, validation and test in eV/atom."""
    at = {name: np.flatnonzero([part == name for part in parts]) for name in ("train", "validation", "test")}
    mean = energies[at["train"]].mean()
    scaled = (features - features[at["train"]].mean(axis=0)) / features[at["train"]].std()
    squares = ((scaled[:, None] - scaled[at["train"]][None]) ** 2).sum(axis=-1)
    best = None
    for width in np.median(squares) * np.array([0.1, 0.3, 1, 3, 10]):
        kernel = np.exp(-squares / width)
        for ridge in 10.0 ** np.arange(-6, 1):
            inner = kernel[at["train"]] + ridge * np.eye(len(at["train"]))
            residual = energies - mean - kernel @ np.linalg.solve(inner, energies[at["train"]] - mean)
            found = tuple(float(np.sqrt(np.mean(residual[places] ** 2))) for places in at.values())
            if best is None or found[1] < best[1]:
                best = found
    assert best is not None  # noqa: S101
    return best


def main() -> None:
    """Print a row a way of splitting."""
    import contextlib

    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(Path(folder)):
        frames = frames_of_runs()
    features, energies = chgnet_features(frames.frames), frames.energies_eV_per_atom
    print(f"{len(frames)} frames, spread {1e3 * energies.std():.2f} meV/atom")
    for by in ("frame", "block", "run"):
        found = []
        for seed in range(N_SPLITS):
            settings = SplitSettings(by=by, fractions=(0.6, 0.2, 0.2), seed=seed)
            parts = [frame.split for frame in split_frames(frames, settings)]
            found.append(errors(features, energies, parts))
        values, spread = 1e3 * np.mean(found, axis=0), 1e3 * np.std(found, axis=0) / np.sqrt(N_SPLITS)
        titles = ("train", "validation", "test")
        row = ", ".join(f"{n} {v:.3f} +- {e:.3f}" for n, v, e in zip(titles, values, spread, strict=True))
        print(f"by {by}: {row} meV/atom", flush=True)


if __name__ == "__main__":
    main()
