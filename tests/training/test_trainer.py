"""Training: what upstream's trainer gets wrong, and what a killed training must not lose."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from chgnet.model import CHGNet

from superionic.errors import InputError, SimulationError, StoreError
from superionic.potentials.chgnet import load_chgnet
from superionic.potentials.chgnet.checkpoint import checkpoint_bytes, sha256_of_bytes, write_checkpoint
from superionic.potentials.chgnet.reference import load_model
from superionic.training.atom_reference import least_shift, shift_atom_reference
from superionic.training.data import TrainingData
from superionic.training.errors import error_summary, part_errors
from superionic.training.frames import training_frame
from superionic.training.gradients import TorchGradients
from superionic.training.predictions import residuals
from superionic.training.presets import PRESETS, settings_of
from superionic.training.state import pack_state, unpack_state
from superionic.training.trainer import ALL_EPOCHS, Trainer

from .conftest import CUTOFFS

QUICK = {"n_epochs": 4, "batch_size": 2, "replay": 0}


@pytest.fixture
def base():
    return load_model("0.3.0")[0]


@pytest.fixture(scope="module")
def data():
    """Ten frames of NaCl with labels of r2scan, whose energies lie 300 eV/atom lower."""
    teacher = load_chgnet("r2scan")
    rng = np.random.default_rng(1)
    places = 2.8 * np.array([[x, y, z] for x in range(2) for y in range(2) for z in range(2)], dtype=float)
    numbers = np.where(places.sum(axis=1) % 5.6 < 0.1, 11, 17)
    frames = []
    for _ in range(10):
        positions, cell = places + 0.15 * rng.standard_normal(places.shape), 5.6 * np.eye(3)
        label = teacher.evaluate_batch([(numbers, positions, cell)])[0]
        frames.append(
            training_frame(
                numbers, positions, cell, energy_eV=label.energy_eV - 300.0 * len(numbers),
                forces_eV_per_A=label.forces_eV_per_A, stress_eV_per_A3=label.stress_eV_per_A3, **CUTOFFS,
            )
        )  # fmt: skip
    return TrainingData(frames[:7], frames[7:])


def weights_of(model):
    return {name: parameter.detach().numpy().copy() for name, parameter in model.named_parameters()}


def assert_same(one, other):
    assert one.keys() == other.keys()
    for name in one:
        np.testing.assert_array_equal(one[name], other[name], err_msg=name)


def test_energies_are_right_from_the_first_epoch_on(base, data):
    """Labels lie 300 eV/atom off, and of one composition a fit of energies would give one element all of it."""
    before = error_summary(data.validation, residuals(base, data.validation))
    assert before.energy_mae_meV_per_atom > 2e5
    trainer = Trainer(base, data, settings_of("study", **QUICK))
    assert trainer.state.curves[0].energy_meV_per_atom < 20
    shift = trainer.state.atom_shift_eV
    assert shift["Na"] == pytest.approx(shift["Cl"], rel=1e-6)  # of minimum norm
    assert shift["Na"] == pytest.approx(-300, abs=5)


def test_the_least_shift_gives_elements_apart_where_compositions_tell_them(frames):
    """Cells of In, Li and Cl, and one of Li and Cl: a shift made up of three numbers is found as far as they tell."""
    made_up = {3: 0.5, 17: -1.0, 49: 2.0}
    off = np.array([sum(made_up[int(n)] for n in frame.graph.numbers) for frame in frames])
    found = least_shift(frames, -off)
    for frame, expected in zip(frames, off, strict=True):
        assert sum(found[int(n)] for n in frame.graph.numbers) == pytest.approx(expected, rel=1e-9)
    assert sum(v**2 for v in found.values()) <= sum(v**2 for v in made_up.values())


def test_frozen_stays_frozen(base, data):
    before = weights_of(base)
    trained = ["bond_embedding", "mlp"]
    trainer = Trainer(base, data, settings_of("full", trained=trained, weight_average=0.9, **QUICK))
    trainer.run()
    after = weights_of(trainer.finish())
    changed = {name for name in before if not np.array_equal(before[name], after[name])}
    expected = {name for name in before if name.startswith(("bond_embedding.", "mlp."))}
    assert changed == expected | {"composition_model.fc.weight"}  # moved by least squares, never by Adam
    own = np.flatnonzero(before["composition_model.fc.weight"] != after["composition_model.fc.weight"])
    assert set(own + 1) == {11, 17}


def test_energies_of_atoms_can_be_kept(base, data):
    before = weights_of(base)["composition_model.fc.weight"]
    trainer = Trainer(base, data, settings_of("full", trained=["mlp"], atom_reference="kept", **QUICK))
    trainer.run()
    np.testing.assert_array_equal(weights_of(trainer.finish())["composition_model.fc.weight"], before)


@pytest.mark.parametrize("preset", ["study", "upstream", "full"])
def test_presets_train_what_they_say(base, data, preset):
    trainer = Trainer(base, data, settings_of(preset))
    trained = set(trainer.trained)
    assert not any(name.startswith("site_wise") for name in trained)
    modules = {name.split(".")[0] for name in trained}
    if preset == "study":
        assert modules == {"atom_embedding", "bond_embedding", "angle_embedding", "composition_model"}
    if preset == "upstream":
        assert modules == {"atom_conv_layers", "mlp", "readout_norm", "composition_model"}
        assert not any(name.startswith("atom_conv_layers.2") for name in trained)
    if preset == "full":
        assert len(trained) == sum(not n.startswith("site_wise") for n in weights_of(base))


def test_the_schedule_anneals_with_any_number_of_batches(base, data):
    settings = settings_of("full", n_epochs=3, batch_size=100, learning_rate=2e-3, replay=0)
    trainer = Trainer(base, data, settings)
    rates = []
    trainer.run(report=lambda _: rates.append(trainer.optimizer.param_groups[0]["lr"]))
    assert len(rates) == 3  # one batch an epoch
    np.testing.assert_allclose(rates, [2e-3, 1.01e-3, 2e-5])


def test_the_best_epoch_is_restored_and_not_the_last(base, data):
    """A learning rate that destroys the model: the best is that of epoch 0, before the first step."""
    trainer = Trainer(base, data, settings_of("full", learning_rate=0.3, schedule="constant", **QUICK))
    before = weights_of(base)
    state = trainer.run()
    assert state.best_epoch.epoch == 0
    assert state.curves[-1].validation_loss > 3 * state.curves[0].validation_loss
    last = weights_of(base)
    kept = weights_of(trainer.finish())
    assert not np.array_equal(last["readout_norm.weight"], kept["readout_norm.weight"])
    del before["composition_model.fc.weight"], kept["composition_model.fc.weight"]
    assert_same(kept, before)
    found = error_summary(data.validation, residuals(trainer.model, data.validation))
    assert found.force_mae_meV_per_A == pytest.approx(state.best_epoch.force_meV_per_A, rel=1e-4)


def test_training_lowers_the_errors(base, data):
    trainer = Trainer(base, data, settings_of("full", n_epochs=15, batch_size=2, replay=0))
    state = trainer.run()
    assert state.stop_reason == ALL_EPOCHS
    assert state.best_epoch.force_meV_per_A < 0.5 * state.curves[0].force_meV_per_A
    assert [record.epoch for record in state.curves] == list(range(16))
    errors = part_errors(data.training, residuals(trainer.finish(), data.training))
    assert errors.all.energy_mae_meV_per_atom < 3
    assert set(errors.by_element) == {"Na", "Cl"}
    assert abs(errors.all.force_slope - 1) < 0.1


def test_early_stopping(base, data):
    settings = settings_of("full", **{**QUICK, "n_epochs": 50}, learning_rate=0.3, schedule="constant", patience=2)
    state = Trainer(base, data, settings).run()
    assert state.stop_reason == "no lower loss of validation in 2 epochs"
    assert state.curves[-1].epoch == 2


@pytest.mark.parametrize("step", [1, 4, 7])
@pytest.mark.parametrize("options", [{}, {"weight_average": 0.9, "max_gradient_norm": 0.1, "anchor": 1e-3}])
def test_an_interrupted_training_gives_the_same_bits(data, options, step):
    """Also in the middle of an epoch, and through bytes."""
    settings = settings_of("full", **QUICK, **options)
    whole = Trainer(load_model("0.3.0")[0], data, settings)
    end = whole.run()
    first = Trainer(load_model("0.3.0")[0], data, settings)
    stored = pack_state(first.run(interrupted=lambda: "now" if first.state.step == step else None))
    state = unpack_state(stored)
    assert state.step == step
    assert state.stop_reason is None
    second = Trainer(load_model("0.3.0")[0], data, settings, state)
    again = second.run()
    assert again.curves == end.curves
    assert again.best_epoch == end.best_epoch
    for group in ("weights", "first_moments", "second_moments", "average", "best"):
        assert_same(getattr(again, group), getattr(end, group))
    assert_same(weights_of(second.finish()), weights_of(whole.finish()))


def test_seeds_decide(data):
    def trained(seed):
        trainer = Trainer(load_model("0.3.0")[0], data, settings_of("full", **QUICK, seed=seed))
        trainer.run()
        return weights_of(trainer.finish())["readout_norm.weight"]

    np.testing.assert_array_equal(trained(0), trained(0))
    assert not np.array_equal(trained(0), trained(1))


def test_every_frame_is_learned_once_an_epoch(data):
    settings = settings_of("full", **QUICK)
    for epoch in (0, 1):
        seen = [id(f) for batch in range(data.n_batches(settings)) for f in data.batch(settings, epoch, batch)]
        assert sorted(seen) == sorted(id(frame) for frame in data.training)
    first = [id(frame) for frame in data.batch(settings, 0, 0)]
    assert first != [id(frame) for frame in data.batch(settings, 1, 0)]


def test_the_anchor_holds_weights_near_the_base(data):
    def moved(anchor):
        model = load_model("0.3.0")[0]
        before = weights_of(model)
        trainer = Trainer(model, data, settings_of("full", **QUICK, anchor=anchor))
        trainer.run()
        after = weights_of(model)
        return sum(float(((after[n] - before[n]) ** 2).sum()) for n in before if not n.startswith("composition"))

    assert moved(1.0) < 0.2 * moved(0.0)


def test_replayed_frames_start_without_an_error(base, data):
    """The base model labels them, and its atoms' energies are moved with those of the dataset."""
    told = residuals(base, data.training)
    replay = [
        replace(
            frame, energy_eV=frame.energy_eV + r.energy_eV, forces_eV_per_A=frame.forces_eV_per_A + r.forces_eV_per_A
        )
        for frame, r in zip(data.training[:2], told, strict=False)
    ]
    with_replay = TrainingData(data.training, data.validation, replay)
    settings = settings_of("full", **{**QUICK, "replay": 0.5})
    trainer = Trainer(base, with_replay, settings)
    found = residuals(base, trainer.data.replay)
    assert max(abs(residual.energy_eV) for residual in found) < 0.01  # of 2,400 eV, in float32
    assert max(np.abs(residual.forces_eV_per_A).max() for residual in found) < 1e-5
    assert len(trainer.data.batch(settings, 0, 0)) == 3
    with pytest.raises(InputError, match=r"replay=0.5: there are no foreign crystals"):
        Trainer(base, data, settings)


def test_a_state_of_another_training_is_refused(data):
    settings = settings_of("full", **QUICK)
    first = Trainer(load_model("0.3.0")[0], data, settings)
    state = first.run(interrupted=lambda: "now")
    relabelled = TrainingData([data.training[1], data.training[0], *data.training[2:]], data.validation)
    for other, changed in ((data, settings_of("full", **QUICK, seed=1)), (relabelled, settings)):
        with pytest.raises(StoreError, match="with other frames"):
            Trainer(load_model("0.3.0")[0], other, changed, state)
    packed = pack_state(state)
    for damaged in (packed[:-1000], b"", b"not a state", packed[:200] + b"x" + packed[201:]):
        with pytest.raises(StoreError, match="cannot be read"):
            unpack_state(damaged)


def test_divergence_is_an_error_and_not_a_model(base, data):
    settings = settings_of("full", **{**QUICK, "n_epochs": 30}, learning_rate=1e6, schedule="constant")
    with pytest.raises(SimulationError, match="diverged"):
        Trainer(base, data, settings).run()


def test_wrong_settings_are_refused_by_name(base, data):
    for changes, words in (
        ({"trained": ["atom_embeding"]}, "'atom_embeding' is the beginning of no parameter"),
        ({"trained": ["site_wise"]}, "moments are not learned"),
        ({"trained": []}, "nothing would be trained"),
    ):
        with pytest.raises(InputError, match=words):
            Trainer(base, data, settings_of("full", **changes, **QUICK))
    for preset, changes in (("thorough", {}), ("full", {"learning_rate": -1}), ("full", {"epochs": 3})):
        with pytest.raises(InputError, match=r"preset|learning_rate|epochs"):
            settings_of(preset, **changes)
    with pytest.raises(InputError, match="no frame for validation"):
        Trainer(base, TrainingData(data.training, []), settings_of("full", **QUICK))


def test_frames_without_stress_are_learned_without(base, data):
    bare = [replace(frame, stress_GPa=None) for frame in data.training]
    without = TrainingData(bare, [replace(frame, stress_GPa=None) for frame in data.validation])
    with pytest.raises(InputError, match=r"no frame for training has a stress: set loss.stress = 0"):
        Trainer(base, without, settings_of("full", **QUICK))
    weights = {"energy": 1, "force": 1, "stress": 0}
    state = Trainer(base, without, settings_of("full", **QUICK, loss=weights)).run()
    assert state.curves[-1].stress_GPa is None
    assert state.curves[-1].force_meV_per_A < state.curves[0].force_meV_per_A
    some = TrainingData([*bare[:3], *data.training[3:]], data.validation)
    mixed = Trainer(load_model("0.3.0")[0], some, settings_of("full", **QUICK)).run()
    assert mixed.curves[-1].stress_GPa < mixed.curves[0].stress_GPa


def test_torch_trains_as_the_kernels_do(data):
    """Gradients agree to 1e-6; a few steps of Adam, which divides by their size, to a little more."""
    settings = settings_of("full", **QUICK)
    ends = [
        Trainer(load_model("0.3.0")[0], data, settings, engine=engine).run().curves[-1]
        for engine in (None, TorchGradients)
    ]
    assert ends[0].validation_loss == pytest.approx(ends[1].validation_loss, rel=1e-3)


def test_checkpoints_are_read_by_us_and_by_chgnet(base, data, tmp_path):
    trainer = Trainer(base, data, settings_of("full", **QUICK))
    trainer.run()
    content = checkpoint_bytes(trainer.finish(), {"name": "tuned"})
    file = write_checkpoint(tmp_path / "tuned.pth.tar", content, sha256_of_bytes(content))
    loaded, sha256 = load_model(file)
    assert sha256 == sha256_of_bytes(content)
    assert_same(weights_of(loaded), weights_of(base))
    assert_same(weights_of(CHGNet.from_file(str(file))), weights_of(base))
    assert load_chgnet(file).reference.origin == "fine-tuned"
    with pytest.raises(InputError, match="fail their checksum"):
        write_checkpoint(tmp_path / "other.pth.tar", content[:-1], sha256)
    assert not list(tmp_path.glob("other*"))


class Malice:
    def __reduce__(self):
        return print, ("code of a checkpoint ran",)


def test_truncated_foreign_and_malicious_checkpoints_are_refused(base, tmp_path, capsys):
    content = checkpoint_bytes(base, {})
    stranger = torch.nn.Linear(3, 3).state_dict()
    files = {"truncated.pth.tar": content[: len(content) // 2], "empty.pth.tar": b"", "text.pth.tar": b"weights"}
    for name, bad in files.items():
        (tmp_path / name).write_bytes(bad)
    torch.save({"model": {"state_dict": stranger, "model_args": {}}}, tmp_path / "foreign.pth.tar")
    torch.save({"state_dict": stranger}, tmp_path / "other.pth.tar")
    torch.save({"model": Malice()}, tmp_path / "malicious.pth.tar")
    for file in sorted(tmp_path.iterdir()):
        with pytest.raises(InputError, match="checkpoint"):
            load_model(file)
    assert "ran" not in capsys.readouterr().out


def test_best_is_a_preset_of_its_own():
    assert set(PRESETS) == {"study", "upstream", "full", "best"}
    assert PRESETS["study"].n_epochs == 50
    assert PRESETS["study"].loss.model_dump() == {
        "energy": 1, "force": 1.5, "stress": 0.15, "criterion": "huber", "delta": 0.1,
    }  # fmt: skip


def test_shifts_only_the_elements_of_the_frames(base, data):
    found = np.array([residual.energy_eV for residual in residuals(base, data.training)])
    before = weights_of(base)["composition_model.fc.weight"]
    shift_atom_reference(base, data.training, found)
    after = weights_of(base)["composition_model.fc.weight"]
    assert set(np.flatnonzero((before != after)[0]) + 1) == {11, 17}
