"""A wrong study is refused with one sentence that names the field, before anything runs."""

from pathlib import Path

import pytest
import yaml

from superionic.errors import InputError
from superionic.study.load import load_study
from superionic.study.strict_yaml import read_yaml

QUICKSTART = Path(__file__).parents[2] / "workflows" / "quickstart" / "study.yaml"


@pytest.fixture
def written(tmp_path):
    """Write the quickstart with one edit and return its path."""

    def write(edit):
        content = yaml.safe_load(QUICKSTART.read_text())
        edit(content)
        file = tmp_path / "study.yaml"
        file.write_text(yaml.safe_dump(content))
        return file

    return write


def test_the_quickstart_is_valid_and_builds_its_flow():
    plan = load_study(QUICKSTART).plan()
    names = [job.name for job, _ in plan.flow().iterflow()]
    assert len(names) == len(set(names)) == 2 + plan.n_runs == 5


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (lambda study: study.update(temprature=3), ["temprature"]),
        (lambda study: study["md"].update(timestep=2), ["md.timestep"]),
        (lambda study: study["md"].update(length_psx=2), ["md.length_psx", "did you mean length_ps?"]),
        (lambda study: study["orderings"][0].update(lable=2), ["orderings.0.lable", "did you mean label?"]),
        (lambda study: study["relax"].update(zzz=2), ["relax.zzz", "known here are max_force_eV_per_A"]),
        (lambda study: study["md"].update(temperatures_K=[700, True]), ["md.temperatures_K.1 = True", "number"]),
        (lambda study: study["md"].update(length_ps="12"), ["md.length_ps = '12'", "number"]),
        (lambda study: study["md"].update(temperatures_K=[700, -5]), ["md.temperatures_K.1", "greater than 0"]),
        (lambda study: study["md"].update(temperatures_K=[700, 700]), ["temperatures_K", "twice"]),
        (lambda study: study["md"].update(time_step_fs=0), ["md.time_step_fs"]),
        (lambda study: study["md"].update(equilibration_ps=500), ["equilibration_ps = 500", "length_ps"]),
        (lambda study: study["md"].update(thermostat_time_constant_fs=3), ["thermostat_time_constant_fs"]),
        (lambda study: study.update(host="missing.cif"), ["host", "missing.cif"]),
        (lambda study: study["orderings"][0].update(supercell=[2, 0, 2]), ["supercell", "singular"]),
        (lambda study: study["orderings"][0].update(filling={"2b": "In", "Cl8j": "Cl"}), ["filling", "charge"]),
        (lambda study: study["orderings"][0].update(filling={"2z": "In"}), ["2z"]),
        (lambda study: study["orderings"][0].update(label="XYZ"), ["XYZ", "filling"]),
        (lambda study: study["orderings"].append(dict(study["orderings"][0])), ["labels", "distinct"]),
        (lambda study: study["potential"].update(model="9.9.9"), ["model", "9.9.9"]),
        (lambda study: study.update(mobile_species="Xe"), ["mobile_species", "Xe"]),
        (lambda study: study.update(name="../../x"), ["name", "without /"]),
        (lambda study: study.update(name=".."), ["name", "without /"]),
        (lambda study: study.update(name="a\0b"), ["name", "control character"]),
        (lambda study: study.update(name="a" * 300), ["name", "at most 100"]),
        (lambda study: study["orderings"][0].update(label="../x"), ["orderings.0.label", "without /"]),
        (lambda study: study["orderings"][0].update(tags=["a\0"]), ["orderings.0.tags.0", "control character"]),
        (lambda study: study.pop("md"), ["md", "at least one"]),
    ],
)
def test_wrong_input_names_its_field(written, edit, words):
    with pytest.raises(InputError) as error:
        load_study(written(edit)).plan()
    for word in words:
        assert word.lower() in str(error.value).lower()
    assert "\n" not in str(error.value)


CIF = """data_x
_cell_length_a {a}
_cell_length_b {a}
_cell_length_c {a}
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
_symmetry_Int_Tables_number 1
loop_
_atom_type_symbol
_atom_type_oxidation_number
{cation}+ 1
{anion}- -1
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
_atom_site_occupancy
A1 {cation}+ 0 0 0 1
B1 {anion}- 0.5 0.5 0.5 1
"""


def with_cif(written, tmp_path, supercell, **names):
    (tmp_path / "mine.cif").write_text(CIF.format(**names))
    ordering = {"label": "mine", "supercell": supercell}
    return written(lambda study: study.update(host="mine.cif", orderings=[ordering]))


def test_a_cif_beside_the_study_is_a_host(written, tmp_path):
    study = load_study(with_cif(written, tmp_path, [2, 2, 2], a=4.0, cation="Li", anion="Cl"))
    assert study.load_host().mobile_species == "Li"


def test_a_cell_thinner_than_the_cutoff_is_refused(written, tmp_path):
    with pytest.raises(InputError, match=r"mine: supercell is 4.00 Å thin"):
        load_study(with_cif(written, tmp_path, [2, 1, 2], a=4.0, cation="Li", anion="Cl")).plan()


def test_an_element_without_training_data_is_refused(written, tmp_path):
    with pytest.raises(InputError, match="At is unknown to CHGNet"):
        load_study(with_cif(written, tmp_path, [2, 2, 2], a=4.0, cation="Li", anion="At")).plan()


def test_a_mobile_ion_beside_its_element_of_another_charge_is_refused(written, tmp_path):
    head, _, _ = CIF.partition("A1 {cation}")
    rows = (
        "Cu1 Cu+ 0 0 0 1\nCu2 Cu+ 0.5 0.5 0 1\nCu3 Cu2+ 0.5 0 0.5 1\nS1 S2- 0.25 0.25 0.25 1\nS2 S2- 0.75 0.75 0.25 1\n"
    )
    charges = "Cu+ 1\nCu2+ 2\nS2- -2"
    cif = head.replace("{cation}+ 1\n{anion}- -1", charges).format(a=5.5) + rows
    (tmp_path / "mine.cif").write_text(cif)
    file = written(lambda study: study.update(
        host="mine.cif", mobile_species="Cu+", orderings=[{"label": "mine", "supercell": [2, 2, 2]}]
    ))  # fmt: skip
    with pytest.raises(InputError, match=r"Cu\+ is the mobile ion beside Cu of another charge"):
        load_study(file).plan()


def test_a_missing_file_and_broken_yaml_are_one_sentence(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        load_study(tmp_path / "nowhere.yaml")
    (tmp_path / "broken.yaml").write_text("a: [1, 2")
    with pytest.raises(InputError, match="not YAML"):
        load_study(tmp_path / "broken.yaml")


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ("md:\n  length_ps: 1\n  stride: 2\n  length_ps: 3", ["line 4", "length_ps", "given twice"]),
        ("temperatures_K: [700, 1:30]", ["line 1", "1:30", "base 60"]),
        ("length_ps: 12:30.5", ["12:30.5", "base 60"]),
        ("seeds: [010]", ["010", "base 8"]),
        ("filling: {4h: No}", ["No is a truth value", "quotes"]),
        ("filling: {on: Li}", ["on", "truth value"]),
        ("filling: {4: Li}", ["key 4 is no text"]),
    ],
)
def test_yaml_that_means_something_else_is_refused_by_name(lines, words):
    with pytest.raises(InputError) as error:
        read_yaml(lines)
    for word in words:
        assert word in str(error.value)


def test_yaml_reads_what_people_mean():
    text = "a: 1e-3\nb: 4e1\nc: 2026-01-01\nd: true\ne: [0, -5, 0.5, 1_000]\nf: &x {g: 1, h: 2}\ni: {<<: *x, g: 3}"
    assert read_yaml(text) == {
        "a": 1e-3, "b": "4e1", "c": "2026-01-01", "d": True, "e": [0, -5, 0.5, 1000],
        "f": {"g": 1, "h": 2}, "i": {"g": 3, "h": 2},
    }  # fmt: skip


BOMB = "a: &a [1, 1]\n" + "".join(f"b{n}: &b{n} [*b{n - 1}, *b{n - 1}]\n" for n in range(1, 60)).replace("*b0", "*a")


@pytest.mark.parametrize(
    "text",
    [
        "a: " + "[" * 5000 + "]" * 5000,
        "name: " + "9" * 5000,
        "name: !!binary '###'",
        "a: !!set {b}",
        "a: &a [*a]",
        BOMB,
    ],
    ids=["deep", "digits", "binary", "set", "itself", "bomb"],
)
def test_yaml_that_breaks_its_parser_is_one_sentence(text):
    with pytest.raises(InputError, match=r"not YAML|aliases|key (None|b)"):
        read_yaml(text)
