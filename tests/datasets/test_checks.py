"""Every kind of bad label is refused or set aside by its name; good ones are all let in.

Each is made of real labels: PBEsol by CP2K of Li3InCl6.
"""

from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest
from ase import units
from ase.data import atomic_numbers

from labels import PBESOL, candidates
from superionic.datasets.checks import admitted
from superionic.datasets.sources import Given, read_labels
from superionic.datasets.units import LabelUnits, require_units
from superionic.documents import ChgnetSettings
from superionic.documents.dataset_checks import DatasetChecks
from superionic.errors import InputError
from superionic.potentials.load import load
from vasp_labels import ENDED, write_run

CHECKS = DatasetChecks()


@pytest.fixture(scope="module")
def model():
    with closing(load(ChgnetSettings(model="0.3.0"))) as potential:
        yield potential


def let_in(found, model=None):
    """What a command does with frames that it read."""
    result = admitted(found, CHECKS)
    if model is not None:
        require_units(result.frames, model, CHECKS)
    return result


def test_all_real_labels_are_let_in(model):
    result = let_in(candidates(), model)
    assert len(result.frames) == len(candidates()) >= 33
    assert result.excluded == []
    assert result.notes == []


def one_bad(change, at=3):
    return [change(c) if n == at else c for n, c in enumerate(candidates())]


def changed(**values):
    return lambda candidate: replace(candidate, **values)


def array(name, function):
    return lambda candidate: replace(candidate, **{name: function(getattr(candidate, name).copy())})


def with_nan(values):
    values[0, 1] = np.nan
    return values


def moved(candidate):
    """One lithium almost on top of a chlorine."""
    positions, numbers = candidate.frame.positions_A.copy(), candidate.frame.numbers
    lithium, chlorine = (np.flatnonzero(numbers == z)[0] for z in (3, 17))
    positions[lithium] = positions[chlorine] + [0.8, 0, 0]
    return replace(candidate, frame=replace(candidate.frame, positions_A=positions))


def blown_up(candidate):
    frame = candidate.frame
    return replace(candidate, frame=replace(frame, positions_A=frame.positions_A * 3, cell_A=frame.cell_A * 3))


def one_atom_less(candidate):
    """Positions of all, forces of all but one."""
    return replace(candidate, forces_eV_per_A=candidate.forces_eV_per_A[:-1])


def force_lost(forces):
    forces[np.argmax(np.linalg.norm(forces, axis=1))] = 0
    return forces * 4


SET_ASIDE = {
    "unconverged self-consistency": (
        changed(problem="CP2K: self-consistency was not reached: no energy, no forces"), "refused by its source"
    ),
    "no energy": (changed(energy_eV=None), "no energy"),
    "missing forces": (changed(forces_eV_per_A=None), "no forces"),
    "forces that are zeros": (array("forces_eV_per_A", np.zeros_like), "no forces"),
    "forces of some atoms": (one_atom_less, "incomplete forces"),
    "forces of another frame's atoms": (array("forces_eV_per_A", force_lost), "net force"),
    "energy is NaN": (changed(energy_eV=float("nan")), "not finite"),
    "a force is NaN": (array("forces_eV_per_A", with_nan), "not finite"),
    "a stress is NaN": (array("stress_eV_per_A3", with_nan), "not finite"),
    "eV/atom for eV": (lambda c: replace(c, energy_eV=c.energy_eV / 20), "energy outlier"),
    "Hartree for eV": (lambda c: replace(c, energy_eV=c.energy_eV / units.Hartree), "energy outlier"),
    "energy of another functional": (lambda c: replace(c, energy_eV=c.energy_eV - 0.5 * 20), "energy outlier"),
    "GPa for eV/Å^3": (array("stress_eV_per_A3", lambda s: s / units.GPa), "stress maximum"),
    "kB for eV/Å^3": (array("stress_eV_per_A3", lambda s: s / units.GPa * 10), "stress maximum"),
    "bar for eV/Å^3": (array("stress_eV_per_A3", lambda s: s / units.GPa * 1e4), "stress maximum"),
    "a stress in the wrong order": (
        array("stress_eV_per_A3", lambda s: s + np.triu(np.full((3, 3), 0.01), 1)), "asymmetric stress"
    ),
    "a force as of an explosion": (array("forces_eV_per_A", lambda f: f * 40), "force maximum"),
    "atoms on top of each other": (moved, "atoms too close"),
    "atoms without neighbours": (blown_up, "isolated atom"),
}  # fmt: skip


@pytest.mark.parametrize("name", SET_ASIDE)
def test_a_bad_label_is_set_aside_by_name(name):
    change, check = SET_ASIDE[name]
    bad = one_bad(change)
    result = let_in(bad)
    assert [excluded.check for excluded in result.excluded] == [check]
    assert result.excluded[0].origin == bad[3].frame.origin
    assert result.excluded[0].reason
    assert len(result.frames) == len(bad) - 1


def test_duplicates_are_set_aside_wherever_they_hide():
    first = candidates()[0]
    shifted = first.frame.positions_A + [1.0, 2.0, 0.3] + first.frame.cell_A[0] * np.arange(20)[:, None]
    order = np.random.default_rng(0).permutation(20)
    again = replace(
        first,
        frame=replace(first.frame, numbers=first.frame.numbers[order], positions_A=np.round(shifted, 4)[order]),
        forces_eV_per_A=first.forces_eV_per_A[order],
    )
    result = let_in([*candidates(), again])
    assert [excluded.check for excluded in result.excluded] == ["duplicate"]
    wrong = replace(again, energy_eV=first.energy_eV + 0.1)
    result = let_in([*candidates(), wrong])
    assert [excluded.check for excluded in result.excluded] == ["two labels", "two labels"]
    close = replace(first, frame=replace(first.frame, positions_A=first.frame.positions_A + np.eye(20, 3) * 0.05))
    assert let_in([*candidates(), close]).excluded == []


ALL_WRONG = {
    "energies in eV/atom": (lambda c: replace(c, energy_eV=c.energy_eV / 20), "energies .* eV per atom"),
    "energies in Hartree": (lambda c: replace(c, energy_eV=c.energy_eV / units.Hartree), "energies .* Hartree"),
    "forces of the wrong sign": (array("forces_eV_per_A", np.negative), "forces .* opposite sign"),
    "forces in Hartree/Bohr": (
        array("forces_eV_per_A", lambda f: f * units.Bohr / units.Hartree), "forces .* Hartree/Bohr"
    ),
    "forces of atoms in another order": (array("forces_eV_per_A", lambda f: f[::-1]), "forces do not follow"),
    "stress of the wrong sign": (array("stress_eV_per_A3", np.negative), "stresses .* opposite sign"),
    "stress in GPa": (array("stress_eV_per_A3", lambda s: s / units.GPa), "stresses .* in GPa"),
    "stress in kB, VASP's sign": (array("stress_eV_per_A3", lambda s: -s / units.GPa * 10), "in kB and .*opposite"),
    "stress in bar, CP2K's sign": (array("stress_eV_per_A3", lambda s: -s / units.GPa * 1e4), "in bar and .*opposite"),
    "a virial for a stress": (lambda c: replace(c, stress_eV_per_A3=-c.stress_eV_per_A3 * c.frame.volume_A3),
                              "virial .*opposite"),
    "kB taken for GPa": (array("stress_eV_per_A3", lambda s: s * 10), "stresses are .* times"),
}  # fmt: skip


@pytest.mark.parametrize("name", ALL_WRONG)
def test_a_dataset_in_another_unit_is_refused_by_name(name, model):
    change, message = ALL_WRONG[name]
    generous = CHECKS.model_copy(update={"max_stress_GPa": 1e9})  # as if it were all stresses there are
    result = admitted([change(c) for c in candidates()], generous)
    with pytest.raises(InputError, match=message):
        require_units(result.frames, model, generous)


def other_functional(candidate):
    potential = PBESOL.potential.model_copy(update={"model": "PBE"})
    return replace(candidate, reference=PBESOL.model_copy(update={"potential": potential}))


def other_cutoff(candidate):
    return replace(candidate, reference=PBESOL.model_copy(update={"settings": {"cutoff_Ry": 300}}))


@pytest.mark.parametrize(
    ("change", "message"),
    [(other_functional, "model 'PBEsol' and 'PBE'"), (other_cutoff, "cutoff_Ry None and 300")],
)
def test_mixed_references_are_refused_unless_asked_for(change, message):
    with pytest.raises(InputError, match=message):
        let_in(one_bad(change))
    asked = admitted(one_bad(change), DatasetChecks(mixed_references=True))
    assert len(asked.frames.references) == 2


def test_a_pseudopotential_of_an_element_that_both_have(model):
    def kinds(**of):
        return lambda c: replace(c, reference=PBESOL.model_copy(update={"settings": {"kinds": of}}))

    first, second = candidates()[:2]
    mixed = [kinds(Li="q3", Cl="q7")(first), kinds(Li="q3", Br="q7")(second)]
    assert len(admitted(mixed, CHECKS).frames) == 2
    with pytest.raises(InputError, match="kinds of Li 'q3' and 'q1'"):
        admitted([kinds(Li="q3")(first), kinds(Li="q1")(second)], CHECKS)


def test_elements_that_the_base_model_has_never_seen(model):
    def actinium(c):
        numbers = c.frame.numbers.copy()
        numbers[numbers == atomic_numbers["In"]] = atomic_numbers["Ac"]
        return replace(c, frame=replace(c.frame, numbers=numbers))

    class Little:
        """CHGNet, had it been trained on lithium and chlorine alone."""

        reference, supported_numbers = model.reference, frozenset({3, 17})

    with pytest.raises(InputError, match="element In is unknown to CHGNet"):
        require_units(let_in(candidates()).frames, Little, CHECKS)
    assert let_in([actinium(c) for c in candidates()]).frames.elements == {3, 17, 89}


BAD_RUNS = {
    "unconverged": ({"n_scf": 60}, "refused by its source", "took all NELM = 60 steps"),
    "truncated OUTCAR": ({"outcar": " free energy"}, "refused by its source", "OUTCAR ends before VASP had ended"),
    "truncated vasprun.xml": ({"end": ""}, "truncated", "ends after 1 whole ionic steps"),
}


@pytest.mark.parametrize("name", BAD_RUNS)
@pytest.mark.parametrize("packed", [False, True])
def test_a_bad_vasp_run_is_set_aside(tmp_path, name, packed):
    how, check, reason = BAD_RUNS[name]
    frames = let_in(candidates()).frames
    for number in range(6):
        write_run(tmp_path / f"{number}", [frames[number]], packed=packed, **(how if number == 2 else {}))
    found = read_labels(tmp_path, Given())
    result = let_in(found.candidates)
    (excluded,) = [*found.excluded, *result.excluded]
    assert excluded.check == check
    assert reason in excluded.reason
    assert excluded.origin.run == "2"
    assert len(result.frames) == (6 if check == "truncated" else 5)


def test_vasp_with_asterisks_for_forces_and_with_another_functional(tmp_path):
    frames = let_in(candidates()).frames
    for number in range(3):
        folder = write_run(tmp_path / f"{number}", [frames[number]])
    text = (folder / "vasprun.xml").read_text()
    head, forces = text.split('<varray name="forces" >', 1)
    row = forces.split("<v>")[1].split("</v>")[0]
    (folder / "vasprun.xml").write_text(head + '<varray name="forces" >' + forces.replace(row, " ******** 0.0 0.0 ", 1))
    result = let_in(read_labels(tmp_path, Given()).candidates)
    assert [excluded.check for excluded in result.excluded] == ["no forces"]
    write_run(tmp_path / "3", [frames[3]], incar={"GGA": "PE"})
    with pytest.raises(InputError, match="model 'PBEsol' and 'PBE'"):
        let_in(read_labels(tmp_path, Given()).candidates)
    write_run(tmp_path / "3", [frames[3]], incar={"ENCUT": 520})
    with pytest.raises(InputError, match=r"ENCUT 450.0 and 520.0"):
        let_in(read_labels(tmp_path, Given()).candidates)


@pytest.mark.parametrize(
    ("unit", "compression", "factor"),
    [("GPa", False, 1 / units.GPa), ("kB", True, -10 / units.GPa), ("bar", True, -1e4 / units.GPa)],
)
def test_stress_is_the_derivative_of_energy_by_a_finite_strain(tmp_path, model, unit, compression, factor):
    """In eV/Å^3, ASE's sign, whether it came in kB, bar or GPa; and so it does from VASP's files."""
    frame = candidates()[5].frame
    session, volume = model.session(frame.numbers), frame.volume_A3
    exact = session.evaluate(frame.positions_A, frame.cell_A)
    there = replace(candidates()[5], energy_eV=exact.energy_eV, forces_eV_per_A=exact.forces_eV_per_A)
    written = LabelUnits(stress=unit, compression_is_positive=compression).converted(
        replace(there, stress_eV_per_A3=exact.stress_eV_per_A3 * factor)
    )
    (result,) = admitted([written], CHECKS).frames
    write_run(tmp_path / "run", [result], outcar=ENDED)
    (read,) = read_labels(tmp_path, Given()).candidates
    for i, j in ((0, 0), (1, 1), (2, 2), (0, 1), (1, 2), (0, 2)):
        energies = []
        for size in (-1e-3, 1e-3):
            strain = np.eye(3)
            strain[i, j] += size / 2
            strain[j, i] += size / 2
            energies.append(session.evaluate(frame.positions_A @ strain, frame.cell_A @ strain).energy_eV)
        derivative = (energies[1] - energies[0]) / (2e-3 * volume)
        assert result.stress_eV_per_A3[i, j] == pytest.approx(derivative, abs=5e-6)
        assert read.stress_eV_per_A3[i, j] == pytest.approx(derivative, abs=5e-6)
    assert np.abs(result.stress_eV_per_A3).max() > 1e-3
