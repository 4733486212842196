"""One known walk written as each code would write it: wrapped or not, in its own order, units and decimals."""

import gzip
from pathlib import Path

import numpy as np
from ase import Atoms, units
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import write
from ase.io.trajectory import TrajectoryWriter

CELL = np.array([[12.0, 0, 0], [1.5, 11.0, 0], [-4.0, 0.8, 12.0]])
SPECIES = ["Li"] * 8 + ["Cl"] * 8
TIME_STEP_FS = 2.0
STRIDE = 10


def known_walk(n_frames=300, seed=0, step_A=0.25):
    """Li on a random walk far beyond the cell, Cl vibrating about its sites; Å, (n_frames, 16, 3)."""
    rng = np.random.default_rng(seed)
    li = np.cumsum(rng.normal(scale=step_A, size=(n_frames, 8, 3)), axis=0) + rng.random((8, 3)) @ CELL
    grid = np.stack(np.meshgrid(*[[0.25, 0.75]] * 3, indexing="ij"), -1).reshape(-1, 3) @ CELL
    cl = grid + rng.normal(scale=0.1, size=(n_frames, 8, 3))
    return np.concatenate([li, cl], axis=1)


def breathing_cells(n_frames):
    """Cells of an NPT run that grow by 4 % and shear."""
    grow = 1 + 0.04 * np.linspace(0, 1, n_frames)[:, None, None]
    shear = np.eye(3) + 0.02 * np.linspace(0, 1, n_frames)[:, None, None] * np.eye(3, k=-1)
    return CELL @ shear * grow


def write_xdatcar(path, positions, cells=CELL, first=1, repeat_header=False):
    cells = np.broadcast_to(cells, (len(positions), 3, 3))
    with Path(path).open("w") as stream:
        for index, (frame, cell) in enumerate(zip(positions, cells, strict=True)):
            if index == 0 or repeat_header:
                rows = "\n".join(" ".join(f"{x:12.8f}" for x in row) for row in cell)
                stream.write(f"walk\n  1.0\n{rows}\n   Li   Cl\n    8    8\n")
            stream.write(f"Direct configuration={index + first:6d}\n")
            wrapped = (frame @ np.linalg.inv(cell)) % 1.0
            stream.writelines("  " + "  ".join(f"{x:.8f}" for x in row) + "\n" for row in wrapped)
    return path


VASPRUN_HEAD = """<?xml version="1.0" encoding="ISO-8859-1"?>
<modeling>
 <generator><i name="program" type="string">vasp </i><i name="version" type="string">6.4.2  </i></generator>
 <incar>
  <i type="int" name="IBRION">     {ibrion}</i>
  <i name="POTIM">    {potim:.8f}</i>
  <i type="string" name="GGA">PS</i>
 </incar>
 <parameters><separator name="ionic"><separator name="ionic md">
  <i type="int" name="IBRION">     {ibrion}</i>
  <i type="int" name="ISIF">     2</i>
  <i name="POTIM">    {potim:.8f}</i>
  <i name="TEBEG">    {tebeg:.8f}</i>
  <i name="TEEND">    {teend:.8f}</i>
  <i type="int" name="NBLOCK">     5</i>
  <i name="SMASS">      0.00000000</i>
 </separator></separator></parameters>
 <atominfo>
  <atoms>      16 </atoms>
  <array name="atoms" ><dimension dim="1">ion</dimension><field type="string">element</field><set>
{atoms}
  </set></array>
 </atominfo>
 <structure name="initialpos" ><varray name="positions" ><v> 0 0 0 </v></varray></structure>
"""


def write_vasprun(path, positions, cells=CELL, tebeg=700.0, teend=None, ibrion=0, kinetic_eV=1.35, potim=2.0):
    cells = np.broadcast_to(cells, (len(positions), 3, 3))
    atoms = "\n".join(f"    <rc><c>{name:<2}</c><c>   1</c></rc>" for name in SPECIES)
    opener = gzip.open if str(path).endswith(".gz") else open
    with opener(path, "wt") as stream:
        teend = tebeg if teend is None else teend
        stream.write(VASPRUN_HEAD.format(atoms=atoms, tebeg=tebeg, teend=teend, ibrion=ibrion, potim=potim))
        for index, (frame, cell) in enumerate(zip(positions, cells, strict=True)):
            basis = "\n".join("    <v> " + " ".join(f"{x:16.8f}" for x in row) + " </v>" for row in cell)
            frac = (frame @ np.linalg.inv(cell)) % 1.0
            rows = "\n".join("   <v> " + " ".join(f"{x:16.8f}" for x in row) + " </v>" for row in frac)
            stream.write(
                f' <calculation>\n  <scstep><energy><i name="e_fr_energy"> -99.0 </i></energy></scstep>\n'
                f'  <structure>\n   <crystal>\n   <varray name="basis" >\n{basis}\n   </varray>\n'
                f'   <i name="volume"> 1.0 </i>\n   </crystal>\n   <varray name="positions" >\n{rows}\n   </varray>\n'
                f'  </structure>\n  <varray name="forces" >\n   <v> 0.0 0.0 0.0 </v>\n  </varray>\n  <energy>\n'
                f'   <i name="e_fr_energy"> {-50 - index * 1e-3:.8f} </i>\n   <i name="e_0_energy"> -49.0 </i>\n'
                f'   <i name="kinetic"> {kinetic_eV:.8f} </i>\n   <i name="total"> -48.0 </i>\n  </energy>\n'
                f" </calculation>\n"
            )
        stream.write(' <structure name="finalpos" ></structure>\n</modeling>\n')
    return path


def write_dump(path, positions, cells=CELL, columns="id element xu yu zu", first=0, shuffle=True, every=STRIDE, seed=3):
    """A dump in the order LAMMPS happens to have, of positions relative to a box that does not start at 0."""
    cells = np.broadcast_to(cells, (len(positions), 3, 3))
    rng = np.random.default_rng(seed)
    origin = np.array([-1.0, 2.0, 0.5])
    with Path(path).open("w") as stream:
        for index, (frame, cell) in enumerate(zip(positions, cells, strict=True)):
            frac = frame @ np.linalg.inv(cell)
            image, inside = np.floor(frac), frac % 1.0
            values = {}
            for names, block in (
                ("xu yu zu", frame + origin), ("x y z", inside @ cell + origin), ("xs ys zs", inside),
                ("xsu ysu zsu", frac), ("ix iy iz", image.astype(int)),
            ):  # fmt: skip
                values |= dict(zip(names.split(), block.T, strict=True))
            values |= {"id": np.arange(1, 17), "element": np.array(SPECIES), "type": np.repeat([1, 2], 8)}
            (lx, _, _), (xy, ly, _), (xz, yz, lz) = cell
            bounds = [
                (origin[0] + min(0, xy, xz, xy + xz), origin[0] + lx + max(0, xy, xz, xy + xz), xy),
                (origin[1] + min(0, yz), origin[1] + ly + max(0, yz), xz),
                (origin[2], origin[2] + lz, yz),
            ]
            stream.write(f"ITEM: TIMESTEP\n{first + index * every}\nITEM: NUMBER OF ATOMS\n16\n")
            stream.write("ITEM: BOX BOUNDS xy xz yz pp pp pp\n")
            stream.writelines(" ".join(f"{x:.16e}" for x in row) + "\n" for row in bounds)
            stream.write(f"ITEM: ATOMS {columns}\n")
            for atom in rng.permutation(16) if shuffle else range(16):
                words = [values[name][atom] for name in columns.split()]
                stream.write(" ".join(f"{w:.8f}" if isinstance(w, float) else str(w) for w in words) + "\n")
    return path


def write_data_file(path, style="charge"):
    (lx, _, _), (xy, ly, _), (xz, yz, lz) = CELL
    lines = [
        "walk", "", "16 atoms", "2 atom types", "", f"0.0 {lx} xlo xhi", f"0.0 {ly} ylo yhi", f"0.0 {lz} zlo zhi",
        f"{xy} {xz} {yz} xy xz yz", "", "Masses", "", "1 6.94", "2 35.45  # Cl", "", f"Atoms  # {style}", "",
    ]  # fmt: skip
    charge = " 0.5" if style == "charge" else ""
    lines += [f"{atom} {1 if atom <= 8 else 2}{charge} 0.0 0.0 0.0" for atom in range(16, 0, -1)]
    Path(path).write_text("\n".join(lines) + "\n")
    return path


def write_lammps_xyz(path, positions, symbols=False):
    """dump xyz: wrapped, sorted, without a cell."""
    with Path(path).open("w") as stream:
        for index, frame in enumerate(positions):
            wrapped = ((frame @ np.linalg.inv(CELL)) % 1.0) @ CELL
            stream.write(f"16\nAtoms. Timestep: {index * STRIDE}\n")
            for name, row in zip(SPECIES, wrapped, strict=True):
                word = name if symbols else {"Li": "1", "Cl": "2"}[name]
                stream.write(word + " " + " ".join(f"{x:.7g}" for x in row) + "\n")
    return path


def write_cp2k(folder, positions, cells=None, project="walk"):
    """PROJECT-pos-1.xyz with .ener, and .cell if the cell is known."""
    with (folder / f"{project}-pos-1.xyz").open("w") as stream:
        for index, frame in enumerate(positions):
            step = index * STRIDE
            stream.write(
                f"      16\n i = {step:8d}, time = {step * TIME_STEP_FS:12.3f}, E = {-10 - index * 1e-5:20.10f}\n"
            )
            stream.writelines(
                f"{name:>3} " + " ".join(f"{x:19.10f}" for x in row) + "\n"
                for name, row in zip(SPECIES, frame, strict=True)
            )
    with (folder / f"{project}-1.ener").open("w") as stream:
        stream.write("#     Step Nr.  Time[fs]  Kin.[a.u.]  Temp[K]  Pot.[a.u.]  Cons Qty[a.u.]  UsedTime[s]\n")
        for step in range(len(positions) * STRIDE):
            stream.write(f"{step:10d} {step * 2.0:20.6f} 0.05 {700 + step % 2:.4f} -10.0 -9.9 1.0\n")
    if cells is not None:
        with (folder / f"{project}-1.cell").open("w") as stream:
            stream.write("#   Step   Time [fs]  Ax Ay Az Bx By Bz Cx Cy Cz [Angstrom]  Volume [Angstrom^3]\n")
            for index, cell in enumerate(np.broadcast_to(cells, (len(positions), 3, 3))):
                row = " ".join(f"{x:.10f}" for x in cell.ravel())
                stream.write(f"{index * STRIDE} {index * 20.0} {row} {np.linalg.det(cell):.6f}\n")
    return folder / f"{project}-pos-1.xyz"


def atoms_of(positions, cells=CELL, temperature_K=None):
    """ASE's Atoms of each frame, with an energy and, if wanted, momenta of exactly that temperature."""
    rng = np.random.default_rng(8)
    cells = np.broadcast_to(cells, (len(positions), 3, 3))
    for frame, cell in zip(positions, cells, strict=True):
        atoms = Atoms(SPECIES, positions=frame, cell=cell, pbc=True)
        if temperature_K is not None:
            atoms.set_momenta(rng.normal(size=(16, 3)))
            kinetic = 1.5 * 15 * units.kB * temperature_K
            atoms.set_momenta(atoms.get_momenta() * np.sqrt(kinetic / atoms.get_kinetic_energy()))
        atoms.calc = SinglePointCalculator(atoms, energy=-7.5)
        yield atoms


def write_traj(path, positions, cells=CELL):
    with TrajectoryWriter(str(path), "w") as writer:
        for atoms in atoms_of(positions, cells, 700.0):
            writer.write(atoms)
    return path


def write_extxyz(path, positions, cells=CELL):
    write(str(path), list(atoms_of(positions, cells, 700.0)), format="extxyz")
    return path


def write_mdanalysis(path, positions, cells=CELL):
    """xtc, trr or dcd, wrapped as GROMACS wraps."""
    import MDAnalysis

    cells = np.broadcast_to(cells, (len(positions), 3, 3))
    universe = MDAnalysis.Universe.empty(16, trajectory=True)
    with MDAnalysis.Writer(str(path), 16, dt=0.02) as writer:
        for index, (frame, cell) in enumerate(zip(positions, cells, strict=True)):
            from MDAnalysis.lib.mdamath import triclinic_box

            universe.atoms.positions = ((frame @ np.linalg.inv(cell)) % 1.0) @ cell
            universe.dimensions = triclinic_box(*cell)
            universe.trajectory.ts.frame = index
            universe.trajectory.ts.data["step"] = index * STRIDE
            universe.trajectory.ts.time = index * STRIDE * TIME_STEP_FS * 1e-3
            writer.write(universe.atoms)
    return path


def write_topology(path):
    write(str(path), Atoms(SPECIES, positions=known_walk(1)[0], cell=CELL, pbc=True))
    return path
