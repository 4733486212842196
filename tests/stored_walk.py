"""A run from plain arrays as it would be stored."""

import numpy as np

from superionic.documents import AnalysisSettings, PotentialReference, RecordedProtocol, RunIdentity
from superionic.trajectories.codec import FrameWriter, pack
from superionic.trajectories.segments import RunRecord, write_segment


def stored_segment(run, folder, number, start, stop):
    """Some frames of a run as one segment."""
    writer = FrameWriter(folder / str(number), run.n_atoms)
    for step in range(start, stop):
        writer.append(
            step,
            run.positions_A[step],
            run.cell_A if run.cell_A.ndim == 2 else run.cell_A[step],
            potential_energy_eV=np.nan,
            conserved_energy_eV=np.nan,
            temperature_K=run.temperatures_K[step],
        )
    writer.close()
    packed = pack(folder / str(number))
    potential = PotentialReference(family="unknown", model="unknown")
    identity = RunIdentity(
        label="x", formula="x", host="x", mobile_species="Li", mobile_charge_e=1.0, engine="x", potential=potential
    )
    protocol = RecordedProtocol(temperature_K=run.temperature_K, time_step_fs=run.frame_interval_ps * 1e3)
    return write_segment(
        RunRecord("run", identity, protocol, AnalysisSettings(), run.species), number, number + 1, packed
    )
