"""What VASP leaves of a calculation whose numbers are given: vasprun.xml and OUTCAR of ionic steps."""

import gzip

import numpy as np
from ase import units
from ase.data import chemical_symbols

from fake_vasp import KPOINTS_XML, energies_xml, parameter, rows, structure

ENDED = " General timing and accounting informations for this job:\n  Total CPU time used (sec): 1.0\n"
INCAR = {"ENCUT": 450, "EDIFF": "1E-06", "GGA": "PS", "PREC": "Accurate", "ISMEAR": 0, "SIGMA": 0.05, "NELM": 60,
         "ISPIN": 1}  # fmt: skip


def vasprun_xml(frames, n_scf=12, incar=None, n_scf_of=None, end="</modeling>\n"):
    """Ionic steps of frames of one cell's atoms; stresses as VASP writes them: kB, compression positive."""
    used = INCAR | {"NSW": 0, "IBRION": -1} | (incar or {})
    settings = "".join(parameter(name, value) for name, value in used.items())
    symbols = [chemical_symbols[number] for number in frames[0].numbers]
    kinds = list(dict.fromkeys(symbols))
    atoms = "".join(f"<rc><c>{name:<2}</c><c>{kinds.index(name) + 1}</c></rc>" for name in symbols)
    types = "".join(
        f"<rc><c>{symbols.count(name)}</c><c>{name:<2}</c><c>1.0</c><c>1.0</c><c> PAW_PBE {name} 01Jan2026 </c></rc>"
        for name in kinds
    )
    frac = [frame.positions_A @ np.linalg.inv(frame.cell_A) for frame in frames]
    text = '<?xml version="1.0" encoding="ISO-8859-1"?>\n<modeling>\n <generator>\n'
    text += parameter("program", "vasp") + parameter("version", "6.4.3") + " </generator>\n"
    text += (
        f" <incar>\n{settings} </incar>\n{KPOINTS_XML.format(mesh='1 1 1')} <parameters>\n{settings} </parameters>\n"
    )
    text += f' <atominfo>\n  <array name="atoms"><set>{atoms}</set></array>\n'
    text += f'  <array name="atomtypes"><set>{types}</set></array>\n </atominfo>\n'
    text += structure(frames[0].cell_A, frac[0], ' name="initialpos" ')
    for number, frame in enumerate(frames):
        steps = (n_scf_of or {}).get(number, n_scf)
        scf = f" <scstep>\n{energies_xml(frame.energy_eV)} </scstep>\n" * steps
        text += f" <calculation>\n{scf}" + structure(frame.cell_A, frac[number])
        text += f' <varray name="forces" >\n{rows(frame.forces_eV_per_A)}\n </varray>\n'
        if frame.stress_eV_per_A3 is not None:
            text += f' <varray name="stress" >\n{rows(-frame.stress_eV_per_A3 / (0.1 * units.GPa))}\n </varray>\n'
        text += energies_xml(frame.energy_eV) + " </calculation>\n"
    return text + end


def write_run(folder, frames, packed=False, outcar=ENDED, **how):
    """A directory of VASP's."""
    folder.mkdir(parents=True, exist_ok=True)
    text = vasprun_xml(frames, **how).encode()
    (folder / ("vasprun.xml.gz" if packed else "vasprun.xml")).write_bytes(gzip.compress(text) if packed else text)
    if outcar is not None:
        (folder / "OUTCAR").write_text(f" vasp.6.4.3\n{outcar}")
    return folder
