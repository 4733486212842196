"""Trajectories that atomate2's MD jobs left in a JobStore, read where they are.

atomate2 stores a trajectory as one JSON blob, so that one job's output at a time has to be in memory. What it does not
store (temperature, time step, stride) comes from the job's Maker, or from the INCAR that VASP read.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from jobflow import JobStore

from superionic.documents import SourceReference
from superionic.errors import InputError
from superionic.trajectories.sources.base import NAN, Ensemble, Floats, Frame, Source, masses_u, temperature_K
from superionic.trajectories.sources.vasp import vasp_ensemble, vasp_functional

_DATA = "data"
_LATEST = {"index": -1}  # a job that was replaced or run again counts with its last output
_PLACES = ("objects", "vasp_objects")
_DEFAULT_TIME_STEP_FS = {True: 0.5, False: 2.0}  # of ForceFieldMDMaker, with and without hydrogen


@dataclass(frozen=True)
class MakerFacts:
    """What a Maker says of its runs, None where it does not."""

    time_step_fs: float | None = None
    temperature_K: float | None = None
    stride: int | None = None
    ensemble: Ensemble | None = None


def makers_in(content: Any) -> dict[str, dict[str, Any]]:
    """Makers of the jobs in a flow, job, or anything that holds them, as JSON, by job UUID; nothing is imported.

    A Maker on its own, without a job, is given under the key ''.
    """
    if isinstance(content, list):
        return {uuid: maker for entry in content for uuid, maker in makers_in(entry).items()}
    if not isinstance(content, dict):
        return {}
    function = content.get("function")
    if "uuid" in content and isinstance(function, dict) and isinstance(function.get("@bound"), dict):
        return {content["uuid"]: function["@bound"]}
    if str(content.get("@class", "")).endswith("Maker"):
        return {"": content}
    return makers_in(list(content.values()))


def facts_of_maker(maker: dict[str, Any], hydrogen: bool) -> MakerFacts:
    """Read a ForceFieldMDMaker, another AseMDMaker, or VASP's MDMaker.

    Raises
    ------
    InputError
        If it runs through several temperatures, or is no MD Maker.
    """
    name = maker.get("@class", "Maker")
    generator = maker.get("input_set_generator")
    if isinstance(generator, dict):
        fields = {"POTIM": "time_step", "TEBEG": "start_temp", "TEEND": "end_temp"}
        incar = {tag: generator.get(field) for tag, field in fields.items()}
        facts = _facts_of_incar({**incar, **(generator.get("user_incar_settings") or {})}, name)
        return replace(facts, ensemble=_ensemble(generator))
    if "time_step" not in maker:
        raise InputError(f"{name} is no Maker of molecular dynamics: correct the query or the makers")
    temperature = maker.get("temperature")
    values = temperature if isinstance(temperature, list) else [] if temperature is None else [temperature]
    step = maker.get("time_step") or _DEFAULT_TIME_STEP_FS[hydrogen]
    return MakerFacts(step, _one_temperature(values, name), maker.get("traj_interval", 1), _ensemble(maker))


def _facts_of_incar(incar: dict[str, Any], name: str) -> MakerFacts:
    """Atomate2 stores every step of vasprun.xml; ML_OUTBLOCK thins it from VASP 6.4.3 on (VASP wiki, ML_OUTBLOCK)."""
    temperatures = [value for value in (incar.get("TEBEG"), incar.get("TEEND")) if value not in {None, -1}]
    stride = 1 if incar.get("ML_OUTBLOCK", 1) == 1 else None
    return MakerFacts(incar.get("POTIM"), _one_temperature(temperatures, name), stride, vasp_ensemble(incar))


def _as_vasp_ran(ran: MakerFacts, planned: MakerFacts) -> MakerFacts:
    """What VASP was run with in the end: custodian may have changed it, POTIM for one (its zpotrf)."""
    return MakerFacts(
        ran.time_step_fs or planned.time_step_fs,
        ran.temperature_K or planned.temperature_K,
        ran.stride,
        planned.ensemble or ran.ensemble,
    )


def _one_temperature(values: list[float], name: str) -> float | None:
    if len(set(values)) > 1:
        raise InputError(f"{name} runs from {values[0]:g} K to {values[-1]:g} K: adopt runs at one temperature")
    return float(values[0]) if values else None


def _ensemble(maker: dict[str, Any]) -> Ensemble | None:
    value = maker.get("ensemble")
    word = str(value.get("value") if isinstance(value, dict) else value).rpartition(".")[2]
    return word if word in {"nvt", "nve", "npt"} else None  # type: ignore[return-value]


@dataclass(frozen=True)
class _StoredRun:
    """What one job stored of every frame."""

    species: list[str]
    positions_A: Floats
    cells_A: Floats
    energies_eV: Floats
    temperatures_K: Floats


class StoredTrajectories:
    """MD outputs of atomate2 in a JobStore; one job's is in memory at a time, as a whole.

    Atomate2 stores a run as one JSON document, which has to be decoded whole: 0.8 GB for 10,000 frames of 80 atoms.

    Parameters
    ----------
    jobs
        The JobStore, connected.
    """

    def __init__(self, jobs: JobStore) -> None:
        self.jobs = jobs
        self._last: tuple[str, _StoredRun] | None = None

    def runs(self, query: dict[str, Any]) -> list[list[str]]:
        """Job UUIDs of every run that matches `query`: one a job, several for a MultiMDMaker.

        A job that a matching MultiMDMaker joins is not a run of its own.
        """
        joins = {**query, "output.full_traj_ids": {"$exists": True}}
        chains = [list(found["output"]["full_traj_ids"]) for found in self.jobs.docs_store.query(joins)]
        longest = [ids for ids in chains if not any(ids != other and ids == other[: len(ids)] for other in chains)]
        joined = {uuid for ids in chains for uuid in ids}
        holds = {"$or": [{f"output.{place}.trajectory": {"$exists": True}} for place in _PLACES]}
        found = self.jobs.docs_store.query({"$and": [query, holds]}, properties=["uuid"])
        alone = dict.fromkeys(document["uuid"] for document in found if document["uuid"] not in joined)
        return longest + [[uuid] for uuid in alone]

    def source(self, uuid: str, maker: dict[str, Any] | None) -> Source:
        """The trajectory of one job.

        Raises
        ------
        InputError
            If the job stored none.
        """
        species = self._run(uuid).species
        document = self.jobs.docs_store.query_one({"uuid": uuid}, sort=_LATEST)
        facts = MakerFacts() if maker is None else facts_of_maker(maker, "H" in species)
        name, output = f"job {uuid}", document["output"]
        if "vasp_objects" in output:
            engine, inputs = "vasp", output.get("input") or {}
            incar = inputs.get("incar") or {}
            model = vasp_functional((inputs.get("parameters") or {}) | incar) or "unknown"
            facts = _as_vasp_ran(_facts_of_incar(incar, name), facts) if incar else facts
        else:
            engine, model = "ase", str(output.get("ase_calculator_name") or "unknown")
        return Source(
            name,
            engine,
            species,
            partial(self._frames, uuid),
            **asdict(facts),
            model=model,
            job=SourceReference(uuid=uuid, index=document["index"], completed_at=document.get("completed_at")),
        )

    def _frames(self, uuid: str, start: int) -> Iterator[Frame]:
        run = self._run(uuid)
        for index in range(start, len(run.positions_A)):
            yield Frame(
                run.positions_A[index],
                run.cells_A[index],
                index + 1,
                None,
                float(run.energies_eV[index]),
                NAN,
                float(run.temperatures_K[index]),
            )

    def _run(self, uuid: str) -> _StoredRun:
        if self._last is None or self._last[0] != uuid:
            self._last = None  # one run in memory, not two
            stored = self._load(uuid)
            try:
                self._last = uuid, (_emmet if "cart_coords" in stored else _pymatgen)(stored)
            except (KeyError, ValueError, TypeError) as error:
                raise InputError(f"job {uuid}: its trajectory is not readable: {error!r}") from error
        return self._last[1]

    def _load(self, uuid: str) -> dict[str, Any]:
        found = self.jobs.query_one({"uuid": uuid}, load={_DATA: ["trajectory"]}, sort=_LATEST)
        if found is None:
            raise InputError(f"job {uuid} is not in this store")
        for place in _PLACES:
            trajectory = (found["output"].get(place) or {}).get("trajectory")
            if isinstance(trajectory, str):
                trajectory = json.loads(trajectory)
            if trajectory is not None:
                return dict(trajectory)
        raise InputError(f"job {uuid} stored no trajectory: its Maker had store_trajectory off")


def _pymatgen(stored: dict[str, Any]) -> _StoredRun:
    """A pymatgen Trajectory: fractional coordinates, or steps from the base positions."""
    species = [entry["element"] if isinstance(entry, dict) else str(entry) for entry in stored["species"]]
    frac = np.asarray(stored["coords"], dtype=np.float64)
    if stored.get("coords_are_displacement"):
        frac = np.asarray(stored["base_positions"], dtype=np.float64) + np.cumsum(frac, axis=0)
    cells = np.broadcast_to(np.asarray(stored["lattice"], dtype=np.float64), (len(frac), 3, 3))
    rows = stored.get("frame_properties") or [{}] * len(frac)
    return _stored_run(species, frac @ cells, cells, rows)


def _emmet(stored: dict[str, Any]) -> _StoredRun:
    """Emmet's Trajectory: Cartesian coordinates, one value a frame in lists of their own."""
    from pymatgen.core import Element

    positions = np.asarray(stored["cart_coords"], dtype=np.float64)
    cells = np.broadcast_to(np.asarray(stored["lattice"], dtype=np.float64), (len(positions), 3, 3))
    lists = {
        name: stored[name]
        for name in ("energy", "e_fr_energy", "temperature", "velocities")
        if isinstance(stored.get(name), list) and len(stored[name]) == len(positions)
    }
    rows = [{name: values[index] for name, values in lists.items()} for index in range(len(positions))]
    return _stored_run([str(Element.from_Z(number).symbol) for number in stored["elements"]], positions, cells, rows)


def _stored_run(species: list[str], positions_A: Floats, cells_A: Floats, rows: list[dict[str, Any]]) -> _StoredRun:
    energies = [row.get("e_fr_energy", row.get("energy")) for row in rows]
    return _StoredRun(
        species,
        positions_A,
        cells_A,
        np.array([NAN if energy is None else energy for energy in energies], dtype=np.float64),
        np.array([_temperature_K(row, species) for row in rows]),
    )


def _temperature_K(row: dict[str, Any], species: list[str]) -> float:
    if row.get("temperature") is not None:
        return float(row["temperature"])
    if row.get("velocities") is None:
        return NAN
    kinetic = float(0.5 * np.sum(masses_u(species)[:, None] * np.asarray(row["velocities"], dtype=np.float64) ** 2))
    return temperature_K(kinetic, len(species)) if kinetic > 0 else NAN
