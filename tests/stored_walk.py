"""A run from plain arrays as it would be stored."""

import base64
import hashlib

import numpy as np

from superionic.documents import PotentialReference, Provenance, RecordedProtocol, RunIdentity, TrajectorySegment
from superionic.trajectories.codec import FrameWriter, pack


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
    return TrajectorySegment(
        run_id="run",
        segment=number,
        n_segments=number + 1,
        first_step=max(start - 1, 0),
        last_step=stop - 1,
        n_frames=stop - start,
        n_atoms=run.n_atoms,
        species=run.species,
        site_labels=None,
        identity=RunIdentity(
            label="x", formula="x", host="x", mobile_species="Li", mobile_charge_e=1.0, engine="x", potential=potential
        ),
        protocol=RecordedProtocol(temperature_K=run.temperature_K, time_step_fs=run.frame_interval_ps * 1e3),
        mean_temperature_K=None,
        mean_potential_energy_eV_per_atom=None,
        conserved_drift_meV_per_atom_per_ps=None,
        ns_per_day=None,
        end_state=None,
        sha256=hashlib.sha256(packed).hexdigest(),
        n_bytes=len(packed),
        payload=base64.b64encode(packed).decode(),
        provenance=Provenance(sources=[]),
    )
