"""What a potential sees of a frame, as numbers: its own features, and how much an ensemble of it disagrees.

Features are CHGNet's, from the package that the potential comes from: what it reads energies off, after its last
convolution, 64 numbers an atom. Their mean over the atoms of each element is the same for a frame that is turned,
moved, wrapped or renumbered. They need no further package (dscribe's SOAP would be one more), and two frames are near
in them if the model that is to be trained sees little difference between them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from superionic.datasets.frames import BareFrame, Floats
from superionic.errors import InputError
from superionic.potentials.interface import Potential


def chgnet_features(frames: Sequence[BareFrame], model: str = "0.3.0") -> Floats:
    """Mean atomic features of each element, one row a frame; frames of several compositions share the columns.

    Parameters
    ----------
    frames
        The frames.
    model
        CHGNet's model.

    Raises
    ------
    InputError
        If an atom has no neighbour, or an element is unknown to the model.
    """
    from pymatgen.core import Lattice, Structure

    from superionic.potentials.chgnet.reference import load_model

    network, _ = load_model(model)
    elements = sorted({int(number) for frame in frames for number in frame.numbers})
    rows = []
    for frame in frames:
        structure = Structure(
            Lattice(frame.cell_A), frame.numbers.tolist(), frame.positions_A, coords_are_cartesian=True
        )
        try:
            found = network.predict_structure(structure, task="e", return_atom_feas=True)["atom_fea"]
        except ValueError as error:
            raise InputError(f"{frame.origin.title} has no features: {error}") from error
        zero = np.zeros(found.shape[1])
        parts = [found[frame.numbers == z].mean(axis=0) if (frame.numbers == z).any() else zero for z in elements]
        rows.append(np.concatenate(parts))
    return np.array(rows, dtype=np.float64)


def force_disagreement(frames: Sequence[BareFrame], members: Sequence[Potential]) -> Floats:
    """Largest standard deviation, over an ensemble, of the force on an atom of each frame in eV/Å, shape (n_frames,).

    Parameters
    ----------
    frames
        The frames.
    members
        Two potentials at least.

    Raises
    ------
    InputError
        If there are fewer.
    """
    if len(members) < 2:
        raise InputError(f"an ensemble of {len(members)} does not disagree: give two potentials at least")
    found = []
    for frame in frames:
        forces = np.array(
            [m.session(frame.numbers).evaluate(frame.positions_A, frame.cell_A).forces_eV_per_A for m in members]
        )
        spread = np.sqrt(((forces - forces.mean(axis=0)) ** 2).sum(axis=2).mean(axis=0))
        found.append(float(spread.max()))
    return np.array(found)
