"""Published networks: every test image gets the class that the source executor gives it."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx
from qonnx.util.cleanup import cleanup_model

from subbit.sw.cli import app
from subbit.sw.data import load_dataset, preprocess
from subbit.sw.golden import predict
from subbit.sw.importers.api import check_import, import_file
from subbit.sw.ir import load_network
from tests.paths import SHARED
from tests.sw.importers.onnx_graphs import GraphMaker

MNIST = SHARED / "data" / "mnist"
MODELS = {"tfc-1w1a-mnist": (1, 9296), "tfc-1w2a-mnist": (2, 9474)}
# How often the last layer is compared: its own numbers, and what is scaled behind them.
LOGITS = {"tfc-1w1a-mnist": 2, "tfc-1w2a-mnist": 1}


def needs(*paths: Path) -> None:
    """Skip the test where a file is missing."""
    for path in paths:
        if not path.exists():
            pytest.skip(f"no {path.name} in {path.parent}")


@pytest.mark.parametrize("name", MODELS)
def test_tfc_on_all_images(name: str) -> None:
    bits, correct = MODELS[name]
    path = SHARED / "models" / f"{name}.onnx"
    needs(path, MNIST)
    result = import_file(path)
    report = check_import(result, MNIST)
    agreement = report["agreement"]
    assert agreement["images"] == 10_000
    assert (agreement["classes_apart"], agreement["elements_apart"]) == (0, 0)
    assert (agreement["correct"], agreement["source_correct"]) == (correct, correct)
    assert result.network.input_type.bits == bits
    assert report["weight_bits"] == 784 * 64 + 2 * 64 * 64 + 64 * 10
    assert [row["compared"] for row in report["layers"] if row["kind"] == "linear"] == [
        *[640_000] * 3,
        100_000 * LOGITS[name],
    ]


@pytest.mark.parametrize("name", MODELS)
def test_tfc_against_the_cleaned_model(name: str) -> None:
    """The executor as its users call it: cleanup_model, then one image at a time."""
    path = SHARED / "models" / f"{name}.onnx"
    needs(path, MNIST)
    network = import_file(path).network
    images = load_dataset("mnist", "test", MNIST).images[:15]
    model: Any = cleanup_model(ModelWrapper(str(path)))
    (entry,), (output,) = model.graph.input, model.graph.output
    ours = predict(network, preprocess(images, network.metadata["dataset"]["preprocess"])).classes
    for image, found in zip(images, ours, strict=True):
        x = (image.astype(np.float32) / 255).reshape(1, 1, 28, 28)
        assert int(execute_onnx(model, {entry.name: x})[output.name].argmax()) == found


def small(tmp_path: Path) -> Path:
    """A graph of one layer on 8x8 images."""
    g = GraphMaker(1, 1, 8, 8)
    x = g.node("Flatten", g.bipolar(g.node("Sub", "x", g.const(0.5))), axis=1)
    weights = np.random.default_rng(1).choice([-1.0, 1.0], (10, 64))
    return g.save(g.node("Gemm", x, g.const(weights), transB=1), tmp_path / "Small Net.onnx")


def test_the_command_writes_and_reports(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "net.safetensors"
    assert app.run(["import", str(small(tmp_path)), "-o", str(out), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    network = load_network(out)
    assert report["digest"] == network.digest
    assert network.name == "small-net"
    assert network.metadata["dataset"] == {"name": "digits", "preprocess": {"bits": 1, "shift": 7}}
    assert report["agreement"]["classes_apart"] == 0
    assert report["folded_into_input"] == ["Sub_0", "BipolarQuant_1"]


def test_the_command_prints_a_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = small(tmp_path)
    assert app.run(["import", str(path), "--images", "7", "--dataset", "mnist"]) == 0
    text = capsys.readouterr().out
    assert "fc1" in text
    assert "compared on 7 images of noise, seed 1" in text
    assert "7 of 7 images have the source's class; 0 of 70 numbers differ" in text
    assert load_network(path.with_suffix(".safetensors")).metadata["dataset"]["name"] == "mnist"


def test_nothing_is_written_over_the_source(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = small(tmp_path)
    before = path.read_bytes()
    assert app.run(["import", str(path), "-o", str(path)]) == 2
    assert path.read_bytes() == before
    assert app.run(["import", str(tmp_path / "net.h5")]) == 2
    assert ".h5 is no kind of file that can be imported" in capsys.readouterr().err
