"""A potential as a user names it: a published model, a file, or one that the store holds."""

from __future__ import annotations

from jobflow import JobStore

from superionic.documents.potential import looks_like_a_path
from superionic.potentials.chgnet.reference import PRETRAINED
from superionic.stores.potentials import load_trained
from superionic.training.fine_tune import weights_file

__all__ = ["model_of"]


def model_of(name: str, jobs: JobStore) -> str:
    """What `load_chgnet` takes: a published name, or the path of a checkpoint.

    Parameters
    ----------
    name
        Published name, path, or name, UUID or SHA-256 of a trained potential in the store.
    jobs
        The JobStore, connected.

    Raises
    ------
    InputError
        If nothing has that name: pretrained weights are never taken instead.
    """
    if name in PRETRAINED or looks_like_a_path(name):
        return name
    return str(weights_file(load_trained(jobs, name)))
