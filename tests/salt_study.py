"""A study of rock salt by VASP: everything real but VASP, which tests/fake_vasp.py stands in for."""

import yaml

SITES = {
    "Li": [(0.5, 0.5, 0.5), (0.5, 0, 0), (0, 0.5, 0), (0, 0, 0.5)],
    "Cl": [(0, 0, 0), (0, 0.5, 0.5), (0.5, 0, 0.5), (0.5, 0.5, 0)],
}
HEAD = """data_salt
_cell_length_a {a}
_cell_length_b {a}
_cell_length_c {a}
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
_symmetry_space_group_name_H-M 'P 1'
loop_
_symmetry_equiv_pos_as_xyz
'x, y, z'
loop_
_atom_type_symbol
_atom_type_oxidation_number
Li+ 1
Cl- -1
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
_atom_site_occupancy
"""


def write_study(folder, a=5.3, **changes):
    """study.yaml and salt.cif in a folder: Li and Cl by turns, a cell that is too large before it is relaxed."""
    rows = [
        f"{element}{number} {element}{'+' if element == 'Li' else '-'} {' '.join(map(str, place))} 1"
        for number in range(4)
        for element in ("Li", "Cl")
        for place in [SITES[element][number]]
    ]
    (folder / "salt.cif").write_text(HEAD.format(a=a) + "\n".join(rows) + "\n")
    mesh = {"k_mesh": [2, 2, 2], "ediff_eV": 1e-4}
    content = {
        "name": "salt",
        "host": "salt.cif",
        "orderings": [{"label": "S"}],
        "reference": {"family": "vasp", "aimd": {"encut_eV": 400, **mesh}},
        "aimd": {
            "temperatures_K": [700, 900, 1200], "seeds": [1], "length_ps": 1.2, "segment_length_ps": 0.4,
            "equilibration_ps": 0.1, "stride": 2,
        },
        **changes,
    }  # fmt: skip
    file = folder / "study.yaml"
    file.write_text(yaml.safe_dump(content))
    return file
