"""How a run goes: schedules, warm-up, early stop, a teacher, and the pictures that it leaves."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from subbit.sw.errors import DataError, NetworkError
from subbit.sw.nn.confusion import confusion_of, save_confusion
from subbit.sw.nn.loop import Trainer, fingerprint, hold_out, mean_loss
from subbit.sw.nn.recipes import RECIPES
from subbit.sw.nn.settings import RunSettings, Schedule, schedule_of
from subbit.sw.nn.state_file import pack_state, read_state_file
from subbit.sw.train.own import OwnTraining, confusion_path, train_model
from subbit.sw.train.own_data import own_data
from tests.sw.samples import message
from tests.sw.train.test_own import small
from tests.sw.train.test_train import Interrupt

HARD = OwnTraining(epochs=5, lr=0.02, patience=2, warmup=0.5, schedule="linear", distil=0.7)


def teacher() -> nn.Module:
    """A float network that knows something."""
    torch.manual_seed(5)
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))


@pytest.mark.parametrize(
    ("schedule", "rates"),
    [
        ("cosine", [1.0, 0.75, 0.5, 0.25, 0.0]),
        ("linear", [1.0, 2 / 3, 0.5, 1 / 3, 0.0]),
        ("steps", [1.0, 0.1, 0.1, 0.01, 0.01]),
        ("constant", [1.0, 1.0, 1.0, 1.0, 1.0]),
    ],
)
def test_schedules(schedule: str, rates: list[float]) -> None:
    settings = RunSettings(schedule_of(schedule))
    places = [0.0, 1 / 3 + 1e-12, 0.5, 2 / 3 + 1e-12, 1.0]
    assert [settings.rate(done, 10) for done in places] == pytest.approx(rates, abs=1e-9)
    warm = replace(settings, warmup=2.0)
    assert [warm.rate(done, 10) for done in (0.0, 0.1, 0.2)] == pytest.approx([0, 0.5, 1])
    assert warm.rate(1.0, 10) == pytest.approx(rates[-1], abs=1e-9)
    assert replace(settings, warmup=99.0).rate(0.5, 10) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"schedule": "cubic"}, "a schedule is cosine, linear, steps, constant, not 'cubic'"),
        ({"warmup": -1.0}, "warm-up and patience are 0 or more epochs, not -1.0 and 0"),
        ({"patience": -2}, "warm-up and patience are 0 or more epochs, not 0.0 and -2"),
        ({"distil": 1.5}, "a teacher's share lies in 0..1 and a temperature in 0..100, not 1.5"),
        ({"temperature": 0.0}, "not 0.5 and 0.0"),
    ],
)
def test_settings_that_are_none(options: dict[str, float], expected: str) -> None:
    assert expected in message(lambda: OwnTraining(**options), DataError)


def test_a_tenth_of_each_class_is_held_out() -> None:
    train = own_data(None).train
    rest, held = hold_out(train, 1)
    assert (len(rest.labels), len(held.labels)) == (1295, 143)
    counts = torch.bincount(held.labels)
    assert counts.min() >= 13
    assert counts.max() <= 15
    assert torch.equal(hold_out(train, 1)[1].codes, held.codes)
    few = replace(train, codes=train.codes[:9], labels=train.labels[:9])
    assert "too few to hold some out" in message(lambda: hold_out(few, 1), DataError)


def test_patience_ends_a_run_with_its_best_weights(tmp_path: Path) -> None:
    data = own_data(None)
    recipe = replace(RECIPES["digits-plain"], lr=0.0, epochs=9)
    settings = RunSettings(patience=2)
    trainer = Trainer(recipe, 9, 1, tmp_path / "state", model=small(), settings=settings)
    first = {name: value.clone() for name, value in trainer.model.named_parameters()}
    train, test = (
        replace(x, codes=x.codes[:300], labels=x.labels[:300]) for x in (data.train, data.test)
    )
    held = hold_out(train, 1)[1]
    trainer.fit(train, test, lambda progress: None)
    history = trainer.history
    assert len(history.validation) == history.epochs < 9
    assert history.waited == 2
    assert mean_loss(trainer.model, held) == pytest.approx(min(history.validation))
    assert all(torch.equal(first[n], p) for n, p in trainer.model.named_parameters())


def test_a_resumed_run_equals_an_uninterrupted_one(tmp_path: Path) -> None:
    whole, cut = tmp_path / "whole.safetensors", tmp_path / "cut.safetensors"
    first = train_model(small(), whole, training=HARD, seed=2, teacher=teacher())
    with pytest.raises(KeyboardInterrupt):
        train_model(
            *(small(), cut), training=HARD, seed=2, teacher=teacher(), progress=Interrupt(45)
        )
    text = message(lambda: train_model(small(), cut, training=HARD, seed=2, resume=True), DataError)
    assert "belongs to a run with other settings" in text
    second = train_model(small(), cut, training=HARD, seed=2, teacher=teacher(), resume=True)
    assert second.network.digest == first.network.digest
    assert second.epochs == first.epochs
    assert min(Image.open(confusion_path(cut)).size) > 400


def test_a_teacher_is_followed(tmp_path: Path) -> None:
    recipe = replace(RECIPES["digits-plain"], lr=0.01)
    codes, apart = own_data(None).train.codes[:200], []
    for share in (0.0, 1.0):
        settings = RunSettings(Schedule.CONSTANT, distil=share)
        model = small()
        trainer = Trainer(
            *(recipe, 1, 1, tmp_path / "state"), model=model, settings=settings, teacher=teacher()
        )
        model.train()
        trainer.set_rate(0.0)
        for _ in range(25):
            trainer.step(codes, torch.zeros(200, dtype=torch.int64))
        apart.append(float(trainer.distance(model(codes), codes).detach()))
    assert apart[1] < 0.5 * apart[0]
    assert fingerprint(teacher()) == fingerprint(teacher()) != fingerprint(small())
    assert fingerprint(None) == ""


def test_a_teacher_of_other_classes_is_refused(tmp_path: Path) -> None:
    out = tmp_path / "a.safetensors"
    wrong = nn.Sequential(nn.Flatten(), nn.Linear(64, 7))
    text = message(lambda: train_model(small(), out, teacher=wrong), NetworkError)
    assert text.startswith("the teacher sequential gives (2, 7) where the model's logits are (2, 1")
    broken = nn.Sequential(nn.Linear(5, 5))
    assert "the teacher does not run" in message(
        lambda: train_model(small(), out, teacher=broken), NetworkError
    )


def test_confusion(tmp_path: Path) -> None:
    labels, predicted = np.array([0, 0, 1, 2, 2, 2]), np.array([0, 1, 1, 2, 0, 2])
    matrix = confusion_of(labels, predicted, 3)
    assert matrix.tolist() == [[1, 1, 0], [0, 1, 0], [1, 0, 2]]
    for count in (3, 70):
        classes = [f"class {i}" for i in range(count)]
        path = tmp_path / f"{count}.png"
        save_confusion(np.eye(count, dtype=np.int64), classes, "title", path)
        assert Image.open(path).size[0] > 400
    lost = tmp_path / "3.png" / "a.png"
    text = message(lambda: save_confusion(matrix, ["a", "b", "c"], "title", lost), DataError)
    assert text.startswith(f"cannot write the picture {lost}: ")


def test_a_state_file_holds_tensors_and_json(tmp_path: Path) -> None:
    path = tmp_path / "state"
    shared = torch.arange(6).reshape(2, 3).T
    path.write_bytes(pack_state({"a": [shared, shared], "b": {3: (1, 2.5, None)}, "c": "text"}))
    found = read_state_file(path)
    assert torch.equal(found["a"][0], shared)
    assert torch.equal(found["a"][1], shared)
    assert (found["b"], found["c"]) == ({"3": [1, 2.5, None]}, "text")
    from safetensors.torch import save

    path.write_bytes(save({"x": shared.contiguous()}, {"state": "{}"}))
    assert message(lambda: read_state_file(path), DataError) == (
        "it holds tensors that nothing names; start anew"
    )
