"""Families of machine-learned potentials by name, each through its own package.

A published name is always that of the package: weights are found first and handed over by their full path wherever
the package would take a file of the same name in the working folder instead. Loading a weights file may run code in it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from ase.data import atomic_numbers

from superionic.documents import PotentialReference, PresetSettings
from superionic.documents.potential import looks_like_a_path
from superionic.errors import InputError
from superionic.potentials.ase import AsePotential, sha256_of
from superionic.potentials.installed import distribution_of

__all__ = ["PRESETS", "Preset", "load"]


@dataclass(frozen=True)
class Built:
    """A calculator, and what its package tells of it."""

    calculator: Any
    weights: Path | None = None
    supported_numbers: frozenset[int] | None = None
    cutoff_A: float | None = None


@dataclass(frozen=True)
class Preset:
    """One family.

    Attributes
    ----------
    family
        Its name in documents.
    package, module
        The distribution on PyPI, and what it is imported as.
    model
        The model that is meant where none is given; None where one must be given.
    build
        Makes the calculator from the model (the full path of a file, or a name), the device and arguments.
    """

    family: str
    package: str
    module: str
    model: str | None
    build: Callable[[str, str, dict[str, Any]], Built]


def load(settings: PresetSettings) -> AsePotential:
    """The potential that the settings name.

    Raises
    ------
    InputError
        The package, the model or the device is not there.
    """
    preset = PRESETS[settings.family]
    provider = _provider(settings.family, preset)
    model = settings.model or preset.model
    if model is None:
        raise InputError(f"potential.family: {settings.family} needs potential.model, the path of a model")
    file = _file(settings.family, model)
    try:
        built = preset.build(model if file is None else str(file), settings.device, dict(settings.kwargs))
    except InputError:
        raise
    except Exception as error:
        raise InputError(
            f"potential.model={model!r} of family {settings.family} cannot be loaded: {type(error).__name__}: {error}"
        ) from error
    arguments = "".join(f", {key}={value!r}" for key, value in settings.kwargs.items())
    weights = built.weights or file
    reference = PotentialReference(
        family=preset.family,
        model=f"{model}{arguments}",
        origin=None if file else "pretrained",
        sha256=None if weights is None else sha256_of(_files(weights)),
        package_version=f"{provider.name} {provider.version}",
    )
    return AsePotential(built.calculator, reference, built.supported_numbers, built.cutoff_A)


def _provider(family: str, preset: Preset) -> Any:
    try:
        distribution(preset.package)
    except PackageNotFoundError:
        raise InputError(
            f"potential.family: {family} needs {preset.package}, which is not installed: "
            f"pip install 'superionic[{family}]'"
        ) from None
    return distribution_of(preset.module)


def _file(family: str, model: str) -> Path | None:
    """The file of a model given by its path, None of one given by its name."""
    path = Path(model).expanduser()
    if looks_like_a_path(model) and path.exists():
        return path.resolve()
    if "/" in model and family != "matgl":  # names of matgl's models may hold one
        raise InputError(f"potential.model={model!r} does not exist: give a weights file, or a model's name")
    return None


def _files(weights: Path) -> list[Path]:
    """The file itself, or the files of a folder by their names."""
    return sorted(file for file in weights.iterdir() if file.is_file()) if weights.is_dir() else [weights]


def _unambiguous(model: str) -> str:
    """A model's name for a package that would take a file of that name for it."""
    if not Path(model).is_absolute() and Path(model).exists():
        raise InputError(
            f"potential.model={model!r} is the name of a model, and a file of that name is in the working folder: "
            f"write ./{model} for the file, or run elsewhere"
        )
    return model


def _mace(model: str, device: str, kwargs: dict[str, Any]) -> Built:
    from mace.calculators import MACECalculator
    from mace.calculators.foundations_models import download_mace_mp_checkpoint

    weights = Path(model) if Path(model).is_absolute() else Path(download_mace_mp_checkpoint(model))
    calculator = MACECalculator(model_paths=[str(weights)], device=device, **kwargs)
    return Built(calculator, weights, frozenset(map(int, calculator.z_table.zs)), float(calculator.r_max))


def _sevennet(model: str, device: str, kwargs: dict[str, Any]) -> Built:
    from sevenn.calculator import SevenNetCalculator
    from sevenn.util import pretrained_name_to_path

    weights = Path(model) if Path(model).is_absolute() else Path(pretrained_name_to_path(model))
    calculator = SevenNetCalculator(str(weights), device=device, **kwargs)
    return Built(calculator, weights, frozenset(map(int, calculator.type_map)), float(calculator.cutoff))


def _mattersim(model: str, device: str, kwargs: dict[str, Any]) -> Built:
    from mattersim.forcefield import MatterSimCalculator
    from mattersim.forcefield.potential import Potential

    calculator = MatterSimCalculator(
        potential=Potential.from_checkpoint(_unambiguous(model), device=device), device=device, **kwargs
    )
    published = Path("~/.local/mattersim/pretrained_models").expanduser() / f"{model.removesuffix('.pth')}.pth"
    return Built(calculator, published if published.is_file() else None)


def _orb(model: str, device: str, kwargs: dict[str, Any]) -> Built:
    from orb_models.forcefield.calculator import ORBCalculator
    from orb_models.forcefield.pretrained import ORB_PRETRAINED_MODELS

    if model not in ORB_PRETRAINED_MODELS:
        raise InputError(f"potential.model={model!r} is none of Orb's models: {', '.join(ORB_PRETRAINED_MODELS)}")
    return Built(ORBCalculator(ORB_PRETRAINED_MODELS[model](device=device), device=device, **kwargs))


def _matgl(model: str, device: str, kwargs: dict[str, Any]) -> Built:
    import matgl
    from matgl.ext.ase import PESCalculator

    potential = matgl.load_model(_unambiguous(model)).to(device)
    calculator = PESCalculator(potential, stress_unit="eV/A3", **kwargs)  # its default, GPa, is not ASE's unit
    numbers = frozenset(atomic_numbers[symbol] for symbol in calculator.element_types)
    return Built(calculator, None, numbers, float(calculator.cutoff))


def _nequip(model: str, device: str, kwargs: dict[str, Any]) -> Built:
    from nequip.integrations.ase import NequIPCalculator

    return Built(NequIPCalculator.from_compiled_model(model, device=device, **kwargs), Path(model))


PRESETS = {
    "mace": Preset("MACE", "mace-torch", "mace", "medium-mpa-0", _mace),
    "sevennet": Preset("SevenNet", "sevenn", "sevenn", "7net-0", _sevennet),
    "mattersim": Preset("MatterSim", "mattersim", "mattersim", "mattersim-v1.0.0-1M", _mattersim),
    "orb": Preset("Orb", "orb-models", "orb_models", "orb-v3-conservative-inf-omat", _orb),
    "matgl": Preset("MatGL", "matgl", "matgl", None, _matgl),
    "nequip": Preset("NequIP", "nequip", "nequip", None, _nequip),
}
