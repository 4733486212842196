"""A stand-in for VASP with a potential of its own; run in a job's folder.

POSCAR, INCAR, KPOINTS and POTCAR are read. Every ion sits in a potential that is periodic in the cell, the volume has
a term of its own; forces and stress are their exact derivatives. IBRION = 0 integrates (MDALGO = 2 with a thermostat
of Nose and Hoover of mass SMASS, else nothing but Newton), IBRION = 2 relaxes, IBRION = -1 is static. As in VASP,
frames are the positions at the start of each step, CONTCAR holds those after the last one with their velocities, and
STOPCAR ends a run after its step. computed.npz keeps what was calculated at full precision, for the tests.

With too long a time step it fails after two steps as VASP does, for custodian to correct. A file in the folder that
$FAKE_VASP_FAULTS names, called as one of FAULTS, makes the next run of molecular dynamics fail so, once.
"""

import os
import re
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

BOLTZMANN_EV_PER_K = 8.617333262e-5
EV_PER_U_A2_PER_FS2 = 103.642697
SPACING_A = 2.55
AMPLITUDE_EV = {"Li": 0.06}  # half of the barrier from well to well along an axis
STIFF_EV = 2.0
BULK_MODULUS_EV_PER_A3 = 0.2
KB_PER_EV_PER_A3 = 1602.1766
FAULTS = {
    "eddrmm": "a message that custodian answers with another ALGO",
    "runaway": "the energy grows by 0.1 eV an atom and step",
    "unconverged": "the third step uses all of NELM",
    "slow": "a tenth of a second a step",
    "hang": "half a vasprun.xml, then nothing for a minute",
}
N_BANDS = 4
LONGEST_TIME_STEP_FS = 2.5
POTCAR = """  PAW_PBE {symbol} 01Jan2026
   {valence:.10f}
 parameters from PSCTR are:
   VRHFIN ={element}: nothing
   LEXCH  = PE
   EATOM  =   1.0000 eV,   0.1000 Ry
   TITEL  = PAW_PBE {symbol} 01Jan2026
   POMASS = {mass:8.3f}; ZVAL   = {valence:8.3f}    mass and valenz
   ENMAX  =  100.000; ENMIN  =   75.000 eV
 END of PSCTR-controll parameters
 local part
   0.10000000E+01  0.50000000E+00  0.25000000E+00
 End of Dataset
"""


def write_potcars(folder, **valences):
    """POTCARs of no physical meaning where pymatgen looks for those of PBE; symbols as in `Li_sv`, their valence."""
    from pymatgen.core import Element

    for symbol, valence in valences.items():
        element = symbol.partition("_")[0]
        for functional in ("POT_GGA_PAW_PBE", "POT_GGA_PAW_PBE_54", "POT_GGA_PAW_PBE_64"):
            path = Path(folder) / functional / symbol / "POTCAR"
            path.parent.mkdir(parents=True)
            mass = float(Element(element).atomic_mass)
            path.write_text(POTCAR.format(symbol=symbol, element=element, mass=mass, valence=valence))


def install(folder, monkeypatch, **valences):
    """A command and POTCARs where atomate2 and pymatgen look for them, here and in the processes started from here."""
    program = folder / "bin" / "vasp_std"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{__file__}"\n')
    program.chmod(0o755)
    write_potcars(folder / "potcars", **valences)
    monkeypatch.setenv("PATH", str(program.parent), prepend=":")
    monkeypatch.setenv("PMG_VASP_PSP_DIR", str(folder / "potcars"))
    from pymatgen.core import SETTINGS

    monkeypatch.setitem(SETTINGS, "PMG_VASP_PSP_DIR", str(folder / "potcars"))


@dataclass
class Crystal:
    cell_A: np.ndarray
    elements: list[str]
    counts: list[int]
    frac: np.ndarray
    velocities: np.ndarray | None  # Å/fs

    @property
    def species(self):
        return [name for name, count in zip(self.elements, self.counts, strict=True) for _ in range(count)]


def read_poscar(path):
    lines = Path(path).read_text().splitlines()
    cell = float(lines[1]) * np.array([line.split() for line in lines[2:5]], dtype=float)
    counts = [int(word) for word in lines[6].split()]
    n_atoms = sum(counts)
    assert lines[7].lower().startswith("d")
    block = [line.split()[:3] for line in lines[8 + n_atoms :] if line.strip()]
    velocities = np.array(block[:n_atoms], dtype=float) if len(block) >= n_atoms else None
    frac = np.array([line.split()[:3] for line in lines[8 : 8 + n_atoms]], dtype=float)
    return Crystal(cell, lines[5].split(), counts, frac, velocities)


def read_incar(path):
    pairs = (line.partition("=") for line in Path(path).read_text().splitlines() if "=" in line)
    incar = {key.strip().upper(): value.strip() for key, _, value in pairs}
    return {"IBRION": "-1" if incar.get("NSW", "0") == "0" else "0"} | incar


def read_potcar(path):
    """TITEL, mass and valence of each element."""
    found = []
    for line in Path(path).read_text().splitlines():
        if "TITEL" in line:
            found.append([line.partition("=")[2].strip()])
        if "POMASS" in line:
            found[-1] += [float(part.partition("=")[2].split()[0]) for part in line.split(";")]
    return found


@dataclass
class Answer:
    energy_eV: float
    forces: np.ndarray  # eV/Å
    stress_kB: np.ndarray  # VASP's sign: positive under compression


class Wells:
    """E = sum of A (1 - cos 2 pi n f) over ions and axes + K (V - V0)^2 / 2 V0, with n wells along each axis."""

    def __init__(self, crystal):
        lengths = np.linalg.norm(crystal.cell_A, axis=1)
        self.counts = np.maximum(np.round(lengths / SPACING_A), 1)
        self.amplitudes = np.array([AMPLITUDE_EV.get(name, STIFF_EV) for name in crystal.species])[:, None]
        self.volume0 = np.prod(self.counts) * SPACING_A**3

    def answer(self, frac, cell):
        phase = 2 * np.pi * self.counts * frac
        volume = abs(np.linalg.det(cell))
        bulk = BULK_MODULUS_EV_PER_A3 * (volume - self.volume0) / self.volume0
        energy = float((self.amplitudes * (1 - np.cos(phase))).sum()) + 0.5 * bulk * (volume - self.volume0)
        slope = self.amplitudes * np.sin(phase) * 2 * np.pi * self.counts  # by fractions of the cell
        forces = -slope @ np.linalg.inv(cell).T
        # A homogeneous strain leaves fractions as they are: only the volume term feels it.
        return Answer(energy - 5.0 * len(frac), forces, -bulk * np.eye(3) * KB_PER_EV_PER_A3)


def kinetic_eV(masses_u, velocities):
    return float(0.5 * EV_PER_U_A2_PER_FS2 * (masses_u[:, None] * velocities**2).sum())


def thermal_velocities(crystal, masses_u, temperature_K):
    rng = np.random.default_rng(int(1e6 * crystal.frac.sum()))
    thermal = np.sqrt(BOLTZMANN_EV_PER_K * temperature_K / (masses_u * EV_PER_U_A2_PER_FS2))[:, None]
    return thermal * rng.normal(size=crystal.frac.shape)


def nose_mass(incar, crystal, thermal_energy, freedoms):
    """Q in eV fs^2; 0 is a period of 40 steps, none for another ensemble."""
    smass, time_step = float(incar.get("SMASS", -3)), float(incar["POTIM"])
    if incar.get("MDALGO", "0") not in {"0", "2"} or smass < 0:
        return None
    if smass == 0:
        return 2 * freedoms * thermal_energy * (40 * time_step / (2 * np.pi)) ** 2
    return smass * float(crystal.cell_A[0] @ crystal.cell_A[0]) * EV_PER_U_A2_PER_FS2


@dataclass
class Step:
    frac: np.ndarray
    cell: np.ndarray
    answer: Answer
    velocities: np.ndarray | None = None
    kinetic_eV: float = 0.0
    nose_kinetic_eV: float = 0.0
    nose_potential_eV: float = 0.0
    n_scf: int = 3

    @property
    def total_eV(self):
        return self.answer.energy_eV + self.kinetic_eV + self.nose_kinetic_eV + self.nose_potential_eV


def molecular_dynamics(crystal, incar, masses_u, fault):
    """Every step, and one more for CONTCAR."""
    wells, cell, inverse = Wells(crystal), crystal.cell_A, np.linalg.inv(crystal.cell_A)
    dt, n_steps = float(incar["POTIM"]), int(incar["NSW"])
    thermal_energy, freedoms = BOLTZMANN_EV_PER_K * float(incar["TEBEG"]), 3 * (len(masses_u) - 1)
    mass, rate, place = nose_mass(incar, crystal, thermal_energy, freedoms), 0.0, 0.0
    positions, velocities = crystal.frac @ cell, crystal.velocities
    if velocities is None:
        velocities = thermal_velocities(crystal, masses_u, float(incar["TEBEG"]))
    per_mass = 1 / (masses_u[:, None] * EV_PER_U_A2_PER_FS2)

    def thermostat():
        nonlocal rate, place, velocities
        if mass is None:
            return
        rate += (2 * kinetic_eV(masses_u, velocities) - freedoms * thermal_energy) / mass * dt / 4
        velocities = velocities * np.exp(-rate * dt / 2)
        place += rate * dt / 2
        rate += (2 * kinetic_eV(masses_u, velocities) - freedoms * thermal_energy) / mass * dt / 4

    now = wells.answer(positions @ inverse, cell)
    for number in range(n_steps + 1):
        nose = (0.0, 0.0) if mass is None else (0.5 * mass * rate**2, freedoms * thermal_energy * place)
        step = Step(positions @ inverse, cell, now, velocities, kinetic_eV(masses_u, velocities), *nose)
        if fault == "runaway":
            step.nose_potential_eV += 0.1 * number * len(masses_u)
        if fault == "unconverged" and number == 2:
            step.n_scf = int(incar.get("NELM", 60))
        yield step
        thermostat()
        velocities = velocities + 0.5 * dt * now.forces * per_mass
        positions = positions + dt * velocities
        now = wells.answer(positions @ inverse, cell)
        velocities = velocities + 0.5 * dt * now.forces * per_mass
        thermostat()


def relaxation(crystal, incar):
    wells, frac, cell = Wells(crystal), crystal.frac, crystal.cell_A
    stiffness = wells.amplitudes * (2 * np.pi / SPACING_A) ** 2
    for _ in range(int(incar["NSW"])):
        now = wells.answer(frac, cell)
        yield Step(frac, cell, now)
        if np.linalg.norm(now.forces, axis=1).max() < -float(incar["EDIFFG"]) and abs(now.stress_kB).max() < 1:
            return
        frac = frac + 0.8 * now.forces / stiffness @ np.linalg.inv(cell)
        if incar["ISIF"] == "3":
            cell = cell * (1 + 0.8 * ((wells.volume0 / abs(np.linalg.det(cell))) ** (1 / 3) - 1))


def rows(array, indent="   "):
    return "\n".join(f"{indent}<v> " + " ".join(f"{x:16.8f}" for x in row) + " </v>" for row in np.atleast_2d(array))


def structure(cell, frac, name=""):
    inverse = np.linalg.inv(cell).T
    return (
        f' <structure{name}>\n  <crystal>\n   <varray name="basis" >\n{rows(cell)}\n   </varray>\n'
        f'   <i name="volume"> {np.linalg.det(cell):16.8f} </i>\n   <varray name="rec_basis" >\n{rows(inverse)}\n'
        f'   </varray>\n  </crystal>\n  <varray name="positions" >\n{rows(frac % 1.0)}\n  </varray>\n </structure>\n'
    )


def parameter(name, value):
    """A setting with the type that VASP would write; from 6.4.3 on it fills up names with blanks."""
    text = str(value)
    if re.fullmatch(r"[+-]?\d+", text):
        kind = ' type="int"'
    elif re.fullmatch(r"[+-]?\d*\.\d*([eE][+-]?\d+)?|\d+[eE][+-]?\d+", text):
        kind = ""
    elif text in {"True", "False"}:
        kind, text = ' type="logical"', text[0]
    else:
        kind, text = ' type="string"', text.upper()
    return f'  <i{kind} name="{name:<7}"> {text}</i>\n'


def settings_xml(incar, electrons):
    read = "".join(parameter(name, value) for name, value in incar.items() if name != "MAGMOM")
    defaults = {"NELM": 60, "ISPIN": 1, "LORBIT": 0, "ISMEAR": 1, "SIGMA": 0.2, "GGA": "--", "NBLOCK": 1}
    used = defaults | incar | {"NELECT": electrons, "NBANDS": N_BANDS, "ISPIN": 1}
    rest = "".join(parameter(name, value) for name, value in used.items() if name != "MAGMOM")
    return f" <incar>\n{read} </incar>\n", f" <parameters>\n{rest} </parameters>\n"


KPOINTS_XML = """ <kpoints>
  <generation param="Gamma">
   <v type="int" name="divisions">  {mesh} </v> <v name="usershift"> 0.0 0.0 0.0 </v>
   <v name="genvec1"> 1.0 0.0 0.0 </v> <v name="genvec2"> 0.0 1.0 0.0 </v> <v name="genvec3"> 0.0 0.0 1.0 </v>
   <v name="shift"> 0.0 0.0 0.0 </v>
  </generation>
  <varray name="kpointlist" ><v> 0.0 0.0 0.0 </v></varray> <varray name="weights" ><v> 1.0 </v></varray>
 </kpoints>
"""


def atoms_xml(crystal, potcar):
    index = {name: number + 1 for number, name in enumerate(crystal.elements)}
    atoms = "\n".join(f"   <rc><c>{name:<2}</c><c>{index[name]:4d}</c></rc>" for name in crystal.species)
    types = "\n".join(
        f"   <rc><c>{count:4d}</c><c>{name:<2}</c><c>{mass}</c><c>{valence}</c><c>  {title} </c></rc>"
        for name, count, (title, mass, valence) in zip(crystal.elements, crystal.counts, potcar, strict=True)
    )
    return (
        f" <atominfo>\n  <atoms> {len(crystal.species)} </atoms>\n  <types> {len(index)} </types>\n"
        f'  <array name="atoms" ><set>\n{atoms}\n  </set></array>\n'
        f'  <array name="atomtypes" ><set>\n{types}\n  </set></array>\n </atominfo>\n'
    )


def eigenvalues_xml():
    """Half of the bands are full, with a gap of 6 eV: what smearing and k-points are chosen and checked with."""
    levels = np.where(np.arange(N_BANDS) < N_BANDS // 2, -3.0, 3.0)
    bands = "\n".join(f"     <r> {level:8.4f} {float(level < 0):8.4f} </r>" for level in levels)
    return (
        f' <eigenvalues><array><set><set comment="spin 1"><set comment="kpoint 1">\n{bands}\n'
        f" </set></set></set></array></eigenvalues>\n"
    )


def energies_xml(energy, step=None):
    values = [(name, energy) for name in ("e_fr_energy", "e_wo_entrp", "e_0_energy")]
    if step is not None:
        values += [("kinetic", step.kinetic_eV), ("lattice kinetic", 0.0), ("nosepot", step.nose_potential_eV)]
        values += [("nosekinetic", step.nose_kinetic_eV), ("total", step.total_eV)]
    entries = "".join(f'   <i name="{name}"> {value:16.8f} </i>\n' for name, value in values)
    return f"  <energy>\n{entries}  </energy>\n"


OUTCAR = """ vasp.6.4.3 19Mar24 (build Jan 01 2026 00:00:00) complex
 executed on             LinuxGNU date 2026.01.01  00:00:00
 running    1 mpi-ranks, with    1 threads/rank
 ISPIN  =      1    spin polarized calculation?
 IBRION =     {ibrion:>2}    ionic relax: 0-MD 1-quasi-New 2-CG
 k-points           NKPTS =      1   k-points in BZ     NKDIM =      1   number of bands    NBANDS=      {n_bands}
 total plane-waves  NPLWV =   1000
 maximum and minimum number of plane-waves per node :      1000     1000
    total drift:                                0.000000      0.000000      0.000000
 number of electron {electrons:14.7f} magnetization
  free  energy   TOTEN  = {energy:18.8f} eV
  energy  without entropy= {energy:18.8f}  energy(sigma->0) = {energy:18.8f}
 E-fermi :   0.0000     XC(G=0):  -1.0000     alpha+bet : -1.0000
 General timing and accounting informations for this job:
                  Total CPU time used (sec):        1.000
                         Elapsed time (sec):        1.000
                   Maximum memory used (kb):      100000.
                   Average memory used (kb):      N/A
"""


def vasprun_xml(crystal, incar, mesh, potcar, electrons, steps):
    moves = incar["IBRION"] == "0"
    asked, used = settings_xml(incar, electrons)
    yield '<?xml version="1.0" encoding="ISO-8859-1"?>\n<modeling>\n <generator>\n'
    yield parameter("program", "vasp") + parameter("version", "6.4.3") + " </generator>\n"
    yield asked + KPOINTS_XML.format(mesh=" ".join(mesh)) + used + atoms_xml(crystal, potcar)
    yield structure(steps[0].cell, steps[0].frac, ' name="initialpos" ')
    for step in steps:
        energy = step.answer.energy_eV
        yield " <calculation>\n" + f" <scstep>\n{energies_xml(energy)} </scstep>\n" * step.n_scf
        yield structure(step.cell, step.frac) + f' <varray name="forces" >\n{rows(step.answer.forces)}\n </varray>\n'
        yield f' <varray name="stress" >\n{rows(step.answer.stress_kB)}\n </varray>\n'
        yield energies_xml(energy, step if moves else None)
        if step is steps[-1]:
            yield eigenvalues_xml() + ' <dos><i name="efermi"> 0.0 </i></dos>\n'
        yield " </calculation>\n"
    yield structure(steps[-1].cell, steps[-1].frac, ' name="finalpos" ') + "</modeling>\n"


def oszicar(number, step, n_ions, moves):
    energy = step.answer.energy_eV
    lines = "       N       E                     dE             d eps       ncg     rms          rms(c)\n"
    lines += f"DAV:   1    {energy:.12E}   {energy:.5E}  -0.1E-03     8   0.1E-02\n"
    if not moves:
        return lines + f"{number:4d} F= {energy:.8E} E0= {energy:.8E}  d E ={energy:.6E}\n"
    temperature = 2 * step.kinetic_eV / (3 * (n_ions - 1) * BOLTZMANN_EV_PER_K)
    return lines + (
        f"{number:7d} T= {temperature:6.0f}. E= {step.total_eV:.8E} F= {energy:.8E} E0= {energy:.8E}  "
        f"EK= {step.kinetic_eV:.5E} SP= {step.nose_potential_eV:.2E} SK= {step.nose_kinetic_eV:.2E}\n"
    )


def configuration(crystal, cell_A, frac=None):
    cell = "\n".join(" ".join(f"{x:.16f}" for x in row) for row in cell_A)
    counts = " ".join(str(count) for count in crystal.counts)
    head = f"fake\n1.0\n{cell}\n{' '.join(crystal.elements)}\n{counts}\n"
    return head if frac is None else head + "Direct\n" + number_lines(frac % 1.0, ".16f")


def number_lines(array, form):
    return "".join("  " + "  ".join(f"{x:{form}}" for x in row) + "\n" for row in array)


def claimed_fault():
    """The fault that this run is told to have, if any; nobody else has it after that."""
    folder = os.environ.get("FAKE_VASP_FAULTS")
    for name in FAULTS if folder else ():
        try:
            Path(folder, name).unlink()
        except FileNotFoundError:
            continue
        return name
    return None


def stopped():
    return Path("STOPCAR").is_file() and "LSTOP" in Path("STOPCAR").read_text()


def fail_early(steps, masses, message):
    done = [next(steps) for _ in range(2)]
    lines = (oszicar(number + 1, step, len(masses), True) for number, step in enumerate(done))
    Path("OSZICAR").write_text("".join(lines))
    sys.stdout.write(message)
    sys.exit(1)


def calculated(crystal, incar, masses, fault):
    """The steps, and the one after the last of molecular dynamics; OSZICAR grows with them."""
    moves = incar["IBRION"] == "0"
    if moves:
        steps = molecular_dynamics(crystal, incar, masses, fault)
        if float(incar["POTIM"]) > LONGEST_TIME_STEP_FS:
            fail_early(steps, masses, "LAPACK: Routine ZPOTRF failed!\n")
        if fault == "eddrmm":
            fail_early(steps, masses, "WARNING in EDDRMM: call to ZHEGV failed, returncode =   6\n")
    elif incar["IBRION"] == "2":
        steps = relaxation(crystal, incar)
    else:
        steps = iter([Step(crystal.frac, crystal.cell_A, Wells(crystal).answer(crystal.frac, crystal.cell_A))])
    done = []
    with Path("OSZICAR").open("w") as stream:
        for step in steps:
            if moves and done and (stopped() or len(done) == int(incar["NSW"])):
                return done, step
            done.append(step)
            stream.write(oszicar(len(done), step, len(masses), moves))
            if fault == "slow":
                stream.flush()
                time.sleep(0.1)
    return done, done[-1]


def main():
    crystal, incar, potcar = read_poscar("POSCAR"), read_incar("INCAR"), read_potcar("POTCAR")
    mesh = Path("KPOINTS").read_text().splitlines()[3].split()[:3] if Path("KPOINTS").is_file() else ["1", "1", "1"]
    assert [title.split()[1].partition("_")[0] for title, *_ in potcar] == crystal.elements, (
        "POTCAR is of other elements"
    )
    masses = np.repeat([mass for _, mass, _ in potcar], crystal.counts)
    moves = incar["IBRION"] == "0"
    fault = claimed_fault() if moves else None
    steps, after = calculated(crystal, incar, masses, fault)
    if fault == "hang":
        Path("vasprun.xml").write_text("<?xml version='1.0'?>\n<modeling>\n")
        time.sleep(60)
    electrons = float(sum(count * valence for count, (_, _, valence) in zip(crystal.counts, potcar, strict=True)))
    Path("vasprun.xml").write_text("".join(vasprun_xml(crystal, incar, mesh, potcar, electrons, steps)))
    every = int(incar.get("NBLOCK", 1))
    blocks = [
        f"Direct configuration={number:6d}\n{number_lines(step.frac % 1.0, '.8f')}"
        for number, step in enumerate(steps, 1)
        if number % every == 0
    ]
    Path("XDATCAR").write_text(configuration(crystal, crystal.cell_A) + "".join(blocks))
    speeds = "\n" + number_lines(after.velocities, ".8E") if moves else ""
    Path("CONTCAR").write_text(configuration(crystal, after.cell, after.frac) + speeds)
    Path("OUTCAR").write_text(
        OUTCAR.format(n_bands=N_BANDS, electrons=electrons, energy=steps[-1].answer.energy_eV, ibrion=incar["IBRION"])
    )
    np.savez(
        "computed.npz",
        positions=[step.frac @ step.cell for step in steps],
        energies=[step.answer.energy_eV for step in steps],
        forces=[step.answer.forces for step in steps],
        stresses_kB=[step.answer.stress_kB for step in steps],
        totals=[step.total_eV for step in steps],
        after=after.frac @ after.cell,
        velocities=np.zeros(0) if after.velocities is None else after.velocities,
    )
    sys.stdout.write(" running on 1 total cores\n")
    if incar["IBRION"] == "2" and len(steps) < int(incar["NSW"]):
        sys.stdout.write(" reached required accuracy - stopping structural energy minimisation\n")


if __name__ == "__main__":
    main()
