"""What VASP leaves behind after molecular dynamics, without the physics; run in a job's folder.

POSCAR, INCAR and POTCAR are read; the ions do Langevin dynamics in no potential. Frames are the positions at the start
of each step, CONTCAR holds those after the last one and the velocities, so that a following run goes on without
repeating a frame, as in VASP. walk.npy keeps the frames unwrapped, at full precision, for the tests. With too long a
time step it fails after two steps in a way in which VASP fails, for custodian to correct.
"""

import re
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

BOLTZMANN_EV_PER_K = 8.617333262e-5
EV_PER_U_A2_PER_FS2 = 103.642697
FRICTION_PER_FS = 0.02
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
    return {key.strip().upper(): value.strip() for key, _, value in pairs}


def read_potcar(path):
    """TITEL, mass and valence of each element."""
    found = []
    for line in Path(path).read_text().splitlines():
        if "TITEL" in line:
            found.append([line.partition("=")[2].strip()])
        if "POMASS" in line:
            found[-1] += [float(part.partition("=")[2].split()[0]) for part in line.split(";")]
    return found


def langevin(crystal, masses_u, n_steps, time_step_fs, temperature_K):
    """Positions before each step and after the last one, unwrapped; velocities at each of them. Å, fs."""
    rng = np.random.default_rng(int(1e6 * crystal.frac.sum()))
    thermal = np.sqrt(BOLTZMANN_EV_PER_K * temperature_K / (masses_u * EV_PER_U_A2_PER_FS2))[:, None]
    velocities = crystal.velocities
    if velocities is None:
        velocities = thermal * rng.normal(size=crystal.frac.shape)
    kept = np.exp(-FRICTION_PER_FS * time_step_fs)
    positions = crystal.frac @ crystal.cell_A
    path, speeds = [positions], [velocities]
    for _ in range(n_steps):
        velocities = kept * velocities + np.sqrt(1 - kept**2) * thermal * rng.normal(size=positions.shape)
        positions = positions + time_step_fs * velocities
        path.append(positions)
        speeds.append(velocities)
    return np.array(path), np.array(speeds)


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


KPOINTS = """ <kpoints>
  <generation param="Gamma">
   <v type="int" name="divisions">  1  1  1 </v> <v name="usershift"> 0.0 0.0 0.0 </v>
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


def energies_xml(potential, kinetic=None):
    names = ("e_fr_energy", "e_wo_entrp", "e_0_energy")
    values = [(name, potential) for name in names]
    if kinetic is not None:
        values += [("kinetic", kinetic), ("lattice kinetic", 0.0), ("nosepot", 0.0), ("nosekinetic", 0.0)]
        values += [("total", potential + kinetic)]
    entries = "".join(f'   <i name="{name}"> {value:16.8f} </i>\n' for name, value in values)
    return f"  <energy>\n{entries}  </energy>\n"


OUTCAR = """ vasp.6.4.3 19Mar24 (build Jan 01 2026 00:00:00) complex
 executed on             LinuxGNU date 2026.01.01  00:00:00
 running    1 mpi-ranks, with    1 threads/rank
 ISPIN  =      1    spin polarized calculation?
 IBRION =      0    ionic relax: 0-MD 1-quasi-New 2-CG
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


def write_configuration(stream, crystal, frac):
    stream.write("fake\n1.0\n" + "\n".join(" ".join(f"{x:.16f}" for x in row) for row in crystal.cell_A))
    stream.write("\n" + " ".join(crystal.elements) + "\n" + " ".join(str(count) for count in crystal.counts) + "\n")
    if frac is not None:
        stream.write("Direct\n" + "".join(" ".join(f"{x:.16f}" for x in row) + "\n" for row in frac % 1.0))


def vasprun_xml(crystal, incar, potcar, electrons, frac, energies, kinetic):
    asked, used = settings_xml(incar, electrons)
    zeros = rows(np.zeros_like(frac[0]))
    yield '<?xml version="1.0" encoding="ISO-8859-1"?>\n<modeling>\n <generator>\n'
    yield parameter("program", "vasp") + parameter("version", "6.4.3") + " </generator>\n"
    yield (
        asked + KPOINTS + used + atoms_xml(crystal, potcar) + structure(crystal.cell_A, frac[0], ' name="initialpos" ')
    )
    for step, energy in enumerate(energies):
        yield f" <calculation>\n <scstep>\n{energies_xml(energy)} </scstep>\n"
        yield structure(crystal.cell_A, frac[step]) + f' <varray name="forces" >\n{zeros}\n </varray>\n'
        yield f' <varray name="stress" >\n{rows(np.zeros((3, 3)))}\n </varray>\n'
        yield energies_xml(energy, kinetic[step])
        if step == len(energies) - 1:
            yield eigenvalues_xml() + ' <dos><i name="efermi"> 0.0 </i></dos>\n'
        yield " </calculation>\n"
    yield structure(crystal.cell_A, frac[len(energies) - 1], ' name="finalpos" ') + "</modeling>\n"


def oszicar_lines(energies, kinetic, temperatures):
    for step, energy in enumerate(energies):
        yield "       N       E                     dE             d eps       ncg     rms          rms(c)\n"
        yield f"DAV:   1    {energy:.12E}   {energy:.5E}  -0.1E-03     8   0.1E-02\n"
        yield (
            f"{step + 1:7d} T= {temperatures[step]:6.0f}. E= {energy + kinetic[step]:.8E} F= {energy:.8E} "
            f"E0= {energy:.8E}  EK= {kinetic[step]:.5E} SP= 0.00E+00 SK= 0.00E+00\n"
        )


def configuration(crystal, frac=None):
    cell = "\n".join(" ".join(f"{x:.16f}" for x in row) for row in crystal.cell_A)
    counts = " ".join(str(count) for count in crystal.counts)
    head = f"fake\n1.0\n{cell}\n{' '.join(crystal.elements)}\n{counts}\n"
    return head if frac is None else head + "Direct\n" + number_lines(frac % 1.0, ".16f")


def number_lines(array, form):
    return "".join("  " + "  ".join(f"{x:{form}}" for x in row) + "\n" for row in array)


def main():
    crystal, incar, potcar = read_poscar("POSCAR"), read_incar("INCAR"), read_potcar("POTCAR")
    assert incar["IBRION"] == "0", "only molecular dynamics"
    masses = np.repeat([mass for _, mass, _ in potcar], crystal.counts)
    time_step_fs, every = float(incar["POTIM"]), int(incar.get("NBLOCK", 1))
    path, speeds = langevin(crystal, masses, int(incar["NSW"]), time_step_fs, float(incar["TEBEG"]))
    frac = path @ np.linalg.inv(crystal.cell_A)
    kinetic = 0.5 * EV_PER_U_A2_PER_FS2 * (masses[:, None] * speeds**2).sum(axis=(1, 2))
    temperatures = 2 * kinetic / (3 * (len(masses) - 1) * BOLTZMANN_EV_PER_K)
    energies = -5.0 * len(masses) - 0.01 * np.arange(len(path) - 1)
    if time_step_fs > LONGEST_TIME_STEP_FS:
        Path("OSZICAR").write_text("".join(oszicar_lines(energies[:2], kinetic, temperatures)))
        sys.stdout.write("LAPACK: Routine ZPOTRF failed!\n")
        sys.exit(1)

    Path("OSZICAR").write_text("".join(oszicar_lines(energies, kinetic, temperatures)))
    electrons = float(sum(count * valence for count, (_, _, valence) in zip(crystal.counts, potcar, strict=True)))
    Path("vasprun.xml").write_text("".join(vasprun_xml(crystal, incar, potcar, electrons, frac, energies, kinetic)))
    kept = range(every - 1, len(energies), every)
    blocks = [f"Direct configuration={step + 1:6d}\n{number_lines(frac[step] % 1.0, '.8f')}" for step in kept]
    Path("XDATCAR").write_text(configuration(crystal) + "".join(blocks))
    Path("CONTCAR").write_text(configuration(crystal, frac[-1]) + "\n" + number_lines(speeds[-1], ".8E"))
    Path("OUTCAR").write_text(OUTCAR.format(n_bands=N_BANDS, electrons=electrons, energy=energies[-1]))
    np.save("walk.npy", path[:-1])
    sys.stdout.write(" running on 1 total cores\n")


if __name__ == "__main__":
    main()
