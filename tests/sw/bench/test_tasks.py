"""subbit bench tasks: generated data, data of packages, a row of each encoding."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from torch import nn

from subbit.sw.bench import task_data, tasks
from subbit.sw.cli.bench_tasks import tasks_command
from subbit.sw.data import DataOptions
from subbit.sw.errors import DataError
from subbit.sw.nn.float_twin import float_twin
from subbit.sw.nn.generic import fit_recipe, prepare_for
from subbit.sw.nn.models import build_model
from subbit.sw.nn.recipes import GENERIC
from tests.sw.samples import message

SMALL = task_data.mnist_1d(200)


def test_mnist_1d_has_as_many_of_each_digit() -> None:
    x, y, x_test, y_test = SMALL
    assert (x.shape, x_test.shape) == ((160, 40, 1), (40, 40, 1))
    assert np.bincount(np.concatenate([y, y_test])).tolist() == [20] * 10
    again, other = task_data.mnist_1d(200), task_data.mnist_1d(200, seed=1)
    assert np.array_equal(x, again[0])
    assert not np.array_equal(x, other[0])


@pytest.fixture
def _still(monkeypatch: pytest.MonkeyPatch) -> None:
    """Samples that are neither moved nor changed."""
    for name in ("SCALE", "SHEAR", "SMOOTH_NOISE", "POINT_NOISE"):
        monkeypatch.setattr(task_data, name, 0.0)
    monkeypatch.setattr(task_data, "MOST_SHIFT", 1)
    monkeypatch.setattr(task_data, "LEAST_PADDING", task_data.LONGEST)
    monkeypatch.setattr(task_data, "LENGTH", task_data.STROKE + task_data.LONGEST)


@pytest.mark.usefixtures("_still")
def test_a_sample_is_its_digit_and_silence() -> None:
    for stroke in task_data.STROKES:
        found = task_data.drawn(stroke, np.random.default_rng(1))
        wanted = (stroke - stroke[0]) / stroke.std() / 6
        assert np.allclose(found, np.concatenate([wanted, np.zeros(task_data.LONGEST)]))


def test_noise_is_smoothed_with_unit_weight() -> None:
    assert np.allclose(task_data.smoothed(np.ones(40))[8:-8], 1.0)
    one = task_data.smoothed(np.eye(1, 41, 20)[0])
    assert np.isclose(one[22] / one[20], np.exp(-0.5))


def test_a_package_that_is_not_there_is_named() -> None:
    text = message(
        lambda: task_data.package_series("no_such_package", "x.ts", "pip install it"), DataError
    )
    assert text == "the task needs the package no_such_package: pip install it"


def test_the_file_of_a_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "subbit_series_of_a_test"
    folder.mkdir()
    (folder / "__init__.py").write_text("raise RuntimeError('imported')\n")
    (folder / "x.ts").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    assert task_data.package_series(folder.name, "x.ts", "") == folder / "x.ts"
    with pytest.raises(DataError, match="needs the package"):
        task_data.package_series(folder.name, "y.ts", "")


@pytest.mark.parametrize("name", ["cnn-plain", "mlp-tiled", "signal-plain", "signal-a2w2"])
def test_the_float_twin_has_the_same_sizes(name: str) -> None:
    pictures = np.zeros((20, 12, 12), np.uint8)
    data: Any = (pictures, np.arange(20) % 2) if name == "cnn-plain" else SMALL
    recipe = fit_recipe(GENERIC[name], prepare_for(GENERIC[name], data, None, DataOptions()))
    model = build_model(recipe, 1).eval()
    twin = float_twin(model).eval()
    codes = torch.zeros((2, recipe.input_channels, recipe.height, recipe.width))
    assert twin(codes).flatten(1).shape == model(codes).flatten(1).shape
    kinds = nn.Conv2d | nn.Linear
    weights = [tuple(part.weight.shape) for part in twin.modules() if isinstance(part, kinds)]
    encoders = [part.encoder.shape for part in model.modules() if hasattr(part, "encoder")]
    assert weights == encoders
    if recipe.body == "signal":
        assert weights[0] == (16, 1, 5, 1)


@pytest.mark.parametrize("encoding", tasks.ENCODINGS)
def test_a_row_of_each_encoding(encoding: str) -> None:
    task = tasks.TASKS["mnist-1d"]
    row = tasks.run_task(task, SMALL, encoding, 1, epochs=1)
    assert (row["task"], row["encoding"], row["seed"]) == ("mnist-1d", encoding, 1)
    assert row["accuracy"] == row["correct"] / row["images"]
    assert (row["images"], row["epochs"]) == (40, 1)
    if encoding == "float":
        sizes = 16 * 5 + 32 * 16 * 5 + 32 * 32 * 5 + 10 * 32 * 5
        assert row["weight_bits"] == 32 * sizes
        assert row["fps"] is row["lut4"] is None
    else:
        assert 0 < row["lut4"] <= 6250
        assert row["fps"] > 0


@pytest.fixture
def two_tasks(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str, int]]:
    """A task with data and one without; what was trained is noted and not done."""
    ran: list[tuple[str, str, int]] = []

    def run(task: tasks.Task, data: Any, encoding: str, seed: int, *more: Any) -> dict[str, Any]:
        ran.append((task.name, encoding, seed))
        names = ("epochs", "correct", "images", "accuracy", "weight_bits", "lut4", "block_rams")
        row = {"task": task.name, "encoding": encoding, "seed": seed, "fps": None}
        return row | dict.fromkeys(names, 1)

    def lacking() -> None:
        raise DataError("the task needs more")

    chosen = {
        "here": tasks.Task("here", "", "mlp", lambda: 1),
        "gone": tasks.Task("gone", "", "mlp", lacking),
    }
    monkeypatch.setattr(tasks, "run_task", run)
    monkeypatch.setattr(tasks, "TASKS", chosen)
    return ran


def test_tasks_without_data_are_left_out_unless_named(
    two_tasks: list[tuple[str, str, int]],
) -> None:
    found = tasks.bench_tasks((), ("plain", "float"), 2)
    rows = [("here", encoding, seed) for encoding in ("plain", "float") for seed in (1, 2)]
    assert two_tasks == rows
    assert found["missing"] == {"gone": "the task needs more"}
    assert len(found["rows"]) == 4
    assert message(lambda: tasks.bench_tasks(["gone"]), DataError) == "the task needs more"
    text = message(lambda: tasks.bench_tasks(["gown"]), DataError)
    assert text.startswith("no task or encoding 'gown'; tasks are here, gone, encodings plain,")
    with pytest.raises(DataError, match="1 seed or more, not 0"):
        tasks.bench_tasks(seeds=0)


def test_the_command(two_tasks: list[tuple[str, str, int]]) -> None:
    found = CliRunner().invoke(tasks_command, ["--seeds", "1", "--encoding", "plain", "--json"])
    assert json.loads(found.stdout)["rows"][0]["task"] == "here"
    assert "gone: left out: the task needs more" in found.stderr
    found = CliRunner().invoke(tasks_command, ["--seeds", "1", "--encoding", "plain"])
    assert "here" in found.stdout
    assert two_tasks == [("here", "plain", 1)] * 2
