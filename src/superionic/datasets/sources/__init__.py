"""Readers of labelled frames that others made, one file a format; what is read is unchecked."""

from __future__ import annotations

from pathlib import Path

from superionic.datasets.extxyz import read_extxyz
from superionic.datasets.sources import ase_db, chgnet_json, records, vasp
from superionic.datasets.sources.base import Found, Given
from superionic.documents.dataset import LabelReference
from superionic.errors import InputError

FORMATS = ("vasp", "extxyz", "records", "ase-db", "chgnet")

__all__ = ["FORMATS", "Found", "Given", "read_labels"]


def read_labels(path: Path, given: Given, file_format: str | None = None) -> Found:
    """Labelled frames in a file or a tree of VASP directories.

    Parameters
    ----------
    path
        The file or directory.
    given
        What it does not say.
    file_format
        One of `FORMATS`; told by the content if None.

    Raises
    ------
    InputError
        If it cannot be read, is of no known format, or does not say what gave the labels and nobody else does.
    """
    if not path.exists():
        raise InputError(f"{str(path)!r} does not exist")
    chosen = file_format or _told(path)
    if chosen == "vasp":
        return vasp.vasp_candidates(path, given).thinned(given)
    if chosen == "records":
        return records.record_candidates(path, given).thinned(given)
    reference = _required(given, path)
    if chosen == "extxyz":
        return Found(read_extxyz(path, reference, given.dialect)).thinned(given)
    if chosen == "ase-db":
        return ase_db.ase_db_candidates(path, reference).thinned(given)
    return chgnet_json.chgnet_candidates(path, reference).thinned(given)


def _required(given: Given, path: Path) -> LabelReference:
    if given.reference is None:
        raise InputError(f"{path} does not say what gave its labels: give --reference, a YAML file of it")
    return given.reference


def _told(path: Path) -> str:
    """The format, by the first bytes; that of compressed files by the name within."""
    if path.is_dir():
        return "vasp"
    name = path.name.removesuffix(".gz")
    with path.open("rb") as stream:
        start = stream.read(512).lstrip()
    if start.startswith(ase_db.MAGIC):
        return "ase-db"
    if name.endswith(".jsonl"):
        return "records"
    if b"<?xml" in start or b"<modeling" in start or name.endswith(".xml"):
        return "vasp"
    if start.startswith(b"{"):
        return "chgnet"
    if start.split(b"\n")[0].strip().isdigit() or name.endswith((".xyz", ".extxyz")):
        return "extxyz"
    raise InputError(
        f"{str(path)!r} is of no known format: give VASP directories, vasprun.xml, extended xyz, an ASE database, "
        "CHGNet's JSON, or records of labels (.jsonl)"
    )
