"""The command line on data of one's own."""

import json
from pathlib import Path
from typing import Any

import pytest

from subbit.sw.cli import app
from subbit.sw.ir import load_network
from tests.sw.data.data_files import make_csv, make_pictures


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder in which commands run."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    """What a command prints with --json."""
    assert app.run([*arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_options_say_how_pictures_are_read(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_pictures(folder / "shapes", 6)
    words = ["train", "mlp-plain", "--data", "shapes", "--epochs", "1", "--size", "6x4"]
    words += ["--colour", "grey", "--input-bits", "3", "--test-share", "50%", "--split-seed", "0"]
    assert app.run([*words, "--out", "My_Shapes.safetensors"]) == 0
    output = capsys.readouterr()
    assert (
        "data: a folder of pictures by class: 2 classes (blue, red), samples of 4x6x1, 6 to train, "
        "6 to test (drawn with seed 0), input codes of 3 bits"
    ) in output.err
    network = load_network("My_Shapes.safetensors")
    assert (network.name, network.input_type.shape) == ("my_shapes", (4, 6, 1))
    assert network.input_type.bits == 3
    assert network.metadata["training"]["command"] == (
        "subbit train mlp-plain --data DIR --size 6x4 --colour grey --test-share 0.5 --split-seed "
        "0 --input-bits 3 --out My_Shapes.safetensors --epochs 1 --seed 1"
    )
    row = printed(capsys, "eval", "My_Shapes.safetensors", "--data", "shapes")
    assert [each["name"] for each in row["classes"]] == ["blue", "red"]
    assert (row["images"], row["correct"]) == (6, network.metadata["accuracy"]["correct"])
    assert app.run(["eval", "My_Shapes.safetensors", "--data", "shapes", "--split", "all"]) == 0
    text = capsys.readouterr().out
    assert "│ blue  │ 6" in text
    assert "of 12 images right" in text


def test_options_say_how_tables_are_read(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_csv(folder / "data")
    words = ["train", "mlp-plain", "--data", "data/a.csv", "--label", "shape", "--levels", "3"]
    assert printed(capsys, *words, "--epochs", "1")["network"] == "mlp-plain.safetensors"
    network = load_network("mlp-plain.safetensors")
    assert network.metadata["classes"] == ["r", "t"]
    assert network.input_type.shape == (1, 1, 3 + 2)
    command = network.metadata["training"]["command"]
    assert "--data DIR --label shape --levels 3 --out" in command


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (["train", "digits-plain", "--data", "shapes"], "is for digits and takes no --data, but"),
        (["train", "cnn-plain"], "is for your own data; name them with --data"),
        (["train", "cnn-plain", "--data", "shapes", "--data-kind", "csv"], "shapes/train.csv: No"),
        (
            ["train", "cnn-plain", "--data", "shapes/red/0.png", "--data-kind", "idx"],
            "shapes/red/0.png is not a folder; IDX files lie in one",
        ),
        (["train", "cnn-plain", "--data", "shapes", "--size", "big"], "'big' is no size such as"),
        (["train", "cnn-plain", "--data", "nowhere"], "there are no data at nowhere"),
        (["train", "cnn-plain", "--data", "shapes", "--levels", "2", "--input-bits", "2"], "say"),
    ],
)
def test_mistakes_end_before_training(
    words: list[str], wanted: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_pictures(folder / "shapes", 2)
    assert app.run(words) == 2
    (error,) = capsys.readouterr().err.splitlines()
    assert error.startswith("subbit: error: ")
    assert wanted in error
    assert not list(folder.glob("*.safetensors"))
