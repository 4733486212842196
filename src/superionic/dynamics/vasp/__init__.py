"""VASP as an engine: it integrates a segment by itself, from a POSCAR with velocities to a CONTCAR with velocities."""
