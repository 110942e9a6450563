"""Models of a user's own: from a file to a trained network, and its preview."""

import json
from pathlib import Path

import pytest
import torch
from torch import nn

import subbit
from subbit.layers import BinaryConv2d, BinaryLinear, Flatten, SignActivation
from subbit.sw.cli import app
from subbit.sw.errors import DataError, NetworkError
from subbit.sw.ir import load_network
from subbit.sw.train.own import OwnTraining, train_model
from subbit.sw.train.train import checkpoint_path
from tests.paths import DOCS, EXAMPLES
from tests.sw.nn.test_events import records
from tests.sw.samples import message
from tests.sw.train.test_train import Interrupt

MODEL = f"{EXAMPLES / 'own-model' / 'my_model.py'}:Net"
SHORT = OwnTraining(epochs=2)


def test_the_example_trains_and_evaluates(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "mine.safetensors"
    arguments = ["train", MODEL, "--epochs", "2", "--out", str(out), "--shift", "0.4", "--json"]
    arguments += ["--tensorboard", str(tmp_path / "events"), "--patience", "9"]
    assert app.run(arguments) == 0
    told = capsys.readouterr()
    report = json.loads(told.out)
    assert "digits: 1438 to train, 359 to test, 8x8 of 4 bits, 10 classes" in told.err
    assert report["accuracy"] > 0.5
    network = load_network(out)
    assert network.name == "my_model-net"
    assert network.metadata["classes"] == [str(digit) for digit in range(10)]
    assert network.metadata["dataset"] == {"name": "digits", "preprocess": {"bits": 4, "shift": 0}}
    assert [n.name for n in network.nodes if n.layer.kind == "add"] == ["add1"]
    assert not checkpoint_path(out).exists()
    (events,) = (tmp_path / "events").iterdir()
    assert len(records(events)) == 3
    assert b"loss/held out" in events.read_bytes()
    assert app.run(["eval", str(out), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["correct"] == report["correct"]


def test_resuming_equals_an_uninterrupted_run(tmp_path: Path) -> None:
    whole, cut = tmp_path / "whole.safetensors", tmp_path / "cut.safetensors"
    first = train_model(MODEL, whole, training=SHORT, seed=2)
    with pytest.raises(KeyboardInterrupt):
        train_model(MODEL, cut, training=SHORT, seed=2, progress=Interrupt(30))
    other = OwnTraining(epochs=2, lr=0.01)
    text = message(lambda: train_model(MODEL, cut, training=other, seed=2, resume=True), DataError)
    assert "belongs to a run with other settings" in text
    second = train_model(MODEL, cut, training=SHORT, seed=2, resume=True)
    assert second.network.digest == first.network.digest


def small() -> nn.Sequential:
    """A module without a file."""
    torch.manual_seed(4)
    stem = (BinaryConv2d(1, 8, padding="zero"), nn.BatchNorm2d(8), SignActivation())
    return nn.Sequential(*stem, nn.MaxPool2d(2), Flatten(), BinaryLinear(128, 10, shared=True))


def test_a_module_from_python(tmp_path: Path) -> None:
    torch.manual_seed(11)
    wanted = torch.rand(3)
    module = small()
    torch.manual_seed(11)
    result = subbit.train_model(module, tmp_path / "a.safetensors", training=SHORT)
    assert torch.equal(torch.rand(3), wanted)
    assert result.network.name == "sequential"
    assert result.accuracy > 0.2


def test_a_preview_tells_each_layer(capsys: pytest.CaptureFixture[str]) -> None:
    found = subbit.preview(small(), torch.zeros(1, 1, 8, 8), "icebreaker", bits=4)
    rows = {row.layer: row for row in found.rows}
    assert [*rows] == ["conv1", "act1", "pool1", "flatten", "fc1", "argmax"]
    assert rows["conv1"].modules == ("0",)
    assert rows["act1"].modules == ("0", "1", "2")
    assert (rows["fc1"].weights, rows["fc1"].weight_bits) == (1280, 1280)
    assert rows["conv1"].output == "8x8x8 integer -135..135"
    assert rows["conv1"].cycles is not None
    assert rows["conv1"].lut4 is not None
    assert found.fits
    assert max(row.cycles or 0 for row in found.rows) <= found.plan["interval_cycles"]
    assert "it fits icebreaker" in str(found)
    lines = str(found).splitlines()
    assert max(map(len, lines)) <= 80
    (first,) = [line.split() for line in lines if line.split()[:1] == ["conv1"]]
    assert first[:5] == ["conv1", "0", "8x8x8", "9", "72"]
    assert app.run(["preview", MODEL, "--input", "8x8x1", "--input-bits", "4", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["lacking"] == {}
    assert [row["layer"] for row in report["layers"]][-2:] == ["fc1", "argmax"]
    assert sum(row["weight_bits"] for row in report["layers"]) == 24 * 9 + 2 * 24 * 24 * 9 + 3840


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["preview", MODEL, "--input", "8x8"], "--input is HEIGHTxWIDTHxCHANNELS"),
        (["preview", "digits-plain"], "there is no file digits-plain; name a Python file"),
        (["train", "digits-plain", "--lr", "0.1"], "--lr is for a model of your own"),
        (["train", "none.py:Net"], "there is no file none.py"),
        (["train", MODEL, "--board", "none"], "none"),
        (["train", MODEL, "--data", "none"], "there are no data at none"),
    ],
)
def test_wrong_command_lines(
    arguments: list[str], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert app.run(arguments) == 2
    assert expected in capsys.readouterr().err


def test_the_example_in_the_docs_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = DOCS / "use" / "own-models.md"
    _, _, rest = page.read_text().partition("```python\n")
    monkeypatch.chdir(tmp_path)
    exec(compile(rest.partition("```")[0], str(page), "exec"), {"__name__": "page"})


def test_wrong_calls(tmp_path: Path) -> None:
    out = tmp_path / "a.safetensors"
    assert "is no Python file" in message(lambda: train_model("digits", out), NetworkError)
    assert "at least 2 images" in message(lambda: OwnTraining(batch=1), NetworkError)
    text = message(lambda: subbit.preview(small(), (1, 8, 8)), NetworkError)
    assert text == (
        "the example has the shape (1, 8, 8); give (1, channels, height, width), with the batch"
    )
