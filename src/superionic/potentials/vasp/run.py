"""One calculation by VASP in one folder: atomate2 writes its input, custodian watches it, emmet reads its output."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from atomate2.vasp.jobs.base import BaseVaspMaker
from emmet.core.tasks import TaskDoc
from pymatgen.core import Structure

from superionic.potentials.interface import PotentialError

__all__ = ["VASP_SPEED", "Outcome", "run_vasp"]

VASP_SPEED: dict[str, Any] = {"custodian_kwargs": {"polling_time_step": 0.5}, "scratch_dir": None}
"""How custodian waits: its own ten seconds are longer than many a frame takes. No scratch folder: the job's is one."""

_NUMERICAL = frozenset(
    ("ALGO", "IALGO", "NELM", "NELMIN", "NELMDL", "AMIN", "AMIX", "BMIX", "AMIX_MAG", "BMIX_MAG", "IMIX", "MAXMIX",
     "SYMPREC", "ISTART", "ICHARG", "LWAVE", "LCHARG", "NCORE", "NPAR", "KPAR", "NSIM", "LPLANE", "LSCALAPACK",
     "NBANDS", "TIME", "LSUBROT")
)  # fmt: skip
"""Tags that decide how VASP gets to its result: custodian may change them."""


@dataclass(frozen=True)
class Outcome:
    """What a calculation left.

    Attributes
    ----------
    task
        What emmet read of it.
    corrections
        What custodian changed to get past errors of VASP, in words.
    cores
        Cores that VASP said it ran on; None if it did not.
    version
        Version of VASP.
    """

    task: TaskDoc
    corrections: list[str]
    cores: int | None
    version: str


def run_vasp(maker: BaseVaspMaker, structure: Structure, folder: Path) -> Outcome:
    """Run a Maker of atomate2 as it is, in this process, in a folder of its own.

    Parameters
    ----------
    maker
        The Maker.
    structure
        The atoms in the order of POSCAR.
    folder
        Where VASP runs; it is there and empty.

    Raises
    ------
    PotentialError
        If VASP failed, or custodian changed what is calculated.
    """
    asked = dict(maker.input_set_generator.get_input_set(structure, potcar_spec=True).incar)
    maker.stop_children_kwargs["handle_unsuccessful"] = False  # whoever asked judges
    try:
        with contextlib.chdir(folder):
            response = type(maker).make.original(maker, structure)
    except Exception as error:  # whatever keeps VASP from an answer is the reason that is stored
        raise PotentialError(f"VASP gave no result: {' '.join(f'{type(error).__name__}: {error}'.split())}") from error
    task: TaskDoc = response.output
    corrections = _corrections(task)
    used = {tag.upper(): value for tag, value in task.calcs_reversed[0].input.incar.items()}
    changed = [
        f"{tag} from {value} to {used[tag]}"
        for tag, value in asked.items()
        if tag not in _NUMERICAL and tag in used and not _same(value, used[tag])
    ]
    if changed:
        why = "; ".join(corrections) or "no reason given"
        raise PotentialError(f"custodian changed {', '.join(changed)}, which is another calculation ({why})")
    overall = (task.run_stats or {}).get("overall")
    return Outcome(task, corrections, (overall.cores or None) if overall else None, task.calcs_reversed[0].vasp_version)


def _corrections(task: TaskDoc) -> list[str]:
    found = []
    for entry in task.custodian or []:
        for correction in entry.corrections:
            plain = correction if isinstance(correction, dict) else correction.model_dump()
            changes = [action.get("action") for action in plain.get("actions") or []]
            found.append(f"{', '.join(plain.get('errors') or ['?'])}: {changes}")
    return found


def _same(asked: Any, used: Any) -> bool:
    try:
        return abs(float(asked) - float(used)) <= 1e-6 * max(1.0, abs(float(asked)))
    except (TypeError, ValueError):
        return str(asked).strip().lower()[:4] == str(used).strip().lower()[:4]
