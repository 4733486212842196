"""Trajectories that another code made become stored runs, on which the builders work.

As with MD of our own, a run is one job UUID: its indices 1, 2, ... are its segments, its last index the small
MDRunDocument. Each job reads on in the files where the one before it stopped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from jobflow import CURRENT_JOB, Job, Maker, Response, job
from pymatgen.core import Composition, Element, Species

from superionic.analysis.sites.sites import host_sites, ordering_class_of_run
from superionic.documents import UNKNOWN, ImportSettings, PotentialReference, RecordedProtocol, RunIdentity
from superionic.errors import InputError
from superionic.structures.host import Host, load_host
from superionic.structures.host_document import host_document
from superionic.trajectories.chain import BLOCK_FRAMES, Chain
from superionic.trajectories.following import ChainState
from superionic.trajectories.imported import ImportedRun, frames_per_segment
from superionic.trajectories.sources import Source, open_source
from superionic.trajectories.trajectory import from_arrays

_FAMILIES = {"vasp": "VASP", "cp2k": "CP2K", "lammps": "LAMMPS", "ase": "ASE", "mdanalysis": UNKNOWN}
_TEMPERATURE_TOLERANCE_K = 0.5
_TIME_STEP_TOLERANCE_FS = 0.01  # xtc keeps times in single precision


@dataclass
class ImportTrajectoryMaker(Maker):
    """Store the trajectory in one or several files as one run.

    Attributes
    ----------
    settings
        What the files do not say.
    name
        Name of the job.
    """

    settings: ImportSettings
    name: str = "import trajectory"

    def make(self, files: str | Path | Sequence[str | Path]) -> Job:
        """Job that stores the first segment and is replaced by the next one.

        Parameters
        ----------
        files
            Files or VASP directories that hold the run, in its order; or a reference to a job's directory.
        """
        several = files if isinstance(files, list | tuple) else [files]
        first = import_segment([_absolute(file) for file in several], self.settings, None, 0)
        first.name = f"{self.name} segment 1"
        return first


def _absolute(file: object) -> object:
    return str(Path(file).resolve()) if isinstance(file, Path) else file  # references and host:folder stay


@job(data=["payload"])
def import_segment(
    files: list[str], settings: ImportSettings, state: dict[str, object] | None, segment: int
) -> Response:
    """Store one segment and go on with the next one, or store the summary of the run if there are no more frames.

    Parameters
    ----------
    files
        Files or VASP directories that hold the run, in its order.
    settings
        What they do not say.
    state
        Where the segment before ended; None for the first.
    segment
        Number of this segment, from 0.
    """
    run = imported_run([_local(file) for file in files], settings)
    reached = ChainState(**state) if state is not None else ChainState()  # type: ignore[arg-type]
    run_id = CURRENT_JOB.job.uuid
    stored = run.segment(run_id, segment, reached)
    if stored is None:
        return Response(output=run.summary(run_id, segment, reached))
    following = import_segment(files, settings, asdict(reached), segment + 1)
    following.name = f"{CURRENT_JOB.job.name.rpartition(' ')[0]} {segment + 2}"
    return Response(output=stored, replace=following)


def _local(file: str) -> Path:
    """Without the host name that atomate2 puts before a directory."""
    host, _, folder = file.partition(":")
    return Path(folder if folder.startswith("/") and "/" not in host else file)


def imported_run(files: Sequence[Path], settings: ImportSettings) -> ImportedRun:
    """Open the files of a run and check that its beginning can be imported.

    Raises
    ------
    InputError
        If a file cannot be read, something the settings must say is missing or contradicts the files, or the atoms
        are not those of the host.
    """
    topology = Path(settings.topology) if settings.topology else None
    cell = None if settings.cell_A is None else np.array(settings.cell_A)
    sources = [open_source(file, topology, cell, settings.elements) for file in files]
    return described_run(sources, settings)


def described_run(sources: Sequence[Source], settings: ImportSettings) -> ImportedRun:
    """The same for sources that are open."""
    host = load_host(settings.host) if settings.host else None
    chain = Chain(sources, settings.unwrapped)
    state = ChainState()
    beginning = next(chain.blocks(state, BLOCK_FRAMES), None)
    if beginning is None:
        raise InputError(f"{sources[0].name} holds no whole frame")
    protocol = _protocol(sources, settings, state)
    identity = _identity(sources[0], settings, host)
    if host is not None and len(beginning.frames) > 1:
        trajectory = from_arrays(
            beginning.positions_A,
            beginning.cells_A,
            sources[0].species,
            protocol.frame_interval_ps,
            protocol.temperature_K,
            identity.mobile_species,
        )
        trajectory = replace(trajectory, other_mobile_charges_e=identity.other_mobile_charges_e)
        trajectory = trajectory.with_framework(settings.analysis.framework)
        host_sites(host, trajectory)  # refuses a run whose cell or framework is not that of the host
        identity = identity.model_copy(update={"ordering_class": ordering_class_of_run(host, trajectory)})
    crystal = None if host is None else host_document(host)
    per_segment = frames_per_segment(len(sources[0].species))
    return ImportedRun(chain, identity, protocol, crystal, per_segment, settings.analysis)


def _protocol(sources: Sequence[Source], settings: ImportSettings, state: ChainState) -> RecordedProtocol:
    step = _stated(sources, "time_step_fs", settings.time_step_fs, _TIME_STEP_TOLERANCE_FS, "--time-step, in fs")
    temperature = _stated(
        sources, "temperature_K", settings.temperature_K, _TEMPERATURE_TOLERANCE_K, "--temperature, in K"
    )
    counted = state.spacing if sources[0].numbers_are_steps else None
    stated = _stated(sources, "stride", settings.stride, 0, "--stride")
    stride = counted if stated is None else int(stated)
    if counted is not None and stride != counted:
        raise InputError(
            f"stride = {stride}, but the frames of {sources[0].name} are {counted} steps apart: leave it out"
        )
    if step is None or temperature is None:
        missing = "time step (--time-step, in fs)" if step is None else "temperature (--temperature, in K)"
        raise InputError(f"{sources[0].name} does not say the {missing}: give it")
    if stride is None:
        raise InputError(
            f"{sources[0].name} does not say how many MD steps lie between its frames: give --stride, 1 if it holds "
            "every step"
        )
    return RecordedProtocol(
        temperature_K=temperature,
        time_step_fs=step,
        stride=stride,
        equilibration_ps=settings.equilibration_ps,
        ensemble=settings.ensemble or sources[0].ensemble,
    )


def _stated(sources: Sequence[Source], field: str, given: float | None, tolerance: float, option: str) -> float | None:
    """A value that the files state, all the same, and that the user may only confirm; else what the user gave."""
    value, origin = given, f"{option.partition(',')[0]} {given}"
    for source in sources:
        stated = getattr(source, field)
        if stated is None:
            continue
        if value is not None and abs(stated - value) > tolerance:
            raise InputError(f"{field} = {stated:g} in {source.name} is not that of {origin}: give parts of one run")
        value, origin = (stated, source.name) if value is None else (value, origin)
    return value


def _identity(source: Source, settings: ImportSettings, host: Host | None) -> RunIdentity:
    (mobile, charge), *others = _mobile_ions(settings, host)
    for ion, _ in [(mobile, charge), *others]:
        if ion not in source.species:
            raise InputError(
                f"mobile ion {ion!r} is none of the elements {sorted(set(source.species))} of {source.name}"
            )
    formula = Composition({name: source.species.count(name) for name in source.species}).reduced_formula
    engine = settings.engine or source.engine
    return RunIdentity(
        label=settings.label or formula,
        formula=formula,
        host=UNKNOWN if settings.host is None else settings.host,
        mobile_species=mobile,
        mobile_charge_e=charge,
        other_mobile_charges_e=dict(others),
        engine=engine,
        potential=PotentialReference(
            family=_FAMILIES.get(engine, engine),
            model=settings.potential or source.model or UNKNOWN,
            origin=_origin(engine, settings.potential or source.model),
        ),
        study=settings.study,
        tags=settings.tags,
    )


def _origin(engine: str, model: str | None) -> Literal["first principles"] | None:
    """VASP is first principles, CP2K if a functional is named: it does tight binding and force fields too."""
    functional = engine == "cp2k" and model is not None and "xtb" not in model.lower()
    return "first principles" if engine == "vasp" or functional else None


def _mobile_ions(settings: ImportSettings, host: Host | None) -> list[tuple[str, float]]:
    """Mobile ions and their charges, the one whose sites and jumps are analysed first."""
    if settings.mobile is None:
        assert host is not None  # noqa: S101 - the settings require one of the two
        return [(ion, host.oxidation_states[ion]) for ion in host.all_mobile]
    found = [_mobile_ion(name.strip(), host) for name in settings.mobile.split(",")]
    if len(dict(found)) < len(found):
        raise InputError(f"mobile = {settings.mobile!r} names an ion twice: name each once, as in 'Li+,Na+'")
    return found


def _mobile_ion(name: str, host: Host | None) -> tuple[str, float]:
    if host is not None and name in host.oxidation_states:
        return name, host.oxidation_states[name]
    try:
        ion = Species.from_str(name)
    except ValueError:
        ion = None
    if ion is None or ion.oxi_state is None:
        wrong = "has no charge" if Element.is_valid_symbol(name) else "is no ion"
        raise InputError(f"mobile = {name!r} {wrong}: write it as in 'Li+' or 'Mg2+'")
    return ion.symbol, float(ion.oxi_state)
