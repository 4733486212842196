"""Reading a crystal from a CIF: contradictions are refused, what can be mended without doubt is mended and said."""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pymatgen.core import Composition, Lattice, Structure
from pymatgen.io.cif import CifFile

from superionic.errors import InputError
from superionic.structures.cif_rows import AtomRow, Block, atom_rows, column, composition, number, scalar
from superionic.structures.space_groups import Operations, operations_of_cif
from superionic.structures.symmetry import SAME_SITE_A

FULL = 1.02
"""Occupancies of one position that sum to no more than this are scaled to 1."""

_NEGLIGIBLE_A = 1e-3  # a smaller shift is no mending
_PARSED_EXACTLY = 1e-3  # share of an ion's amount


@dataclass(frozen=True)
class Crystal:
    """A crystal as it was read.

    Attributes
    ----------
    structure
        Same cell, same sites, partial occupancies kept; species have charges where the file states all of them.
    notes
        What was mended or left out, a sentence each.
    """

    structure: Structure
    notes: tuple[str, ...]


def read_cif(path: Path) -> Crystal:
    """Read the one crystal of a CIF.

    Raises
    ------
    InputError
        If the file holds none or several, or contradicts itself; the message says where.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what libraries would say is checked here, and said in one sentence
        return _read(path)


def _read(path: Path) -> Crystal:
    text = path.read_bytes().decode("utf-8-sig", errors="replace")
    try:
        block = _only_block(text)
        rows, notes = atom_rows(block)
        lattice = _lattice(block)
        operations = operations_of_cif(
            column(block, "_symmetry_equiv_pos_as_xyz", "_space_group_symop_operation_xyz",
                   "_space_group_symop.operation_xyz") or (),
            scalar(block, "_symmetry_space_group_name_Hall", "_space_group_name_Hall"),
            scalar(block, "_symmetry_space_group_name_H-M", "_space_group_name_H-M_alt", "_space_group.name_H-M_alt",
                   "_space_group_name_H-M"),
            _whole(scalar(block, "_symmetry_Int_Tables_number", "_space_group_IT_number")),
            lattice,
        )  # fmt: skip
        mended, remarks = _mend(rows, operations, lattice)
        structure = _parsed(_written(mended, operations, lattice) if _differs(mended, rows, block) else text)
        amounts = composition(mended, [len(_images(row.position, operations, lattice)) for row in mended])
        _check_atoms(structure, amounts)
    except InputError as error:
        raise InputError(f"cif = {str(path)!r}: {error}") from error
    return Crystal(structure, (*notes, *remarks, *_compared_with_formula(block, amounts)))


def _only_block(text: str) -> Block:
    names = re.findall(r"(?mi)^\s*data_(\S*)", text)
    try:
        blocks = {name: block.data for name, block in CifFile.from_str(text).data.items()}
    except (ValueError, IndexError, KeyError, AttributeError, StopIteration) as error:
        raise InputError(f"it is not readable as a CIF ({error})") from error
    crystals = [
        name for name, block in blocks.items() if any("_atom_site" in key and "fract_x" in key for key in block)
    ]
    if not crystals:
        raise InputError("it holds no crystal: no atoms with fractional coordinates")
    if len(crystals) > 1 or names.count(crystals[0]) > 1:
        raise InputError(f"it holds several crystals (data blocks {crystals}): keep one block in the file")
    return blocks[crystals[0]]


def _lattice(block: Block) -> Lattice:
    values = []
    for name in ("length_a", "length_b", "length_c", "angle_alpha", "angle_beta", "angle_gamma"):
        text = scalar(block, f"_cell_{name}", f"_cell.{name}")
        if text is None:
            raise InputError(f"it states no _cell_{name}")
        values.append(number(text))
    lattice = Lattice.from_parameters(*values)
    if min(values) <= 0 or not np.isfinite(lattice.matrix).all() or lattice.volume < 1:
        raise InputError(f"its cell {values} encloses no volume")
    return lattice


def _whole(text: str | None) -> int | None:
    return int(text) if text is not None and text.isdigit() and int(text) > 0 else None


def _mend(rows: Sequence[AtomRow], operations: Operations, lattice: Lattice) -> tuple[list[AtomRow], list[str]]:
    """Rows with positions on their special positions, rows of one site together, and full sites full."""
    notes: list[str] = []
    snapped = []
    for row in rows:
        moved, note = _on_special_position(row, operations, lattice)
        snapped.append(moved)
        notes += note
    mended: dict[int, AtomRow] = {}
    n_positions = [len(_images(row.position, operations, lattice)) for row in snapped]
    for index in sorted(range(len(rows)), key=n_positions.__getitem__):  # the most special positions first
        mended[index], note = _beside_others(snapped[index], list(mended.values()), operations, lattice)
        notes += note
    return _scaled([mended[index] for index in range(len(rows))], notes), notes


def _on_special_position(row: AtomRow, operations: Operations, lattice: Lattice) -> tuple[AtomRow, list[str]]:
    """The row at the mean of its images that are closer than one site is wide."""
    position = np.array(row.position)
    generated = len(_images(row.position, operations, lattice, _NEGLIGIBLE_A))
    for _ in range(3):
        images = operations[0] @ position + operations[1]
        deltas = images - position
        deltas -= np.rint(deltas)
        near = np.linalg.norm(deltas @ lattice.matrix, axis=1) < SAME_SITE_A
        position = position + deltas[near].mean(axis=0)
    shift_A = float(np.linalg.norm((position - row.position) @ lattice.matrix))
    if shift_A < _NEGLIGIBLE_A:
        return row, []
    moved = replace(row, position=tuple(position.tolist()))
    ratio = generated / len(_images(moved.position, operations, lattice))
    cut_off = np.abs(position - row.position).max() <= 1.01 * row.digits
    if not cut_off and ratio > 1 and row.occupancy * ratio <= FULL and row.multiplicity in {None, generated}:
        occupancy = row.occupancy * ratio
        note = f"{row.label}: {ratio:g} positions {2 * shift_A:.2f} Å apart are one site of occupancy {occupancy:.3g}"
        return replace(moved, occupancy=occupancy, multiplicity=None), [note]
    if row.multiplicity == generated and not cut_off and ratio > 1:
        raise InputError(
            f"{row.label}: {ratio:g} positions within {2 * shift_A:.2f} Å hold {row.occupancy * ratio:.3g} ions; "
            "correct its position or its occupancy"
        )
    return moved, [f"{row.label} was moved by {shift_A:.3f} Å onto its special position"]


def _beside_others(
    row: AtomRow, others: Sequence[AtomRow], operations: Operations, lattice: Lattice
) -> tuple[AtomRow, list[str]]:
    """The row at the position of a row before it, if their sites are the same."""
    images = _images(row.position, operations, lattice)
    for other in others:
        deltas = images - np.array(other.position)
        deltas -= np.rint(deltas)
        distances = np.linalg.norm(deltas @ lattice.matrix, axis=1)
        if distances.min() >= SAME_SITE_A:
            continue
        target = _images(other.position, operations, lattice)
        ratio = len(images) / len(target)
        if distances.min() < 1e-6 and ratio == 1 and row.position == other.position:
            return row, []
        note = f"{row.label} is {distances.min():.2f} Å from {other.label}: taken as one site"
        moved = replace(row, position=other.position, occupancy=row.occupancy * ratio, multiplicity=None)
        return moved, [note] if distances.min() > _NEGLIGIBLE_A else []
    return row, []


def _scaled(rows: list[AtomRow], notes: list[str]) -> list[AtomRow]:
    """Occupancies of one position that sum to a little more than 1, scaled to 1; more is refused."""
    sums: dict[tuple[float, ...], float] = {}
    for row in rows:
        sums[row.position] = sums.get(row.position, 0.0) + row.occupancy
    for position, total in sums.items():
        here = "/".join(row.label for row in rows if row.position == position)
        if total > FULL:
            raise InputError(f"the occupancies at {here} sum to {total:.3f}: correct them")
        if total > 1 + 1e-6:
            notes.append(f"the occupancies at {here} sum to {total:.3f}: scaled to 1")
    return [
        replace(row, occupancy=row.occupancy / sums[row.position]) if sums[row.position] > 1 else row for row in rows
    ]


def _images(
    position: Sequence[float], operations: Operations, lattice: Lattice, apart_A: float = SAME_SITE_A
) -> NDArray[np.float64]:
    """Different images of a position, shape (n, 3)."""
    images = (operations[0] @ np.array(position) + operations[1]) % 1.0
    deltas = images[:, None, :] - images[None, :, :]
    deltas -= np.rint(deltas)
    near = np.linalg.norm(deltas @ lattice.matrix, axis=-1) < apart_A
    return np.asarray(images[near.argmax(axis=1) == np.arange(len(images))])


def _differs(mended: Sequence[AtomRow], rows: Sequence[AtomRow], block: Block) -> bool:
    """Whether pymatgen would not read the file as it is meant."""
    charged = all(row.charge is not None for row in rows)
    return (
        list(mended) != list(rows)
        or column(block, "_symmetry_equiv_pos_as_xyz", "_space_group_symop_operation_xyz") is None
        or charged != (column(block, "_atom_type_oxidation_number") is not None)
    )


def _written(rows: Sequence[AtomRow], operations: Operations, lattice: Lattice) -> str:
    """A CIF that says the same without anything to mend."""
    from pymatgen.core.operations import SymmOp

    lengths = dict(zip(("length_a", "length_b", "length_c"), lattice.lengths, strict=True))
    angles = dict(zip(("angle_alpha", "angle_beta", "angle_gamma"), lattice.angles, strict=True))
    lines = ["data_crystal", *(f"_cell_{name} {value!r}" for name, value in {**lengths, **angles}.items())]
    lines += ["loop_", "_symmetry_equiv_pos_as_xyz"]
    lines += [
        f"'{SymmOp.from_rotation_and_translation(r, np.round(t, 10)).as_xyz_str()}'"
        for r, t in zip(*operations, strict=True)
    ]
    if all(row.charge is not None for row in rows):
        lines += ["loop_", "_atom_type_symbol", "_atom_type_oxidation_number"]
        lines += [f"{ion} {charge!r}" for ion, charge in {row.ion: row.charge for row in rows}.items()]
    else:
        rows = [replace(row, charge=None) for row in rows]
    lines += [
        "loop_",
        *(f"_atom_site_{item}" for item in ("label", "type_symbol", "fract_x", "fract_y", "fract_z", "occupancy")),
    ]
    lines += [
        f"{row.label} {row.ion} {' '.join(repr(float(x)) for x in row.position)} {row.occupancy!r}" for row in rows
    ]
    return "\n".join(lines) + "\n"


def _parsed(text: str) -> Structure:
    try:
        structure = Structure.from_str(text, fmt="cif", primitive=False, merge_tol=0.01, occupancy_tolerance=FULL)
    except (ValueError, IndexError, AssertionError, KeyError, TypeError) as error:
        raise InputError(f"it holds no readable structure ({error})") from error
    return structure


def _check_atoms(structure: Structure, amounts: dict[str, float]) -> None:
    """Refuse a structure that does not hold the atoms of its rows."""
    expected = _by_element(amounts)
    found: dict[str, float] = {}
    for site in structure:
        for ion, occupancy in site.species.items():
            found[ion.symbol] = found.get(ion.symbol, 0.0) + occupancy
    lost = [
        el
        for el in {*expected, *found}
        if abs(expected.get(el, 0) - found.get(el, 0)) > _PARSED_EXACTLY * max(expected.get(el, 0), 1)
    ]
    if lost:
        raise InputError(
            f"its rows and operations give {expected[lost[0]]:.3f} {lost[0]} in the cell but "
            f"{found.get(lost[0], 0):.3f} could be placed: two atoms coincide; correct their positions"
        )


def _by_element(amounts: dict[str, float]) -> dict[str, float]:
    totals: dict[str, float] = {}
    for ion, amount in amounts.items():
        element = re.sub(r"[\d.+-]+$", "", ion)
        totals[element] = totals.get(element, 0.0) + amount
    return totals


def _compared_with_formula(block: Block, amounts: dict[str, float]) -> list[str]:
    """A sentence where the formula that the file states is not that of its atoms."""
    stated = scalar(block, "_chemical_formula_sum")
    try:
        formula = Composition((stated or "").replace("'", "").replace(" ", "")).get_el_amt_dict()
    except (ValueError, KeyError):
        return []
    found = Composition(_by_element(amounts)).get_el_amt_dict()
    if not formula:
        return []
    scale = sum(found.values()) / sum(formula.values())
    shared = set(formula) | set(found)
    if all(abs(formula.get(el, 0) * scale - found.get(el, 0)) <= 0.02 * max(found.get(el, 0), 1) for el in shared):
        return []
    return [f"the file's formula is {stated} but its atoms make {Composition(found).formula}"]
