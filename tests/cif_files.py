"""Small CIFs of the tests' own."""


def cif(cell, atoms, symmetry="_symmetry_space_group_name_H-M 'P 1'", charges=None, extra=""):
    """A CIF: cell of six numbers, atoms as (label, symbol, x, y, z, occupancy)."""
    names = ("length_a", "length_b", "length_c", "angle_alpha", "angle_beta", "angle_gamma")
    lines = [
        "data_crystal",
        *(f"_cell_{name} {value}" for name, value in zip(names, cell, strict=True)),
        symmetry,
        extra,
    ]
    if charges:
        lines += [
            "loop_",
            "_atom_type_symbol",
            "_atom_type_oxidation_number",
            *(f"{k} {v}" for k, v in charges.items()),
        ]
    columns = ("label", "type_symbol", "fract_x", "fract_y", "fract_z", "occupancy")
    lines += ["loop_", *(f"_atom_site_{column}" for column in columns)]
    return "\n".join([*lines, *(" ".join(map(str, atom)) for atom in atoms)]) + "\n"


CUBIC = (4.0, 4.0, 4.0, 90, 90, 90)

FLUORITE = cif(
    (5.14, 5.14, 5.14, 90, 90, 90),
    [("Zr1", "Zr", 0, 0, 0, 0.75), ("Y1", "Y", 0, 0, 0, 0.25), ("O1", "O", 0.25, 0.25, 0.25, 0.9375)],
    "_symmetry_space_group_name_H-M 'F m -3 m'",
)
"""Zr3YO7.5: vacancies of the anion; 4 cation sites, 8 anion sites."""


def argyrodite(exchange):
    """Li6PS5Cl with a share of S and Cl exchanged between 4a and 4d; lithium on 24g."""
    return cif(
        (9.86, 9.86, 9.86, 90, 90, 90),
        [
            ("Li1", "Li", 0.0218, 0.25, 0.75, 1),
            ("P1", "P", 0, 0, 0.5, 1),
            ("S1", "S", 0.1082, 0.1082, 0.3918, 1),
            ("S2", "S", 0.25, 0.25, 0.75, 1 - exchange),
            ("Cl1", "Cl", 0, 0, 0, 1 - exchange),
            *([("Cl2", "Cl", 0.25, 0.25, 0.75, exchange), ("S3", "S", 0, 0, 0, exchange)] if exchange else []),
        ],
        "_symmetry_space_group_name_H-M 'F -4 3 m'",
    )
